//! The learner's shell: one line of it, with pipes, redirections, here-documents, variables and a few builtins.
//!
//! It runs kubectl inside itself, as another `async fn` with its output captured, so that
//! whoever drives [`crate::Command`] notices no difference. Line editing, history keys and
//! words that need the time machine (`undo`, `reset`) belong to the page.

mod builtins;
mod expand;
mod filters;
mod programs;
mod syntax;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use crate::coroutine::Cx;
use crate::dispatch;
use syntax::{Connector, Pipeline, Redirect, Stage};

pub use builtins::NAMES as BUILTINS;
pub use syntax::is_complete;

/// Runs a line (or several) to its exit code.
pub async fn run_line(cx: &Cx, text: &str) -> i32 {
    run(cx.clone(), text.to_string()).await
}

/// Boxed, because a substitution runs a line inside a line.
fn run(cx: Cx, text: String) -> Pin<Box<dyn Future<Output = i32>>> {
    Box::pin(async move {
        let pipelines = match syntax::parse(&text) {
            Ok(pipelines) => pipelines,
            Err(why) => {
                cx.err(format!("sh: {why}\n"));
                return 2;
            }
        };
        let mut code = 0;
        for pipeline in pipelines {
            let skip = match pipeline.connector {
                Connector::Always => false,
                Connector::IfOk => code != 0,
                Connector::IfFailed => code == 0,
            };
            if !skip {
                code = run_pipeline(&cx, &pipeline).await;
                cx.env.session.borrow_mut().variables.insert("?".into(), code.to_string());
            }
        }
        code
    })
}

async fn run_pipeline(cx: &Cx, pipeline: &Pipeline) -> i32 {
    let mut input: Option<String> = None;
    let mut code = 0;
    let last = pipeline.stages.len().saturating_sub(1);
    for (at, stage) in pipeline.stages.iter().enumerate() {
        let (output, stage_code) = run_stage(cx, stage, input.take(), at < last).await;
        code = stage_code;
        input = output;
    }
    code
}

/// Runs one command; gives its output if a pipe takes it.
async fn run_stage(cx: &Cx, stage: &Stage, piped: Option<String>, into_pipe: bool) -> (Option<String>, i32) {
    let mut words = Vec::new();
    for word in &stage.words {
        match expand::word(cx, word).await {
            Ok(expanded) => words.extend(expanded),
            Err(code) => return (into_pipe.then(String::new), code),
        }
    }
    // `NAME=value` alone sets a variable.
    while let Some((name, value)) = words.first().and_then(|word| assignment(word)) {
        cx.env.session.borrow_mut().variables.insert(name, value);
        words.remove(0);
    }
    let mut stdin = piped.or_else(|| cx.env.stdin.clone());
    let mut target: Option<(String, bool)> = None;
    let (mut join_errors, mut drop_errors, mut error_file) = (false, false, None);
    for redirect in &stage.redirects {
        match redirect {
            Redirect::HereDocument { text, literal } => {
                stdin = Some(if *literal { text.clone() } else { expand::text(cx, text).await });
            }
            Redirect::HereString(word) => {
                let expanded = expand::word(cx, word).await.unwrap_or_default();
                stdin = Some(format!("{}\n", expanded.join(" ")));
            }
            Redirect::In(word) => {
                let name = expand::word(cx, word).await.unwrap_or_default().join(" ");
                match cx.env.read(&name) {
                    Some(text) => stdin = Some(text),
                    None => {
                        cx.err(format!("sh: {name}: No such file or directory\n"));
                        return (into_pipe.then(String::new), 1);
                    }
                }
            }
            Redirect::Out { word, append } => {
                target = Some((expand::word(cx, word).await.unwrap_or_default().join(" "), *append));
            }
            Redirect::Errors { word } => {
                let name = expand::word(cx, word).await.unwrap_or_default().join(" ");
                drop_errors = name == "/dev/null";
                error_file = (!drop_errors).then_some(name);
            }
            Redirect::ErrorsToOutput => join_errors = true,
        }
    }
    let (inner, output) = if into_pipe || target.is_some() || join_errors {
        let (inner, buffer) = cx.captured(stdin);
        (inner, Some(buffer))
    } else {
        (cx.with_stdin(stdin), None)
    };
    let errors: Rc<RefCell<String>> = match (&output, join_errors) {
        (Some(output), true) => output.clone(),
        _ => Rc::default(),
    };
    let inner = if join_errors || drop_errors || error_file.is_some() { inner.with_errors_to(&errors) } else { inner };
    let code = if words.is_empty() { 0 } else { run_words(inner, words).await };
    if let Some(name) = error_file {
        cx.env.files.write(&name, &errors.borrow());
    }
    let text = output.map(|buffer| buffer.borrow().clone());
    match (text, target) {
        (Some(text), Some((name, append))) => {
            if name != "/dev/null" {
                let before = if append { cx.env.read(&name).unwrap_or_default() } else { String::new() };
                cx.env.files.write(&name, &format!("{before}{text}"));
            }
            (into_pipe.then(String::new), code)
        }
        (Some(text), None) if into_pipe => (Some(text), code),
        (Some(text), None) => {
            cx.out(text);
            (None, code)
        }
        (None, _) => (None, code),
    }
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let valid = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    valid.then(|| (name.to_string(), value.to_string()))
}

