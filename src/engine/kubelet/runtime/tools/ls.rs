//! `ls`, `stat` and `du`: what there is, whose it is, and how large.
//!
//! Texts are busybox's; of Debian's `ls` also the columns, as wide as what is in them. Blocks are those of a disk with blocks of four kilobytes; a directory takes one,
//! a link none. Left out: colours, columns (nothing here is a terminal), inodes.

use super::super::Millis;
use super::super::catalogue::ToolSet;
use super::super::fs::{BUILT, FileNode, absolute};
use super::super::kernel::Sys;
use super::super::process::Process;
use super::super::procfs;
use super::system::civil;
use super::{complain, print};
use api::order::Order;

/// Directories that are mounted by the runtime, not part of the image.
const ROOT_DIRS: [&str; 3] = ["dev", "proc", "sys"];
/// Files younger than this show the time, older ones the year.
const RECENT: Millis = 182 * 86_400_000;

/// One line to be printed.
struct Entry {
    name: String,
    path: String,
    node: FileNode,
}

impl Entry {
    fn modified(&self) -> Millis {
        match &self.node {
            FileNode::File { modified, .. } | FileNode::Dir { modified, .. } | FileNode::Link { modified, .. } => {
                *modified
            }
        }
    }

    fn size(&self) -> usize {
        match &self.node {
            FileNode::File { data, .. } => data.len(),
            FileNode::Dir { .. } => 4096,
            FileNode::Link { target, .. } => target.len(),
        }
    }

    /// In kilobytes.
    fn blocks(&self) -> usize {
        match &self.node {
            FileNode::File { data, .. } => data.len().div_ceil(4096) * 4,
            FileNode::Dir { .. } => 4,
            FileNode::Link { .. } => 0,
        }
    }
}

pub fn ls(process: &Process, sys: &mut Sys, flags: &str, paths: &[&String]) -> i32 {
    let debian = sys.kernel.binaries.tools == ToolSet::Debian;
    let here = ".".to_owned();
    let mut status = 0;
    let (mut dirs, mut files) = (Vec::new(), Vec::new());
    for path in if paths.is_empty() { vec![&here] } else { paths.to_vec() } {
        let full = absolute(&process.cwd, path);
        // What is listed long is the link itself, unless it is asked for what is behind it.
        let found = if flags.contains(['l', 'd']) && !path.ends_with('/') {
            sys.view().entry(&full)
        } else {
            sys.view().stat(&full).or_else(|| sys.view().entry(&full))
        };
        match found {
            None if procfs::read(sys, &full).is_some() => {
                let node = FileNode::File { data: Vec::new().into(), mode: 0o444, modified: sys.now };
                files.push(Entry { name: path.clone(), path: full, node });
            }
            None => {
                status = if debian { 2 } else { 1 };
                let error = if debian {
                    format!("cannot access '{path}': No such file or directory")
                } else {
                    format!("{path}: No such file or directory")
                };
                complain(process, sys, "ls", &error);
            }
            Some(FileNode::Dir { .. }) if !flags.contains('d') => dirs.push((path.clone(), full)),
            Some(node) => files.push(Entry { name: path.clone(), path: full, node }),
        }
    }
    let many = paths.len() > 1 || flags.contains('R');
    let mut text = String::new();
    files.order_by(|a, b| a.name.cmp(&b.name));
    lines(sys, flags, &mut files, &mut text);
    dirs.order();
    if flags.contains('r') {
        dirs.reverse();
    }
    dirs.reverse();
    while let Some((path, full)) = dirs.pop() {
        if !sys.view().may(&full, 4) {
            status = complain(process, sys, "ls", &format!("can't open '{path}': Permission denied"));
            continue;
        }
        if many {
            text.push_str(&format!("{}{path}:\n", if text.is_empty() { "" } else { "\n" }));
        }
        let mut entries = entries(sys, flags, &full);
        if flags.contains('l') {
            let blocks = entries.iter().map(Entry::blocks).sum::<usize>();
            let human = debian && flags.contains('h');
            text.push_str(&format!("total {}\n", if human { gnu_human(blocks << 10) } else { blocks.to_string() }));
        }
        if flags.contains('R') {
            let below = entries.iter().filter(|entry| !matches!(entry.name.as_str(), "." | ".."));
            let below = below.filter(|entry| matches!(entry.node, FileNode::Dir { .. }));
            let below: Vec<(String, String)> = below
                .map(|entry| (format!("{}/{}", path.trim_end_matches('/'), entry.name), entry.path.clone()))
                .collect();
            dirs.extend(below.into_iter().rev());
        }
        lines(sys, flags, &mut entries, &mut text);
    }
    print(process, sys, &text);
    status
}

fn entries(sys: &mut Sys, flags: &str, full: &str) -> Vec<Entry> {
    let mut names = sys.view().list(full);
    if full == "/" {
        names.extend(ROOT_DIRS.iter().map(|name| (*name).to_owned()));
        names.order();
        names.dedup();
    }
    if flags.contains('a') {
        names.splice(0..0, [".".to_owned(), "..".to_owned()]);
    }
    names.retain(|name| !name.starts_with('.') || flags.contains(['a', 'A']));
    let entry = |name: String| {
        let path = absolute(full, &name);
        let node = sys.view().entry(&path).unwrap_or(FileNode::Dir { mode: 0o755, modified: BUILT });
        Entry { name, path, node }
    };
    names.into_iter().map(entry).collect()
}

