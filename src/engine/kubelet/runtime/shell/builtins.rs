//! Commands the shell carries out itself, because they change the shell.

use super::super::fs::absolute;
use super::super::kernel::{Read, Sys};
use super::super::process::{Pid, Process, signal_number};
use super::code::compile;
use super::parser::{is_name, parse};
use super::{Await, Dialect, FrameKind, Shell, Var, test_expr};

/// What a builtin came to.
pub enum Outcome {
    Status(i32),
    /// The shell now waits; its status comes later.
    Waiting,
    /// A frame was pushed or control moved; `$?` is already right.
    Moved,
}

pub const NAMES: [&str; 36] = [
    ":", ".", "[", "[[", "alias", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export",
    "false", "getopts", "hash", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "set",
    "shift", "source", "test", "times", "trap", "true", "type", "ulimit", "umask",
];

pub fn is_builtin(name: &str) -> bool {
    NAMES.contains(&name) || matches!(name, "unset" | "wait")
}

/// Carries out a builtin; `exec` and `command` with a program are the caller's.
pub fn run(shell: &mut Shell, process: &mut Process, sys: &mut Sys, argv: &[String]) -> Outcome {
    let args = &argv[1..];
    let status = match argv[0].as_str() {
        ":" | "true" | "hash" | "times" | "alias" => 0,
        "umask" => {
            if args.is_empty() {
                sys.write(process.fds.get(&1), b"0022\n");
            }
            0
        }
        "ulimit" => {
            sys.write(process.fds.get(&1), b"unlimited\n");
            0
        }
        "let" => {
            let mut value = 0;
            for arg in args {
                match super::arith::evaluate(arg, shell) {
                    Ok(result) => value = result,
                    Err(error) => return Outcome::Status(shell.complain(process, sys, Some("let"), &error, 1)),
                }
            }
            i32::from(value == 0)
        }
        "false" => 1,
        "echo" => {
            let text = super::super::tools::echo(args);
            return written(sys.write(process.fds.get(&1), text.as_bytes()));
        }
        "printf" => {
            let (text, status) = super::super::tools::printf(args);
            match text {
                Ok((text, bad)) => {
                    sys.write(process.fds.get(&1), text.as_bytes());
                    for value in bad {
                        complain(process, sys, &format!("invalid number '{value}'"), 1);
                    }
                    status
                }
                Err(error) => complain(process, sys, &error, status),
            }
        }
        "pwd" => {
            sys.write(process.fds.get(&1), format!("{}\n", process.cwd).as_bytes());
            0
        }
        "cd" => cd(shell, process, sys, args),
        "test" => condition(process, sys, args, false),
        "[" | "[[" => {
            let end = argv[0].replace('[', "]");
            match args.split_last() {
                Some((last, rest)) if *last == end => condition(process, sys, rest, end.len() == 2),
                _ => complain(process, sys, &format!("missing {end}"), 2),
            }
        }
        "exit" => {
            let code = match args.first().map(|text| (text, text.parse::<i32>())) {
                None => shell.status,
                Some((_, Ok(code))) => code,
                Some((text, Err(_))) => {
                    shell.complain(process, sys, Some("exit"), &format!("Illegal number: {text}"), 2)
                }
            };
            shell.exiting = Some(code & 0xff);
            return Outcome::Moved;
        }
        "return" => {
            let status = args.first().and_then(|text| text.parse().ok()).unwrap_or(shell.status);
            shell.leave_function(process);
            shell.status = status;
            return Outcome::Moved;
        }
        "break" | "continue" => {
            let levels = args.first().and_then(|text| text.parse().ok()).unwrap_or(1);
            shell.leave_loops(process, levels, argv[0] == "continue");
            shell.status = 0;
            return Outcome::Moved;
        }
        "export" | "readonly" => return declare(shell, process, sys, argv),
        "local" => {
            if !shell.in_function() {
                shell.exiting = Some(shell.complain(process, sys, Some("local"), "not in a function", 2));
                return Outcome::Moved;
            }
            for arg in args {
                let (name, value) =
                    arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
                shell.make_local(name, value);
            }
            0
        }
        "unset" => {
            for name in args.iter().filter(|arg| !arg.starts_with('-')) {
                shell.vars.remove(name);
                shell.functions.remove(name);
            }
            0
        }
        "set" => set(shell, process, sys, args),
        "shift" => {
            let count = args.first().and_then(|text| text.parse().ok()).unwrap_or(1);
            if count > shell.args.len() {
                return Outcome::Status(1);
            }
            shell.args.drain(..count);
            0
        }
        "eval" => return source(shell, process, sys, &args.join(" "), FrameKind::Eval),
        "." | "source" => {
            let Some(file) = args.first() else {
                return Outcome::Status(shell.complain(process, sys, Some(&argv[0]), "filename argument required", 2));
            };
            let path = absolute(&process.cwd, file);
            match sys.file(&path) {
                Ok(data) => return source(shell, process, sys, &String::from_utf8_lossy(&data), FrameKind::Eval),
                Err(_) => {
                    let text = format!("can't open '{file}': No such file or directory");
                    shell.exiting = Some(shell.complain(process, sys, Some(&argv[0]), &text, 2));
                    return Outcome::Moved;
                }
            }
        }
        "trap" => trap(shell, process, sys, args),
        "wait" => return wait(shell, process, sys, args),
        "read" => {
            let raw = args.iter().any(|arg| arg == "-r");
            let names: Vec<String> = args.iter().filter(|arg| !arg.starts_with('-')).cloned().collect();
            shell.awaiting = Await::Line { names, raw, text: Vec::new() };
            return Outcome::Waiting;
        }
        "kill" => kill(process, sys, args),
        "jobs" | "getopts" => i32::from(argv[0] == "getopts"),
        "type" => {
            let mut status = 0;
            for name in args {
                let (text, code) = describe(shell, sys, name);
                sys.write(process.fds.get(&1), format!("{text}\n").as_bytes());
                status = if code == 0 { status } else { code };
            }
            status
        }
        "command" => {
            let Some(name) = args.iter().find(|arg| !arg.starts_with('-')) else { return Outcome::Status(0) };
            match (describe(shell, sys, name), super::super::tools::which(sys, name)) {
                ((_, 127), _) => 127,
                (_, Some(path)) if !is_builtin(name) => {
                    sys.write(process.fds.get(&1), format!("{path}\n").as_bytes());
                    0
                }
                _ => {
                    sys.write(process.fds.get(&1), format!("{name}\n").as_bytes());
                    0
                }
            }
        }
        other => complain(process, sys, &format!("{other}: not found"), 127),
    };
    Outcome::Status(status)
}

