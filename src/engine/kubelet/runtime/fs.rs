//! A container's files: a persistent tree per layer, and the view that lays volumes over it.
//!
//! Pure data, cheap to clone: an image's tree is shared by every container made from
//! it until one of them writes. What a path *means* is decided here; what a tool
//! prints about it is the tools' business.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::Millis;
use api::order::Order;

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
        }
    }
}

/// Files by absolute path, without a trailing slash; the root itself is implied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileTree {
    nodes: OrdMap<Arc<str>, FileNode>,
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
        }
        self.nodes.remove(path);
    }

    pub fn set_mode(&mut self, path: &str, new: u32) {
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

/// What a process sees: its container's files with the pod's volumes laid over them.
pub struct View<'a> {
    pub root: &'a mut FileTree,
    pub mounts: &'a [Mount],
    pub volumes: &'a mut Volumes,
    pub read_only_root: bool,
}

enum Place<'a> {
    Root,
    Volume(&'a Mount),
}

impl View<'_> {
    fn locate(&self, path: &str) -> (Place<'_>, String) {
        let covers =
            |mount: &&Mount| path == mount.path || path.starts_with(&format!("{}/", mount.path.trim_end_matches('/')));
        // The longest mount wins: a volume inside a volume hides the outer one.
        match self.mounts.iter().filter(covers).max_by_key(|mount| mount.path.len()) {
            None => (Place::Root, path.to_owned()),
            Some(mount) => {
                let rest = &path[mount.path.trim_end_matches('/').len()..];
                let sub = mount.sub_path.trim_matches('/');
                let inside = match (sub.is_empty(), rest.is_empty()) {
                    (true, true) => "/".to_owned(),
                    (true, false) => rest.to_owned(),
                    (false, _) => format!("/{sub}{rest}"),
                };
                (Place::Volume(mount), inside)
            }
        }
    }

    fn tree(&self, place: &Place) -> Option<&FileTree> {
        match place {
            Place::Root => Some(self.root),
            Place::Volume(mount) => self.volumes.get(&mount.volume),
        }
    }

    fn tree_mut(&mut self, path: &str) -> Result<(&mut FileTree, String), Errno> {
        let (place, inside) = self.locate(path);
        match place {
            Place::Root if self.read_only_root => Err(Errno::ReadOnly),
            Place::Root => Ok((self.root, inside)),
            Place::Volume(mount) if mount.read_only => Err(Errno::ReadOnly),
            Place::Volume(mount) => {
                let name = mount.volume.clone();
                Ok((self.volumes.entry(name).or_default(), inside))
            }
        }
    }

    /// The path with its symbolic links followed; a dangling or looping one stays as it is.
    pub fn resolve(&self, path: &str) -> String {
        follow(path, |here| {
            let (place, inside) = self.locate(here);
            match self.tree(&place).and_then(|tree| tree.get(&inside)) {
                Some(FileNode::Link { target, .. }) => Some(target.clone()),
                _ => None,
            }
        })
    }

    /// The entry itself, a link not followed.
    pub fn entry(&self, path: &str) -> Option<FileNode> {
        if path == "/" || self.is_mount_point(path) {
            let (place, inside) = self.locate(path);
            let file = self.tree(&place).and_then(|tree| tree.get(&inside)).cloned();
            return Some(file.unwrap_or(FileNode::Dir { mode: 0o755, modified: 0 }));
        }
        let (place, inside) = self.locate(path);
        self.tree(&place)?.get(&inside).cloned()
    }

    pub fn stat(&self, path: &str) -> Option<FileNode> {
        self.entry(&self.resolve(path))
    }

    /// A mount's own path or a directory that only leads to one.
    fn is_mount_point(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.mounts.iter().any(|mount| mount.path == path || mount.path.starts_with(&prefix))
    }

    pub fn is_dir(&self, path: &str) -> bool {
        matches!(self.stat(path), Some(FileNode::Dir { .. }))
    }

    pub fn exists(&self, path: &str) -> bool {
        self.stat(path).is_some()
    }

    /// # Errors
    /// Missing, or a directory.
    pub fn read(&self, path: &str) -> Result<Arc<[u8]>, Errno> {
        match self.stat(path) {
            Some(FileNode::File { data, .. }) => Ok(data),
            Some(FileNode::Dir { .. }) => Err(Errno::IsDirectory),
            Some(FileNode::Link { .. }) => Err(Errno::NotFound),
            None if self.file_on_the_way(path) => Err(Errno::NotDirectory),
            None => Err(Errno::NotFound),
        }
    }

    fn file_on_the_way(&self, path: &str) -> bool {
        matches!(self.stat(parent_of(path)), Some(FileNode::File { .. }))
    }

    /// Creates, truncates or appends.
    ///
    /// # Errors
    /// The directory is missing or read-only, or the path is a directory.
    pub fn write(&mut self, path: &str, data: &[u8], append: bool, now: Millis) -> Result<(), Errno> {
        let path = self.resolve(path);
        let (mut bytes, mode) = match self.entry(&path) {
            Some(FileNode::Dir { .. }) => return Err(Errno::IsDirectory),
            Some(FileNode::File { data, mode, .. }) => (if append { data.to_vec() } else { Vec::new() }, mode),
            Some(FileNode::Link { .. }) | None => (Vec::new(), 0o644),
        };
        if !self.is_dir(parent_of(&path)) {
            return Err(if self.file_on_the_way(&path) { Errno::NotDirectory } else { Errno::NotFound });
        }
        bytes.extend_from_slice(data);
        let (tree, inside) = self.tree_mut(&path)?;
        tree.put(&inside, &bytes, mode, now);
        Ok(())
    }

    /// # Errors
    /// It exists, or its parent does not.
    pub fn mkdir(&mut self, path: &str, now: Millis) -> Result<(), Errno> {
        if self.entry(path).is_some() {
            return Err(Errno::Exists);
        }
        let path = self.resolve(path);
        if !self.is_dir(parent_of(&path)) {
            return Err(Errno::NotFound);
        }
        let (tree, inside) = self.tree_mut(&path)?;
        tree.put_dir(&inside, 0o755, now);
        Ok(())
    }

    /// Removes a file or a whole directory.
    ///
    /// # Errors
    /// Missing or read-only.
    pub fn remove(&mut self, path: &str) -> Result<(), Errno> {
        if self.entry(path).is_none() {
            return Err(Errno::NotFound);
        }
        let (tree, inside) = self.tree_mut(path)?;
        tree.remove(&inside);
        Ok(())
    }

    /// # Errors
    /// Missing or read-only.
    pub fn chmod(&mut self, path: &str, mode: u32) -> Result<(), Errno> {
        let path = self.resolve(path);
        if self.entry(&path).is_none() {
            return Err(Errno::NotFound);
        }
        let (tree, inside) = self.tree_mut(&path)?;
        tree.set_mode(&inside, mode);
        Ok(())
    }

    /// # Errors
    /// Read-only, or the directory is missing.
    pub fn link(&mut self, path: &str, target: &str, now: Millis) -> Result<(), Errno> {
        if self.entry(path).is_some() {
            return Err(Errno::Exists);
        }
        let (tree, inside) = self.tree_mut(path)?;
        tree.put_link(&inside, target, now);
        Ok(())
    }

    pub fn list(&self, dir: &str) -> Vec<String> {
        let dir = self.resolve(dir);
        let (place, inside) = self.locate(&dir);
        let mut names = self.tree(&place).map(|tree| tree.list(&inside)).unwrap_or_default();
        let prefix = if dir == "/" { "/".to_owned() } else { format!("{dir}/") };
        for mount in self.mounts.iter().filter(|mount| mount.path.starts_with(&prefix)) {
            names.extend(mount.path[prefix.len()..].split('/').next().map(str::to_owned));
        }
        names.order();
        names.dedup();
        names
    }
}

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
