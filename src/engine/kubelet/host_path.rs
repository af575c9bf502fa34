//! `hostPath`: what lies where on the machine itself, and whether it is of the kind a volume asks for.
//!
//! A type is checked when the volume is mounted; without one anything will do, and what is not there is
//! made as a directory. `DirectoryOrCreate` and `FileOrCreate` make what is not there, and then check.
//! The machine has the directories, files and sockets that every Linux node has, and what pods made.
//! Mirrors: pkg/volume/hostpath/host_path.go `checkType`. Left out: what is in the machine's own
//! directories (they look empty), and paths that lie inside one another: each is a place of its own.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::HostPathVolumeSource;

use super::runtime::FileTree;
use super::runtime::fs::{base_of, parent_of};

/// What there is at a path of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Directory,
    File,
    Socket,
    CharDevice,
}

/// What every machine has.
const THINGS: &[(Thing, &[&str])] = &[
    (
        Thing::Directory,
        &[
            "/",
            "/bin",
            "/boot",
            "/dev",
            "/etc",
            "/etc/cni/net.d",
            "/etc/kubernetes",
            "/etc/kubernetes/manifests",
            "/etc/kubernetes/pki",
            "/etc/ssl/certs",
            "/home",
            "/lib",
            "/lib/modules",
            "/lib64",
            "/media",
            "/mnt",
            "/opt",
            "/opt/cni/bin",
            "/proc",
            "/root",
            "/run",
            "/run/containerd",
            "/sbin",
            "/srv",
            "/sys",
            "/sys/fs/cgroup",
            "/tmp",
            "/usr",
            "/usr/bin",
            "/usr/lib",
            "/usr/local",
            "/usr/share",
            "/var",
            "/var/lib",
            "/var/lib/containerd",
            "/var/lib/kubelet",
            "/var/lib/kubelet/pods",
            "/var/log",
            "/var/log/containers",
            "/var/log/pods",
            "/var/run",
            "/var/tmp",
        ],
    ),
    (
        Thing::File,
        &["/etc/hostname", "/etc/hosts", "/etc/machine-id", "/etc/os-release", "/etc/passwd", "/etc/resolv.conf"],
    ),
    (Thing::Socket, &["/run/containerd/containerd.sock", "/var/run/containerd/containerd.sock"]),
    (Thing::CharDevice, &["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"]),
];

fn thing_at(path: &str, disks: &BTreeMap<String, FileTree>) -> Option<Thing> {
    let own = THINGS.iter().find(|(_, paths)| paths.contains(&path)).map(|(thing, _)| *thing);
    let dir = || disks.contains_key(&format!("path:{path}")).then_some(Thing::Directory);
    let file = || {
        let around = disks.get(&format!("path:{}", parent_of(path)))?;
        let inside = format!("/{}", base_of(path));
        around.get(&inside)?;
        Some(if around.is_dir(&inside) { Thing::Directory } else { Thing::File })
    };
    own.or_else(dir).or_else(file)
}

/// # Errors
/// It is not there, or something else is.
pub fn check(source: &HostPathVolumeSource, disks: &BTreeMap<String, FileTree>) -> Result<(), String> {
    let path = clean(&source.path);
    let there = thing_at(path, disks);
    let (wanted, name) = match source.type_.as_deref().unwrap_or_default() {
        "DirectoryOrCreate" if there.is_none() => return Ok(()),
        "FileOrCreate" if there.is_none() => return Ok(()),
        "Directory" | "DirectoryOrCreate" => (Some(Thing::Directory), "directory"),
        "File" | "FileOrCreate" => (Some(Thing::File), "file"),
        "Socket" => (Some(Thing::Socket), "socket file"),
        "CharDevice" => (Some(Thing::CharDevice), "character device"),
        // A machine has no disk of its own to give away.
        "BlockDevice" => (None, "block device"),
        _ => return Ok(()),
    };
    if wanted.is_some() && there == wanted {
        return Ok(());
    }
    Err(format!("hostPath type check failed: {} is not a {name}", source.path))
}

/// The disk that a path lies on, and the file on it where it is one; a directory is a disk by itself.
pub fn place(source: &HostPathVolumeSource, disks: &BTreeMap<String, FileTree>) -> (String, Option<String>) {
    let path = clean(&source.path);
    let asked = matches!(source.type_.as_deref(), Some("File" | "FileOrCreate" | "Socket" | "CharDevice"));
    let is_file = asked || thing_at(path, disks).is_some_and(|thing| thing != Thing::Directory);
    match is_file {
        true => (format!("path:{}", parent_of(path)), Some(base_of(path).to_owned())),
        false => (format!("path:{path}"), None),
    }
}

fn clean(path: &str) -> &str {
    if path.len() > 1 { path.trim_end_matches('/') } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_checked_and_no_type_takes_anything() {
        let mut made = FileTree::default();
        made.put("/f", b"", 0o644, 0);
        let disks = BTreeMap::from([("path:/made".to_owned(), made)]);
        let rows = [
            ("/not/there", "", "/not/there"),
            ("/not/there", "DirectoryOrCreate", "/not/there"),
            ("/not/there", "Directory", "hostPath type check failed: /not/there is not a directory"),
            ("/not/there", "File", "hostPath type check failed: /not/there is not a file"),
            ("/etc/hosts", "Directory", "hostPath type check failed: /etc/hosts is not a directory"),
            ("/etc/hosts", "File", "/etc hosts"),
            ("/etc/hosts", "", "/etc hosts"),
            ("/var/log/", "Directory", "/var/log"),
            ("/var/log", "FileOrCreate", "hostPath type check failed: /var/log is not a file"),
            ("/run/containerd/containerd.sock", "Socket", "/run/containerd containerd.sock"),
            ("/tmp", "Socket", "hostPath type check failed: /tmp is not a socket file"),
            ("/dev/null", "BlockDevice", "hostPath type check failed: /dev/null is not a block device"),
            ("/made", "Directory", "/made"),
            ("/made/f", "File", "/made f"),
        ];
        for (path, kind, want) in rows {
            let type_ = Some(kind.to_owned()).filter(|kind| !kind.is_empty());
            let source = HostPathVolumeSource { path: path.to_owned(), type_ };
            let got = check(&source, &disks).map(|()| {
                let (disk, file) = place(&source, &disks);
                [disk.trim_start_matches("path:").to_owned()].into_iter().chain(file).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(got.unwrap_or_else(|error| error), want, "{path} as {kind:?}");
        }
    }
}