fn written(read: bool) -> Outcome {
    Outcome::Status(if read { 0 } else { 1 })
}

/// Prints an error as the busybox applets do that are part of the shell, and returns the status.
fn complain(process: &Process, sys: &mut Sys, text: &str, status: i32) -> i32 {
    sys.write(process.fds.get(&2), format!("sh: {text}\n").as_bytes());
    status
}

fn condition(process: &Process, sys: &mut Sys, args: &[String], patterns: bool) -> i32 {
    let args = if patterns { test_expr::with_patterns(args) } else { args.to_vec() };
    match test_expr::evaluate(&args, sys, &process.cwd) {
        Ok(value) => i32::from(!value),
        Err(error) => complain(process, sys, &error, 2),
    }
}

fn cd(shell: &mut Shell, process: &mut Process, sys: &mut Sys, args: &[String]) -> i32 {
    let target = match args.iter().find(|arg| *arg == "-" || !arg.starts_with('-')).map(String::as_str) {
        None => shell.get("HOME").unwrap_or("/").to_owned(),
        Some("-") => shell.get("OLDPWD").unwrap_or("/").to_owned(),
        Some(path) => path.to_owned(),
    };
    let path = absolute(&process.cwd, &target);
    if !sys.view().is_dir(&path) {
        let why = if sys.view().exists(&path) { "Not a directory" } else { "No such file or directory" };
        let status = if shell.dialect == Dialect::Bash { 1 } else { 2 };
        return shell.complain(process, sys, Some("cd"), &format!("can't cd to {target}: {why}"), status);
    }
    if args.first().is_some_and(|arg| arg == "-") {
        sys.write(process.fds.get(&1), format!("{path}\n").as_bytes());
    }
    let old = std::mem::replace(&mut process.cwd, path.clone());
    // Both exist in every shell and are never read-only here.
    let _ = shell.set("OLDPWD", old);
    let _ = shell.set("PWD", path);
    0
}