fn lines(sys: &mut Sys, flags: &str, entries: &mut [Entry], text: &mut String) {
    if flags.contains('t') {
        entries.order_by(|a, b| b.modified().cmp(&a.modified()));
    } else if flags.contains('S') {
        entries.order_by(|a, b| b.size().cmp(&a.size()));
    }
    if flags.contains('r') {
        entries.reverse();
    }
    if !flags.contains('l') {
        entries.iter().for_each(|entry| text.push_str(&format!("{}\n", entry.name)));
        return;
    }
    let debian = sys.kernel.binaries.tools == ToolSet::Debian;
    let rows: Vec<[String; 6]> = entries.iter().map(|entry| long(sys, flags, debian, entry)).collect();
    // busybox has fixed widths, which names may exceed.
    let width = |at: usize, fixed: usize| match debian {
        true => rows.iter().map(|row| row[at].len()).max().unwrap_or(0),
        false => fixed,
    };
    let (links, user, group, size) = (width(1, 4), width(2, 8), width(3, 8), width(4, 9));
    for [rights, l, u, g, s, rest] in &rows {
        text.push_str(&format!("{rights} {l:>links$} {u:<user$} {g:<group$} {s:>size$} {rest}\n"));
    }
}

/// Rights, links, owner, group, size; and the moment with the name.
fn long(sys: &mut Sys, flags: &str, debian: bool, entry: &Entry) -> [String; 6] {
    let (user, group) = sys.view().owner(&entry.path);
    let name = |file: &str, id: u32, sys: &mut Sys| match flags.contains('n') {
        true => id.to_string(),
        false => name_of(sys, file, id).unwrap_or_else(|| id.to_string()),
    };
    let (user, group) = (name("/etc/passwd", user, sys), name("/etc/group", group, sys));
    let size = match flags.contains('h') {
        true if debian => gnu_human(entry.size()),
        true => human(entry.size()),
        false => entry.size().to_string(),
    };
    let modified = entry.modified();
    let format = if sys.now.saturating_sub(modified) > RECENT { "%b %e  %Y" } else { "%b %e %H:%M" };
    let when = civil(modified).strftime(format).to_string();
    let target = if let FileNode::Link { target, .. } = &entry.node { format!(" -> {target}") } else { String::new() };
    let links = links(sys, entry).to_string();
    [rights(&entry.node), links, user, group, size, format!("{when} {}{target}", entry.name)]
}

/// A directory of a disk has a name in each of its own; one of an image's layers does not show them.
fn links(sys: &mut Sys, entry: &Entry) -> usize {
    if !matches!(entry.node, FileNode::Dir { .. }) || !sys.view().on_volume(&entry.path) {
        return 1;
    }
    let names = sys.view().list(&entry.path);
    let dirs = names.iter().map(|name| absolute(&entry.path, name));
    2 + dirs.filter(|path| matches!(sys.view().entry(path), Some(FileNode::Dir { .. }))).count()
}

/// `drwxr-xr-x`
fn rights(node: &FileNode) -> String {
    let (kind, mode) = kind_and_mode(node);
    let mut bits: Vec<char> =
        (0..9).rev().map(|bit| if mode & (1 << bit) != 0 { ['x', 'w', 'r'][bit % 3] } else { '-' }).collect();
    for (bit, at, on, off) in [(0o4000, 2, 's', 'S'), (0o2000, 5, 's', 'S'), (0o1000, 8, 't', 'T')] {
        if mode & bit != 0 {
            bits[at] = if bits[at] == 'x' { on } else { off };
        }
    }
    bits.into_iter().fold(kind.to_string(), |text, bit| text + &bit.to_string())
}

fn kind_and_mode(node: &FileNode) -> (char, u32) {
    match node {
        FileNode::File { mode, .. } => ('-', *mode),
        FileNode::Dir { mode, .. } => ('d', *mode),
        FileNode::Link { .. } => ('l', 0o777),
    }
}

/// The name of a user or a group.
pub fn name_of(sys: &mut Sys, file: &str, id: u32) -> Option<String> {
    let data = sys.view().read(file).ok()?;
    let text = String::from_utf8_lossy(&data).into_owned();
    let found = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|parts| parts.get(2) == Some(&&*id.to_string()));
    found.and_then(|parts| parts.first().map(|name| (*name).to_owned()))
}

/// `4.0K`
pub fn human(bytes: usize) -> String {
    let mut size = bytes as f64;
    for unit in ["", "K", "M", "G"] {
        if size < 1024.0 || unit == "G" {
            return match unit {
                "" => format!("{bytes}"),
                _ => format!("{size:.1}{unit}"),
            };
        }
        size /= 1024.0;
    }
    bytes.to_string()
}

