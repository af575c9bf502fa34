//! A container's files: a persistent tree per layer, and the view that lays volumes over it.
//!
//! Whoever is not root may read, write, create and remove what modes and owners allow; what is new
//! belongs to who made it, and in a directory with a group of its own (setgid) to that group. Left out:
//! the right to pass through directories on the way, access lists, links with more than one name.
//!
//! Pure data, cheap to clone: an image's tree is shared by every container made from
//! it until one of them writes. What a path *means* is decided here; what a tool
//! prints about it is the tools' business.

mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::Millis;
use api::order::Order;

pub use view::View;

/// When the files of every image were made: the 26th of September 2024.
pub const BUILT: Millis = 1_727_386_260_000;

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum FileNode {
    File { data: Arc<[u8]>, mode: u32, modified: Millis },
    Dir { mode: u32, modified: Millis },
    Link { target: Arc<str>, modified: Millis },
}

/// Why a file operation failed, in the C library's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    NotFound,
    NotDirectory,
    IsDirectory,
    Exists,
    ReadOnly,
    NotEmpty,
    Denied,
    NotPermitted,
}

impl Errno {
    pub fn text(self) -> &'static str {
        match self {
            Errno::NotFound => "No such file or directory",
            Errno::NotDirectory => "Not a directory",
            Errno::IsDirectory => "Is a directory",
            Errno::Exists => "File exists",
            Errno::ReadOnly => "Read-only file system",
            Errno::NotEmpty => "Directory not empty",
            Errno::Denied => "Permission denied",
            Errno::NotPermitted => "Operation not permitted",
        }
    }
}

/// Files by absolute path, without a trailing slash; the root itself is implied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileTree {
    nodes: OrdMap<Arc<str>, FileNode>,
    /// User and group of what does not belong to root.
    owners: OrdMap<Arc<str>, (u32, u32)>,
    /// Mode and time of the root itself, where they are not the usual ones.
    root: Option<(u32, Millis)>,
}

/// Who acts on files: user, group, and all groups.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    pub user: u32,
    pub group: u32,
    pub groups: &'a [u32],
}

impl FileTree {
    pub fn get(&self, path: &str) -> Option<&FileNode> {
        self.nodes.get(path)
    }

    pub fn is_dir(&self, path: &str) -> bool {
        path == "/" || path.is_empty() || matches!(self.get(path), Some(FileNode::Dir { .. }))
    }

    /// Puts a file in place, with every directory that leads to it.
    pub fn put(&mut self, path: &str, data: &[u8], mode: u32, modified: Millis) {
        self.make_parents(path, modified);
        self.nodes.insert(path.into(), FileNode::File { data: data.into(), mode, modified });
    }

    pub fn put_link(&mut self, path: &str, target: &str, modified: Millis) {
        self.make_parents(path, modified);
        self.nodes.insert(path.into(), FileNode::Link { target: target.into(), modified });
    }

    /// The path inside this tree with its links followed, as long as they stay inside.
    pub fn resolve(&self, path: &str) -> String {
        follow(path, |here| match self.get(here) {
            Some(FileNode::Link { target, .. }) => Some(target.clone()),
            _ => None,
        })
    }

    pub fn put_dir(&mut self, path: &str, mode: u32, modified: Millis) {
        if path.is_empty() || path == "/" {
            return;
        }
        self.make_parents(path, modified);
        if !self.is_dir(path) {
            self.nodes.insert(path.into(), FileNode::Dir { mode, modified });
        }
    }

    fn make_parents(&mut self, path: &str, modified: Millis) {
        let parent = parent_of(path);
        if parent != "/" && !self.is_dir(parent) {
            self.make_parents(parent, modified);
            self.nodes.insert(parent.into(), FileNode::Dir { mode: 0o755, modified });
        }
    }

    /// Removes an entry and, for a directory, everything below it.
    pub fn remove(&mut self, path: &str) {
        let prefix = format!("{path}/");
        let doomed: Vec<Arc<str>> = self.below(&prefix).map(|(name, _)| name.clone()).collect();
        for name in doomed {
            self.nodes.remove(&name);
            self.owners.remove(&name);
        }
        self.nodes.remove(path);
        self.owners.remove(path);
    }

