//! Ports forwarded by the real kubectl, over WebSocket and over SPDY: HTTP of every shape, bytes, nobody there.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command};

use super::kubectl::{Kubectl, WEB};
use super::{DEADLINE, Raw, quick, serve};

const ECHO: &str = "
apiVersion: v1
kind: Pod
metadata: { name: echo }
spec:
  containers:
  - { name: echo, image: 'busybox:1.36', command: [nc, -lk, -p, '7', -e, cat] }
  - { name: redis, image: redis }
";

impl Raw {
    fn at(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("kubectl listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout may be set");
        Self(BufReader::new(stream))
    }

    fn exactly(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).expect("the bytes come in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Status, headers and body of an answer that says how long it is.
    fn answer(&mut self) -> (u16, Vec<String>, String) {
        let (status, headers) = self.head();
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let body = self.exactly(length.expect("it says how long it is"));
        (status, headers, body)
    }
}

/// A kubectl that forwards a port.
struct Forward {
    child: Child,
    /// It says each connection; who hangs up on it ends it.
    _lines: Lines<BufReader<ChildStdout>>,
    local: String,
}

impl Forward {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("kubectl starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = lines.next().and_then(Result::ok).unwrap_or_default();
        let local = line.strip_prefix("Forwarding from ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
        Self { child, _lines: lines, local: local.unwrap_or_else(|| panic!("it says where: {line}")) }
    }

    /// What it complained of.
    fn end(mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut text).expect("it is text");
        text
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each of the two ways that kubectl has had.
fn both(name: &str, check: impl Fn(&Kubectl, &dyn Fn(&str) -> Command)) {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), name) else { return };
    for way in ["true", "false"] {
        check(&kubectl, &|line| {
            let mut command = kubectl.command(line);
            command.env("KUBECTL_PORT_FORWARD_WEBSOCKETS", way);
            command
        });
    }
}

#[test]
fn connections_carry_whatever_a_client_says() {
    both("forward", |kubectl, command| {
        kubectl.session(&[
            ("apply -f -", WEB, 0, ""),
            ("apply -f -", ECHO, 0, ""),
            ("rollout status deployment/web", "", 0, "successfully rolled out"),
            ("wait --for=condition=Ready pod/echo", "", 0, "condition met"),
        ]);
        let forward = |line: &str| Forward::start(command(line));
        let (web, echo) = (forward("port-forward deployment/web :80"), forward("port-forward pod/echo :7"));

        // One after the other, and several before the first is answered.
        let mut kept = Raw::at(&web.local);
        for _ in 0..2 {
            kept.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let (status, headers, body) = kept.answer();
            assert_eq!((status, body.contains("Welcome to nginx!")), (200, true), "{body}");
            assert!(headers.iter().any(|line| line.starts_with("server: nginx")), "{headers:?}");
        }
        kept.send(
            "GET /nope HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        kept.send("3\r\na=b\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        // nginx serves files, and a file takes no POST.
        assert_eq!([kept.answer().0, kept.answer().0, kept.answer().0], [404, 405, 200]);
        assert_eq!(kept.rest(), b"", "it was asked to close");
        let mut head = Raw::at(&web.local);
        head.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(head.head().0, 200);
        assert_eq!(head.rest(), b"", "a head has no body");
        let mut garbage = Raw::at(&web.local);
        garbage.send("\u{1}\u{2} this is no HTTP\r\n\r\n");
        assert_eq!(garbage.head().0, 400);

        // Two connections at once, and more than one message.
        let (mut one, mut two) = (Raw::at(&echo.local), Raw::at(&echo.local));
        one.send("first");
        two.send("second");
        assert_eq!((two.exactly(6).as_str(), one.exactly(5).as_str()), ("second", "first"));
        let large = "x".repeat(300_000);
        one.send(&large);
        assert_eq!(one.exactly(large.len()), large);
        one.0.get_ref().shutdown(std::net::Shutdown::Write).expect("it is open");
        assert_eq!(one.rest(), b"", "the end came back");

        for (line, expected) in [
            ("port-forward deployment/web :81", "connect: connection refused"),
            ("port-forward pod/echo :6379", "the protocol of what listens there is not simulated"),
        ] {
            let forward = forward(line);
            assert_eq!(Raw::at(&forward.local).rest(), b"", "{line}");
            let stderr = forward.end();
            assert!(stderr.contains("an error occurred forwarding") && stderr.contains(expected), "{line}: {stderr}");
        }
    });
}

#[test]
fn a_flood_into_a_forwarded_port_is_bounded_by_what_is_taken() {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), "flood") else { return };
    kubectl.session(&[("apply -f -", WEB, 0, ""), ("rollout status deployment/web", "", 0, "successfully rolled out")]);
    let forward = Forward::start(kubectl.command("port-forward deployment/web :80"));
    // A body too large, sent by somebody who reads nothing meanwhile.
    let mut flood = Raw::at(&forward.local);
    flood.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n");
    flood.0.get_ref().set_write_timeout(Some(DEADLINE)).expect("a timeout may be set");
    let _ = flood.0.get_mut().write_all(&vec![b'x'; 8_000_000]);
    assert_eq!(flood.head().0, 413);
    // Questions without end, from somebody who reads no answer.
    let mut deaf = Raw::at(&forward.local);
    deaf.0.get_ref().set_write_timeout(Some(std::time::Duration::from_millis(500))).expect("a timeout may be set");
    let questions = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000);
    let _ = deaf.0.get_mut().write_all(questions.as_bytes());
    drop(deaf);
    let mut next = Raw::at(&forward.local);
    next.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(next.answer().0, 200, "others are served");
    drop(forward);
    assert_eq!(super::health(&bridge), 200);
}
