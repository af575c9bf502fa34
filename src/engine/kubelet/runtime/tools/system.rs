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
        "true" | "clear" | "vi" => 0,
        "tty" => {
            print(process, sys, "not a tty\n");
            1
        }
        "false" => 1,
        "sleep" => return sleep(args, process, sys),
        "echo" => {
            print(process, sys, &echo(args));
            0
        }
        "printf" => match printf(args) {
            (Ok((text, bad)), status) => {
                print(process, sys, &text);
                for value in bad {
                    complain(process, sys, name, &format!("invalid number '{value}'"));
                }
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
            let given = args.iter().position(|arg| arg == "-d" || arg == "--date");
            let given = given.and_then(|at| args.get(at + 1)).or(args.iter().find(|arg| arg.starts_with("--date=")));
            let given = given.map(|text| text.trim_start_matches("--date="));
            let when = match given.map(|text| (text, moment(text, sys.now))) {
                None => sys.now,
                Some((_, Some(when))) => when,
                Some((text, None)) => {
                    return Start::Exit(complain(process, sys, name, &format!("invalid date '{text}'")));
                }
            };
            let text = date(when, args);
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
            let all = flag('a');
            let parts = [
                (flag('s'), "Linux"),
                (flag('n'), sys.world.hostname),
                (flag('r'), "6.1.0"),
                (flag('v'), "#1 SMP Debian 6.1"),
                (flag('m'), "x86_64"),
                (flag('o'), "GNU/Linux"),
            ];
            let wanted: Vec<&str> = parts.iter().filter(|(asked, _)| *asked || all).map(|(_, text)| *text).collect();
            let text = if wanted.is_empty() { "Linux".to_owned() } else { wanted.join(" ") };
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
        "seq" => match seq(args) {
            Ok(text) => {
                print(process, sys, &text);
                0
            }
            Err(text) => complain(process, sys, name, &format!("invalid number '{text}'")),
        },
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

/// `@5`, `2026-01-02`, `2026-01-02 03:04[:05]`, `03:04[:05]`, as `date -d` reads them.
fn moment(text: &str, now: Millis) -> Option<Millis> {
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse::<Millis>().ok()?.checked_mul(1_000);
    }
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) => (day.parse().ok()?, clock),
        None if text.contains(':') => (civil(now).date(), text),
        None => (text.parse::<jiff::civil::Date>().ok()?, "00:00:00"),
    };
    let clock = clock.trim_end_matches('Z');
    let clock = if clock.matches(':').count() == 1 { format!("{clock}:00") } else { clock.to_owned() };
    let when = day.to_datetime(clock.parse().ok()?);
    let stamp = jiff::tz::Offset::UTC.to_timestamp(when).ok()?;
    Millis::try_from(stamp.as_millisecond()).ok()
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

/// # Errors
/// What is no number.
fn seq(args: &[String]) -> Result<String, String> {
    let (mut wide, mut separator, mut plain) = (false, "\n".to_owned(), Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.strip_prefix('-') {
            Some("w") => wide = true,
            Some("s") => separator = rest.next().cloned().unwrap_or_default(),
            Some(other) if other.starts_with('s') => separator = other[1..].to_owned(),
            _ => plain.push(arg.as_str()),
        }
    }
    let places =
        plain.iter().filter_map(|text| text.split_once('.').map(|(_, places)| places.len())).max().unwrap_or(0);
    let number = |text: &&str| text.parse::<f64>().map_err(|_| (*text).to_owned());
    let numbers = plain.iter().map(number).collect::<Result<Vec<f64>, String>>()?;
    let (from, step, to) = match numbers.as_slice() {
        [] => return Ok(String::new()),
        [to] => (1.0, 1.0, *to),
        [from, to] => (*from, 1.0, *to),
        [from, step, to, ..] => (*from, *step, *to),
    };
    let (mut items, mut at) = (Vec::new(), 0_u32);
    // Steps are counted, not added up: what is added up drifts.
    let value = |at: u32| from + step * f64::from(at);
    while step != 0.0 && at < 100_000 && ((step > 0.0 && value(at) <= to) || (step < 0.0 && value(at) >= to)) {
        items.push(format!("{:.*}", places, value(at)));
        at += 1;
    }
    let width = items.iter().map(String::len).max().unwrap_or(0);
    if wide {
        items.iter_mut().for_each(|item| *item = format!("{item:0>width$}"));
    }
    Ok(if items.is_empty() { String::new() } else { format!("{}\n", items.join(&separator)) })
}

fn expr(args: &[String], process: &Process, sys: &mut Sys) -> i32 {
    let number = |text: &str| text.parse::<i64>().ok();
    let value = match args {
        [only] => only.clone(),
        [what, text] if what == "length" => text.chars().count().to_string(),
        [text, op, pattern] if op == ":" => {
            let source = format!("^{}", super::sed::extended(pattern));
            let Ok(pattern) = regex_lite::Regex::new(&source) else {
                return complain(process, sys, "expr", "bad regex") + 1;
            };
            let groups = pattern.captures_len() > 1;
            match pattern.captures(text) {
                None if groups => String::new(),
                None => "0".to_owned(),
                Some(found) if groups => found.get(1).map_or(String::new(), |part| part.as_str().to_owned()),
                Some(found) => found[0].chars().count().to_string(),
            }
        }
        [left, op, right] => match (number(left), op.as_str(), number(right)) {
            (Some(_), "/" | "%", Some(0)) => return complain(process, sys, "expr", "division by zero") + 1,
            (None, "+" | "-" | "*" | "/" | "%", _) | (_, "+" | "-" | "*" | "/" | "%", None) => {
                return complain(process, sys, "expr", "non-numeric argument") + 1;
            }
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
    let full = |path: &str| super::super::fs::absolute(&process.cwd, path);
    if let Some(path) = option("if").filter(|path| !path.starts_with("/dev/")) {
        // A file is copied as it is; where it goes to a device, nobody sees it.
        let data = match sys.file(&full(path)) {
            Ok(data) => data,
            Err(error) => {
                return Start::Exit(complain(process, sys, "dd", &format!("can't open '{path}': {}", error.text())));
            }
        };
        let blocks = data.len() as u64 / block.max(1);
        let rest = u64::from(!(data.len() as u64).is_multiple_of(block.max(1)));
        let report = format!("{blocks}+{rest} records in\n{blocks}+{rest} records out\n");
        match option("of") {
            None => sys.write(process.fds.get(&1), &data),
            Some(path) if path.starts_with("/dev/") => true,
            Some(path) => {
                let (target, now) = (full(path), sys.now);
                if let Err(error) = sys.view().write(&target, &data, false, now) {
                    return Start::Exit(complain(
                        process,
                        sys,
                        "dd",
                        &format!("can't open '{path}': {}", error.text()),
                    ));
                }
                true
            }
        };
        sys.write(process.fds.get(&2), report.as_bytes());
        return Start::Exit(0);
    }
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
