//! Tools about the process, the machine and the clock: `env`, `ps`, `kill`, `date`, `sleep` …

use super::super::Millis;
use super::super::kernel::Sys;
use super::super::process::{Process, Step, Wait};
use super::super::shell::test_expression;
use super::printf::{echo, printf};
use super::processes::{kill, pidof, ps, repeat, timeout};
use super::{Start, Tool, complain, print};

pub fn start(name: &str, args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    let flags = args.iter().filter(|arg| arg.starts_with('-'));
    let flag = |wanted: char| flags.clone().any(|arg| arg.contains(wanted));
    let plain: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let code = match name {
        "true" | "clear" | "vi" | "tty" => 0,
        "false" => 1,
        "sleep" => return sleep(args, process, sys),
        "echo" => {
            print(process, sys, &echo(args));
            0
        }
        "printf" => match printf(args) {
            (Ok(text), status) => {
                print(process, sys, &text);
                status
            }
            (Err(error), _) => complain(process, sys, name, &error),
        },
        "test" | "[" => {
            let args = if name == "[" { args.split_last().map_or(args, |(_, rest)| rest) } else { args };
            match test_expression(args, sys, &process.cwd) {
                Ok(value) => i32::from(!value),
                Err(error) => complain(process, sys, name, &error) + 1,
            }
        }
        "env" => return env(args, process, sys),
        "printenv" => match plain.first() {
            Some(wanted) => match process.env.get(wanted.as_str()).cloned() {
                Some(value) => {
                    print(process, sys, &format!("{value}\n"));
                    0
                }
                None => 1,
            },
            None => {
                show_env(process, sys);
                0
            }
        },
        "hostname" => {
            let text = if flag('i') { sys.world.ip } else { sys.world.hostname }.to_owned();
            print(process, sys, &format!("{text}\n"));
            0
        }
        "date" => {
            let text = date(sys.now, args);
            print(process, sys, &format!("{text}\n"));
            0
        }
        "id" | "whoami" => {
            let (user, group) = sys.kernel.user;
            let label = |id: u32| if id == 0 { "(root)" } else { "" };
            let text = match (name, flag('u'), flag('g')) {
                ("whoami", ..) if user != 0 => {
                    return Start::Exit(complain(process, sys, "whoami", &format!("unknown uid {user}")));
                }
                ("whoami", ..) => "root".to_owned(),
                (_, true, _) => user.to_string(),
                (_, _, true) => group.to_string(),
                _ => {
                    let groups: Vec<String> =
                        sys.kernel.groups.iter().map(|group| format!("{group}{}", label(*group))).collect();
                    format!("uid={user}{} gid={group}{} groups={}", label(user), label(group), groups.join(","))
                }
            };
            print(process, sys, &format!("{text}\n"));
            0
        }
        "uname" => {
            let text = if flag('a') {
                format!("Linux {} 6.1.0 #1 SMP Debian 6.1 x86_64 GNU/Linux", sys.world.hostname)
            } else if flag('r') {
                "6.1.0".to_owned()
            } else if flag('n') {
                sys.world.hostname.to_owned()
            } else if flag('m') {
                "x86_64".to_owned()
            } else {
                "Linux".to_owned()
            };
            print(process, sys, &format!("{text}\n"));
            0
        }
        "arch" => {
            print(process, sys, "x86_64\n");
            0
        }
        "nproc" => {
            print(process, sys, "2\n");
            0
        }
        "uptime" => {
            let text = format!(
                " {} up 1 day,  0 users,  load average: 0.00, 0.00, 0.00\n",
                civil(sys.now).strftime("%H:%M:%S")
            );
            print(process, sys, &text);
            0
        }
        "free" => {
            let used = sys.kernel.memory() >> 10;
            let text = format!(
                "              total        used        free      shared  buff/cache   available\nMem:        4025536 {used:>11} {:>11}           0           0 {:>11}\nSwap:             0           0           0\n",
                4_025_536 - used,
                4_025_536 - used
            );
            print(process, sys, &text);
            0
        }
        "ps" => {
            let text = ps(process, sys);
            print(process, sys, &text);
            0
        }
        "top" => {
            if flag('n') || flag('b') {
                repeat(process, sys, &["top".to_owned()]);
                0
            } else {
                return Start::Run(Tool::Repeat { every: 5_000, argv: vec!["top".to_owned()] });
            }
        }
        "pidof" | "pgrep" => return Start::Exit(pidof(&plain, process, sys)),
        "kill" | "killall" | "pkill" => return Start::Exit(kill(name, args, process, sys)),
        "seq" => {
            let text = seq(&plain.iter().map(|text| text.as_str()).collect::<Vec<_>>());
            print(process, sys, &text);
            0
        }
        "which" => {
            let mut status = 0;
            for wanted in &plain {
                match super::which(sys, wanted) {
                    Some(path) => print(process, sys, &format!("{path}\n")),
                    None => status = 1,
                }
            }
            status
        }
        "expr" => return Start::Exit(expr(args, process, sys)),
        "yes" => {
            let line = if args.is_empty() { "y".to_owned() } else { args.join(" ") };
            return Start::Run(Tool::Yes { line });
        }
        "dd" => return dd(args, process, sys),
        "stress" => {
            let bytes = args
                .iter()
                .position(|arg| arg == "--vm-bytes")
                .and_then(|at| args.get(at + 1))
                .and_then(|text| size(text));
            return Start::Run(Tool::Hog { goal: bytes.unwrap_or(256 << 20), per_second: 200 << 20, then: None });
        }
        "timeout" => return timeout(args, process, sys),
        "nohup" | "nice" | "time" => {
            let rest =
                if name == "nice" && args.first().is_some_and(|arg| arg == "-n") { args.get(2..) } else { Some(args) };
            return Start::Become(rest.unwrap_or_default().to_vec());
        }
        "watch" => {
            let every = args
                .iter()
                .position(|arg| arg == "-n")
                .and_then(|at| args.get(at + 1)?.parse::<u64>().ok())
                .unwrap_or(2);
            let argv = plain.iter().map(|text| (*text).clone()).collect();
            return Start::Run(Tool::Repeat { every: every * 1_000, argv });
        }
        _ => {
            complain(process, sys, name, "not simulated");
            127
        }
    };
    Start::Exit(code)
}

