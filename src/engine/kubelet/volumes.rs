//! A pod's volumes: what is in them at the start, and how mounted objects are refreshed.
//!
//! An emptyDir is the pod's own and goes with it. Host paths and claims lie on the node's disk: whoever
//! mounts one sees what others write there, and it outlasts them all. Volumes made from objects
//! (ConfigMap, Secret, the pod's own fields) are read-only, laid out so that a new version replaces the
//! old one at a stroke, and refreshed with the syncs of the pod; an object that has vanished since changes
//! nothing. What must be there and is not keeps the pod from starting (`mounting.rs` says for how long).
//! Mirrors: pkg/volume/{configmap,secret,downwardapi,projected,emptydir,hostpath}, pkg/kubelet/kubelet_pods.go
//! `makeMounts`. Left out: CSI, image and block volumes, mount propagation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{
    ConfigMap, Container, DownwardAPIVolumeFile, KeyToPath, Node, PersistentVolume, PersistentVolumeClaim, Pod, Secret,
    Volume, VolumeMount, VolumeProjection,
};
use api::k8s_openapi::jiff::Timestamp;
use api::meta::hash::{FNV64, fnv64a};
use api::meta::node_selector::admits;
use api::meta::volume::volume_name;
use api::order::Gather;

use super::env::{Env, expand_with, pod_field, resource_field};
use super::events::Turn;
use super::host_path;
use super::images::token;
use super::runtime::fs::FileNode;
use super::runtime::{FileTree, Mount};
use crate::client::EventType;

/// Files by path inside a volume, with their mode.
type Files = BTreeMap<String, (Vec<u8>, u32)>;

/// The trees of all volumes, or what could not be mounted.
pub struct Mounted {
    pub trees: BTreeMap<String, FileTree>,
    pub failures: Vec<Failure>,
}

/// A volume that cannot be mounted yet, and why.
pub struct Failure {
    pub volume: String,
    cause: String,
}

/// Whether it is known at once that the volume cannot be mounted: the sync does not wait for it.
pub fn fails_the_sync(failure: &Failure) -> bool {
    failure.cause.starts_with("error processing PVC")
}

/// Mounts every volume of the pod; `pod_ip` is empty before there is a sandbox.
pub fn mount_all(turn: &Turn, pod: &Pod, pod_ip: &str) -> Mounted {
    let mut mounted = Mounted { trees: BTreeMap::new(), failures: Vec::new() };
    for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
        match mount(turn, pod, pod_ip, volume) {
            Ok(tree) => drop(mounted.trees.insert(volume.name.clone(), tree)),
            Err(cause) => mounted.failures.push(Failure { volume: volume.name.clone(), cause }),
        }
    }
    mounted
}

/// Whether the volume's content follows an API object.
pub fn follows_object(volume: &Volume) -> bool {
    volume.config_map.is_some()
        || volume.secret.is_some()
        || volume.downward_api.is_some()
        || volume.projected.as_ref().is_some_and(|projected| {
            // The token volume of every pod needs no refreshing here.
            projected.sources.iter().flatten().all(|source| source.service_account_token.is_none())
        })
}

fn mount(turn: &Turn, pod: &Pod, pod_ip: &str, volume: &Volume) -> Result<FileTree, String> {
    if let Some(claim) = claim_name(pod, volume) {
        let persistent = claimed_volume(turn, pod, &claim).map_err(|cause| {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            format!("error processing PVC {namespace}/{claim}: {cause}")
        })?;
        check_node_affinity(turn, &persistent)?;
    }
    if let Some(source) = &volume.host_path {
        host_path::check(source, &turn.host.disks)?;
    }
    if let Some(key) = disk_key(turn, pod, volume) {
        let mut tree = turn.host.disks.get(&key).cloned().unwrap_or_default();
        if let Some(group) = fs_group(pod).filter(|_| volume.host_path.is_none()) {
            tree.give_to_group(group, true);
        }
        return Ok(tree);
    }
    if let Some(files) = content(turn, pod, pod_ip, volume)? {
        return Ok(tree_of(pod, volume, &files, turn.now));
    }
    let mut tree = FileTree::default();
    // In memory it is a temporary file system as any other.
    let in_memory = volume.empty_dir.as_ref().is_some_and(|source| source.medium.as_deref() == Some("Memory"));
    tree.set_root(if in_memory { 0o1777 } else { 0o777 }, turn.now);
    if let Some(group) = fs_group(pod) {
        tree.give_to_group(group, true);
    }
    Ok(tree)
}

