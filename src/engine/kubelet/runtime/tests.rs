//! The shell, the tools and the catalogue, by what a container prints.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;

mod streams;

fn spec(image: &str, argv: &[&str]) -> Spec {
    let catalogue = Catalogue::builtin();
    let reference = Reference::parse(image).expect("a valid name");
    let image = catalogue.find(&reference).expect("in the catalogue");
    let mut env: BTreeMap<String, String> = image.env.iter().cloned().collect();
    env.insert("HOME".to_owned(), "/root".to_owned());
    let argv: Vec<String> = if argv.is_empty() {
        image.entrypoint.iter().chain(&image.cmd).cloned().collect()
    } else {
        argv.iter().map(|arg| (*arg).to_owned()).collect()
    };
    Spec {
        image,
        argv,
        env,
        cwd: "/".to_owned(),
        mounts: Arc::from([]),
        read_only_root: false,
        user: (0, 0),
        groups: vec![0],
        memory_limit: Some(256 << 20),
        cpu_limit: None,
        oom_score: 0,
        idle: false,
        stdin: false,
        stdin_once: false,
        tty: false,
    }
}

struct Box_ {
    container: Container,
    world: SandboxWorld,
    now: Millis,
}

const START: Millis = 1_700_000_000_000;

fn start(spec: &Spec) -> Box_ {
    let mut world = SandboxWorld {
        hostname: "box".into(),
        ip: "10.244.1.5".into(),
        nameserver: "10.96.0.10".into(),
        ..SandboxWorld::default()
    };
    let (container, launch) = Container::start(spec, START, &mut world);
    assert_eq!(launch, Launch::Running);
    Box_ { container, world, now: START }
}

impl Box_ {
    fn advance(&mut self, span: Millis) {
        let end = self.now + span;
        while let Some(at) = self.container.next_wake(self.now).filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.container.run(self.now, &mut self.world);
        }
        self.now = end;
    }

    fn log(&self) -> String {
        self.container.log().from(0).map(|line| format!("{}\n", line.text)).collect()
    }
}

/// Runs a script in a busybox container; its output and exit code.
fn sh(script: &str) -> (String, i32) {
    let mut run = start(&spec("busybox:1.36", &["sh", "-c", script]));
    run.advance(600_000);
    (run.log(), run.container.exit().map_or(-1, |exit| exit.code))
}

#[test]
fn scripts() {
    let cases: &[(&str, &str, i32)] = &[
        ("echo hi; exit 3", "hi\n", 3),
        ("echo a && false || echo b", "a\nb\n", 0),
        ("false && echo no || echo yes", "yes\n", 0),
        ("true || echo no && echo yes", "yes\n", 0),
        ("for i in 1 2 3; do echo line $i; done", "line 1\nline 2\nline 3\n", 0),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", "1\n2\n3\n", 0),
        ("if [ -f /nope ]; then echo yes; else echo no; fi", "no\n", 0),
        ("echo $(echo a; echo b) \"$(echo c)\"", "a b c\n", 0),
        ("echo ${X:-default} ${HOME} \"${Y:+set}\"", "default /root \n", 0),
        ("echo one | cat | wc -l", "1\n", 0),
        ("printf 'b\\na\\n' | sort | head -n 1", "a\n", 0),
        (
            "echo data > /tmp/f; cat /tmp/f; cat /tmp/g",
            "data\ncat: can't open '/tmp/g': No such file or directory\n",
            1,
        ),
        ("nope", "sh: nope: not found\n", 127),
        ("nope 2>/dev/null || echo missing", "missing\n", 0),
        ("f() { echo fn $1; return 4; }; f x; echo $?", "fn x\n4\n", 0),
        ("case abc in a*) echo starts;; *) echo other;; esac", "starts\n", 0),
        ("sleep 1 & wait; echo done", "done\n", 0),
        ("set -e; false; echo never", "", 1),
        ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n", 0),
        ("cat <<'EOF'\na $b\nEOF\necho c", "a $b\nc\n", 0),
        ("x=5; cat <<EOF\nx is $x\nEOF", "x is 5\n", 0),
        ("echo a b c | cut -d ' ' -f 2; echo hello | tr a-z A-Z; echo abc | sed 's/b/X/'", "b\nHELLO\naXc\n", 0),
        ("echo \"unfinished", "sh: syntax error: unterminated quoted string\n", 2),
        ("while read a b; do echo $b-$a; done <<EOF\n1 2\n3 4\nEOF", "2-1\n4-3\n", 0),
        ("(exit 7); echo $?; ! true; echo $?", "7\n1\n", 0),
        ("[ -n \"$DB\" ] || { echo 'FATAL: DB not set'; exit 1; }; echo up", "FATAL: DB not set\n", 1),
        ("ls /nope", "ls: /nope: No such file or directory\n", 1),
        ("mkdir -p /a/b; touch /a/b/c; ls /a/b; rm -r /a; ls /a", "c\nls: /a: No such file or directory\n", 1),
        ("f=a.tar.gz; echo ${f%.gz} ${f%%.*} ${f#*.} ${#f}", "a.tar a tar.gz 8\n", 0),
        ("seq 3 | while read n; do echo n$n; done", "n1\nn2\nn3\n", 0),
        ("echo start; kill $$; echo still", "start\nstill\n", 0),
        ("timeout 2 sleep 10; echo $?", "Terminated\n143\n", 0),
        ("date +%s", "1700000000\n", 0),
        ("i=0; until [ $i -ge 2 ]; do i=`expr $i + 1`; done; echo $i", "2\n", 0),
        ("for f in /etc/host*; do echo $f; done", "/etc/hostname\n/etc/hosts\n", 0),
        ("echo x >&2 2>/dev/null; echo y 1>&2", "x\ny\n", 0),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; [ $i = 3 ] && break; echo $i; done; echo end", "1\nend\n", 0),
        ("x=a; while true; do x=$x$x; done; echo never", "sh: out of memory\n", 2),
        ("x=a; while true; do x=\"$x$x\"; done; echo never", "sh: out of memory\n", 2),
        ("echo ${00}", "sh\n", 0),
        ("f() { f; f; }; f; echo $?", "sh: maximum function recursion depth exceeded\n", 2),
    ];
    for (script, want, code) in cases {
        assert_eq!(sh(script), ((*want).to_owned(), *code), "{script}");
    }
}