fn sleep(args: &[String], process: &Process, sys: &mut Sys) -> Start {
    if args.is_empty() {
        print(process, sys, "");
        complain(process, sys, "sleep", "missing operand");
        return Start::Exit(1);
    }
    let mut total = 0;
    for arg in args {
        match duration(arg) {
            Some(length) => total += length,
            None if arg == "infinity" || arg == "inf" => return Start::Run(Tool::Forever),
            None => {
                complain(process, sys, "sleep", &format!("invalid number '{arg}'"));
                return Start::Exit(1);
            }
        }
    }
    Start::Run(Tool::Sleep { until: sys.now + total })
}

/// `1.5`, `10s`, `2m`, `1h`, `1d` in milliseconds.
pub fn duration(text: &str) -> Option<Millis> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1_000.0),
        (at, 'm') => (&text[..at], 60_000.0),
        (at, 'h') => (&text[..at], 3_600_000.0),
        (at, 'd') => (&text[..at], 86_400_000.0),
        _ => (text, 1_000.0),
    };
    let value: f64 = number.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)?;
    Some((value * unit).min(1e14) as Millis)
}

fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match text[digits.len()..].to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => 0,
    };
    digits.parse::<u64>().ok().map(|value| value << scale)
}

fn show_env(process: &Process, sys: &mut Sys) {
    let text: String = process.env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    print(process, sys, &text);
}

fn env(args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    let mut env = (*process.env).clone();
    let mut rest = args;
    while let Some((first, tail)) = rest.split_first() {
        match (first.as_str(), first.split_once('=')) {
            ("-i" | "-", _) => env.clear(),
            ("-u", _) => {
                env.remove(tail.first().map_or("", String::as_str));
                rest = &tail[1.min(tail.len())..];
                continue;
            }
            (_, Some((name, value))) => {
                env.insert(name.to_owned(), value.to_owned());
            }
            _ => break,
        }
        rest = tail;
    }
    process.env = env.into();
    if rest.is_empty() {
        show_env(process, sys);
        return Start::Exit(0);
    }
    Start::Become(rest.to_vec())
}

/// Virtual time as a date in UTC.
pub fn civil(now: Millis) -> jiff::civil::DateTime {
    let timestamp = jiff::Timestamp::from_millisecond(now as i64).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::Offset::UTC.to_datetime(timestamp)
}

