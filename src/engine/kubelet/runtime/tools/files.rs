//! Tools on files: `ls`, `cp`, `rm`, `find` and their kin. None of them takes time.

use super::super::fs::{Errno, FileNode, absolute, base_of, parent_of};
use super::super::kernel::Sys;
use super::super::process::Process;
use super::super::shell::matches_glob;
use super::{complain, ls, print};

pub fn run(name: &str, args: &[String], process: &mut Process, sys: &mut Sys) -> i32 {
    let flags: String = args
        .iter()
        .filter(|arg| arg.starts_with('-') && arg.len() > 1 && *arg != "--")
        .map(|arg| arg[1..].to_owned())
        .collect();
    let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-') || arg.len() == 1).collect();
    let cwd = process.cwd.clone();
    let at = |path: &str| absolute(&cwd, path);
    match name {
        "pwd" => {
            print(process, sys, &format!("{cwd}\n"));
            0
        }
        "sync" => 0,
        "ls" => ls::ls(process, sys, &flags, &paths),
        "stat" => ls::stat(process, sys, args),
        "chown" => chown(process, sys, &flags, &paths),
        "find" => find(process, sys, args),
        "basename" => {
            let Some(path) = paths.first() else { return complain(process, sys, name, "missing operand") };
            let base = base_of(path);
            let base = paths
                .get(1)
                .and_then(|suffix| base.strip_suffix(suffix.as_str()))
                .filter(|left| !left.is_empty())
                .unwrap_or(base);
            print(process, sys, &format!("{base}\n"));
            0
        }
        "dirname" => {
            let Some(path) = paths.first() else { return complain(process, sys, name, "missing operand") };
            let dir = if path.contains('/') { parent_of(path.trim_end_matches('/')) } else { "." };
            print(process, sys, &format!("{dir}\n"));
            0
        }
        "readlink" | "realpath" => {
            for path in &paths {
                let path = at(path);
                let real = sys.view().resolve(&path);
                if name == "readlink" && !flags.contains('f') {
                    let Some(FileNode::Link { target, .. }) = sys.view().entry(&path) else { return 1 };
                    print(process, sys, &format!("{target}\n"));
                } else {
                    print(process, sys, &format!("{real}\n"));
                }
            }
            0
        }
        "mktemp" => {
            let path = format!("/tmp/tmp.{:06}", (sys.now + u64::from(process.pid) * 7919) % 1_000_000);
            let now = sys.now;
            let made = if flags.contains('d') {
                sys.view().mkdir(&path, now)
            } else {
                sys.view().write(&path, &[], false, now)
            };
            match made {
                Ok(()) => print(process, sys, &format!("{path}\n")),
                Err(error) => return complain(process, sys, name, &format!("{path}: {}", error.text())),
            }
            0
        }
        "df" => {
            print(process, sys, DF);
            0
        }
        "du" => ls::du(process, sys, &flags, &paths),
        _ => each(name, &flags, &paths, process, sys),
    }
}

const DF: &str = "Filesystem           1K-blocks      Used Available Use% Mounted on
overlay               41151736  12094656  27143876  31% /
tmpfs                    65536         0     65536   0% /dev
shm                      65536         0     65536   0% /dev/shm
";