/// The group that all files of the pod's volumes are to have.
fn fs_group(pod: &Pod) -> Option<u32> {
    let group = pod.spec.as_ref()?.security_context.as_ref()?.fs_group?;
    u32::try_from(group).ok()
}

/// The user that all of the pod's containers run as, if it says one.
///
/// Mirrors: pkg/volume/util `FsUserFrom`.
fn fs_user(pod: &Pod) -> Option<u32> {
    let spec = pod.spec.as_ref()?;
    let shared = spec.security_context.as_ref().and_then(|context| context.run_as_user);
    let of = |container: &Container| container.security_context.as_ref().and_then(|own| own.run_as_user).or(shared);
    let all = spec.init_containers.iter().flatten().chain(&spec.containers);
    let users: BTreeSet<Option<i64>> = all.map(of).collect();
    let mut users = users.into_iter();
    let only = users.next().flatten().filter(|_| users.next().is_none())?;
    u32::try_from(only).ok()
}

/// The link that a volume's files are reached through.
const DATA: &str = "/..data";

/// Files as they are laid out for a swap at one stroke: all of them in a directory with the time in its
/// name, a link to it, and for each a link through that link.
///
/// Mirrors: pkg/volume/util/atomic_writer.go.
fn tree_of(pod: &Pod, volume: &Volume, files: &Files, now: u64) -> FileTree {
    let mut tree = FileTree::default();
    // Secrets and what else is made from the pod lie in memory.
    tree.set_root(if volume.config_map.is_some() { 0o777 } else { 0o1777 }, now);
    let when = Timestamp::from_millisecond(i64::try_from(now).unwrap_or(i64::MAX)).unwrap_or_default();
    // The ending is by chance in a real one; here it only has to look like it.
    let ending = fnv64a(FNV64 ^ now, files.keys().flat_map(|path| path.bytes())) % 10_000_000_000;
    let home = format!("/{}{ending}", when.strftime("..%Y_%m_%d_%H_%M_%S."));
    tree.put_dir(&home, 0o755, now);
    tree.put_link(DATA, &home[1..], now);
    for (path, (data, mode)) in files {
        tree.put(&format!("{home}/{path}"), data, *mode, now);
        let first = path.split('/').next().unwrap_or_default();
        tree.put_link(&format!("/{first}"), &format!("..data/{first}"), now);
        // A token is for one user alone, where the pod has one.
        if let Some(user) = fs_user(pod).filter(|_| mode & 0o777 == 0o600) {
            tree.set_owner(&format!("{home}/{path}"), (user, 0));
        }
    }
    if let Some(group) = fs_group(pod) {
        tree.give_to_group(group, false);
    }
    tree
}

/// Whether a tree holds just these files.
fn holds(tree: &FileTree, files: &Files) -> bool {
    let home = format!("{}/", tree.resolve(DATA));
    let mut there = tree.iter().filter_map(|(path, node)| match node {
        FileNode::File { data, mode, .. } => Some((path.strip_prefix(&*home)?, &**data, *mode)),
        FileNode::Dir { .. } | FileNode::Link { .. } => None,
    });
    let mut wanted = files.iter().map(|(path, (data, mode))| (&**path, &**data, *mode));
    wanted.by_ref().all(|file| there.next() == Some(file)) && there.next().is_none()
}

