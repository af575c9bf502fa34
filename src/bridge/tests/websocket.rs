//! exec over WebSocket, frame by frame.

use std::io::Read;

use super::{Raw, quick, serve};
use crate::Bridge;

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"busybox:1.36","command":["sleep","36000"]}]}}"#;

/// Makes a pod and waits until it runs.
pub fn with_pod(bridge: &Bridge) {
    let mut watch = Raw::to(bridge);
    watch.send("GET /api/v1/namespaces/default/pods?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(watch.head().0, 200);
    assert_eq!(Raw::to(bridge).ask("POST", "/api/v1/namespaces/default/pods", POD).0, 201);
    while !watch.chunk().contains(r#""phase":"Running""#) {}
}

impl Raw {
    pub fn upgrade(&mut self, what: &str, protocol: &str) -> (u16, Vec<String>) {
        self.send(format!(
            "GET /api/v1/namespaces/default/pods/p/{what} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
        ));
        self.head()
    }

    /// A client's frame; the mask of zeros changes nothing.
    fn frame(&mut self, payload: &[u8]) {
        let length = u8::try_from(payload.len()).expect("tests send little");
        assert!(length < 126);
        self.send([&[0x82, 0x80 | length, 0, 0, 0, 0], payload].concat());
    }

    /// Opcode and payload of the server's next frame.
    fn received(&mut self) -> (u8, Vec<u8>) {
        let mut bytes = [0; 2];
        self.0.read_exact(&mut bytes).expect("a frame comes");
        let mut length = usize::from(bytes[1]);
        if length == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).expect("a length comes");
            length = usize::from(u16::from_be_bytes(long));
        }
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).expect("a payload comes");
        (bytes[0] & 0xf, payload)
    }
}

#[test]
fn a_command_speaks_on_its_channels_and_says_how_it_ended() {
    let bridge = serve(quick());
    with_pod(&bridge);
    for (query, ending) in [
        ("command=hostname", r#"{"metadata":{},"status":"Success"}"#),
        ("command=sh&command=-c&command=exit+3", r#""causes":[{"message":"3","reason":"ExitCode"}]"#),
    ] {
        let mut raw = Raw::to(&bridge);
        let (status, headers) = raw.upgrade(&format!("exec?stdout=true&stderr=true&{query}"), "v5.channel.k8s.io");
        assert_eq!(status, 101, "{headers:?}");
        // The answer of RFC 6455 to its own key.
        assert!(headers.contains(&"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into()), "{headers:?}");
        assert!(headers.contains(&"sec-websocket-protocol: v5.channel.k8s.io".into()), "{headers:?}");
        let mut frames = Vec::new();
        loop {
            let (opcode, payload) = raw.received();
            if opcode == 8 {
                break;
            }
            frames.push(payload);
        }
        let last = frames.pop().expect("it says how it ended");
        assert_eq!(last.first(), Some(&3), "{last:?}");
        let last = String::from_utf8_lossy(&last[1..]).into_owned();
        assert!(last.contains(ending), "{last}");
        if query == "command=hostname" {
            assert_eq!(frames, [b"\x01p\n".to_vec()]);
        }
    }
}

#[test]
fn standard_input_is_carried_and_ended() {
    let bridge = serve(quick());
    with_pod(&bridge);
    let mut raw = Raw::to(&bridge);
    assert_eq!(raw.upgrade("exec?stdin=true&stdout=true&command=cat", "v5.channel.k8s.io").0, 101);
    raw.frame(b"\x00hello\n");
    assert_eq!(raw.received(), (2, b"\x01hello\n".to_vec()));
    raw.frame(&[255, 0]);
    assert_eq!(raw.received(), (2, [b"\x03".as_slice(), br#"{"metadata":{},"status":"Success"}"#].concat()));
    assert_eq!(raw.received().0, 8);
}

#[test]
fn a_terminal_echoes_and_ends_with_ctrl_c() {
    let bridge = serve(quick());
    with_pod(&bridge);
    let mut raw = Raw::to(&bridge);
    assert_eq!(raw.upgrade("exec?stdin=true&stdout=true&tty=true&command=cat", "v5.channel.k8s.io").0, 101);
    raw.frame(b"\x00ab\x7f\r");
    assert_eq!(raw.received(), (2, b"\x01ab\x08 \x08\r\n".to_vec()));
    assert_eq!(raw.received(), (2, b"\x01a\r\n".to_vec()));
    raw.frame(b"\x00\x03");
    assert_eq!(raw.received(), (2, b"\x01^C\r\n".to_vec()));
    let (_, ending) = raw.received();
    assert!(String::from_utf8_lossy(&ending).contains(r#""message":"130""#), "{ending:?}");
    assert_eq!(raw.received().0, 8);
}

#[test]
fn what_is_not_spoken_is_refused_in_words() {
    let bridge = serve(quick());
    with_pod(&bridge);
    for (what, protocol, status) in [
        ("exec?command=ls", "v9.channel.k8s.io", 400),
        ("portforward", "v5.channel.k8s.io", 400),
        ("portforward", "SPDY/3.1+portforward.k8s.io", 101),
        ("exec?command=ls&container=other", "v5.channel.k8s.io", 400),
    ] {
        assert_eq!(Raw::to(&bridge).upgrade(what, protocol).0, status, "{what}");
    }
    let (status, _, body) = Raw::to(&bridge).ask("POST", "/api/v1/namespaces/default/pods/p/exec?command=ls", "");
    assert_eq!(status, 400, "{body}");
    assert_eq!(Raw::to(&bridge).upgrade("exec?command=sleep&command=9", "v5.channel.k8s.io").0, 101);
}