fn each(name: &str, flags: &str, paths: &[&String], process: &mut Process, sys: &mut Sys) -> i32 {
    let cwd = process.cwd.clone();
    let now = sys.now;
    if paths.is_empty() && matches!(name, "touch" | "rm" | "rmdir" | "mkdir") && !flags.contains('f') {
        return complain(process, sys, name, "missing operand");
    }
    let mut status = 0;
    let mut report = |process: &Process, sys: &mut Sys, text: String| {
        complain(process, sys, name, &text);
        status = 1;
    };
    match name {
        "touch" => {
            for path in paths {
                let full = absolute(&cwd, path);
                let exists = sys.view().exists(&full);
                if flags.contains('c') && !exists {
                    continue;
                }
                if let Err(error) = sys.view().write(&full, &[], true, now)
                    && error != Errno::IsDirectory
                {
                    report(process, sys, format!("{path}: {}", error.text()));
                }
            }
        }
        "mkdir" => {
            for path in paths {
                let full = absolute(&cwd, path);
                if flags.contains('p') {
                    let mut at = String::new();
                    for part in full.split('/').filter(|part| !part.is_empty()) {
                        at = format!("{at}/{part}");
                        let made = if sys.view().is_dir(&at) { Ok(()) } else { sys.view().mkdir(&at, now) };
                        if let Err(error) = made {
                            report(process, sys, format!("can't create directory '{path}': {}", error.text()));
                            break;
                        }
                    }
                } else if let Err(error) = sys.view().mkdir(&full, now) {
                    report(process, sys, format!("can't create directory '{path}': {}", error.text()));
                }
            }
        }
        "rm" | "rmdir" => {
            for path in paths {
                let full = absolute(&cwd, path);
                let recursive = flags.contains(['r', 'R']);
                let is_dir = matches!(sys.view().entry(&full), Some(FileNode::Dir { .. }));
                if name == "rm" && is_dir && !recursive {
                    report(process, sys, format!("'{path}' is a directory"));
                } else if name == "rmdir" && !sys.view().list(&full).is_empty() {
                    report(process, sys, format!("'{path}': Directory not empty"));
                } else if let Err(error) = sys.view().remove(&full) {
                    let forced = flags.contains('f') && error == Errno::NotFound;
                    if !forced {
                        let verb = if name == "rm" { "can't remove " } else { "" };
                        report(process, sys, format!("{verb}'{path}': {}", error.text()));
                    }
                }
            }
        }
        "chmod" => {
            let Some((mode, files)) = paths.split_first() else { return 1 };
            for path in files {
                let full = absolute(&cwd, path);
                let old = match sys.view().stat(&full) {
                    Some(FileNode::File { mode, .. } | FileNode::Dir { mode, .. }) => mode,
                    _ => 0,
                };
                if let Err(error) = sys.view().chmod(&full, new_mode(mode, old)) {
                    report(process, sys, format!("{path}: {}", error.text()));
                }
            }
        }
        "ln" => {
            let (target, link) = match paths {
                [target] => (*target, base_of(target).to_owned()),
                [target, link] => (*target, (*link).clone()),
                _ => return 1,
            };
            let mut full = absolute(&cwd, &link);
            if sys.view().is_dir(&full) {
                full = absolute(&full, base_of(target));
            }
            let now = sys.now;
            if flags.contains('f') && sys.view().entry(&full).is_some() {
                // Whatever keeps it there also keeps the new one away.
                let _ = sys.view().remove(&full);
            }
            if !flags.contains('s') {
                // Two names for one file are two files here.
                let source = absolute(&cwd, target);
                let made = sys.view().read(&source).and_then(|data| sys.view().write(&full, &data, false, now));
                if let Err(error) = made {
                    report(process, sys, format!("{link}: {}", error.text()));
                }
            } else if let Err(error) = sys.view().link(&full, target, now) {
                report(process, sys, format!("{link}: {}", error.text()));
            }
        }
        "cp" | "mv" => {
            let Some((target, sources)) = paths.split_last().filter(|(_, sources)| !sources.is_empty()) else {
                return complain(process, sys, name, "missing file operand");
            };
            for source in sources {
                if let Err(text) = copy(name, flags, source, target, &cwd, sys) {
                    report(process, sys, text);
                }
            }
        }
        _ => {}
    }
    status
}

/// `chown USER[:GROUP] FILE…`, by name or number.
fn chown(process: &Process, sys: &mut Sys, flags: &str, paths: &[&String]) -> i32 {
    let Some((owner, files)) = paths.split_first() else { return 1 };
    let (user, group) = owner.split_once(':').map_or((owner.as_str(), None), |(user, group)| (user, Some(group)));
    let id = |sys: &mut Sys, file: &str, name: &str| -> Option<u32> {
        name.parse().ok().or_else(|| {
            let data = sys.view().read(file).ok()?;
            let text = String::from_utf8_lossy(&data).into_owned();
            let line = text.lines().find(|line| line.split(':').next() == Some(name))?.to_owned();
            line.split(':').nth(2)?.parse().ok()
        })
    };
    let user_id = id(sys, "/etc/passwd", user);
    if user_id.is_none() && !user.is_empty() {
        return complain(process, sys, "chown", &format!("unknown user {user}"));
    }
    let group_id = group.filter(|group| !group.is_empty()).map(|group| (group, id(sys, "/etc/group", group)));
    if let Some((group, None)) = group_id {
        return complain(process, sys, "chown", &format!("unknown group {group}"));
    }
    let mut status = 0;
    let mut stack: Vec<String> = files.iter().map(|path| (*path).clone()).rev().collect();
    while let Some(path) = stack.pop() {
        let full = absolute(&process.cwd, &path);
        let changed = sys.view().chown(&full, user_id, group_id.and_then(|(_, id)| id));
        if let Err(error) = changed {
            status = complain(process, sys, "chown", &format!("{path}: {}", error.text()));
        }
        if flags.contains('R') && sys.view().is_dir(&full) {
            stack.extend(sys.view().list(&full).into_iter().map(|name| format!("{path}/{name}")));
        }
    }
    status
}

