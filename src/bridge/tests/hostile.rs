//! Clients that are broken, slow, rude or gone: each loses its own connection and nothing else.

use std::time::Duration;

use super::{MAPS, Raw, config_map, eventually, health, quick, serve};
use crate::Options;

#[test]
fn malformed_requests_are_answered_and_forgotten() {
    let bridge = serve(quick());
    let long = "x".repeat(200_000);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for (bytes, expected) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400),
        ("GET /api/v1/pods HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n".to_owned(), 400),
        ("\u{0}\u{1}\u{2}\u{ff}\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"), 431),
        ("GET /api/v1/%zz HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(), 400),
        ("BREW /coffee HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(), 405),
        (format!("POST {MAPS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: nine\r\n\r\n"), 400),
        (format!("POST {MAPS} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), 400),
        (format!("POST {MAPS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n{{]{{]"), 400),
        ("GET / HTTP/1.1\r\nhost: rebound.example\r\n\r\n".to_owned(), 403),
        ("GET / HTTP/1.1\r\nhost: localhost\r\norigin: https://page.example\r\n\r\n".to_owned(), 403),
    ] {
        let mut raw = Raw::to(&bridge);
        raw.send(&bytes);
        let (status, _) = raw.head();
        assert_eq!(status, expected, "{:.60}", bytes);
    }
    assert_eq!(health(&bridge), 200);
}

#[test]
fn bodies_have_a_limit_whether_announced_or_not() {
    let bridge = serve(quick());
    let body = config_map("big", &"x".repeat(3 << 20));
    let (status, _, text) = Raw::to(&bridge).ask("POST", MAPS, &body);
    assert_eq!(status, 413);
    assert!(text.contains("Request entity too large: limit is 3145728"), "{text}");
    let mut raw = Raw::to(&bridge);
    raw.send(format!("POST {MAPS} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"));
    raw.send(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    assert_eq!(raw.head().0, 413);
    assert_eq!(health(&bridge), 200);
}

#[test]
fn deep_documents_are_refused() {
    let bridge = serve(quick());
    let deep = format!(r#"{{"kind":"ConfigMap","apiVersion":"v1","data":{}"#, "[".repeat(1 << 20));
    let (status, _, text) = Raw::to(&bridge).ask("POST", MAPS, &deep);
    assert_eq!(status, 400, "{text:.200}");
    assert_eq!(health(&bridge), 200);
}

#[test]
fn a_slow_request_is_given_up() {
    let patience = Duration::from_millis(200);
    let bridge = serve(Options { patience, ..quick() });
    let mut head = Raw::to(&bridge);
    head.send("GET /healthz HTTP/1.1\r\nhost: loc");
    let mut body = Raw::to(&bridge);
    body.send(format!("POST {MAPS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{{"));
    assert_eq!(body.head().0, 408);
    assert!(!String::from_utf8_lossy(&head.rest()).contains("200 OK"));
    assert_eq!(health(&bridge), 200);
}

#[test]
fn connections_beyond_the_limit_are_turned_away_until_one_ends() {
    let bridge = serve(Options { connections: 2, ..quick() });
    let mut held = [Raw::to(&bridge), Raw::to(&bridge)];
    for raw in &mut held {
        assert_eq!(raw.ask("GET", "/healthz", "").0, 200);
    }
    assert_eq!(Raw::to(&bridge).head().0, 429);
    drop(held);
    // Each try is a connection; the place of a closed one is free once the server has noticed.
    eventually(|| Raw::to(&bridge).try_health() == Some(200));
}

#[test]
fn a_client_that_stops_reading_loses_its_watch_and_nothing_else() {
    let patience = Duration::from_millis(200);
    let bridge = serve(Options { patience, connections: 2, ..quick() });
    let mut lazy = Raw::to(&bridge);
    lazy.send(format!("GET {MAPS}?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    assert_eq!(lazy.head().0, 200);
    let mut busy = Raw::to(&bridge);
    let text = "x".repeat(900_000);
    assert_eq!(busy.ask("POST", MAPS, &config_map("big", &text)).0, 201);
    let (mut said, rounds) = (1, 40);
    for round in 0..rounds {
        assert_eq!(busy.ask("PUT", &format!("{MAPS}/big"), &config_map("big", &format!("{text}{round}"))).0, 200);
        said += 1;
    }
    // Longer than its patience the server does not wait: the place is free again, with half of it unsaid.
    eventually(|| Raw::to(&bridge).try_health() == Some(200));
    let seen = lazy.rest().len();
    assert!(seen < said * text.len(), "{seen} bytes of {said} events came: nothing was dropped");
}

#[test]
fn cut_connections_leave_no_trace() {
    let bridge = serve(Options { connections: 4, ..quick() });
    // More than there are places: each must have been given back.
    for _ in 0..12 {
        eventually(|| {
            let mut watch = Raw::to(&bridge);
            watch.send(format!("GET {MAPS}?watch=true HTTP/1.1\r\nhost: localhost\r\n\r\n"));
            watch.try_status() == Some(200)
        });
    }
    for cut in ["POST /api", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
        let mut raw = Raw::to(&bridge);
        raw.send(cut);
    }
    eventually(|| Raw::to(&bridge).try_health() == Some(200));
}

impl Raw {
    /// The status of the next answer, if the server has one to give.
    fn try_status(&mut self) -> Option<u16> {
        use std::io::BufRead;
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        line.split(' ').nth(1)?.parse().ok()
    }

    fn try_health(&mut self) -> Option<u16> {
        self.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.try_status()
    }
}