/// Runs a command given as words: kubectl, a builtin or a filter.
fn run_words(cx: Cx, mut words: Vec<String>) -> Pin<Box<dyn Future<Output = i32>>> {
    Box::pin(async move {
        let alias = cx.env.session.borrow().aliases.get(&words[0]).cloned();
        if let Some(alias) = alias {
            words.splice(0..1, alias.split_whitespace().map(String::from));
        }
        let Some((name, rest)) = words.split_first() else { return 0 };
        match name.as_str() {
            "kubectl" | "k" => dispatch::run(&cx, rest).await,
            "watch" => watch(cx.clone(), rest.to_vec()).await,
            "time" | "sudo" | "command" => match rest {
                [] => 0,
                rest => run_words(cx.clone(), rest.to_vec()).await,
            },
            "xargs" => xargs(&cx, rest).await,
            name => match builtins::run(&cx, name, rest).await {
                Some(code) => code,
                None => {
                    cx.err(format!("sh: {name}: command not found\n"));
                    127
                }
            },
        }
    })
}

/// `watch [-n SECONDS] COMMAND`: again and again until Ctrl-C.
async fn watch(cx: Cx, mut words: Vec<String>) -> i32 {
    let mut seconds = 2.0_f64;
    if words.first().is_some_and(|word| word == "-n") && words.len() > 1 {
        seconds = words[1].parse().unwrap_or(2.0);
        words.drain(..2);
    }
    if words.is_empty() {
        cx.err("Usage:\n watch [options] command\n");
        return 1;
    }
    loop {
        cx.out(format!("\u{1b}[H\u{1b}[2JEvery {seconds:.1}s: {}\n\n", words.join(" ")));
        let line: Vec<String> = words.iter().map(|word| quote(word)).collect();
        run(cx.clone(), line.join(" ")).await;
        cx.sleep((seconds.max(0.1) * 1000.0) as u64).await;
    }
}

/// A word that the shell reads back as itself.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+{}[]".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// `xargs COMMAND…`: appends the words of its input.
async fn xargs(cx: &Cx, words: &[String]) -> i32 {
    let input = cx.env.stdin.clone().unwrap_or_default();
    let mut all: Vec<String> = words.iter().filter(|word| *word != "-r").cloned().collect();
    if all.is_empty() {
        all.push("echo".into());
    }
    let more: Vec<String> = input.split_whitespace().map(String::from).collect();
    if more.is_empty() && words.iter().any(|word| word == "-r") {
        return 0;
    }
    all.extend(more);
    run_words(cx.with_stdin(None), all).await
}
