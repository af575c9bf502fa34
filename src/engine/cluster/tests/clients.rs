//! What only clients ask for: attach, proxies to pods and services, metrics, component statuses, health by name.

use api::k8s_openapi::api::core::v1::Pod;
use api::wire::{Body, Chunk, Method, Request, Response, Upstream};
use serde_json::{Value, json};

use super::*;

fn cluster() -> Cluster {
    one_machine(5_000)
}

const BOX: &str = "/api/v1/namespaces/default/pods/box";

fn text(response: &Response) -> String {
    match &response.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("{other:?}"),
    }
}

fn get(cluster: &mut Cluster, path: &str) -> (u16, String) {
    let response = cluster.request(Request::get(path));
    (response.status, text(&response))
}

#[test]
fn attaching_with_stdin_once_ends_the_container_with_its_input() {
    let mut cluster = cluster();
    let container = json!({"name": "c", "image": "busybox:1.36", "command": ["cat"], "stdin": true, "stdinOnce": true});
    let spec = json!({"restartPolicy": "Never", "containers": [container]});
    let cat = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"}, "spec": spec});
    cluster.request(Request::new(Method::Post, "/api/v1/namespaces/default/pods").with_json(cat));
    let attach =
        || Request::new(Method::Post, format!("{BOX}/attach")).with_query("stdin", "True").with_query("stdout", "1");
    cluster.run_for(100, usize::MAX);
    let early = cluster.request(attach());
    // The kubelet's words, and no Status around them.
    assert_eq!((early.status, text(&early)), (404, "container c not found in pod box_default".to_owned()));
    cluster.run_for(3_000, usize::MAX);
    let Body::Stream(stream) = cluster.request(attach()).body else { panic!("it runs") };
    cluster.send(stream, Upstream::Stdin(b"said\n".to_vec()));
    assert_eq!(cluster.poll(stream), [Chunk::Stdout(b"said\n".to_vec())]);
    cluster.send(stream, Upstream::Eof);
    assert_eq!(cluster.poll(stream), [Chunk::Exit(0), Chunk::Closed]);
    cluster.run_for(2_000, usize::MAX);
    let ended = cluster.snapshot().get::<Pod>("default", "box").and_then(|pod| pod.status.as_ref()?.phase.clone());
    assert_eq!(ended.as_deref(), Some("Succeeded"));
    assert_eq!(get(&mut cluster, &format!("{BOX}/log")), (200, "said\n".to_owned()));
}

