//! A session of the real kubectl, where there is one: what it prints against a served cluster.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::{quick, serve};

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - { name: nginx, image: nginx }
";

/// A kubectl with a home of its own.
struct Kubectl {
    home: PathBuf,
}

impl Kubectl {
    /// `None`, and says so, where no kubectl is on the path.
    fn at(kubeconfig: &str, name: &str) -> Option<Self> {
        if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
            println!("skipped: there is no kubectl on the path");
            return None;
        }
        let home = std::env::temp_dir().join(format!("bridge-{name}-{}", std::process::id()));
        fs::create_dir_all(&home).expect("a home can be made");
        crate::write_kubeconfig(&home.join("config"), kubeconfig).expect("the file is new");
        Some(Self { home })
    }

    fn command(&self, line: &str) -> Command {
        let mut words = Vec::new();
        for (at, part) in line.split('\'').enumerate() {
            match at % 2 {
                // Between quotes stands one word.
                1 => words.push(part.to_owned()),
                _ => words.extend(part.split_whitespace().map(str::to_owned)),
            }
        }
        let mut command = Command::new("kubectl");
        command.env("HOME", &self.home).env("KUBECONFIG", self.home.join("config")).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, stdin: &str) -> (i32, String, String) {
        let mut child = self.command(line).spawn().expect("kubectl starts");
        // A command that reads nothing may have closed it already.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }

    /// Runs each line; its output must hold the text, and its exit code be the number.
    fn session(&self, steps: &[(&str, &str, i32, &str)]) {
        for (line, stdin, code, expected) in steps {
            let (found, stdout, stderr) = self.run(line, stdin);
            assert_eq!(found, *code, "kubectl {line}\n{stdout}{stderr}");
            assert!(format!("{stdout}{stderr}").contains(expected), "kubectl {line}\n{stdout}{stderr}");
        }
    }
}

impl Drop for Kubectl {
    fn drop(&mut self) {
        // What is left over lies in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.home);
    }
}

#[test]
fn a_session_from_apply_to_delete() {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), "session") else { return };
    kubectl.session(&[
        ("get nodes", "", 0, "worker-1        Ready    <none>          2m"),
        ("version", "", 0, "Server Version: v1.36.2"),
        ("apply --validate=ignore -f -", WEB, 0, "deployment.apps/web created\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("apply --validate=ignore -f -", WEB, 0, "deployment.apps/web unchanged\n"),
        ("apply --server-side --validate=ignore -f -", WEB, 0, "deployment.apps/web serverside-applied\n"),
        ("scale deployment/web --replicas=3", "", 0, "deployment.apps/web scaled\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("wait --for=condition=Available deployment/web", "", 0, "deployment.apps/web condition met\n"),
        ("get deployment web", "", 0, "web    3/3     3            3           "),
        ("get deployment web -o 'jsonpath={.status.readyReplicas}'", "", 0, "3"),
        ("describe deployment web", "", 0, "Scaled up replica set web-"),
        ("logs deployment/web --tail=1", "", 0, "start worker process"),
        ("exec deployment/web -- hostname", "", 0, "web-"),
        ("exec deployment/web -- sh -c 'exit 3'", "", 3, "command terminated with exit code 3\n"),
        ("exec -i deployment/web -- cat", "said\n", 0, "said\n"),
        ("exec deployment/web -c other -- ls", "", 1, "container other is not valid for pod web-"),
        ("port-forward deployment/web 8080:80", "", 1, "port-forward is not simulated over HTTP"),
        ("set image deployment/web nginx=nginx:1.27", "", 0, "deployment.apps/web image updated\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("rollout undo deployment/web", "", 0, "deployment.apps/web rolled back\n"),
        ("rollout history deployment/web", "", 0, "3         <none>\n"),
        ("get pods --field-selector spec.nodeName=nowhere", "", 0, "No resources found in default namespace.\n"),
        ("get pod nobody", "", 1, "Error from server (NotFound): pods \"nobody\" not found\n"),
        ("delete deployment web", "", 0, "deployment.apps \"web\" deleted"),
        ("get deployments", "", 0, "No resources found in default namespace.\n"),
    ]);
}

#[test]
fn a_watch_and_a_followed_log_go_on_until_they_are_cut() {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), "watch") else { return };
    for line in ["get deployments --watch", "logs -f deployment/web"] {
        let mut child = if line.starts_with("get") {
            let child = kubectl.command(line).spawn().expect("kubectl starts");
            kubectl.session(&[
                ("apply --validate=ignore -f -", WEB, 0, "created"),
                ("rollout status deployment/web", "", 0, "successfully rolled out"),
            ]);
            child
        } else {
            kubectl.command(line).spawn().expect("kubectl starts")
        };
        let expected = if line.starts_with("get") { "web    2/2     2            2" } else { "start worker process" };
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        assert!(lines.any(|line| line.expect("kubectl prints text").contains(expected)), "{line}");
        child.kill().expect("it still runs");
        child.wait().expect("it was ours");
    }
    kubectl.session(&[("get --raw /healthz", "", 0, "ok")]);
}
