//! A program written with kube-rs: list, watch, server-side apply, wait, logs, exec, a forwarded port, a refusal.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::api::{Api, AttachParams, DeleteParams, ListParams, LogParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Config, ResourceExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{DEADLINE, quick, serve};
use crate::Bridge;

/// Runs a program of kube-rs against a cluster of its own.
fn with<F: Future<Output = Result<(), Box<dyn std::error::Error>>>>(program: impl FnOnce(Client) -> F) {
    let bridge: Bridge = serve(quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is a thread");
    let outcome = runtime.block_on(async {
        let config = Config::new(format!("http://{}", bridge.address()).parse()?);
        tokio::time::timeout(DEADLINE, program(Client::try_from(config)?)).await?
    });
    outcome.expect("kube-rs is content");
}

fn web(replicas: i32) -> serde_json::Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "nginx", "image": "nginx" }] },
            },
        },
    })
}

#[test]
fn a_deployment_is_applied_awaited_read_and_entered() {
    with(|client| async move {
        let version = client.apiserver_version().await?;
        assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "36"));
        let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await?;
        assert_eq!(nodes.iter().map(|node| node.name_any()).collect::<Vec<_>>(), ["control-plane", "worker-1"]);

        let deployments = Api::<Deployment>::default_namespaced(client.clone());
        let mine = PatchParams::apply("mine");
        deployments.patch("web", &mine, &Patch::Apply(web(2))).await?;
        await_condition(deployments.clone(), "web", conditions::is_deployment_completed()).await?;
        // Somebody else's field, and then it is mine by force.
        let theirs = deployments.patch("web", &PatchParams::apply("theirs"), &Patch::Apply(web(1))).await;
        let conflict = theirs.expect_err("the field is owned").to_string();
        assert!(conflict.contains("conflict with \"mine\": .spec.replicas"), "{conflict}");
        let forced = PatchParams::apply("theirs").force();
        let forced = deployments.patch("web", &forced, &Patch::Apply(web(1))).await?;
        let owners: Vec<_> = forced.managed_fields().iter().filter_map(|entry| entry.manager.clone()).collect();
        assert!(owners.contains(&"mine".into()) && owners.contains(&"theirs".into()), "{owners:?}");
        await_condition(deployments.clone(), "web", conditions::is_deployment_completed()).await?;

        let pods = Api::<Pod>::default_namespaced(client.clone());
        let found = pods.list(&ListParams::default().labels("app=web").fields("status.phase=Running")).await?;
        // The other may still be on its way out.
        let stays = found.iter().find(|pod| pod.metadata.deletion_timestamp.is_none());
        let name = stays.expect("one runs").name_any();
        let log = pods.logs(&name, &LogParams { tail_lines: Some(1), ..LogParams::default() }).await?;
        assert!(log.contains("start worker process"), "{log}");
        let follow = LogParams { follow: true, ..LogParams::default() };
        let mut lines = futures_util::AsyncBufReadExt::lines(pods.log_stream(&name, &follow).await?);
        while !lines.try_next().await?.expect("it goes on").contains("start worker process") {}

        let how = AttachParams::default().stdin(true).stderr(true);
        let mut session = pods.exec(&name, ["sh", "-c", "read x; echo got $x; echo oops >&2; exit 3"], &how).await?;
        let (mut out, mut err) = (String::new(), String::new());
        let mut stdin = session.stdin().expect("it was asked for");
        let (mut stdout, mut stderr) = (session.stdout().expect("asked"), session.stderr().expect("asked"));
        let status = session.take_status().expect("asked once");
        stdin.write_all(b"this\n").await?;
        tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err))?;
        assert_eq!((out.as_str(), err.as_str()), ("got this\n", "oops\n"));
        let status = status.await.expect("it says how it ended");
        assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"), "{status:?}");

        // A log that grows while it is followed: a request through a forwarded port writes it.
        let mut forwarder = pods.portforward(&name, &[80]).await?;
        let mut port = forwarder.take_stream(80).expect("it was asked for");
        port.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        port.read_to_string(&mut answer).await?;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        while !lines.try_next().await?.expect("it goes on").contains("\"GET /hello HTTP/1.1\" 404") {}
        Ok(())
    });
}

#[test]
fn a_watcher_sees_what_is_there_and_what_happens() {
    with(|client| async move {
        let maps = Api::<ConfigMap>::default_namespaced(client.clone());
        let map = |name: &str, value: &str| ConfigMap {
            metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
            data: Some([("key".to_owned(), value.to_owned())].into()),
            ..ConfigMap::default()
        };
        maps.create(&PostParams::default(), &map("first", "1")).await?;
        for strategy in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
            let config = strategy.fields("metadata.name!=kube-root-ca.crt");
            let mut events = watcher(maps.clone(), config).boxed();
            let mut next = async || -> Result<String, Box<dyn std::error::Error>> {
                Ok(match events.try_next().await?.expect("a watcher never ends") {
                    Event::Init => "init".into(),
                    Event::InitApply(map) => format!("there {}", map.name_any()),
                    Event::InitDone => "all".into(),
                    Event::Apply(map) => format!("{} {}", map.name_any(), map.data.unwrap_or_default()["key"]),
                    Event::Delete(map) => format!("{} gone", map.name_any()),
                })
            };
            assert_eq!([next().await?, next().await?, next().await?], ["init", "there first", "all"]);
            let created = maps.create(&PostParams::default(), &map("second", "1")).await?;
            assert_eq!(next().await?, "second 1");
            let version = created.resource_version();
            let mut changed = map("second", "2");
            changed.metadata.resource_version = version;
            maps.replace("second", &PostParams::default(), &changed).await?;
            assert_eq!(next().await?, "second 2");
            // The same once more is out of date.
            let refused = maps.replace("second", &PostParams::default(), &changed).await;
            assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.code == 409), "{refused:?}");
            let merge = Patch::Merge(json!({ "data": { "key": "3" } }));
            maps.patch("second", &PatchParams::default(), &merge).await?;
            assert_eq!(next().await?, "second 3");
            maps.delete("second", &DeleteParams::default()).await?;
            assert_eq!(next().await?, "second gone");
        }
        assert!(maps.get_opt("second").await?.is_none());
        let missing = maps.get("second").await.expect_err("it is gone").to_string();
        assert!(missing.contains("configmaps \"second\" not found"), "{missing}");
        Ok(())
    });
}