fn date(now: Millis, args: &[String]) -> String {
    let when = civil(now);
    if args.iter().any(|arg| arg == "-R") {
        return when.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    }
    if args.iter().any(|arg| arg.starts_with("-I") || arg.starts_with("--iso")) {
        let long = args.iter().any(|arg| arg.contains("seconds"));
        return when.strftime(if long { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%d" }).to_string();
    }
    let Some(format) = args.iter().find_map(|arg| arg.strip_prefix('+')) else {
        return when.strftime("%a %b %e %H:%M:%S UTC %Y").to_string();
    };
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('s') => out.push_str(&(now / 1_000).to_string()),
            Some('N') => out.push_str(&format!("{:03}000000", now % 1_000)),
            Some('Z') => out.push_str("UTC"),
            Some('z') => out.push_str("+0000"),
            Some('c') => out.push_str(&when.strftime("%a %b %e %H:%M:%S %Y").to_string()),
            Some(known) if "aAbBdeFHIjmMpSTDyYuwR".contains(known) => {
                out.push_str(&when.strftime(&format!("%{known}")).to_string())
            }
            Some('%') => out.push('%'),
            Some('n') => out.push('\n'),
            Some(other) => {
                out.push('%');
                out.push(other);
            }
            None => out.push('%'),
        }
    }
    out
}

fn seq(args: &[&str]) -> String {
    let number = |text: Option<&&str>, default: i64| text.and_then(|text| text.parse().ok()).unwrap_or(default);
    let (from, step, to) = match args.len() {
        0 => return String::new(),
        1 => (1, 1, number(args.first(), 0)),
        2 => (number(args.first(), 1), 1, number(args.get(1), 0)),
        _ => (number(args.first(), 1), number(args.get(1), 1), number(args.get(2), 0)),
    };
    let mut text = String::new();
    let mut at = from;
    while step != 0 && text.len() < 1 << 20 && ((step > 0 && at <= to) || (step < 0 && at >= to)) {
        text.push_str(&format!("{at}\n"));
        at += step;
    }
    text
}

fn expr(args: &[String], process: &Process, sys: &mut Sys) -> i32 {
    let number = |text: &str| text.parse::<i64>().ok();
    let value = match args {
        [only] => only.clone(),
        [left, op, right] => match (number(left), op.as_str(), number(right)) {
            (Some(a), "+", Some(b)) => a.wrapping_add(b).to_string(),
            (Some(a), "-", Some(b)) => a.wrapping_sub(b).to_string(),
            (Some(a), "*", Some(b)) => a.wrapping_mul(b).to_string(),
            (Some(a), "/", Some(b)) if b != 0 => a.wrapping_div(b).to_string(),
            (Some(a), "%", Some(b)) if b != 0 => a.wrapping_rem(b).to_string(),
            (Some(a), "<", Some(b)) => i32::from(a < b).to_string(),
            (Some(a), ">", Some(b)) => i32::from(a > b).to_string(),
            (_, "=", _) => i32::from(left == right).to_string(),
            (_, "!=", _) => i32::from(left != right).to_string(),
            _ => return complain(process, sys, "expr", "syntax error") + 1,
        },
        _ => return complain(process, sys, "expr", "syntax error") + 1,
    };
    print(process, sys, &format!("{value}\n"));
    i32::from(value == "0" || value.is_empty())
}

/// `dd` matters for what it allocates: its block lies in memory while it copies.
/// No file gets larger than this.
const LARGEST_FILE: u64 = 32 << 20;

fn dd(args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    let option = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    let block = option("bs").and_then(size).unwrap_or(512);
    let count = option("count").and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    if let Some(path) = option("of").filter(|path| !path.starts_with("/dev/")) {
        let path = super::super::fs::absolute(&process.cwd, path);
        let now = sys.now;
        // Zeros of any length, up to what a page in a browser can hold.
        let length = block.saturating_mul(count).min(LARGEST_FILE) as usize;
        if let Err(error) = sys.view().write(&path, &vec![0; length], false, now) {
            return Start::Exit(complain(process, sys, "dd", &format!("can't open '{path}': {}", error.text())));
        }
    }
    let report = format!("{count}+0 records in\n{count}+0 records out\n");
    Start::Run(Tool::Hog { goal: block, per_second: 2 << 30, then: Some(report) })
}

/// Grows towards a goal; with a report it ends there, without one it stays.
pub fn hog(process: &mut Process, sys: &mut Sys, goal: u64, per_second: u64, then: Option<&str>) -> Step {
    let slice = 50;
    if process.heap >= goal {
        let Some(report) = then else { return Step::Wait(Wait::Until(sys.now + 10_000)) };
        sys.write(process.fds.get(&2), report.as_bytes());
        return Step::Exit(0);
    }
    process.heap = (process.heap + per_second * slice / 1_000).min(goal);
    Step::Wait(Wait::Until(sys.now + slice))
}

pub fn yes(process: &Process, sys: &mut Sys, line: &str) -> Step {
    let text = format!("{line}\n").repeat(32);
    if sys.write(process.fds.get(&1), text.as_bytes()) {
        Step::Wait(Wait::Until(sys.now + 10))
    } else {
        Step::Exit(141)
    }
}