fn declare(shell: &mut Shell, process: &Process, sys: &mut Sys, argv: &[String]) -> Outcome {
    let export = argv[0] == "export";
    let names: Vec<&String> = argv[1..].iter().filter(|arg| *arg != "-p").collect();
    if names.is_empty() {
        let shown = shell.vars.iter().filter(|(_, var)| if export { var.exported } else { var.read_only });
        let text: String = shown.map(|(name, var)| format!("{} {name}='{}'\n", argv[0], var.value)).collect();
        sys.write(process.fds.get(&1), text.as_bytes());
        return Outcome::Status(0);
    }
    for arg in names {
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_name(name) {
            let text = format!("{arg}: bad variable name");
            return Outcome::Status(shell.complain(process, sys, Some(&argv[0]), &text, 2));
        }
        if let Some(Err(error)) = value.map(|value| shell.set(name, value.to_owned())) {
            return Outcome::Status(shell.complain(process, sys, Some(&argv[0]), &error, 2));
        }
        let var = shell.vars.entry(name.to_owned()).or_insert(Var {
            value: String::new(),
            exported: false,
            read_only: false,
        });
        var.exported |= export;
        var.read_only |= !export;
    }
    Outcome::Status(0)
}

fn set(shell: &mut Shell, process: &Process, sys: &mut Sys, args: &[String]) -> i32 {
    if args.is_empty() {
        let text: String = shell.vars.iter().map(|(name, var)| format!("{name}='{}'\n", var.value)).collect();
        sys.write(process.fds.get(&1), text.as_bytes());
        return 0;
    }
    for (index, arg) in args.iter().enumerate() {
        match arg.chars().next() {
            Some('-') if arg == "--" => {
                shell.args = args[index + 1..].to_vec();
                return 0;
            }
            Some(sign @ ('-' | '+')) => {
                let on = sign == '-';
                for flag in arg.chars().skip(1) {
                    match flag {
                        'e' => shell.exit_on_error = on,
                        'u' => shell.unset_is_error = on,
                        'x' => shell.trace = on,
                        _ => {}
                    }
                }
                if arg.ends_with('o') {
                    let name = args.get(index + 1).map_or("", String::as_str);
                    if !name.is_empty() && !shell.set_named_option(name, on) {
                        return shell.complain(process, sys, Some("set"), &format!("illegal option -o {name}"), 2);
                    }
                    return 0;
                }
            }
            _ => {
                shell.args = args[index..].to_vec();
                return 0;
            }
        }
    }
    0
}

fn source(shell: &mut Shell, process: &Process, sys: &mut Sys, text: &str, kind: FrameKind) -> Outcome {
    match parse(text) {
        Ok(list) => {
            shell.status = 0;
            shell.push(compile(&list), kind);
            Outcome::Moved
        }
        Err(error) => {
            shell.exiting = Some(shell.complain(process, sys, None, &error, 2));
            Outcome::Moved
        }
    }
}

