//! Lines of the shell: what they print, without a cluster.

use std::cell::RefCell;
use std::rc::Rc;

use super::is_complete;
use crate::{Command, Env, Event, Files as _, MemoryFiles, Out, Session, Step};

fn run(line: &str) -> (String, String, i32) {
    let files = Rc::new(MemoryFiles::new([
        ("a.yaml".to_string(), "kind: Pod\nname: web\n".to_string()),
        ("b.yaml".to_string(), "kind: Service\n".to_string()),
    ]));
    run_with(line, files)
}

fn run_with(line: &str, files: Rc<MemoryFiles>) -> (String, String, i32) {
    let env = Env::new(files, Rc::new(RefCell::new(Session::default())));
    let mut command = Command::line(line, env);
    let (mut out, mut err) = (String::new(), String::new());
    for now in 0.. {
        match command.resume(Event::Continue, now) {
            Step::Output { stream: Out::Stdout, text } => out.push_str(&text),
            Step::Output { stream: Out::Stderr, text } => err.push_str(&text),
            Step::Done(code) => return (out, err, code),
            Step::Wait { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

#[test]
fn lines_print_what_a_shell_would() {
    for (line, expected) in [
        ("echo hello   world", "hello world\n"),
        ("echo 'a  b' \"c  d\"", "a  b c  d\n"),
        ("ls", "a.yaml\nb.yaml\n"),
        ("ls | wc -l", "2\n"),
        ("cat a.yaml | grep name", "name: web\n"),
        ("grep -c kind a.yaml b.yaml", "2\n"),
        ("cat a.yaml | head -1; echo done", "kind: Pod\ndone\n"),
        ("true && echo yes || echo no", "yes\n"),
        ("false && echo yes || echo no", "no\n"),
        ("X=1; echo $X ${X}2 '$X'", "1 12 $X\n"),
        ("echo $(echo a b) \"$(echo c)\"", "a b c\n"),
        ("cat <<EOF\none\ntwo\nEOF\necho three", "one\ntwo\nthree\n"),
        ("X=v; cat <<EOF\n$X\nEOF", "v\n"),
        ("cat <<'EOF'\n$X\nEOF", "$X\n"),
        ("echo *.yaml", "a.yaml b.yaml\n"),
        ("echo b > c.txt && cat c.txt", "b\n"),
        ("echo 'b\na\nb' | sort | uniq -c", "      1 a\n      2 b\n"),
        ("echo 'NAME READY\nweb 1/1' | awk 'NR>1 {print $1}'", "web\n"),
        ("echo a:b | cut -d: -f2 | tr a-z A-Z", "B\n"),
        ("echo aXb | sed 's/X/-/'", "a-b\n"),
        ("nope 2>&1 | cat", "sh: nope: command not found\n"),
        ("echo admin | base64 | base64 -d", "admin\n"),
        ("alias e=echo; e hi", "hi\n"),
        ("# only a remark", ""),
    ] {
        assert_eq!(run(line).0, expected, "{line}");
    }
}

#[test]
fn unfinished_lines_ask_for_more() {
    assert!(is_complete("kubectl get pods"));
    assert!(!is_complete("kubectl apply -f - <<EOF\nkind: Pod\n"));
    assert!(is_complete("kubectl apply -f - <<EOF\nkind: Pod\nEOF\n"));
    assert!(!is_complete("echo 'a"));
    assert!(!is_complete("kubectl get pods |"));
    assert!(!is_complete("kubectl get \\"));
}

#[test]
fn redirections_write_files() {
    let files = Rc::new(MemoryFiles::default());
    run_with("echo one > x; echo two >> x", files.clone());
    assert_eq!(files.read("x").as_deref(), Some("one\ntwo\n"));
}

#[test]
fn errors_have_words_and_codes() {
    assert_eq!(run("nope").2, 127);
    assert_eq!(run("echo 'a").2, 2);
    assert_eq!(run("| grep x").1, "sh: syntax error near unexpected token `|'\n");
    assert_eq!(run("echo a | grep b").2, 1);
}
