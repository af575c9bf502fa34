//! Input and files through the real kubectl: attach, run -i, cp; over WebSocket, and over SPDY as older ones do.

use std::fs;
use std::io::Write;
use std::process::{Command, Output};

use super::kubectl::Kubectl;
use super::{quick, serve};

const BOX: &str = "
apiVersion: v1
kind: Pod
metadata: { name: box }
spec:
  containers:
  - { name: c, image: 'busybox:1.36', stdin: true, command: [sh, -c, 'while read x; do echo got $x; echo also >&2; done'] }
";

fn finish(mut command: Command, stdin: &str) -> (i32, String, String) {
    let mut child = command.spawn().expect("kubectl starts");
    // A command that reads nothing may have closed it already.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("kubectl ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[test]
fn what_is_typed_arrives_and_files_go_both_ways() {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), "remote") else { return };
    kubectl
        .session(&[("apply -f -", BOX, 0, "created"), ("wait --for=condition=Ready pod/box", "", 0, "condition met")]);
    for (way, name) in [("true", "websocket"), ("false", "spdy")] {
        let run = |line: &str, stdin: &str| {
            let mut command = kubectl.command(line);
            command.env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", way).current_dir(&kubectl.home);
            finish(command, stdin)
        };
        let (code, out, err) = run("exec -i box -- sh", "echo out; echo err >&2; exit 3\n");
        assert_eq!((code, out.as_str()), (3, "out\n"), "{name}: {err}");
        assert!(err.starts_with("err\n"), "{name}: {err}");
        let (code, out, err) = run("attach -i box", "a\nb\n");
        assert_eq!((code, out.as_str()), (0, "got a\ngot b\n"), "{name}: {err}");
        assert!(err.contains("also\nalso\n"), "{name}: {err}");
        let (code, out, err) =
            run(&format!("run -i --rm --restart=Never {name} --image=busybox -- sh -c 'cat; exit 4'"), "said\n");
        assert_eq!((code, out.contains("said\n"), out.contains("deleted")), (4, true, true), "{name}: {out}{err}");

        // A folder with bytes that are no text, a long name and a link; there and back.
        let (from, to) = (kubectl.home.join(format!("{name}-from")), kubectl.home.join(format!("{name}-to")));
        let long = "n".repeat(140);
        fs::create_dir_all(from.join("deep/er")).expect("a folder can be made");
        fs::write(from.join("deep/er").join(&long), b"\x00\xff\xfe text\n").expect("it can be written");
        fs::write(from.join("empty"), b"").expect("it can be written");
        fs::write(from.join("large"), vec![b'z'; 600_000]).expect("it can be written");
        let (code, out, err) = run(&format!("cp {name}-from box:/tmp/{name}"), "");
        assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""), "{name}");
        let (code, out, err) = run(&format!("exec box -- wc -c /tmp/{name}/large"), "");
        assert_eq!((code, out.split_whitespace().next()), (0, Some("600000")), "{name}: {err}");
        // What the other tar said may come too late to be shown.
        let (code, _, err) = run(&format!("cp box:/tmp/{name} {name}-to"), "");
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        for file in ["empty".to_owned(), "large".to_owned(), format!("deep/er/{long}")] {
            assert_eq!(fs::read(to.join(&file)).ok(), fs::read(from.join(&file)).ok(), "{name}: {file}");
        }
    }
}
