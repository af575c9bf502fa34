//! The files of a container as one of its processes sees them, and what it may do with them.

use std::sync::Arc;

use super::super::Millis;
use super::{Actor, BUILT, Errno, FileNode, FileTree, Mount, Volumes, base_of, follow, parent_of};
use api::order::Order;

/// What a process sees: its container's files with the pod's volumes laid over them.
pub struct View<'a> {
    pub root: &'a mut FileTree,
    pub mounts: &'a [Mount],
    pub volumes: &'a mut Volumes,
    pub read_only_root: bool,
    /// Nobody for root, who may do everything.
    pub actor: Option<Actor<'a>>,
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
            let tree = self.tree(&place);
            let file = tree.and_then(|tree| tree.get(&inside)).cloned();
            let root = || tree.filter(|_| inside == "/").map(FileTree::root_node);
            return Some(file.or_else(root).unwrap_or(FileNode::Dir { mode: 0o755, modified: BUILT }));
        }
        let here = |path: &str| {
            let (place, inside) = self.locate(path);
            self.tree(&place)?.get(&inside).cloned()
        };
        // Links on the way are followed all the same.
        here(path).or_else(|| here(&self.beside(path)).filter(|_| parent_of(path) != "/"))
    }

    /// The path with the links on the way followed, but not the last one.
    fn beside(&self, path: &str) -> String {
        let parent = self.resolve(parent_of(path));
        format!("{}/{}", parent.trim_end_matches('/'), base_of(path))
    }

    /// User and group of an entry, a link not followed.
    pub fn owner(&self, path: &str) -> (u32, u32) {
        let (place, inside) = self.locate(&self.beside(path));
        self.tree(&place).map_or((0, 0), |tree| tree.owner(&inside))
    }

    /// Whether something lies on a volume, not in the container's own files.
    pub fn on_volume(&self, path: &str) -> bool {
        matches!(self.locate(path).0, Place::Volume(_))
    }

    /// Whether the actor may read (4), write (2) or run (1) what is at a path with its links followed.
    pub fn may(&self, path: &str, wish: u32) -> bool {
        let Some(actor) = self.actor else { return true };
        let path = self.resolve(path);
        let (user, group) = self.owner(&path);
        let mode = match self.entry(&path) {
            Some(FileNode::File { mode, .. } | FileNode::Dir { mode, .. }) => mode,
            Some(FileNode::Link { .. }) | None => return true,
        };
        let shift = match () {
            () if actor.user == user => 6,
            () if actor.group == group || actor.groups.contains(&group) => 3,
            () => 0,
        };
        (mode >> shift) & wish == wish
    }

    /// The tree in which the entry may be made or taken away: what is read-only is told before who may not.
    fn tree_to_change(&mut self, path: &str) -> Result<(&mut FileTree, String), Errno> {
        self.tree_mut(path)?;
        self.may_change(path)?;
        self.tree_mut(path)
    }

    /// Whether the actor may add entries beside this one, or take it away.
    fn may_change(&self, path: &str) -> Result<(), Errno> {
        let parent = self.resolve(parent_of(path));
        let sticky = matches!(self.entry(&parent), Some(FileNode::Dir { mode, .. }) if mode & 0o1000 != 0);
        let foreign = self.actor.is_some_and(|actor| self.entry(path).is_some() && self.owner(path).0 != actor.user);
        match () {
            () if !self.may(&parent, 2) => Err(Errno::Denied),
            () if sticky && foreign => Err(Errno::NotPermitted),
            () => Ok(()),
        }
    }

    /// What was just made belongs to who made it.
    fn own(&mut self, path: &str) {
        let parent = self.resolve(parent_of(path));
        let shared = match self.entry(&parent) {
            Some(FileNode::Dir { mode, .. }) if mode & 0o2000 != 0 => Some(self.owner(&parent).1),
            _ => None,
        };
        let (user, group) = self.actor.map_or((0, 0), |actor| (actor.user, actor.group));
        let owner = (user, shared.unwrap_or(group));
        if owner != (0, 0)
            && let Ok((tree, inside)) = self.tree_mut(path)
        {
            tree.set_owner(&inside, owner);
        }
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
            Some(FileNode::File { .. }) if !self.may(path, 4) => Err(Errno::Denied),
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
        let known = self.entry(&path).is_some();
        // A read-only file system says so before anybody asks who may write.
        self.tree_mut(&path)?;
        if known && !self.may(&path, 2) {
            return Err(Errno::Denied);
        } else if !known {
            self.may_change(&path)?;
        }
        let (tree, inside) = self.tree_mut(&path)?;
        tree.put(&inside, &bytes, mode, now);
        if !known {
            self.own(&path);
        }
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
        let (tree, inside) = self.tree_to_change(&path)?;
        tree.put_dir(&inside, 0o755, now);
        self.own(&path);
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
        let path = &self.beside(path);
        let (tree, inside) = self.tree_to_change(path)?;
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
        self.tree_mut(&path)?;
        if self.actor.is_some_and(|actor| self.owner(&path).0 != actor.user) {
            return Err(Errno::NotPermitted);
        }
        let (tree, inside) = self.tree_mut(&path)?;
        tree.set_mode(&inside, mode);
        Ok(())
    }

    /// Only root gives files away.
    ///
    /// # Errors
    /// Missing, read-only, or not root.
    pub fn chown(&mut self, path: &str, user: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
        let path = self.resolve(path);
        if self.entry(&path).is_none() {
            return Err(Errno::NotFound);
        }
        self.tree_mut(&path)?;
        if self.actor.is_some() {
            return Err(Errno::NotPermitted);
        }
        let (old_user, old_group) = self.owner(&path);
        let (tree, inside) = self.tree_mut(&path)?;
        tree.set_owner(&inside, (user.unwrap_or(old_user), group.unwrap_or(old_group)));
        Ok(())
    }

    /// # Errors
    /// Read-only, or the directory is missing.
    pub fn link(&mut self, path: &str, target: &str, now: Millis) -> Result<(), Errno> {
        if self.entry(path).is_some() {
            return Err(Errno::Exists);
        }
        let path = &self.beside(path);
        let (tree, inside) = self.tree_to_change(path)?;
        tree.put_link(&inside, target, now);
        self.own(path);
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
