//! Whoever is outside: attached to process 1, connected to a port, sending an archive through a command.

use super::*;

/// A container with an open standard input.
fn with_input(argv: &[&str], once: bool, tty: bool) -> Box_ {
    start(&Spec { stdin: true, stdin_once: once, tty, ..spec("busybox:1.36", argv) })
}

impl Box_ {
    fn feed(&mut self, io: &ExecIo, text: &str) {
        self.container.feed(io, text.as_bytes(), self.now, &mut self.world);
    }

    fn close(&mut self, io: &ExecIo) {
        self.container.close_stdin(io, self.now, &mut self.world);
    }

    fn said(&mut self, io: &ExecIo) -> (String, String) {
        let (out, err) = self.container.drain(io);
        (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
    }

    /// Runs a command with this input; what it said, and how it ended.
    fn exec(&mut self, argv: &[&str], input: &[u8]) -> (Vec<u8>, String, Option<i32>) {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        let io = self.container.exec(&argv, true, false, self.now, &mut self.world).expect("there is such a program");
        self.container.feed(&io, input, self.now, &mut self.world);
        self.close(&io);
        let (out, err) = self.container.drain(&io);
        let status = self.container.exec_status(&io);
        self.container.end_exec(&io, self.now);
        (out, String::from_utf8_lossy(&err).into_owned(), status)
    }
}

#[test]
fn who_attaches_reads_and_writes_what_process_1_does() {
    let mut run =
        with_input(&["sh", "-c", "echo before; while read x; do echo got $x; echo oops >&2; done"], true, false);
    let io = run.container.attach(true);
    run.feed(&io, "a\nb");
    assert_eq!(run.said(&io), ("got a\n".to_owned(), "oops\n".to_owned()), "what was said before is in the log");
    // Somebody else sees the same, and types into the same input.
    let other = run.container.attach(true);
    run.feed(&other, "c\n");
    assert_eq!(run.said(&io).0, "got bc\n");
    assert_eq!(run.said(&other).0, "got bc\n");
    assert_eq!(run.container.exec_status(&io), None);
    run.close(&io);
    assert_eq!(run.container.exit().map(|exit| exit.code), Some(0), "stdinOnce: the input ended with the first");
    assert_eq!((run.container.exec_status(&io), run.container.exec_status(&other)), (Some(0), Some(0)));
    assert_eq!(run.log(), "before\ngot a\noops\ngot bc\noops\n");
}

#[test]
fn the_input_of_a_container_outlives_who_attached_unless_it_is_for_one() {
    for (once, tty, by, ends, detaches) in [
        (false, false, "eof", false, true),
        (true, false, "eof", true, true),
        (true, false, "leaving", true, true),
        (false, false, "leaving", false, true),
        // What ends a terminal's input was typed, for the program.
        (false, true, "eof", true, true),
        (true, true, "leaving", false, true),
    ] {
        let mut run = with_input(&["cat"], once, tty);
        let io = run.container.attach(true);
        match by {
            "eof" => run.close(&io),
            _ => run.container.end_exec(&io, run.now),
        }
        run.advance(10);
        assert_eq!(run.container.exit().is_some(), ends, "once: {once}, tty: {tty}, by {by}");
        assert_eq!(run.container.exec_status(&io).is_some(), detaches, "once: {once}, tty: {tty}, by {by}");
    }
}

#[test]
fn who_only_watches_neither_types_nor_ends_anything() {
    let mut run = with_input(&["cat"], true, false);
    let io = run.container.attach(false);
    run.feed(&io, "nobody hears\n");
    run.container.end_exec(&io, run.now);
    run.advance(10);
    assert_eq!((run.container.exit(), run.log().as_str()), (None, ""));
}

#[test]
fn a_shell_on_a_terminal_prompts_whoever_attaches() {
    let mut run = with_input(&["sh"], true, true);
    let io = run.container.attach(true);
    assert_eq!(run.said(&io).0, "/ # ", "the line it is in is drawn anew");
    run.feed(&io, "cd /tmp; echo err >&2\n");
    assert_eq!(run.said(&io), ("err\n/tmp # ".to_owned(), String::new()), "a terminal has one stream");
    run.feed(&io, "exit 4\n");
    assert_eq!(run.container.exit().map(|exit| exit.code), Some(4));
}

#[test]
fn a_listener_of_netcat_takes_bytes_as_they_come() {
    let mut run = start(&spec("busybox:1.36", &["nc", "-lk", "-p", "7", "-e", "cat"]));
    assert_eq!((run.container.speech(7), run.container.speech(8)), (Some(Speech::Bytes), None));
    let connect = |run: &mut Box_, port| run.container.connect(port, run.now, &mut run.world);
    assert!(connect(&mut run, 8).is_none());
    let (first, second) = (connect(&mut run, 7).expect("it listens"), connect(&mut run, 7).expect("it listens"));
    run.feed(&second, "two\n");
    run.feed(&first, "one\n");
    assert_eq!((run.said(&first).0.as_str(), run.said(&second).0.as_str()), ("one\n", "two\n"));
    run.close(&first);
    assert_eq!(run.container.exec_status(&first), Some(0), "its end came back");
    assert_eq!(run.container.exec_status(&second), None);
    assert_eq!(run.container.exit(), None, "-k: it goes on listening");
}

#[test]
fn without_a_program_netcat_speaks_itself_and_once() {
    let mut run = start(&spec("busybox:1.36", &["sh", "-c", "echo hello | nc -l -p 80; echo over"]));
    let io = run.container.connect(80, run.now, &mut run.world).expect("it listens");
    assert_eq!(run.said(&io).0, "hello\n");
    assert_eq!(run.container.exec_status(&io), Some(0), "its side has no more to say");
    run.feed(&io, "GET /\n");
    run.close(&io);
    run.advance(10);
    assert_eq!(run.log(), "GET /\nover\n");
}

#[test]
fn archives_go_in_and_out() {
    let mut run = start(&spec("busybox:1.36", &["sleep", "600"]));
    let script = "mkdir -p /a/b; cat > /a/b/f; ln -s b/f /a/l; chmod 700 /a/b/f; echo n > /a/n";
    run.exec(&["sh", "-c", script], b"x\xff");
    let (archive, err, status) = run.exec(&["tar", "cf", "-", "/a"], b"");
    assert_eq!(
        (archive.len(), err.as_str(), status),
        (10_240, "tar: removing leading '/' from member names\n", Some(0))
    );
    let (listed, _, _) = run.exec(&["tar", "-tf", "-"], &archive);
    assert_eq!(String::from_utf8_lossy(&listed), "a/\na/b/\na/b/f\na/l\na/n\n");
    // As kubectl cp unpacks it; the input does not even end.
    assert_eq!(run.exec(&["mkdir", "/to"], b"").2, Some(0));
    assert_eq!(run.exec(&["tar", "-xmf", "-", "-C", "/to"], &archive), (Vec::new(), String::new(), Some(0)));
    assert_eq!(run.exec(&["cat", "/to/a/l"], b"").0, b"x\xff");
    let (listed, _, _) = run.exec(&["ls", "-l", "/to/a/b"], b"");
    assert!(listed.starts_with(b"total 4\n-rwx------ "), "{listed:?}");
    let (_, err, status) = run.exec(&["tar", "xf", "-", "-C", "/nowhere"], &archive);
    assert_eq!(
        (err.lines().next(), status),
        (Some("tar: can't create directory 'a': No such file or directory"), Some(1))
    );
    for (argv, input, expected) in [
        (&["tar", "xf", "-", "--strip-components=2", "-C", "/to"][..], &archive[..], ("", Some(0))),
        (&["tar", "xf", "-", "a/missing"], &archive, ("", Some(0))),
        (&["tar", "xf", "-"], &archive[..700], ("tar: short read\n", Some(1))),
        (&["tar", "xf", "-"], &[b'x'; 600], ("tar: invalid tar magic\n", Some(1))),
        (&["tar", "czf", "-", "/a"], b"", ("tar: invalid option -- 'z'\n", Some(1))),
        (&["tar", "cf", "/a.tar", "-C", "/a", "n", "--exclude", "b"], b"", ("", Some(0))),
        (&["tar", "cf", "-", "nope"], b"", ("tar: nope: No such file or directory\n", Some(1))),
    ] {
        let (_, err, status) = run.exec(argv, input);
        assert_eq!((err.as_str(), status), expected, "{argv:?}");
    }
    assert_eq!(run.exec(&["cat", "/to/f"], b"").0, b"x\xff");
    assert_eq!(run.exec(&["tar", "-xOf", "/a.tar"], b"").0, b"n\n");
}
