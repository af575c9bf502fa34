//! A session of the real kubectl, where there is one: what it prints against a served cluster.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::{quick, serve};

pub const WEB: &str = "
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
pub struct Kubectl {
    pub home: PathBuf,
}

impl Kubectl {
    /// `None`, and says so, where no kubectl is on the path.
    pub fn at(kubeconfig: &str, name: &str) -> Option<Self> {
        if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
            println!("skipped: there is no kubectl on the path");
            return None;
        }
        let home = std::env::temp_dir().join(format!("bridge-{name}-{}", std::process::id()));
        fs::create_dir_all(&home).expect("a home can be made");
        crate::write_kubeconfig(&home.join("config"), kubeconfig).expect("the file is new");
        Some(Self { home })
    }

    pub fn command(&self, line: &str) -> Command {
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

    pub fn run(&self, line: &str, stdin: &str) -> (i32, String, String) {
        let mut child = self.command(line).spawn().expect("kubectl starts");
        // A command that reads nothing may have closed it already.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (status.code().unwrap_or(-1), text(stdout), text(stderr))
    }

    /// Runs each line; its output must hold the text, and its exit code be the number.
    pub fn session(&self, steps: &[(&str, &str, i32, &str)]) {
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
        ("apply -f -", WEB, 0, "deployment.apps/web created\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("apply -f -", WEB, 0, "deployment.apps/web unchanged\n"),
        ("apply --server-side -f -", WEB, 0, "deployment.apps/web serverside-applied\n"),
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
        ("set image deployment/web nginx=nginx:1.27", "", 0, "deployment.apps/web image updated\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("rollout undo deployment/web", "", 0, "deployment.apps/web rolled back\n"),
        ("rollout history deployment/web", "", 0, "3         <none>\n"),
        ("explain pod.spec.nodeName", "", 0, "FIELD: nodeName <string>"),
        ("apply -f -", &WEB.replace("replicas", "replicsa"), 1, "unknown field \"spec.replicsa\""),
        ("get pods --field-selector spec.nodeName=nowhere", "", 0, "No resources found in default namespace.\n"),
        ("get pod nobody", "", 1, "Error from server (NotFound): pods \"nobody\" not found\n"),
        ("delete deployment web", "", 0, "deployment.apps \"web\" deleted"),
        ("get deployments", "", 0, "No resources found in default namespace.\n"),
    ]);
}

/// Typed commands send protobuf.
#[test]
fn what_kubectl_makes_from_flags_is_what_it_says_it_makes() {
    let bridge = serve(quick());
    let Some(kubectl) = Kubectl::at(&bridge.kubeconfig(), "typed") else { return };
    kubectl.session(&[
        ("create deployment web --image=nginx --replicas=0 --port=80", "", 0, "deployment.apps/web created\n"),
        (
            "get deployment web -o 'jsonpath={.spec.replicas} {..containerPort} {..imagePullPolicy}'",
            "",
            0,
            "0 80 Always",
        ),
        ("create configmap settings --from-literal=a=b", "", 0, "configmap/settings created\n"),
        ("create secret generic key --from-literal=a=b", "", 0, "secret/key created\n"),
        ("get configmap/settings secret/key -o 'jsonpath={.items[*].data.a}'", "", 0, "b Yg=="),
        ("create job once --image=busybox -- echo hi", "", 0, "job.batch/once created\n"),
        ("wait --for=condition=Complete job/once", "", 0, "job.batch/once condition met\n"),
        (
            "create cronjob often --image=busybox '--schedule=*/5 * * * *' -- date",
            "",
            0,
            "cronjob.batch/often created\n",
        ),
        ("create service nodeport web --tcp=80:8080", "", 0, "service/web created\n"),
        ("get service web -o 'jsonpath={.spec.type} {.spec.ports[0].targetPort}'", "", 0, "NodePort 8080"),
        ("create ingress web '--rule=a.example/x*=web:80'", "", 0, "ingress.networking.k8s.io/web created\n"),
        ("create quota few --hard=configmaps=9", "", 0, "resourcequota/few created\n"),
        ("create poddisruptionbudget web --selector=app=web --min-available=50%", "", 0, "web created\n"),
        ("get poddisruptionbudget web -o 'jsonpath={.spec.minAvailable}'", "", 0, "50%"),
        ("create priorityclass low --value=-5", "", 0, "priorityclass.scheduling.k8s.io/low created\n"),
        ("get priorityclass low -o 'jsonpath={.value}'", "", 0, "-5"),
        ("create serviceaccount robot", "", 0, "serviceaccount/robot created\n"),
        ("create token robot --duration=10m", "", 0, "eyJ"),
        (
            "create role reader --verb=get,list --resource=pods",
            "",
            0,
            "role.rbac.authorization.k8s.io/reader created\n",
        ),
        ("create rolebinding reader --role=reader --serviceaccount=default:robot", "", 0, "reader created\n"),
        ("auth can-i list pods --as=system:serviceaccount:default:robot", "", 0, "yes\n"),
        ("auth can-i delete pods --as=system:serviceaccount:default:robot", "", 1, "no\n"),
        ("auth whoami", "", 0, "kubernetes-admin"),
        ("scale deployment/web --replicas=1", "", 0, "deployment.apps/web scaled\n"),
        ("rollout status deployment/web", "", 0, "deployment \"web\" successfully rolled out\n"),
        ("drain worker-1 --force --pod-selector=app=web --disable-eviction", "", 0, "node/worker-1 drained\n"),
        ("uncordon worker-1", "", 0, "node/worker-1 uncordoned\n"),
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
                ("apply -f -", WEB, 0, "created"),
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