#[test]
fn a_loop_runs_in_virtual_time() {
    let mut run = start(&spec("busybox:1.36", &["sh", "-c", "while true; do echo tick; sleep 1; done"]));
    run.advance(5_500);
    assert_eq!(run.log(), "tick\n".repeat(6));
    let copy = run.container.clone();
    run.advance(1_000);
    assert_eq!(run.log(), "tick\n".repeat(7));
    assert_eq!(copy.log().end(), 6, "a clone is a checkpoint");
}

#[test]
fn a_trap_runs_when_the_foreground_child_ends() {
    let mut run = start(&spec(
        "busybox:1.36",
        &["sh", "-c", "trap 'echo got TERM; exit 0' TERM; echo up; while true; do sleep 1; done"],
    ));
    run.advance(2_500);
    run.container.signal(process::SIGTERM, run.now, &mut run.world);
    assert_eq!(run.container.exit(), None);
    run.advance(600);
    assert_eq!(run.log(), "up\ngot TERM\n");
    assert_eq!(run.container.exit().map(|exit| exit.code), Some(0));
}

#[test]
fn process_one_without_a_handler_does_not_hear_term() {
    let mut run = start(&spec("busybox:1.36", &["sleep", "600"]));
    run.advance(100);
    run.container.signal(process::SIGTERM, run.now, &mut run.world);
    assert_eq!(run.container.exit(), None);
    run.container.signal(process::SIGKILL, run.now, &mut run.world);
    assert_eq!(run.container.exit().map(|exit| exit.code), Some(137));
}

#[test]
fn memory_over_the_limit_kills_the_container() {
    let mut run = start(&spec("busybox:1.36", &["tail", "/dev/zero"]));
    run.advance(3_000);
    assert_eq!(run.container.exit().map(|exit| (exit.code, exit.oom)), Some((137, true)));
}

#[test]
fn a_busy_loop_does_not_stop_the_clock() {
    let mut run = start(&spec("busybox:1.36", &["sh", "-c", "while :; do :; done"]));
    run.advance(60_000);
    assert_eq!(run.container.exit(), None);
    assert_eq!(run.container.cpu(run.now), 1000);
}

#[test]
fn exec_sees_the_same_files_and_reports_its_status() {
    let mut run = start(&spec("busybox:1.36", &["sleep", "600"]));
    let argv = ["sh", "-c", "echo out; echo err >&2; exit 3"].map(str::to_owned);
    let io = run.container.exec(&argv, false, false, run.now, &mut run.world).expect("there is a shell");
    assert_eq!(run.container.drain(&io), (b"out\n".to_vec(), b"err\n".to_vec()));
    assert_eq!(run.container.exec_status(&io), Some(3));
    let cat = run.container.exec(&["cat".to_owned()], true, false, run.now, &mut run.world).expect("there is cat");
    run.container.feed(&cat, b"from stdin\n", run.now, &mut run.world);
    run.container.close_stdin(&cat, run.now, &mut run.world);
    assert_eq!(run.container.drain(&cat).0, b"from stdin\n");
    assert_eq!(run.container.exec_status(&cat), Some(0));
    assert!(matches!(
        run.container.exec(&["nope".to_owned()], false, false, run.now, &mut run.world),
        Err(Launch::NotFound)
    ));
}