fn new_mode(text: &str, old: u32) -> u32 {
    if let Ok(mode) = u32::from_str_radix(text, 8) {
        return mode;
    }
    let mut mode = old;
    for clause in text.split(',') {
        let Some(at) = clause.find(['+', '-', '=']) else { continue };
        let (who, rest) = clause.split_at(at);
        let bits = rest[1..].chars().fold(0, |bits, c| {
            bits | match c {
                'r' => 4,
                'w' => 2,
                'x' => 1,
                _ => 0,
            }
        });
        let all = who.is_empty() || who.contains('a');
        let mut mask = 0;
        for (letter, shift) in [('u', 6), ('g', 3), ('o', 0)] {
            if all || who.contains(letter) {
                mask |= bits << shift;
            }
        }
        mode = match &rest[..1] {
            "+" => mode | mask,
            "-" => mode & !mask,
            _ => mask,
        };
    }
    mode
}

fn copy(name: &str, flags: &str, source: &str, target: &str, cwd: &str, sys: &mut Sys) -> Result<(), String> {
    let from = absolute(cwd, source);
    let mut to = absolute(cwd, target);
    if sys.view().is_dir(&to) {
        to = absolute(&to, base_of(&from));
    }
    let now = sys.now;
    match sys.view().stat(&from) {
        None => {
            let verb = if name == "mv" { "can't rename" } else { "can't stat" };
            return Err(format!("{verb} '{source}': No such file or directory"));
        }
        Some(FileNode::Dir { .. }) => {
            if name == "cp" && !flags.contains(['r', 'R', 'a']) {
                return Err(format!("omitting directory '{source}'"));
            }
            copy_dir(&from, &to, sys, 0).map_err(|error| format!("can't create '{target}': {}", error.text()))?;
        }
        Some(FileNode::File { data, mode, .. }) => {
            let written = sys.view().write(&to, &data, false, now).and_then(|()| sys.view().chmod(&to, mode));
            written.map_err(|error| format!("can't create '{target}': {}", error.text()))?;
        }
        Some(FileNode::Link { .. }) => {}
    }
    if name == "mv" {
        sys.view().remove(&from).map_err(|error| format!("can't remove '{source}': {}", error.text()))?;
    }
    Ok(())
}

fn copy_dir(from: &str, to: &str, sys: &mut Sys, depth: usize) -> Result<(), Errno> {
    let now = sys.now;
    if !sys.view().is_dir(to) {
        sys.view().mkdir(to, now)?;
    }
    for name in sys.view().list(from) {
        let (source, target) = (absolute(from, &name), absolute(to, &name));
        match sys.view().stat(&source) {
            Some(FileNode::File { data, .. }) => sys.view().write(&target, &data, false, now)?,
            Some(FileNode::Dir { .. }) if depth < 20 => copy_dir(&source, &target, sys, depth + 1)?,
            _ => {}
        }
    }
    Ok(())
}

fn find(process: &Process, sys: &mut Sys, args: &[String]) -> i32 {
    let tests = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let roots = if tests == 0 { vec![".".to_owned()] } else { args[..tests].to_vec() };
    let option =
        |wanted: &str| args[tests..].iter().position(|arg| arg == wanted).and_then(|at| args.get(tests + at + 1));
    let (name, kind) = (option("-name"), option("-type"));
    let depth = option("-maxdepth").and_then(|text| text.parse::<usize>().ok()).unwrap_or(20);
    let mut status = 0;
    for root in roots {
        let full = absolute(&process.cwd, &root);
        if !sys.view().exists(&full) {
            status = complain(process, sys, "find", &format!("{root}: No such file or directory"));
            continue;
        }
        let mut stack = vec![(root, full, 0)];
        while let Some((shown, full, level)) = stack.pop() {
            // Links are found, not followed.
            let what = match sys.view().entry(&full) {
                Some(FileNode::Dir { .. }) => "d",
                Some(FileNode::Link { .. }) => "l",
                Some(FileNode::File { .. }) | None => "f",
            };
            let is_dir = what == "d";
            let fits = name.is_none_or(|pattern| matches_glob(pattern, base_of(&full)))
                && kind.is_none_or(|kind| kind == what);
            if fits {
                print(process, sys, &format!("{shown}\n"));
            }
            if is_dir && level < depth {
                for child in sys.view().list(&full).into_iter().rev() {
                    stack.push((
                        format!("{}/{child}", shown.trim_end_matches('/')),
                        absolute(&full, &child),
                        level + 1,
                    ));
                }
            }
        }
    }
    status
}
