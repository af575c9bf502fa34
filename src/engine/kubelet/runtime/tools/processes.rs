//! Tools about other processes: `ps`, `pidof`, `kill`, `timeout`, and a round of `top` or `watch`.

use std::collections::BTreeMap;

use api::order::Gather;

use super::super::kernel::Sys;
use super::super::process::{Body, Pid, Process, SIGTERM, signal_name, signal_number};
use super::system::duration;
use super::{Start, Tool, complain, print};

pub fn ps(process: &Process, sys: &mut Sys) -> String {
    let user = if sys.kernel.user.0 == 0 { "root".to_owned() } else { sys.kernel.user.0.to_string() };
    let mut text = "PID   USER     TIME  COMMAND\n".to_owned();
    let mut rows: BTreeMap<Pid, String> =
        sys.kernel.procs.values().map(|other| (other.pid, other.command_line())).into_map();
    // A shell's last command takes the place of the shell.
    let own = match &sys.kernel.caller {
        _ if process.pid != 0 => process.pid,
        None => sys.pid,
        Some((shell, argv)) => {
            rows.insert(*shell, argv.join(" "));
            sys.kernel.next_pid
        }
    };
    rows.insert(own, process.command_line());
    rows.iter().for_each(|(pid, command)| text.push_str(&format!("{pid:>5} {user:<8}  0:00 {command}\n")));
    text
}

pub fn pidof(names: &[&String], process: &Process, sys: &mut Sys) -> i32 {
    let matching = |other: &Process| {
        let base = super::super::fs::base_of(other.argv.first().map_or("", String::as_str));
        names.iter().any(|name| *name == base || base.starts_with(&format!("{name}:")))
    };
    let pids: Vec<String> =
        sys.kernel.procs.values().filter(|other| matching(other)).map(|other| other.pid.to_string()).collect();
    if pids.is_empty() {
        return 1;
    }
    print(process, sys, &format!("{}\n", pids.join(" ")));
    0
}

/// The signal and the process ids of a `kill` command line.
///
/// # Errors
/// An unknown signal, or no process.
pub fn kill_arguments(args: &[String]) -> Result<(i32, Vec<String>), String> {
    let mut signal = SIGTERM;
    let mut rest = args;
    if let Some(first) = args.first().and_then(|arg| arg.strip_prefix('-')) {
        let (name, used) =
            if first == "s" || first == "n" { (args.get(1).map_or("", String::as_str), 2) } else { (first, 1) };
        signal = signal_number(name).ok_or_else(|| format!("bad signal name '{name}'"))?;
        rest = &args[used.min(args.len())..];
    }
    if rest.is_empty() {
        return Err("you need to specify whom to kill".to_owned());
    }
    Ok((signal, rest.to_vec()))
}

/// `kill -l`
pub fn signal_list() -> String {
    (1..20).filter_map(|number| signal_name(number).map(|name| format!("{number:>2}) {name}\n"))).collect()
}

pub fn kill(name: &str, args: &[String], process: &mut Process, sys: &mut Sys) -> i32 {
    if args.first().is_some_and(|arg| arg == "-l") {
        print(process, sys, &signal_list());
        return 0;
    }
    let (signal, targets) = match kill_arguments(args) {
        Ok(parsed) => parsed,
        Err(error) => return complain(process, sys, name, &error),
    };
    let mut status = 0;
    for target in targets {
        let pids: Vec<Pid> = if name == "kill" {
            match target.parse() {
                Ok(pid) => vec![pid],
                Err(_) => {
                    status = complain(process, sys, name, &format!("invalid number '{target}'"));
                    continue;
                }
            }
        } else {
            let named =
                |other: &&Process| super::super::fs::base_of(other.argv.first().map_or("", String::as_str)) == target;
            sys.kernel.procs.values().filter(named).map(|other| other.pid).collect()
        };
        if pids.is_empty() {
            status = complain(process, sys, name, &format!("{target}: no process killed"));
        }
        for pid in pids {
            if sys.kernel.signal(pid, signal, false, sys.now).is_err() {
                status = complain(process, sys, name, &format!("can't kill pid {pid}: No such process"));
            }
        }
    }
    status
}

pub fn timeout(args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    let at = args.iter().position(|arg| duration(arg).is_some());
    let Some((at, length)) = at.and_then(|at| Some((at, duration(&args[at])?))) else {
        let first = args.iter().find(|arg| !arg.starts_with('-')).map_or("", String::as_str);
        return Start::Exit(complain(process, sys, "timeout", &format!("invalid number '{first}'")));
    };
    let mut child = super::helper(process, args[at + 1..].to_vec(), Body::Lent, sys.now);
    match super::launch(&mut child, sys) {
        super::Launch::Exited(code) => Start::Exit(code),
        super::Launch::NotFound | super::Launch::Denied | super::Launch::IsDirectory => {
            let text =
                format!("can't execute '{}': No such file or directory", child.argv.first().map_or("", String::as_str));
            complain(process, sys, "timeout", &text);
            Start::Exit(127)
        }
        super::Launch::Ready => {
            let child = sys.kernel.add(child);
            let killer = Tool::Killer { until: sys.now + length, victim: child };
            let killer = super::helper(process, vec!["timeout".to_owned()], Body::Tool(Box::new(killer)), sys.now);
            let killer = sys.kernel.add(killer);
            Start::Run(Tool::Await { child, killer })
        }
    }
}

/// One round of `top` or `watch`.
pub fn repeat(process: &Process, sys: &mut Sys, argv: &[String]) {
    if argv.first().is_some_and(|name| name == "top") {
        let memory = sys.kernel.memory() >> 10;
        let mut text = format!(
            "Mem: {memory}K used, {}K free, 0K shrd, 0K buff, 0K cached\nCPU:   0% usr   0% sys   0% nic 100% idle   0% io   0% irq   0% sirq\nLoad average: 0.00 0.00 0.00 1/100 {}\n  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n",
            4_025_536 - memory,
            process.pid
        );
        for other in sys.kernel.procs.values() {
            text.push_str(&format!(
                "{:>5} {:>5} root     S     4400   0%   0   0% {}\n",
                other.pid,
                other.parent,
                other.command_line()
            ));
        }
        print(process, sys, &text);
        return;
    }
    let mut child = super::helper(process, argv.to_vec(), Body::Lent, sys.now);
    if matches!(super::launch(&mut child, sys), super::Launch::Ready) {
        sys.kernel.add(child);
    }
}