    /// Mode and time of the root directory.
    pub fn set_root(&mut self, mode: u32, modified: Millis) {
        self.root = Some((mode, modified));
    }

    fn root_node(&self) -> FileNode {
        let (mode, modified) = self.root.unwrap_or((0o755, BUILT));
        FileNode::Dir { mode, modified }
    }

    /// User and group; root's own are not written down.
    pub fn owner(&self, path: &str) -> (u32, u32) {
        self.owners.get(path).copied().unwrap_or((0, 0))
    }

    pub fn set_owner(&mut self, path: &str, owner: (u32, u32)) {
        if owner == (0, 0) {
            self.owners.remove(path);
        } else {
            self.owners.insert(path.into(), owner);
        }
    }

    /// Gives everything to a group, which may read it, and where asked write it; new files get that group, too.
    ///
    /// Mirrors: pkg/volume/volume_linux.go `SetVolumeOwnership`.
    pub fn give_to_group(&mut self, group: u32, writable: bool) {
        let files = if writable { 0o660 } else { 0o440 };
        let paths: Vec<Arc<str>> = self.nodes.keys().cloned().collect();
        for path in paths {
            self.set_owner(&path, (self.owner(&path).0, group));
            match self.nodes.get_mut(&*path) {
                Some(FileNode::File { mode, .. }) => *mode |= files,
                Some(FileNode::Dir { mode, .. }) => *mode |= files | 0o2110,
                Some(FileNode::Link { .. }) | None => {}
            }
        }
        self.set_owner("/", (self.owner("/").0, group));
        let (mode, modified) = self.root.unwrap_or((0o755, BUILT));
        self.root = Some((mode | files | 0o2110, modified));
    }

    pub fn set_mode(&mut self, path: &str, new: u32) {
        if path == "/" {
            self.root = Some((new, self.root.map_or(BUILT, |(_, modified)| modified)));
        }
        if let Some(FileNode::File { mode, .. } | FileNode::Dir { mode, .. }) = self.nodes.get_mut(path) {
            *mode = new;
        }
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a FileNode)> {
        self.nodes.range(Arc::<str>::from(prefix)..).take_while(move |(name, _)| name.starts_with(prefix))
    }

    /// Names directly in `dir`, sorted.
    pub fn list(&self, dir: &str) -> Vec<String> {
        let prefix = if dir == "/" || dir.is_empty() { "/".to_owned() } else { format!("{dir}/") };
        let mut names: Vec<String> = Vec::new();
        for (path, _) in self.below(&prefix) {
            let name = path[prefix.len()..].split('/').next().unwrap_or_default();
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        names.order();
        names.dedup();
        names
    }

    /// Bytes in files, for `df`, `du` and ephemeral-storage limits.
    pub fn size(&self) -> u64 {
        let bytes = |node: &FileNode| if let FileNode::File { data, .. } = node { data.len() as u64 } else { 0 };
        self.nodes.values().map(bytes).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &FileNode)> {
        self.nodes.iter()
    }
}

/// A volume laid over a container's own files.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount {
    pub path: String,
    pub volume: String,
    /// A path inside the volume, or empty for all of it.
    pub sub_path: String,
    pub read_only: bool,
}

/// Volumes of one pod by name; its containers share them.
pub type Volumes = BTreeMap<String, FileTree>;

/// Follows the links on a path, whose targets `link` knows; a dangling or looping one stays as it is.
fn follow(path: &str, link: impl Fn(&str) -> Option<Arc<str>>) -> String {
    let mut path = path.to_owned();
    'follow: for _ in 0..8 {
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let here = format!("{at}/{part}");
            if let Some(target) = link(&here) {
                let rest = path[here.len()..].to_owned();
                path = format!("{}{rest}", absolute(if at.is_empty() { "/" } else { &at }, &target));
                continue 'follow;
            }
            at = here;
        }
        break;
    }
    path
}

/// The directory a path lies in.
pub fn parent_of(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

/// The last part of a path.
pub fn base_of(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    trimmed.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/")
}

/// `path` as seen from `cwd`, with `.` and `..` folded away.
pub fn absolute(cwd: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}