#[test]
fn the_api_server_leads_to_pods_and_services() {
    let mut cluster = cluster();
    let pods = "/api/v1/namespaces/default/pods";
    let labelled = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box", "labels": {"app": "box"}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}]},
    });
    cluster.request(Request::new(Method::Post, pods).with_json(labelled));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "box"}, "ports": [{"name": "http", "port": 8080, "targetPort": 80}]},
    });
    let services = "/api/v1/namespaces/default/services";
    cluster.request(Request::new(Method::Post, services).with_json(service));
    let refused = |cluster: &mut Cluster, path: String| {
        let response = cluster.request(Request::get(path));
        (response.status, response.value()["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(refused(&mut cluster, format!("{BOX}/proxy/")), (400, "address not allowed".to_owned()));
    let nobody = (503, "no endpoints available for service \"web\"".to_owned());
    assert_eq!(refused(&mut cluster, format!("{services}/web/proxy/")), nobody);
    cluster.run_for(10_000, usize::MAX);
    for path in ["box/proxy/", "box:80/proxy/index.html?a=b", "http:box:80/proxy/"].map(|path| format!("{pods}/{path}"))
    {
        let (status, page) = get(&mut cluster, &path);
        assert!(status == 200 && page.contains("Welcome to nginx!"), "{path}: {status} {page}");
    }
    for path in ["web/proxy/", "web:http/proxy/", "web:8080/proxy/"].map(|path| format!("{services}/{path}")) {
        assert_eq!(get(&mut cluster, &path).0, 200, "{path}");
    }
    assert_eq!(get(&mut cluster, &format!("{BOX}/proxy/nope")).0, 404, "the program's own answer");
    let folder = cluster.request(Request::get(format!("{BOX}/proxy")));
    assert_eq!((folder.status, folder.header("location")), (301, Some("/api/v1/namespaces/default/pods/box/proxy/")));
    for (path, status, expected) in [
        (format!("{pods}/box:81/proxy/"), 503, ":81: connect: connection refused"),
        (format!("{services}/web:81/proxy/"), 503, "no service port \"81\" found for service \"web\""),
        (format!("{pods}/none/proxy/"), 404, "pods \"none\" not found"),
        (format!("{pods}/a:b:c:d/proxy/"), 400, "invalid pod request \"a:b:c:d\""),
    ] {
        let (found, text) = refused(&mut cluster, path.clone());
        assert!(found == status && text.ends_with(expected), "{path}: {found} {text}");
    }
}

#[test]
fn the_api_server_counts_what_it_answers_and_keeps() {
    let mut cluster = cluster();
    cluster.request(Request::get("/api/v1/namespaces/default/pods"));
    cluster.request(Request::get("/api/v1/namespaces/default/pods"));
    cluster.request(Request::get("/apis/apps/v1/deployments/none"));
    cluster.request(Request::get("/apis/apps/v1/namespaces/default/deployments/none"));
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let post = Request::new(Method::Post, "/api/v1/namespaces/default/configmaps").with_json(map);
    cluster.request(post.clone().with_query("dryRun", "All"));
    cluster.request(post);
    let (status, metrics) = get(&mut cluster, "/metrics");
    assert_eq!(status, 200);
    let request = |code: u16, dry_run: &str, group: &str, resource: &str, scope: &str, verb: &str, count: u32| {
        format!(
            "apiserver_request_total{{code=\"{code}\",component=\"apiserver\",dry_run=\"{dry_run}\",group=\"{group}\",resource=\"{resource}\",scope=\"{scope}\",subresource=\"\",verb=\"{verb}\",version=\"v1\"}} {count}"
        )
    };
    for line in [
        request(200, "", "", "pods", "namespace", "LIST", 2),
        request(404, "", "apps", "deployments", "resource", "GET", 1),
        request(201, "All", "", "configmaps", "resource", "POST", 1),
        "apiserver_resource_objects{group=\"\",resource=\"nodes\"} 1".to_owned(),
        "# TYPE apiserver_request_total counter".to_owned(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    let (_, again) = get(&mut cluster, "/metrics");
    assert_eq!(metrics, again, "asking changes nothing");
}

#[test]
fn component_statuses_say_who_answers() {
    let mut cluster = cluster();
    let path = "/api/v1/componentstatuses";
    let statuses = |cluster: &mut Cluster| -> Vec<(String, String)> {
        let list = cluster.request(Request::get(path));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list.value()["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| (text(&item["metadata"]["name"]), text(&item["conditions"][0]["message"]))).collect()
    };
    let own = |name: &str, message: &str| (name.to_owned(), message.to_owned());
    let well = [own("controller-manager", "ok"), own("etcd-0", "ok"), own("scheduler", "ok")];
    assert_eq!(statuses(&mut cluster), well);
    cluster.inject(Fault::Stop(ProcessId::Scheduler)).expect("it runs");
    let refused = "Get \"https://127.0.0.1:10259/healthz\": dial tcp 127.0.0.1:10259: connect: connection refused";
    assert_eq!(statuses(&mut cluster)[2], own("scheduler", refused));
    let one = cluster.request(Request::get(format!("{path}/scheduler")));
    assert_eq!((one.status, &one.value()["conditions"][0]["status"]), (200, &json!("False")));
    assert_eq!((&one.value()["kind"], &one.value()["apiVersion"]), (&json!("ComponentStatus"), &json!("v1")));
    assert_eq!(cluster.request(Request::get(format!("{path}/none"))).status, 404);
}

#[test]
fn health_is_told_check_by_check() {
    let mut cluster = cluster();
    for (path, verbose, expected) in [
        ("/readyz", false, (200, "ok")),
        ("/readyz", true, (200, "[+]ping ok\n[+]log ok\n[+]etcd ok\nreadyz check passed\n")),
        ("/livez/etcd", false, (200, "ok")),
        ("/livez/none", false, (404, "404 page not found\n")),
    ] {
        let request = Request::get(path);
        let response = cluster.request(if verbose { request.with_query("verbose", "") } else { request });
        assert_eq!((response.status, text(&response).as_str()), expected, "{path}");
    }
}