/// The present content of a volume that is made from API objects; nothing for others.
fn plain_content(turn: &Turn, pod: &Pod, pod_ip: &str, volume: &Volume) -> Result<Option<Files>, String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let mode = |own: Option<i32>| u32::try_from(own.unwrap_or(0o644)).unwrap_or(0o644);
    if let Some(source) = &volume.config_map {
        return config_map(
            turn,
            namespace,
            &source.name,
            source.items.as_deref(),
            source.optional == Some(true),
            mode(source.default_mode),
        )
        .map(Some);
    }
    if let Some(source) = &volume.secret {
        let name = source.secret_name.as_deref().unwrap_or_default();
        return secret(
            turn,
            namespace,
            name,
            source.items.as_deref(),
            source.optional == Some(true),
            mode(source.default_mode),
        )
        .map(Some);
    }
    if let Some(source) = &volume.downward_api {
        return Ok(Some(downward(turn, pod, pod_ip, source.items.as_deref(), mode(source.default_mode))));
    }
    let Some(source) = &volume.projected else { return Ok(None) };
    let mut files = Files::new();
    for projection in source.sources.iter().flatten() {
        files.extend(projected(turn, pod, pod_ip, projection, mode(source.default_mode))?);
    }
    Ok(Some(files))
}

/// As [`plain_content`], with the rights that the pod's group gets.
fn content(turn: &Turn, pod: &Pod, pod_ip: &str, volume: &Volume) -> Result<Option<Files>, String> {
    let mut files = plain_content(turn, pod, pod_ip, volume)?;
    if fs_group(pod).is_some() {
        files.iter_mut().flatten().for_each(|(_, (_, mode))| *mode |= 0o440);
    }
    Ok(files)
}

fn projected(turn: &Turn, pod: &Pod, pod_ip: &str, source: &VolumeProjection, mode: u32) -> Result<Files, String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let mut files = Files::new();
    if let Some(map) = &source.config_map {
        // The trust bundle is published by a controller moments after the namespace: real kubelets retry too.
        let optional = map.optional == Some(true) || map.name == "kube-root-ca.crt";
        files.extend(config_map(turn, namespace, &map.name, map.items.as_deref(), optional, mode)?);
    }
    if let Some(from) = &source.secret {
        files.extend(secret(turn, namespace, &from.name, from.items.as_deref(), from.optional == Some(true), mode)?);
    }
    if let Some(from) = &source.downward_api {
        files.extend(downward(turn, pod, pod_ip, from.items.as_deref(), mode));
    }
    if let Some(from) = &source.service_account_token {
        // Whoever runs as another user must still be able to read it.
        let private = fs_user(pod).is_some() || fs_group(pod).is_some();
        let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or("default");
        files.insert(
            from.path.clone(),
            (
                token(&format!("system:serviceaccount:{namespace}:{account}")).into_bytes(),
                if private { 0o600 } else { mode },
            ),
        );
    }
    Ok(files)
}

fn pick<'a>(
    data: &'a BTreeMap<String, Vec<u8>>,
    items: Option<&'a [KeyToPath]>,
    mode: u32,
    optional: bool,
    missing: impl Fn(&str) -> String,
) -> Result<Files, String> {
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        return Ok(data.iter().map(|(key, value)| (key.clone(), (value.clone(), mode))).into_map());
    };
    let mut files = Files::new();
    for item in items {
        match data.get(&item.key) {
            Some(value) => {
                let mode = item.mode.and_then(|mode| u32::try_from(mode).ok()).unwrap_or(mode);
                files.insert(item.path.clone(), (value.clone(), mode));
            }
            None if optional => {}
            None => return Err(missing(&item.key)),
        }
    }
    Ok(files)
}

fn config_map(
    turn: &Turn,
    namespace: &str,
    name: &str,
    items: Option<&[KeyToPath]>,
    optional: bool,
    mode: u32,
) -> Result<Files, String> {
    let Some(map) = turn.cx.api.get::<ConfigMap>(namespace, name) else {
        return if optional { Ok(Files::new()) } else { Err(format!("configmap \"{name}\" not found")) };
    };
    let text = map.data.iter().flatten().map(|(key, value)| (key.clone(), value.clone().into_bytes()));
    let binary = map.binary_data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone()));
    pick(&text.chain(binary).into_map(), items, mode, optional, |key| {
        format!("configmap references non-existent config key: {key}")
    })
}

