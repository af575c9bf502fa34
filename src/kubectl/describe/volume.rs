//! Volumes of pods, and what backs PersistentVolumes.

use serde_json::Value;

use super::common::storage_class;
use super::page::Page;
use super::value::{Fields as _, go};

/// Writes `Volumes:` and the volumes; templates have an `indent`.
pub fn write(page: &mut Page, volumes: &[Value], indent: &str) {
    if volumes.is_empty() {
        page.line(0, format!("{indent}Volumes:\t<none>"));
        return;
    }
    page.line(0, format!("{indent}Volumes:"));
    let blank = if indent.is_empty() { "" } else { " " };
    for volume in volumes {
        page.line(1, format!("{blank}{}:", volume.text("/name")));
        source(page, volume);
    }
}

/// How a kind of volume is shown: its key, what it is, and its fields.
struct Source {
    key: &'static str,
    about: &'static str,
    fields: &'static [(&'static str, Show)],
}

/// How a field of a source is shown.
enum Show {
    Text(&'static str),
    /// A text that may be absent: the second is shown then.
    Or(&'static str, &'static str),
    Bool(&'static str),
    Int(&'static str),
    /// As Go's `%v`.
    Any(&'static str),
    Joined(&'static str),
}

use Show::{Any, Bool, Int, Joined, Or, Text};

/// In the order in which kubectl looks for them.
const SOURCES: &[Source] = &[
    Source {
        key: "hostPath",
        about: "HostPath (bare host directory volume)",
        fields: &[("Path", Text("/path")), ("HostPathType", Or("/type", "<none>"))],
    },
    Source {
        key: "secret",
        about: "Secret (a volume populated by a Secret)",
        fields: &[("SecretName", Text("/secretName")), ("Optional", Bool("/optional"))],
    },
    Source {
        key: "configMap",
        about: "ConfigMap (a volume populated by a ConfigMap)",
        fields: &[("Name", Text("/name")), ("Optional", Bool("/optional"))],
    },
    Source {
        key: "nfs",
        about: "NFS (an NFS mount that lasts the lifetime of a pod)",
        fields: &[("Server", Text("/server")), ("Path", Text("/path")), ("ReadOnly", Bool("/readOnly"))],
    },
    Source {
        key: "persistentVolumeClaim",
        about: "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        fields: &[("ClaimName", Text("/claimName")), ("ReadOnly", Bool("/readOnly"))],
    },
    Source {
        key: "local",
        about: "LocalVolume (a persistent volume backed by local storage on a node)",
        fields: &[("Path", Text("/path"))],
    },
    Source {
        key: "image",
        about: "Image (a container image or OCI artifact)",
        fields: &[("Reference", Text("/reference")), ("PullPolicy", Text("/pullPolicy"))],
    },
    Source {
        key: "gcePersistentDisk",
        about: "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        fields: &[
            ("PDName", Text("/pdName")),
            ("FSType", Text("/fsType")),
            ("Partition", Int("/partition")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "awsElasticBlockStore",
        about: "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        fields: &[
            ("VolumeID", Text("/volumeID")),
            ("FSType", Text("/fsType")),
            ("Partition", Int("/partition")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "gitRepo",
        about: "GitRepo (a volume that is pulled from git when the pod is created)",
        fields: &[("Repository", Text("/repository")), ("Revision", Text("/revision"))],
    },
    Source {
        key: "iscsi",
        about: "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
        fields: &[
            ("TargetPortal", Text("/targetPortal")),
            ("IQN", Text("/iqn")),
            ("Lun", Int("/lun")),
            ("ISCSIInterface", Text("/iscsiInterface")),
            ("FSType", Text("/fsType")),
            ("ReadOnly", Bool("/readOnly")),
            ("Portals", Any("/portals")),
            ("DiscoveryCHAPAuth", Bool("/chapAuthDiscovery")),
            ("SessionCHAPAuth", Bool("/chapAuthSession")),
            ("SecretRef", Any("/secretRef")),
            ("InitiatorName", Or("/initiatorName", "<none>")),
        ],
    },
    Source {
        key: "azureDisk",
        about: "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
        fields: &[
            ("DiskName", Text("/diskName")),
            ("DiskURI", Text("/diskURI")),
            ("Kind", Text("/kind")),
            ("FSType", Text("/fsType")),
            ("CachingMode", Text("/cachingMode")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "fc",
        about: "FC (a Fibre Channel disk)",
        fields: &[
            ("TargetWWNs", Joined("/targetWWNs")),
            ("LUN", Or("/lun", "<none>")),
            ("FSType", Text("/fsType")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "azureFile",
        about: "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
        fields: &[
            ("SecretName", Text("/secretName")),
            ("ShareName", Text("/shareName")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "cephfs",
        about: "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
        fields: &[
            ("Monitors", Any("/monitors")),
            ("Path", Text("/path")),
            ("User", Text("/user")),
            ("SecretFile", Text("/secretFile")),
            ("SecretRef", Any("/secretRef")),
            ("ReadOnly", Bool("/readOnly")),
        ],
    },
    Source {
        key: "flexVolume",
        about: "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
        fields: &[
            ("Driver", Text("/driver")),
            ("FSType", Text("/fsType")),
            ("SecretRef", Any("/secretRef")),
            ("ReadOnly", Bool("/readOnly")),
            ("Options", Any("/options")),
        ],
    },
];

/// Writes what backs a volume of a pod or a PersistentVolume's spec.
pub fn source(page: &mut Page, volume: &Value) {
    if let Some(source) = SOURCES.iter().find(|source| volume.get(source.key).is_some_and(|value| !value.is_null())) {
        let value = &volume[source.key];
        page.field(2, "Type", source.about);
        for (label, show) in source.fields {
            page.field(2, label, shown(value, show));
        }
    } else if volume.has("/emptyDir") {
        page.field(2, "Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
        page.field(2, "Medium", volume.text("/emptyDir/medium"));
        let limit = volume.written("/emptyDir/sizeLimit");
        page.field(2, "SizeLimit", if limit.is_empty() || limit == "0" { "<unset>" } else { &limit });
    } else if volume.has("/projected") {
        projected(page, volume.at("/projected"));
    } else if volume.has("/downwardAPI") {
        page.field(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
        page.line(2, "Items:");
        for item in volume.list("/downwardAPI/items") {
            for pointer in ["/fieldRef/fieldPath", "/resourceFieldRef/resource"] {
                if item.has(pointer) {
                    page.line(3, format!("{} -> {}", item.text(pointer), item.text("/path")));
                }
            }
        }
    } else if volume.has("/csi") {
        csi(page, volume.at("/csi"));
    } else if volume.has("/ephemeral") {
        ephemeral(page, volume.at("/ephemeral/volumeClaimTemplate"));
    } else {
        page.line(1, "<unknown>");
    }
}

fn shown(value: &Value, show: &Show) -> String {
    match show {
        Text(pointer) => value.text(pointer).into(),
        Or(pointer, absent) => match value.has(pointer) {
            true => value.written(pointer),
            false => (*absent).into(),
        },
        Bool(pointer) => value.flag(pointer).to_string(),
        Int(pointer) => value.int(pointer).to_string(),
        Any(pointer) => match value.at(pointer) {
            Value::Null => "nil".into(),
            value => go(value),
        },
        Joined(pointer) => value.texts(pointer).join(", "),
    }
}

fn projected(page: &mut Page, projected: &Value) {
    page.field(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
    for source in projected.list("/sources") {
        if source.has("/secret") {
            page.field(2, "SecretName", source.text("/secret/name"));
            page.field(2, "Optional", source.flag("/secret/optional"));
        } else if source.has("/downwardAPI") {
            page.field(2, "DownwardAPI", true);
        } else if source.has("/configMap") {
            page.field(2, "ConfigMapName", source.text("/configMap/name"));
            page.field(2, "Optional", source.flag("/configMap/optional"));
        } else if source.has("/serviceAccountToken") {
            page.field(2, "TokenExpirationSeconds", source.int("/serviceAccountToken/expirationSeconds"));
        }
    }
}

fn csi(page: &mut Page, csi: &Value) {
    page.field(2, "Type", "CSI (a Container Storage Interface (CSI) volume source)");
    page.field(2, "Driver", csi.text("/driver"));
    page.field(2, "FSType", csi.text("/fsType"));
    if csi.has("/volumeHandle") {
        page.field(2, "VolumeHandle", csi.text("/volumeHandle"));
    }
    page.field(2, "ReadOnly", csi.flag("/readOnly"));
    let attributes = csi.entries("/volumeAttributes");
    match attributes.is_empty() {
        true => page.field(2, "VolumeAttributes", "<none>"),
        false => nested(page, "VolumeAttributes", &pairs(&attributes, "=")),
    }
}

fn pairs(entries: &[(&str, &Value)], between: &str) -> Vec<String> {
    entries.iter().map(|(key, value)| format!("{key}{between}{}", value.text(""))).collect()
}

/// Lines under each other, where every part of a line is indented by itself.
fn nested(page: &mut Page, title: &str, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let start = if index == 0 { format!("    {title}:") } else { " ".repeat(8) };
        page.raw(format!("{start}\t    {line}\n"));
    }
}

fn ephemeral(page: &mut Page, template: &Value) {
    page.field(
        2,
        "Type",
        "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
    );
    if template.is_null() {
        return;
    }
    page.field(2, "StorageClass", storage_class(template));
    page.field(2, "Volume", template.text("/spec/volumeName"));
    for (title, pointer, between) in
        [("Labels", "/metadata/labels", "="), ("Annotations", "/metadata/annotations", ": ")]
    {
        match pairs(&template.entries(pointer), between) {
            none if none.is_empty() => nested(page, title, &["<none>".into()]),
            lines => nested(page, title, &lines),
        }
    }
    page.field(2, "Capacity", "");
    page.field(2, "Access Modes", "");
    if template.has("/spec/volumeMode") {
        page.field(2, "VolumeMode", template.text("/spec/volumeMode"));
    }
}
