//! The official Python client, where `cargo xtask test` has installed it.

use std::path::Path;
use std::process::Command;

use super::{quick, serve};

#[test]
fn the_python_client_finds_nothing_wrong() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/python/bin/python3");
    if !python.is_file() {
        println!("skipped: there is no Python client in target/python; `cargo xtask test` installs it");
        return;
    }
    let bridge = serve(quick());
    let mut command = Command::new(python);
    // Its proxy, if this machine has one, is not for loopback.
    command.env("NO_PROXY", "*").env("no_proxy", "*").arg(root.join("tests/clients/client.py"));
    let output = command.arg(format!("http://{}", bridge.address())).output().expect("Python starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (text(&output.stdout).as_str(), output.status.code()),
        ("everything holds\n", Some(0)),
        "{}",
        text(&output.stderr)
    );
}