fn secret(
    turn: &Turn,
    namespace: &str,
    name: &str,
    items: Option<&[KeyToPath]>,
    optional: bool,
    mode: u32,
) -> Result<Files, String> {
    let Some(secret) = turn.cx.api.get::<Secret>(namespace, name) else {
        return if optional { Ok(Files::new()) } else { Err(format!("secret \"{name}\" not found")) };
    };
    let data = secret.data.iter().flatten().map(|(key, value)| (key.clone(), value.0.clone())).into_map();
    pick(&data, items, mode, optional, |key| format!("references non-existent secret key: {key}"))
}

fn downward(turn: &Turn, pod: &Pod, pod_ip: &str, items: Option<&[DownwardAPIVolumeFile]>, mode: u32) -> Files {
    let machine = &turn.host.machine;
    let text = |item: &DownwardAPIVolumeFile| {
        if let Some(field) = &item.field_ref {
            return pod_field(pod, machine, pod_ip, field);
        }
        let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
        match (&item.resource_field_ref, container) {
            (Some(field), Some(container)) => resource_field(machine, pod, container, field),
            _ => String::new(),
        }
    };
    items.into_iter().flatten().map(|item| (item.path.clone(), (text(item).into_bytes(), mode))).into_map()
}

/// Where on the node's disk a volume lies, if it outlasts the pod.
fn disk_key(turn: &Turn, pod: &Pod, volume: &Volume) -> Option<String> {
    if let Some(source) = &volume.host_path {
        return Some(host_path::place(source, &turn.host.disks).0);
    }
    let name = volume_name(&*claimed(turn, pod, &claim_name(pod, volume)?)?).to_owned();
    Some(format!("volume:{name}")).filter(|_| !name.is_empty())
}

/// The claim a volume stands for.
fn claim_name(pod: &Pod, volume: &Volume) -> Option<String> {
    let own = || format!("{}-{}", pod.metadata.name.as_deref().unwrap_or_default(), volume.name);
    let claim = volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.clone());
    claim.or_else(|| volume.ephemeral.as_ref().map(|_| own()))
}

fn claimed(turn: &Turn, pod: &Pod, claim: &str) -> Option<Arc<PersistentVolumeClaim>> {
    turn.cx.api.get(pod.metadata.namespace.as_deref().unwrap_or_default(), claim)
}

/// The volume behind a claim, or why there is none to mount yet.
fn claimed_volume(turn: &Turn, pod: &Pod, name: &str) -> Result<Arc<PersistentVolume>, String> {
    let claim = claimed(turn, pod, name)
        .ok_or_else(|| format!("failed to fetch PVC from API server: persistentvolumeclaims \"{name}\" not found"))?;
    if claim.metadata.deletion_timestamp.is_some() {
        return Err("PVC is being deleted".into());
    }
    if claim.status.as_ref().and_then(|status| status.phase.as_deref()) != Some("Bound") {
        return Err("PVC is not bound".into());
    }
    let name = volume_name(&claim);
    if name.is_empty() {
        return Err("PVC has empty pvc.Spec.VolumeName".into());
    }
    turn.cx
        .api
        .get("", name)
        .ok_or_else(|| format!("failed to fetch PV {name} from API server: persistentvolumes \"{name}\" not found"))
}

/// A volume that lies elsewhere cannot be mounted here.
fn check_node_affinity(turn: &Turn, volume: &PersistentVolume) -> Result<(), String> {
    let required = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref()?.required.as_ref());
    let name = &turn.host.machine.name;
    let labels = turn.cx.api.get::<Node>("", name).and_then(|node| node.metadata.labels.clone());
    if required.is_none_or(|required| admits(required, name, labels.as_ref())) {
        return Ok(());
    }
    let volume = volume.metadata.name.as_deref().unwrap_or_default();
    Err(format!("MountVolume.NodeAffinity check failed for volume \"{volume}\" : no matching NodeSelectorTerms"))
}

