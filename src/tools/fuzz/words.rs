//! Addresses and command lines: real ones, and what is left of them after a bad day.

use api::scheme::RESOURCES;
use engine::sim::Rng;
use kubectl::dispatch::GROUPS;
use kubectl::verb::Verb;

use super::bodies::scratch;
use crate::swarm::manifests::{once_in, pick};

/// A path of the API server, mostly one that exists.
pub fn path(rng: &mut Rng) -> String {
    let resource = pick(rng, RESOURCES);
    let namespace = if once_in(rng, 4) { &"" } else { pick(rng, &["default", "kube-system", "nowhere"]) };
    let mut path = resource.path(namespace);
    if once_in(rng, 15) {
        path = "/apis/fuzz.example.com/v1/namespaces/default/odds".into();
    }
    if !once_in(rng, 3) {
        path = format!(
            "{path}/{}",
            pick(rng, &["web", "deployment-0", "pod-0", "odd-0", "worker-1", "kubernetes", "a b", "..", ""])
        );
        if once_in(rng, 2) {
            path = format!(
                "{path}/{}",
                pick(
                    rng,
                    &[
                        "status",
                        "scale",
                        "log",
                        "exec",
                        "binding",
                        "eviction",
                        "proxy",
                        "token",
                        "approval",
                        "finalize",
                        "ephemeralcontainers",
                        "resize",
                        "portforward",
                        "resize",
                        "attach",
                        "x"
                    ]
                )
            );
        }
    }
    match rng.below(12) {
        0 => scratch(rng, &path),
        1 => path.replace('/', "//"),
        2 => pick(
            rng,
            &[
                "/",
                "/api",
                "/apis",
                "/openapi/v3",
                "/openapi/v2",
                "/version",
                "/healthz",
                "/livez/x",
                "/metrics",
                "/apis/apps",
                "/logs",
                "/apis/apps/v2/x",
            ],
        )
        .to_string(),
        _ => path,
    }
}

/// A query parameter.
pub fn parameter(rng: &mut Rng) -> (String, String) {
    let key = *pick(
        rng,
        &[
            "labelSelector",
            "fieldSelector",
            "limit",
            "continue",
            "resourceVersion",
            "resourceVersionMatch",
            "timeoutSeconds",
            "dryRun",
            "fieldManager",
            "fieldValidation",
            "force",
            "watch",
            "pretty",
            "gracePeriodSeconds",
            "propagationPolicy",
            "allowWatchBookmarks",
            "sendInitialEvents",
            "tailLines",
            "sinceSeconds",
            "container",
            "command",
            "ports",
            "follow",
            "previous",
            "includeObject",
            "limitBytes",
            "timestamps",
        ],
    );
    let value = *pick(
        rng,
        &[
            "",
            "0",
            "1",
            "-1",
            "true",
            "false",
            "All",
            "a=b",
            "a in (b,c)",
            "a notin ()",
            "!a",
            "a==b,c!=d",
            "a in (",
            "metadata.name=web",
            "status.phase!=Running",
            "spec.nodeName=",
            "x",
            "99999999999999999999",
            "Strict",
            "Ignore",
            "Warn",
            "Foreground",
            "Orphan",
            "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
            "NotOlderThan",
            "Exact",
            "=",
            ",",
            ",,",
            "a,b,",
            "a=b=c",
            "피자",
            "a>1",
            "a<x",
            "1e9",
            "sh",
            "main",
        ],
    );
    (key.into(), if once_in(rng, 6) { scratch(rng, value) } else { value.into() })
}

