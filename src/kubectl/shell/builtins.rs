//! The shell's own words. A text filter is pure and lives in `filters.rs`.

use super::filters;
use crate::coroutine::Cx;
use crate::duration;
use api::order::Order;

/// What completion and `help` list.
pub const NAMES: &[&str] = &[
    "alias", "awk", "base64", "cat", "clear", "cut", "date", "echo", "export", "grep", "head", "help", "history", "k",
    "kubectl", "less", "ls", "rm", "sed", "sleep", "sort", "tail", "tee", "tr", "unalias", "uniq", "watch", "wc",
    "xargs",
];

const HELP: &str = "This is a small shell beside the cluster.

  kubectl, k       everything about the cluster: try 'kubectl --help'
  ls, cat          the files of the editor
  |                pipe to grep, head, tail, wc, sort, uniq, cut, tr, sed, awk, less
  > >> <           write to and read from files
  <<EOF            a here-document: kubectl apply -f - <<EOF
  ; && ||          several commands
  $(...)           a command's output as words
  alias, history, clear, watch

  Tab completes, Ctrl-C interrupts.
";

/// Runs a builtin; `None` if there is none of that name.
pub async fn run(cx: &Cx, name: &str, args: &[String]) -> Option<i32> {
    let code = match name {
        "help" => {
            cx.out(HELP);
            0
        }
        "clear" => {
            cx.out("\u{1b}[H\u{1b}[2J");
            0
        }
        "true" | ":" => 0,
        "false" => 1,
        "pwd" => {
            cx.out("/root\n");
            0
        }
        "whoami" => {
            cx.out("root\n");
            0
        }
        "date" => {
            cx.out(format!("{}\n", duration::rfc3339(cx.now())));
            0
        }
        "sleep" => {
            let text = args.first().map_or("0", String::as_str);
            let millis =
                text.parse::<f64>().map(|seconds| (seconds * 1000.0) as i64).or_else(|_| duration::parse(text));
            cx.sleep(millis.unwrap_or(0).max(0) as u64).await;
            0
        }
        "echo" => echo(cx, args),
        "ls" => ls(cx, args),
        "rm" => {
            cx.err("rm: files are deleted in the editor\n");
            1
        }
        "history" => {
            let session = cx.env.session.borrow();
            let lines = session.history.iter().enumerate().map(|(at, line)| format!("{:5}  {line}\n", at + 1));
            cx.out(lines.collect::<String>());
            0
        }
        "alias" => alias(cx, args),
        "unalias" => {
            args.iter().for_each(|name| {
                cx.env.session.borrow_mut().aliases.remove(name);
            });
            0
        }
        "export" => {
            for (key, value) in args.iter().filter_map(|pair| pair.split_once('=')) {
                cx.env.session.borrow_mut().variables.insert(key.into(), value.into());
            }
            0
        }
        "tee" => {
            let input = cx.env.stdin.clone().unwrap_or_default();
            for file in args.iter().filter(|arg| !arg.starts_with('-')) {
                cx.env.files.write(file, &input);
            }
            cx.out(input);
            0
        }
        name => return filter(cx, name, args),
    };
    Some(code)
}

/// Runs a text filter on the named files or on standard input.
fn filter(cx: &Cx, name: &str, args: &[String]) -> Option<i32> {
    let filter = filters::find(name)?;
    let (args, files) = filter.split(args);
    let mut input = String::new();
    let mut code = 0;
    for file in &files {
        match cx.env.read(file) {
            Some(text) => {
                input.push_str(&text);
                if !text.is_empty() && !text.ends_with('\n') && files.len() > 1 {
                    input.push('\n');
                }
            }
            None if file == "-" => input.push_str(cx.env.stdin.as_deref().unwrap_or_default()),
            None => {
                cx.err(format!("{name}: {file}: No such file or directory\n"));
                code = if name == "grep" { 2 } else { 1 };
            }
        }
    }
    if files.is_empty() {
        input = cx.env.stdin.clone().unwrap_or_default();
    }
    match (filter.run)(&args, &input) {
        Ok((output, status)) => {
            cx.out(output);
            Some(if code == 0 { status } else { code })
        }
        Err(why) => {
            cx.err(format!("{name}: {why}\n"));
            Some(2)
        }
    }
}

fn echo(cx: &Cx, args: &[String]) -> i32 {
    let (mut newline, mut escapes, mut rest) = (true, false, args);
    while let Some((first, more)) = rest.split_first() {
        match first.as_str() {
            "-n" => newline = false,
            "-e" => escapes = true,
            _ => break,
        }
        rest = more;
    }
    let mut text = rest.join(" ");
    if escapes {
        text = text.replace("\\n", "\n").replace("\\t", "\t");
    }
    cx.out(if newline { format!("{text}\n") } else { text });
    0
}

fn ls(cx: &Cx, args: &[String]) -> i32 {
    let mut code = 0;
    let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    if paths.is_empty() {
        // Directories once, like files.
        let mut names: Vec<String> = cx
            .env
            .files
            .names()
            .iter()
            .map(|name| name.split_once('/').map_or(name.clone(), |(directory, _)| format!("{directory}/")))
            .collect();
        names.order();
        names.dedup();
        cx.out(names.iter().map(|name| format!("{name}\n")).collect::<String>());
    }
    for path in paths {
        if cx.env.read(path).is_some() {
            cx.out(format!("{path}\n"));
        } else if let Some(files) = cx.env.directory(path, false) {
            cx.out(
                files.iter().map(|name| format!("{}\n", name.rsplit('/').next().unwrap_or(name))).collect::<String>(),
            );
        } else {
            cx.err(format!("ls: {path}: No such file or directory\n"));
            code = 1;
        }
    }
    code
}

fn alias(cx: &Cx, args: &[String]) -> i32 {
    if args.is_empty() {
        let session = cx.env.session.borrow();
        cx.out(session.aliases.iter().map(|(name, value)| format!("alias {name}='{value}'\n")).collect::<String>());
    }
    let mut code = 0;
    for arg in args {
        match arg.split_once('=') {
            Some((name, value)) => {
                cx.env.session.borrow_mut().aliases.insert(name.into(), value.into());
            }
            None => {
                let session = cx.env.session.borrow();
                match session.aliases.get(arg) {
                    Some(value) => cx.out(format!("alias {arg}='{value}'\n")),
                    None => {
                        cx.err(format!("alias: {arg}: not found\n"));
                        code = 1;
                    }
                }
            }
        }
    }
    code
}
