//! Redirections: which file, pipe or device a descriptor leads to.

use super::super::fs::{Errno, absolute, parent_of};
use super::super::kernel::Sys;
use super::super::process::{Fd, Process};
use super::Shell;
use super::ast::{Redir, RedirKind};
use super::expand::Expander;

/// Applies redirections to the process; returns what to put back.
///
/// # Errors
/// What went wrong, without the shell's name. Descriptors changed so far are restored.
pub fn apply(
    shell: &mut Shell,
    process: &mut Process,
    sys: &mut Sys,
    redirs: &[Redir],
) -> Result<Vec<(u32, Option<Fd>)>, String> {
    let mut saved = Vec::new();
    for redir in redirs {
        match open(shell, process, sys, redir) {
            Ok(fd) => {
                saved.push((redir.fd, process.fds.get(&redir.fd).cloned()));
                match fd {
                    Some(fd) => process.fds.insert(redir.fd, fd),
                    None => process.fds.remove(&redir.fd),
                };
            }
            Err(error) => {
                restore(process, saved);
                return Err(error);
            }
        }
    }
    Ok(saved)
}

pub fn restore(process: &mut Process, saved: Vec<(u32, Option<Fd>)>) {
    for (number, fd) in saved.into_iter().rev() {
        match fd {
            Some(fd) => process.fds.insert(number, fd),
            None => process.fds.remove(&number),
        };
    }
}

fn open(shell: &mut Shell, process: &Process, sys: &mut Sys, redir: &Redir) -> Result<Option<Fd>, String> {
    let pid = process.pid;
    let target = Expander { shell, sys, cwd: &process.cwd, pid }.text(&redir.target)?;
    match redir.kind {
        RedirKind::Here => Ok(Some(Fd::Text { data: target.into_bytes().into(), offset: 0 })),
        RedirKind::Dup if target == "-" => Ok(None),
        RedirKind::Dup => {
            let number: u32 = target.parse().map_err(|_| "syntax error: bad fd number".to_owned())?;
            process.fds.get(&number).cloned().map(Some).ok_or_else(|| format!("{number}: Bad file descriptor"))
        }
        RedirKind::In => {
            let path = absolute(&process.cwd, &target);
            if let Some(fd) = sys.device(process, &path) {
                return Ok(Some(fd));
            }
            sys.file(&path).map_err(|error| cannot("open", &target, error))?;
            Ok(Some(Fd::File { path, offset: 0 }))
        }
        RedirKind::Out | RedirKind::Append => {
            let path = absolute(&process.cwd, &target);
            if let Some(fd) = sys.device(process, &path) {
                return Ok(Some(fd));
            }
            if target.is_empty() {
                return Err(cannot("create", &target, Errno::NotFound));
            }
            if path.starts_with("/proc/") || path.starts_with("/sys/") {
                return Err(cannot("create", &target, Errno::Denied));
            }
            let now = sys.now;
            sys.view().write(&path, &[], redir.kind == RedirKind::Append, now).map_err(|error| {
                let missing = error == Errno::NotFound && !sys.view().is_dir(parent_of(&path));
                if missing {
                    format!("can't create {target}: nonexistent directory")
                } else {
                    cannot("create", &target, error)
                }
            })?;
            Ok(Some(Fd::File { path, offset: 0 }))
        }
    }
}

fn cannot(verb: &str, target: &str, error: Errno) -> String {
    let why = match error {
        Errno::NotFound => "no such file",
        other => other.text(),
    };
    format!("can't {verb} {target}: {why}")
}