#[test]
fn an_interactive_shell_prompts() {
    let mut run = start(&spec("busybox:1.36", &["sleep", "600"]));
    let io = run.container.exec(&["sh".to_owned()], true, true, run.now, &mut run.world).expect("there is a shell");
    run.container.feed(&io, b"cd /tmp\necho hi\nexit\n", run.now, &mut run.world);
    let (out, _) = run.container.drain(&io);
    assert_eq!(String::from_utf8_lossy(&out), "/ # /tmp # hi\n/tmp # ");
    assert_eq!(run.container.exec_status(&io), Some(0));
}

#[test]
fn nginx_serves_its_page_and_logs_the_request() {
    let mut run = start(&spec("nginx:1.27", &[]));
    run.advance(1_000);
    let mut get = |path: &str| {
        run.container
            .serve(run.now, &mut run.world, 80, &HttpRequest::get(path, "10.244.1.9"))
            .map(|answer| (answer.status, answer.body))
    };
    assert!(get("/").is_some_and(|(status, body)| status == 200 && body.contains("Welcome to nginx!")));
    assert_eq!(get("/nope").map(|(status, _)| status), Some(404));
    assert!(run.log().contains("\"GET /nope HTTP/1.1\" 404"));
    assert!(run.log().starts_with("/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty"));
    run.container.signal(process::SIGTERM, run.now, &mut run.world);
    run.advance(200);
    assert_eq!(run.container.exit().map(|exit| exit.code), Some(0));
}

#[test]
fn a_cgi_script_can_write_to_the_log() {
    let script = "mkdir -p /data /www/cgi-bin\ncat > /www/cgi-bin/menu <<'EOS'\n#!/bin/sh\nif [ -f /data/menu.txt ]; then\n  printf 'Status: 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n'; cat /data/menu.txt\nelse\n  echo 'GET /menu 500' > /proc/1/fd/1\n  printf 'Status: 500 Internal Server Error\\r\\nContent-Type: text/plain\\r\\n\\r\\nno menu\\n'\nfi\nEOS\nchmod +x /www/cgi-bin/menu\necho listening\nexec httpd -f -p 8080 -h /www\n";
    let mut run = start(&spec("busybox:1.36", &["sh", "-c", script]));
    run.advance(100);
    let get = HttpRequest::get("/cgi-bin/menu", "127.0.0.1");
    let answer = run.container.serve(run.now, &mut run.world, 8080, &get).map(|answer| (answer.status, answer.body));
    assert_eq!(answer, Some((500, "no menu\n".to_owned())));
    assert_eq!(run.log(), "listening\nGET /menu 500\n");
    let make = ["sh", "-c", "echo margherita > /data/menu.txt"].map(str::to_owned);
    run.container.exec(&make, false, false, run.now, &mut run.world).expect("there is a shell");
    let answer = run.container.serve(run.now, &mut run.world, 8080, &get).map(|answer| (answer.status, answer.body));
    assert_eq!(answer, Some((200, "margherita\n".to_owned())));
}

#[test]
fn image_names() {
    let cases = [
        ("nginx", Ok("docker.io/library/nginx:latest")),
        ("busybox:1.36", Ok("docker.io/library/busybox:1.36")),
        ("registry.k8s.io/pause:3.10", Ok("registry.k8s.io/pause:3.10")),
        ("curlimages/curl", Ok("docker.io/curlimages/curl:latest")),
        ("localhost:5000/x", Ok("localhost:5000/x:latest")),
        ("NGINX:1.27", Err("invalid reference format: repository name (library/NGINX) must be lowercase")),
        ("a:b:c", Err("invalid reference format")),
    ];
    for (text, want) in cases {
        let got = Reference::parse(text).map(|reference| reference.full());
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
    }
}

#[test]
fn the_catalogue_is_what_libyaml_reads() {
    let text = include_str!("catalogue.yaml");
    let judge: serde_json::Value = serde_yaml::from_str(text).expect("it is YAML");
    assert_eq!(api::yaml::parse_document(text).expect("it is YAML").to_json(), judge);
}