/// `4.0K`, `121K`: rounded up.
fn gnu_human(bytes: usize) -> String {
    let (mut size, mut units) = (bytes as f64, ["K", "M", "G"].into_iter());
    let mut unit = "";
    while size >= 1024.0 {
        let Some(next) = units.next() else { break };
        (size, unit) = (size / 1024.0, next);
    }
    let tenths = (size * 10.0).ceil() / 10.0;
    if unit.is_empty() || tenths >= 10.0 { format!("{:.0}{unit}", size.ceil()) } else { format!("{tenths:.1}{unit}") }
}

pub fn stat(process: &Process, sys: &mut Sys, args: &[String]) -> i32 {
    let format_at = args.iter().position(|arg| arg == "-c");
    let format = format_at.and_then(|at| args.get(at + 1)).cloned();
    let follow = args.iter().any(|arg| arg == "-L");
    let skip = format_at.map(|at| at + 1);
    let paths = args.iter().enumerate().filter(|(at, arg)| Some(*at) != skip && !arg.starts_with('-'));
    let paths: Vec<String> = paths.map(|(_, path)| path.clone()).collect();
    let mut status = 0;
    for path in paths {
        let full = absolute(&process.cwd, &path);
        let node = if follow { sys.view().stat(&full) } else { sys.view().entry(&full) };
        let Some(node) = node else {
            status = complain(process, sys, "stat", &format!("can't stat '{path}': No such file or directory"));
            continue;
        };
        let entry = Entry { name: path.clone(), path: full, node };
        let (user, group) = sys.view().owner(&entry.path);
        let names = [("/etc/passwd", user), ("/etc/group", group)];
        let [user_name, group_name] =
            names.map(|(file, id)| name_of(sys, file, id).unwrap_or_else(|| "UNKNOWN".to_owned()));
        let (_, mode) = kind_and_mode(&entry.node);
        let what = match &entry.node {
            FileNode::File { data, .. } if data.is_empty() => "regular empty file",
            FileNode::File { .. } => "regular file",
            FileNode::Dir { .. } => "directory",
            FileNode::Link { .. } => "symbolic link",
        };
        let modified = entry.modified();
        let when = civil(modified).strftime("%Y-%m-%d %H:%M:%S.000000000 +0000").to_string();
        let links = links(sys, &entry);
        let text = match &format {
            Some(format) => {
                let known = [
                    ("%a", format!("{mode:o}")),
                    ("%A", rights(&entry.node)),
                    ("%F", what.to_owned()),
                    ("%G", group_name),
                    ("%U", user_name),
                    ("%g", group.to_string()),
                    ("%h", links.to_string()),
                    ("%n", path),
                    ("%s", entry.size().to_string()),
                    ("%u", user.to_string()),
                    ("%Y", (modified / 1_000).to_string()),
                    ("%y", when),
                ];
                known.iter().fold(format.clone(), |text, (place, value)| text.replace(place, value)) + "\n"
            }
            None => {
                let shown = match &entry.node {
                    FileNode::Link { target, .. } => format!("'{path}' -> '{target}'"),
                    _ => path,
                };
                format!(
                    "  File: {shown}\n  Size: {:<10}\tBlocks: {:<10} IO Block: 4096   {what}\nDevice: 0h/0d\tInode: 0           Links: {links}\nAccess: ({mode:04o}/{})  Uid: ({user:>5}/{user_name:>8})   Gid: ({group:>5}/{group_name:>8})\nAccess: {when}\nModify: {when}\nChange: {when}\n",
                    entry.size(),
                    entry.blocks() * 2,
                    rights(&entry.node)
                )
            }
        };
        print(process, sys, &text);
    }
    status
}

pub fn du(process: &Process, sys: &mut Sys, flags: &str, paths: &[&String]) -> i32 {
    let here = ".".to_owned();
    let mut status = 0;
    for path in if paths.is_empty() { vec![&here] } else { paths.to_vec() } {
        let full = absolute(&process.cwd, path);
        if sys.view().entry(&full).is_none() {
            status = complain(process, sys, "du", &format!("{path}: No such file or directory"));
            continue;
        }
        let mut text = String::new();
        weigh(sys, flags, path, &full, true, &mut text);
        print(process, sys, &text);
    }
    status
}

/// The kilobytes of a path and of all below it; says those of directories on the way.
fn weigh(sys: &mut Sys, flags: &str, shown: &str, full: &str, top: bool, text: &mut String) -> usize {
    let Some(node) = sys.view().entry(full) else { return 0 };
    let is_dir = matches!(node, FileNode::Dir { .. });
    let mut sum = Entry { name: String::new(), path: String::new(), node }.blocks();
    if is_dir {
        for name in sys.view().list(full) {
            let below = format!("{}/{name}", shown.trim_end_matches('/'));
            sum += weigh(sys, flags, &below, &absolute(full, &name), false, text);
        }
    }
    if top || (is_dir && !flags.contains('s')) || flags.contains('a') {
        let size = if flags.contains('h') { human(sum << 10) } else { sum.to_string() };
        text.push_str(&format!("{size}\t{shown}\n"));
    }
    sum
}