fn trap(shell: &mut Shell, process: &Process, sys: &mut Sys, args: &[String]) -> i32 {
    let args: Vec<&String> = args.iter().filter(|arg| *arg != "--").collect();
    let Some((action, signals)) = args.split_first() else {
        sys.write(process.fds.get(&1), shell.trap_list().as_bytes());
        return 0;
    };
    // `trap TERM` alone resets that signal.
    let (action, signals): (Option<&str>, &[&String]) =
        if signals.is_empty() { (None, &args) } else { ((*action != "-").then_some(action.as_str()), signals) };
    for name in signals {
        let number = if *name == "EXIT" { Some(0) } else { signal_number(name) };
        let Some(number) = number else {
            return shell.complain(process, sys, Some("trap"), &format!("{name}: invalid signal specification"), 1);
        };
        match action {
            Some(action) => shell.traps.insert(number, action.to_owned()),
            None => shell.traps.remove(&number),
        };
    }
    0
}

fn wait(shell: &mut Shell, process: &Process, sys: &mut Sys, args: &[String]) -> Outcome {
    let mut pids: Vec<Pid> = Vec::new();
    for arg in args {
        match arg.parse() {
            Ok(pid) => pids.push(pid),
            Err(_) => {
                let text = format!("Illegal number: {arg}");
                return Outcome::Status(shell.complain(process, sys, Some("wait"), &text, 2));
            }
        }
    }
    let last = pids.last().copied();
    if pids.is_empty() {
        pids = sys.kernel.procs.values().filter(|other| other.parent == process.pid).map(|other| other.pid).collect();
    }
    shell.awaiting = Await::Jobs { pids, last };
    Outcome::Waiting
}

fn kill(process: &mut Process, sys: &mut Sys, args: &[String]) -> i32 {
    if args.first().is_some_and(|arg| arg == "-l") {
        sys.write(process.fds.get(&1), super::super::tools::signal_list().as_bytes());
        return 0;
    }
    let (signal, pids) = match super::super::tools::kill_arguments(args) {
        Ok(parsed) => parsed,
        Err(error) => return complain(process, sys, &error, 1),
    };
    let mut status = 0;
    for text in pids {
        let pid = text.trim_start_matches('-').parse::<Pid>().ok();
        if pid == Some(process.pid) {
            // To itself: noted, and acted on at the next instruction.
            process.pending.push(signal);
            continue;
        }
        let sent = pid.map(|pid| sys.kernel.signal(pid, signal, false, sys.now));
        match sent {
            Some(Ok(())) => {}
            Some(Err(_)) => status = complain(process, sys, &format!("can't kill pid {text}: No such process"), 1),
            None => status = complain(process, sys, &format!("invalid number '{text}'"), 1),
        }
    }
    status
}

fn describe(shell: &Shell, sys: &mut Sys, name: &str) -> (String, i32) {
    if is_builtin(name) {
        return (format!("{name} is a shell builtin"), 0);
    }
    if shell.functions.contains_key(name) {
        return (format!("{name} is a function"), 0);
    }
    match super::super::tools::which(sys, name) {
        Some(path) => (format!("{name} is {path}"), 0),
        None => (format!("{name}: not found"), 127),
    }
}

/// Reads a line for the `read` builtin: `None` while it must wait.
pub fn read_line(process: &mut Process, sys: &mut Sys, so_far: &mut Vec<u8>) -> Result<bool, u32> {
    loop {
        let mut fd = process.fds.remove(&0);
        let read = sys.read(fd.as_mut());
        let outcome = match read {
            Read::Data(data) => match data.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    so_far.extend_from_slice(&data[..at]);
                    sys.unread(fd.as_mut(), &data[at + 1..]);
                    Some(Ok(true))
                }
                None => {
                    so_far.extend_from_slice(&data);
                    None
                }
            },
            Read::Block(pipe) => Some(Err(pipe)),
            Read::End => Some(Ok(false)),
        };
        if let Some(fd) = fd {
            process.fds.insert(0, fd);
        }
        if let Some(outcome) = outcome {
            return outcome;
        }
    }
}