/// The pod's volumes that lie on the node's disk, by name, each with its key there. They are there from now on.
pub fn on_disk(turn: &mut Turn, pod: &Pod, trees: &mut BTreeMap<String, FileTree>) -> Vec<(String, String)> {
    let mut shared = Vec::new();
    for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
        let Some(key) = disk_key(turn, pod, volume) else { continue };
        let source = volume.host_path.as_ref();
        let file = source.and_then(|source| host_path::place(source, &turn.host.disks).1);
        let disk = turn.host.disks.entry(key.clone()).or_default();
        if let Some(file) = file.map(|file| format!("/{file}")).filter(|file| disk.get(file).is_none()) {
            disk.put(&file, b"", 0o644, turn.now);
        }
        trees.insert(volume.name.clone(), disk.clone());
        shared.push((volume.name.clone(), key));
    }
    shared
}

/// Brings volumes that follow objects up to date; a vanished object changes nothing.
pub fn refresh(turn: &Turn, pod: &Pod, pod_ip: &str, trees: &mut BTreeMap<String, FileTree>) {
    for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).filter(|volume| follows_object(volume))
    {
        if let Ok(Some(files)) = content(turn, pod, pod_ip, volume)
            && !trees.get(&volume.name).is_some_and(|tree| holds(tree, &files))
        {
            trees.insert(volume.name.clone(), tree_of(pod, volume, &files, turn.now));
        }
    }
}

/// Writes `FailedMount` for each failure.
pub fn report(turn: &mut Turn, pod: &Pod, failures: &[Failure]) {
    for Failure { volume, cause } in failures {
        let message = if cause.starts_with("error processing PVC") {
            format!(
                "Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], failed to process volumes=[{volume}]: {cause}"
            )
        } else if cause.starts_with("MountVolume.") {
            cause.clone()
        } else {
            format!("MountVolume.SetUp failed for volume \"{volume}\" : {cause}")
        };
        turn.pod_event(pod, EventType::Warning, "FailedMount", message);
    }
}

/// The mounts of one container; single files named by `subPath` are copied, so they never change.
///
/// # Errors
/// The message of `CreateContainerConfigError` for a path that cannot be.
pub fn mounts(turn: &Turn, pod: &Pod, container: &Container, env: &Env) -> Result<Vec<Mount>, String> {
    let mount = |mount: &VolumeMount| {
        let mut sub_path = match &mount.sub_path_expr {
            Some(expression) => expand_all(expression, env)?,
            None => mount.sub_path.clone().unwrap_or_default(),
        };
        if sub_path.starts_with('/') {
            return Err(format!("error SubPath `{sub_path}` must not be an absolute path"));
        }
        if sub_path.split('/').any(|part| part == "..") {
            return Err(format!("unable to provision SubPath `{sub_path}`: must not contain '..'"));
        }
        let mut volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let volume = volumes.find(|volume| volume.name == mount.name);
        if let Some(source) = volume.and_then(|volume| volume.host_path.as_ref())
            && let (_, Some(file)) = host_path::place(source, &turn.host.disks)
        {
            sub_path = file;
        }
        Ok(Mount {
            path: mount.mount_path.trim_end_matches('/').to_owned(),
            volume: mount.name.clone(),
            sub_path,
            read_only: mount.read_only == Some(true) || is_read_only(pod, &mount.name),
        })
    };
    container.volume_mounts.iter().flatten().map(mount).collect()
}

/// A path with its variables; all of them must be there, and not empty.
///
/// Mirrors: pkg/kubelet/container/helpers.go `ExpandContainerVolumeMounts`.
fn expand_all(expression: &str, env: &Env) -> Result<String, String> {
    let mut missing = BTreeSet::new();
    let expanded = expand_with(expression, |name| {
        let value = env.get(name).cloned().unwrap_or_default();
        if value.is_empty() {
            missing.insert(name.to_owned());
        }
        Some(value)
    });
    let missing: Vec<String> = missing.into_iter().collect();
    if missing.is_empty() { Ok(expanded) } else { Err(format!("missing value for {}", missing.join(", "))) }
}

/// Volumes made from objects are read-only whatever the mount says.
fn is_read_only(pod: &Pod, name: &str) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter(|volume| volume.name == name).any(|volume| {
        volume.config_map.is_some()
            || volume.secret.is_some()
            || volume.downward_api.is_some()
            || volume.projected.is_some()
    })
}