/// Every example of every verb's help.
pub fn examples() -> Vec<String> {
    let mut lines = Vec::new();
    for (_, verbs) in GROUPS {
        verbs.iter().for_each(|verb| collect(verb, &mut lines));
    }
    // What learners look at whatever was stored.
    for more in [
        "get all -A",
        "get all -A -o wide",
        "describe pods",
        "describe deploy,sts,ds,rs,jobs,cj,svc,hpa,pdb,pvc,quota",
        "get pods -o yaml",
        "describe nodes",
        "get pods -o jsonpath={.items[*].metadata.name}",
        "get events --sort-by=.lastTimestamp",
        "get deploy -o custom-columns=A:.metadata.name,B:.spec.replicas",
        "get pods -l app=web --show-labels",
        "top pods -A",
        "rollout status deploy/deployment-0",
        "explain pod.spec.containers",
        "api-resources",
        "auth can-i --list",
    ] {
        lines.push(format!("kubectl {more}"));
    }
    // What runs over everything, and over everything again.
    for more in [
        "get pods -A -o jsonpath={..}",
        "get pods -A -o jsonpath={..name}",
        "get pods -A -o jsonpath={..}{..}{..*}",
        "get all -A -o jsonpath={.items[*]..*..*}",
        "get pods -A -o jsonpath='{range .items[*]}{range .spec.containers[*]}{.name}{end}{end}'",
        "get pods -A -o jsonpath='{.items[?(@..name==\"a\")]}'",
        "get pods -A -o jsonpath='{.items[0:99999999:1]}{.items[-1:]}{.items[::0]}'",
        "get pods -A -o go-template='{{range .items}}{{range $.items}}{{range $.items}}{{range $.items}}x{{end}}{{end}}{{end}}{{end}}'",
        "get pods -A -o go-template='{{range .items}}{{range $k, $v := .metadata}}{{$k}}={{$v}}{{end}}{{end}}'",
        "get pods -A -o go-template='{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}'",
        "get pods -A -o go-template='{{printf \"%999999999d\" 1}}'",
        "get pods -A -o go-template='{{printf \"%.999999999f %*d %[9]d\" 1.5}}{{index .items 99}}{{slice .items 1 99}}'",
        "get pods -A -o go-template='{{with $x := .items}}{{$x}}{{$x}}{{end}}{{len .}}{{html .}}{{js .}}{{urlquery .}}'",
        "get pods -A -o custom-columns=A:..,B:..*,C:.spec..name",
        "get pods -A --sort-by={..name}",
        "get pods -A --sort-by=.spec.containers[*].name",
        "explain pods --recursive",
        "explain customresourcedefinitions --recursive",
        "get odds -o yaml",
        "describe odds",
        "get odds,deploy,svc -o json",
        "patch odd odd-0 --type=merge -p '{\"spec\":{\"size\":3}}'",
        "scale odd/odd-1 --replicas=3",
        "for i in 1 2 3; do kubectl get pods; done",
        "echo {1..99999999}",
        "seq 1 99999999",
        "while true; do echo x; done",
        "yes | head -n 3",
        "kubectl run odd --image=busybox:1.36 --restart=Never -- sh -c 'while true; do :; done'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'f() { f; f; }; f'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'x=a; while true; do x=$x$x; done'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'seq 1 99999999 | sort | uniq -c'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'printf %999999999d 1; echo $((1/0)) ${x:?} `f`'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'while true; do sh -c \"$0\" & done'",
        "kubectl run odd --image=busybox:1.36 -- sh -c 'head -c 99999999 /dev/zero; dd if=/dev/zero of=/x bs=1G count=9; yes'",
        "kubectl exec pod-0 -- sh -c 'while true; do echo x; done'",
        "kubectl exec deploy/deployment-0 -- sh -c 'seq 1 9999999'",
        "kubectl logs pod-0 --tail=99999999 --since=99999h",
        "kubectl logs -l app=deployment-0 -f --max-log-requests=99",
        "kubectl exec pod-0 -- sh -c 'f() { echo $(f); }; f'",
    ] {
        let typed = ["get ", "explain ", "describe ", "patch ", "scale "].iter().any(|verb| more.starts_with(verb));
        lines.push(if typed { format!("kubectl {more}") } else { more.to_owned() });
    }
    // Depth, which costs stack.
    for (before, open, after) in [
        ("kubectl get pods -o go-template='{{", "(", "}}'"),
        ("kubectl get pods -o go-template='", "{{if .}}", "'"),
        ("kubectl get pods -o go-template='{{if .}}", "{{else if .}}", "{{end}}'"),
        ("kubectl get pods -o jsonpath='{", "[?(@", "}'"),
        ("kubectl get pods -o jsonpath='{", "..", "*}'"),
        ("kubectl get pods -o custom-columns=A:", "[?(", ""),
        ("kubectl get pods -l 'a in (", "b,", "c)'"),
        ("echo ", "$(echo ", ""),
        ("echo ", "`", ""),
        ("kubectl create -f - <<EOF\n", "a: [", "\nEOF"),
        ("kubectl patch pod pod-0 --type=merge -p '", "{\"a\":", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c '", "(", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c 'echo ", "$(echo ", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c 'echo $((", "(", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c 'echo ", "$((1+", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c 'echo ", "${x:-", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c '", "if true; then ", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c '", "! ", "'"),
        ("kubectl run odd --image=busybox:1.36 -- sh -c 'case x in ", "*", "a) echo;; esac'"),
    ] {
        lines.push(format!("{before}{}{after}", open.repeat(3_000)));
    }
    lines
}

fn collect(verb: &Verb, lines: &mut Vec<String>) {
    let shown = verb.examples.lines().map(str::trim).filter(|line| line.contains("kubectl"));
    lines.extend(shown.map(str::to_owned));
    verb.subcommands.iter().for_each(|verb| collect(verb, lines));
}

/// A command line: an example with names that exist, or a broken one.
pub fn line(rng: &mut Rng, examples: &[String]) -> String {
    const ODD: &[&str] = &[
        "-o",
        "-o=json",
        "-o=jsonpath={.x[?(@.a==",
        "-o=custom-columns=:",
        "-o=go-template={{range}}",
        "--all",
        "-A",
        "-n",
        "''",
        "\"",
        "$(",
        "|",
        "|| true",
        "&& kubectl get pods",
        "> x",
        "<<EOF",
        "--",
        "-",
        "--replicas=-1",
        "--replicas=x",
        "-l",
        "a=b,c",
        "--field-selector=x",
        "-f",
        "-",
        "web",
        "pod/",
        "/",
        "deploy/deployment-0",
        "nodes",
        "worker-1",
        "--dry-run=server",
        "--dry-run=client",
        "-w",
        "--timeout=1s",
        "--help",
        "-h",
        "--v=9",
        "피자",
        "--sort-by={",
        "--sort-by=.spec",
        "~",
        "*",
        "`",
        "--output=yaml",
        "${x:-",
        "!!",
        "--for=condition=",
        "--for=jsonpath={.a}=",
        "--grace-period=0",
        "--force",
        "--since=1x",
        "--tail=-5",
        "--from-literal=a",
        "--patch={",
        "--type=json",
    ];
    let mut words: Vec<String> = pick(rng, examples).split(' ').map(str::to_owned).collect();
    for _ in 0..rng.below(4) {
        let at = rng.below(words.len() as u64 + 1) as usize;
        match rng.below(6) {
            0 if at < words.len() => drop(words.remove(at)),
            1 if at < words.len() => words.insert(at, words[at].clone()),
            2 if at < words.len() => words[at] = scratch(rng, &words[at]),
            3 => words.truncate(at.max(1)),
            4 if at < words.len() => {
                words[at] = pick(
                    rng,
                    &["deployment-0", "pod/pod-0", "statefulset/statefulset-1", "svc", "kubernetes", "worker-1"],
                )
                .to_string();
            }
            _ => words.insert(at, pick(rng, ODD).to_string()),
        }
        if words.is_empty() {
            words.push("kubectl".into());
        }
    }
    words.join(" ")
}
