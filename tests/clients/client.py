"""The official Python client against a served cluster, whose address is the only argument.

Ends with a sentence on what was found wrong, or with 0.
"""

import json
import sys
import time

from kubernetes import client, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

SPACE = "default"
PATIENCE = 60


def equal(found, expected, what):
    if found != expected:
        sys.exit(f"{what}: {found!r}, not {expected!r}")


def refused(status, reason, call):
    """The call must be answered with this status, and a Status that says why."""
    try:
        call()
    except ApiException as error:
        equal(error.status, status, call)
        said = json.loads(error.body)
        equal((said["kind"], said["reason"], said["code"]), ("Status", reason, status), call)
        return said["message"]
    sys.exit(f"{call} was not refused")


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def deployment(replicas):
    container = client.V1Container(name="web", image="nginx", ports=[client.V1ContainerPort(container_port=80)])
    labels = {"app": "web"}
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            replicas=replicas,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
            ),
        ),
    )


def objects(core):
    """Create, read, replace, patch in each way, list by pages, delete."""
    made = core.create_namespaced_config_map(SPACE, config_map("a", key="1"))
    text = refused(409, "AlreadyExists", lambda: core.create_namespaced_config_map(SPACE, config_map("a")))
    equal(text, 'configmaps "a" already exists', "the message of 409")
    text = refused(404, "NotFound", lambda: core.read_namespaced_config_map("b", SPACE))
    equal(text, 'configmaps "b" not found', "the message of 404")

    made.data["key"] = "2"
    core.replace_namespaced_config_map("a", SPACE, made)
    # What was read is out of date now.
    text = refused(409, "Conflict", lambda: core.replace_namespaced_config_map("a", SPACE, made))
    if "the object has been modified" not in text:
        sys.exit(f"a conflict is said so: {text}")

    patch = core.patch_namespaced_config_map
    found = patch("a", SPACE, [{"op": "replace", "path": "/data/key", "value": "3"}])
    equal(found.data, {"key": "3"}, "a JSON patch")
    merge = "application/merge-patch+json"
    found = patch("a", SPACE, {"data": {"key": None, "other": "4"}}, _content_type=merge)
    equal(found.data, {"other": "4"}, "a merge patch")
    found = patch("a", SPACE, {"data": {"key": "5"}}, _content_type="application/strategic-merge-patch+json")
    equal(found.data, {"key": "5", "other": "4"}, "a strategic merge patch")
    apply = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"mine": "6"}}
    how = {"field_manager": "python", "force": True, "_content_type": "application/apply-patch+yaml"}
    equal(patch("a", SPACE, apply, **how).data, {"key": "5", "mine": "6", "other": "4"}, "an apply")
    refused(422, "Invalid", lambda: patch("a", SPACE, {"data": {"no/slash": "1"}}, _content_type=merge))

    for name in "bcd":
        core.create_namespaced_config_map(SPACE, config_map(name))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(SPACE, limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    equal(names, ["a", "b", "c", "d", "kube-root-ca.crt"], "a list by pages")
    equal(core.delete_namespaced_config_map("d", SPACE).status, "Success", "a deletion")
    core.delete_collection_namespaced_config_map(SPACE, field_selector="metadata.name!=kube-root-ca.crt")
    left = core.list_namespaced_config_map(SPACE).items
    equal([item.metadata.name for item in left], ["kube-root-ca.crt"], "what a deletion of many left")


def watches(core):
    """What happens after a list is told in order."""
    version = core.list_namespaced_config_map(SPACE).metadata.resource_version
    core.create_namespaced_config_map(SPACE, config_map("w", key="1"))
    core.patch_namespaced_config_map("w", SPACE, {"data": {"key": "2"}})
    core.delete_namespaced_config_map("w", SPACE)
    seen, events = [], watch.Watch()
    for event in events.stream(
        core.list_namespaced_config_map, SPACE, resource_version=version, timeout_seconds=PATIENCE
    ):
        seen.append((event["type"], event["object"].data["key"]))
        if event["type"] == "DELETED":
            events.stop()
    equal(seen, [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")], "a watch")


def workloads(core, apps):
    """A Deployment until it is there; its log; a command with input, an error and an exit code; its port."""
    apps.create_namespaced_deployment(SPACE, deployment(2))
    events = watch.Watch()
    for event in events.stream(apps.list_namespaced_deployment, SPACE, timeout_seconds=PATIENCE * 20):
        if event["object"].status.available_replicas == 2:
            events.stop()
    scale = apps.patch_namespaced_deployment_scale("web", SPACE, {"spec": {"replicas": 1}})
    equal(scale.spec.replicas, 1, "a scale")
    # Which of the two goes is not known before it is marked.
    events = watch.Watch()
    for event in events.stream(apps.list_namespaced_deployment, SPACE, timeout_seconds=PATIENCE * 20):
        if event["object"].status.replicas == 1:
            events.stop()
    pods = core.list_namespaced_pod(SPACE, label_selector="app=web", field_selector="status.phase=Running").items
    # The other may still be on its way out.
    name = next(pod.metadata.name for pod in pods if pod.metadata.deletion_timestamp is None)
    log = core.read_namespaced_pod_log(name, SPACE, tail_lines=1)
    if "start worker process" not in log:
        sys.exit(f"a log: {log!r}")

    call = core.connect_get_namespaced_pod_exec
    how = {"stderr": True, "stdin": False, "stdout": True, "tty": False}
    equal(stream(call, name, SPACE, command=["hostname"], **how), f"{name}\n", "the output of a command")
    script = ["sh", "-c", "read x; echo got $x; echo oops >&2; exit 3"]
    session = stream(call, name, SPACE, command=script, **{**how, "stdin": True}, _preload_content=False)
    session.write_stdin("this\n")
    session.run_forever(timeout=PATIENCE)
    equal((session.read_stdout(), session.read_stderr(), session.returncode), ("got this\n", "oops\n", 3), "a session")
    wrong = stream(call, name, SPACE, command=["nope"], **how, _preload_content=False)
    wrong.run_forever(timeout=PATIENCE)
    if "executable file not found" not in wrong.read_channel(3):
        sys.exit("a command that is not there is said so")
    refused_exec(lambda: stream(call, name, SPACE, command=["ls"], container="other", **how))

    forward = portforward(core.connect_get_namespaced_pod_portforward, name, SPACE, ports="80")
    socket = forward.socket(80)
    socket.setblocking(True)
    socket.settimeout(PATIENCE)
    socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b""
    while piece := socket.recv(65536):
        answer += piece
    socket.close()
    if not answer.startswith(b"HTTP/1.1 200 OK") or b"Welcome to nginx!" not in answer:
        sys.exit(f"a forwarded port: {answer!r}")
    equal(forward.error(80), None, "what went wrong with a forwarded port")

    apps.delete_namespaced_deployment("web", SPACE, propagation_policy="Foreground")
    end = time.monotonic() + PATIENCE
    while core.list_namespaced_pod(SPACE, label_selector="app=web").items:
        if time.monotonic() > end:
            sys.exit("the pods of a deleted Deployment stay")


def refused_exec(call):
    """A refused upgrade says why. Some versions of the client stumble over that; the first error counts."""
    try:
        call()
    except Exception as error:
        while error.__context__ is not None:
            error = error.__context__
        if "container other is not valid for pod" not in str(error):
            raise
        return
    sys.exit("a container that is not there was entered")


def discovered(api):
    """The dynamic client knows only what discovery tells it."""
    kinds = dynamic.DynamicClient(api).resources
    leases = kinds.get(api_version="coordination.k8s.io/v1", kind="Lease")
    names = [lease.metadata.name for lease in leases.get(namespace="kube-node-lease").items]
    equal("worker-1" in names, True, f"leases of {names}")
    spaces = kinds.get(api_version="v1", kind="Namespace")
    spaces.create({"metadata": {"name": "made"}})
    equal(spaces.get(name="made").status.phase, "Active", "a namespace")
    spaces.delete(name="made")


def main(address):
    api = client.ApiClient(client.Configuration(host=address))
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    version = client.VersionApi(api).get_code()
    equal((version.major, version.minor), ("1", "36"), "the version")
    nodes = [node.metadata.name for node in core.list_node().items]
    equal(nodes, ["control-plane", "worker-1"], "the nodes")
    objects(core)
    watches(core)
    workloads(core, apps)
    discovered(api)
    print("everything holds")


if __name__ == "__main__":
    main(sys.argv[1])
