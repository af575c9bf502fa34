//! Clients that misbehave after the upgrade, when HTTP's own limits are behind them.

use std::io::Write;
use std::time::Duration;

use super::websocket::with_pod;
use super::{Raw, eventually, health, quick, serve};
use crate::Options;

const SPDY: &str = "POST /api/v1/namespaces/default/pods/p/WHAT HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: PROTOCOL\r\n\r\n";

fn spdy(raw: &mut Raw, what: &str, protocol: &str) -> u16 {
    raw.send(SPDY.replace("WHAT", what).replace("PROTOCOL", protocol));
    raw.head().0
}

#[test]
fn garbage_after_the_upgrade_ends_the_connection_and_frees_its_place() {
    // The pod is made over three connections at a time.
    let bridge = serve(Options { connections: 3, ..quick() });
    with_pod(&bridge);
    let garbage: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    // A message of nearly 2^64 bytes, announced; a frame of SPDY of 2^24.
    let huge = [&[0x82, 0xff][..], &[0xff; 8], &[0; 4]].concat();
    let long = [&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff][..], &[0; 64]].concat();
    let exec = "exec?command=cat&stdin=true&stdout=true";
    for (what, protocol, bytes) in [
        (exec, "v5.channel.k8s.io", &garbage),
        (exec, "v5.channel.k8s.io", &huge),
        ("portforward?ports=80", "v4.channel.k8s.io", &garbage),
        ("portforward", "SPDY/3.1+portforward.k8s.io", &huge),
        (exec, "spdy v4.channel.k8s.io", &garbage),
        (exec, "spdy v4.channel.k8s.io", &long),
        ("portforward", "spdy portforward.k8s.io", &garbage),
        ("attach?stdout=true", "spdy v4.channel.k8s.io", &long),
    ] {
        let mut raw = None;
        eventually(|| {
            let mut fresh = Raw::to(&bridge);
            let status = match protocol.strip_prefix("spdy ") {
                Some(protocol) => spdy(&mut fresh, what, protocol),
                None => fresh.upgrade(what, protocol).0,
            };
            raw = (status == 101).then_some(fresh);
            raw.is_some()
        });
        let mut raw = raw.expect("it was upgraded");
        raw.send(bytes);
        // It is the server who hangs up.
        raw.rest();
    }
    eventually(|| Raw::to(&bridge).ask("GET", "/healthz", "").0 == 200);
}

#[test]
fn what_spdy_speaks_inside_is_agreed_on() {
    let bridge = serve(quick());
    with_pod(&bridge);
    for (what, protocol, status) in [
        ("exec?command=ls&stdout=true", "v4.channel.k8s.io", 101),
        ("exec?command=ls&stdout=true", "v1.channel.k8s.io", 400),
        ("portforward", "portforward.k8s.io", 101),
        ("portforward", "v4.channel.k8s.io", 400),
    ] {
        assert_eq!(spdy(&mut Raw::to(&bridge), what, protocol), status, "{what} {protocol}");
    }
    let mut other = Raw::to(&bridge);
    other.send(SPDY.replace("WHAT", "exec?command=ls").replace("SPDY/3.1", "h2c"));
    assert_eq!(other.head().0, 400);
}

#[test]
fn a_command_whose_client_reads_nothing_is_ended() {
    let patience = Duration::from_millis(300);
    let bridge = serve(Options { patience, connections: 3, ..quick() });
    with_pod(&bridge);
    let mut deaf = Raw::to(&bridge);
    assert_eq!(deaf.upgrade("exec?command=cat&stdin=true&stdout=true", "v5.channel.k8s.io").0, 101);
    deaf.0.get_ref().set_write_timeout(Some(patience)).expect("a timeout may be set");
    // What goes in comes out, until nobody takes it: then nothing more is taken, and then it is over.
    let message = [&[0x82, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0][..], &[b'x'; 65_534]].concat();
    let lists_cat = || {
        let mut raw = Raw::to(&bridge);
        let (status, _) = raw.upgrade("exec?command=ps&stdout=true", "v5.channel.k8s.io");
        (status == 101).then(|| String::from_utf8_lossy(&raw.rest()).contains("cat"))
    };
    eventually(|| lists_cat() == Some(true));
    eventually(|| deaf.0.get_mut().write_all(&message).is_err());
    eventually(|| lists_cat() == Some(false));
    drop(deaf);
    eventually(|| Raw::to(&bridge).ask("GET", "/healthz", "").0 == 200);
}

#[test]
fn a_command_ends_with_its_connection() {
    let bridge = serve(quick());
    with_pod(&bridge);
    let sleeps = || {
        let mut raw = Raw::to(&bridge);
        assert_eq!(raw.upgrade("exec?command=ps&stdout=true", "v5.channel.k8s.io").0, 101);
        String::from_utf8_lossy(&raw.rest()).contains("sleep 98765")
    };
    for protocol in ["v5.channel.k8s.io", "spdy v4.channel.k8s.io"] {
        let mut held = Raw::to(&bridge);
        let what = "exec?command=sleep&command=98765&stdout=true";
        let status = match protocol.strip_prefix("spdy ") {
            Some(protocol) => spdy(&mut held, what, protocol),
            None => held.upgrade(what, protocol).0,
        };
        assert_eq!(status, 101);
        eventually(sleeps);
        // Cut, without a word.
        drop(held);
        eventually(|| !sleeps());
    }
    assert_eq!(health(&bridge), 200);
}

#[test]
fn many_at_once_are_all_answered() {
    let bridge = serve(quick());
    std::thread::scope(|scope| {
        for worker in 0..24 {
            let bridge = &bridge;
            scope.spawn(move || {
                let mut raw = Raw::to(bridge);
                for turn in 0..20 {
                    let map = super::config_map(&format!("m-{worker}-{turn}"), "x");
                    assert_eq!(raw.ask("POST", super::MAPS, &map).0, 201);
                    assert_eq!(raw.ask("GET", &format!("{}/m-{worker}-{turn}", super::MAPS), "").0, 200);
                }
            });
        }
    });
    let (_, _, list) = Raw::to(&bridge).ask("GET", &format!("{}?limit=500", super::MAPS), "");
    assert_eq!(list.matches("\"name\":\"m-").count(), 480);
}
