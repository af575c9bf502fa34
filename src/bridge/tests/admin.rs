//! The machines and the clock from outside.

use super::{Raw, serve};
use crate::Options;

#[test]
fn nobody_stops_a_machine_unless_it_was_asked_for() {
    let bridge = serve(Options::default());
    for path in ["/pilothouse/faults", "/pilothouse/clock"] {
        assert_eq!(Raw::to(&bridge).ask("POST", path, "stop scheduler").0, 404, "{path}");
    }
}

#[test]
fn machines_fail_and_held_time_passes_when_told() {
    let bridge = serve(Options { speed: 0, admin: true, ..Options::default() });
    let began = bridge.look(|cluster| cluster.now());
    let pods = "/api/v1/namespaces/default/pods";
    let pod = r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"nginx"}]}}"#;
    let node = || Raw::to(&bridge).ask("GET", "/api/v1/namespaces/default/pods/a", "").2.contains("nodeName");
    for (path, body, status, said) in [
        ("/pilothouse/faults", "stop scheduler", 200, "ok"),
        ("/pilothouse/faults", "node-down nowhere", 400, "there is no node nowhere"),
        ("/pilothouse/faults", "stop everything", 400, "there are: node-down NODE"),
        ("/pilothouse/clock", "soon", 400, "a number of milliseconds"),
        ("/pilothouse/doors", "", 404, "POST faults"),
        (pods, pod, 201, "Pending"),
        ("/pilothouse/clock", "5000", 200, "1767268805000"),
    ] {
        let (found, _, text) = Raw::to(&bridge).ask("POST", path, body);
        assert!(found == status && text.contains(said), "{path} {body}: {found} {text}");
    }
    assert!(!node(), "nobody is there to choose one");
    assert_eq!(Raw::to(&bridge).ask("POST", "/pilothouse/faults", "start scheduler").0, 200);
    assert!(!node(), "no time has passed");
    assert_eq!(Raw::to(&bridge).ask("POST", "/pilothouse/clock", "5000").0, 200);
    assert!(node(), "the scheduler has had its time");
    assert_eq!(bridge.look(|cluster| cluster.now()) - began, 10_000);
}
