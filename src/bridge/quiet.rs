//! Whether everybody waits: the threads of this process that serve, and those of a client.
//!
//! Who holds the clock must not let time pass while a request is under way, however slow the machine
//! is. The kernel knows: a thread that could go on is not asleep, and waking it needs no thread of ours.
//! Linux only; elsewhere there is no answer, and the caller waits for a while instead.

use std::fs;
use std::path::Path;

/// The names that [`crate::Bridge`] gives its threads.
const OURS: &[&str] = &["bridge", "cluster"];

pub fn is_quiet(behind: bool, client: u32) -> Option<bool> {
    let tasks = format!("/proc/{client}/task");
    let (ours, theirs) = (Path::new("/proc/self/task"), Path::new(&tasks));
    if !ours.exists() {
        return None;
    }
    // Twice: between two looks something may have gone from a thread seen later to one seen before.
    Some(!behind && (0..2).all(|_| asleep(theirs, None) && asleep(ours, Some(OURS)) && asleep(theirs, None)))
}

/// Whether every thread sleeps, or those of these names. A thread that has gone is none.
fn asleep(tasks: &Path, names: Option<&[&str]>) -> bool {
    let Ok(threads) = fs::read_dir(tasks) else { return true };
    threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok()).all(|stat| {
        // `pid (name) state …`; a name may hold parentheses.
        let Some((head, rest)) = stat.rsplit_once(')') else { return false };
        let name = head.split_once('(').map_or("", |(_, name)| name);
        let counts = names.is_none_or(|names| names.contains(&name));
        !counts || matches!(rest.trim_start().chars().next(), Some('S' | 'Z' | 'X'))
    })
}
