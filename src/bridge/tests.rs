//! The bridge from outside: raw sockets that behave and misbehave, and a real kubectl where there is one.

mod admin;
mod forward;
mod hostile;
mod http;
mod kube_rs;
mod kubectl;
mod python;
mod remote;
mod rude;
mod websocket;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Bridge, Options};

/// Midnight of a day in the past: the tests do not depend on today.
const NOON: u64 = 1_767_268_800_000;
/// A reader that waits longer than this for anything has found a defect.
const DEADLINE: Duration = Duration::from_secs(60);

/// A small cluster whose time passes quickly.
fn serve(options: Options) -> Bridge {
    let cluster = crate::cluster(1, 1, NOON);
    Bridge::start(cluster, &options).expect("loopback has a free port")
}

fn quick() -> Options {
    Options { speed: 20, ..Options::default() }
}

/// A connection of a client that writes its own bytes.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn to(bridge: &Bridge) -> Self {
        let stream = TcpStream::connect(bridge.address()).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout may be set");
        Self(BufReader::new(stream))
    }

    /// Sends bytes as they are; a server that has hung up is read to its end by the test.
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line comes in time");
        line.trim_end().to_owned()
    }

    /// Status and headers of an answer.
    fn head(&mut self) -> (u16, Vec<String>) {
        let first = self.line();
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let headers = std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty())).collect();
        (status.unwrap_or_else(|| panic!("no status in {first:?}")), headers)
    }

    /// The whole answer to a request.
    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, Vec<String>, String) {
        let length = body.len();
        self.send(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"));
        let (status, headers) = self.head();
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the body is as long as was said");
        (status, headers, String::from_utf8_lossy(&body).into_owned())
    }

    /// One chunk of a chunked body.
    fn chunk(&mut self) -> String {
        let length = self.line();
        let length = usize::from_str_radix(&length, 16).unwrap_or_else(|_| panic!("no length in {length:?}"));
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).expect("the chunk is as long as was said");
        self.line();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What comes until the server hangs up.
    fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is a way to hang up.
        let _ = self.0.read_to_end(&mut bytes);
        bytes
    }
}

/// The status of a fresh connection's GET: the server still lives.
fn health(bridge: &Bridge) -> u16 {
    Raw::to(bridge).ask("GET", "/healthz", "").0
}

/// Tries until it holds; what never does is a defect.
fn eventually(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "it never held");
        // Every try is a connection: a machine has only so many.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn config_map(name: &str, text: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"text":"{text}"}}}}"#)
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
