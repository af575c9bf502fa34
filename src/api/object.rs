//! One `Object` for everything the API stores: a variant per built-in kind, shared by reference.
//!
//! Components exchange these, never bytes; JSON exists only at the edges. To serve
//! a new built-in kind with its own type, add one line to `objects!`.

use std::sync::Arc;

use k8s_openapi::Metadata as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::codec::{self, Sink, decode};
use crate::schema::Type;
use crate::scheme::Kind;

/// A Kubernetes type that is stored typed.
pub trait Typed: Clone + Sized + 'static {
    const KIND: Kind;
    fn meta(&self) -> &ObjectMeta;
    fn meta_mut(&mut self) -> &mut ObjectMeta;
    /// The typed object inside `object`, if it is of this kind.
    fn cast(object: &Object) -> Option<&Arc<Self>>;
    /// Makes the object its own copy if it is shared, and lends it for change.
    fn cast_mut(object: &mut Object) -> Option<&mut Self>;
    fn wrap(self: Arc<Self>) -> Object;
    fn into_object(self) -> Object {
        Arc::new(self).wrap()
    }
}

/// A stored object of a kind that has no Rust type of its own here: custom resources
/// and the built-in kinds that nothing in the simulation reads.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicObject {
    pub kind: Kind,
    pub api_version: String,
    pub kind_name: String,
    pub metadata: ObjectMeta,
    /// Every other top-level field.
    pub fields: serde_json::Map<String, Value>,
}

macro_rules! objects {
    ($($kind:ident => $($path:ident)::+;)*) => {
        /// Any stored object. Cloning costs a reference count.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Object {
            $($kind(Arc<k8s_openapi::$($path)::+>),)*
            Dynamic(Arc<DynamicObject>),
        }

        $(impl Typed for k8s_openapi::$($path)::+ {
            const KIND: Kind = Kind::$kind;
            fn meta(&self) -> &ObjectMeta { self.metadata() }
            fn meta_mut(&mut self) -> &mut ObjectMeta { self.metadata_mut() }
            fn cast(object: &Object) -> Option<&Arc<Self>> {
                if let Object::$kind(inner) = object { Some(inner) } else { None }
            }
            fn cast_mut(object: &mut Object) -> Option<&mut Self> {
                if let Object::$kind(inner) = object { Some(Arc::make_mut(inner)) } else { None }
            }
            fn wrap(self: Arc<Self>) -> Object { Object::$kind(self) }
        })*

        impl Object {
            pub fn kind(&self) -> Kind {
                match self {
                    $(Object::$kind(_) => Kind::$kind,)*
                    Object::Dynamic(inner) => inner.kind,
                }
            }

            /// Whether both are one object in memory: equal without a comparison.
            pub fn is(&self, other: &Object) -> bool {
                match (self, other) {
                    $((Object::$kind(one), Object::$kind(other)) => Arc::ptr_eq(one, other),)*
                    (Object::Dynamic(one), Object::Dynamic(other)) => Arc::ptr_eq(one, other),
                    _ => false,
                }
            }

            pub fn meta(&self) -> &ObjectMeta {
                match self {
                    $(Object::$kind(inner) => &inner.metadata,)*
                    Object::Dynamic(inner) => &inner.metadata,
                }
            }

            /// Makes the object its own copy if it is shared, and lends its metadata for change.
            pub fn meta_mut(&mut self) -> &mut ObjectMeta {
                match self {
                    $(Object::$kind(inner) => &mut Arc::make_mut(inner).metadata,)*
                    Object::Dynamic(inner) => &mut Arc::make_mut(inner).metadata,
                }
            }

            /// Writes the object into a sink, with `apiVersion` and `kind` of its storage version.
            pub fn write(&self, sink: &mut dyn Sink) {
                match self {
                    $(Object::$kind(inner) => codec::write(&**inner, sink),)*
                    Object::Dynamic(inner) => inner.write(sink),
                }
            }

            /// Reads JSON of this kind. Unknown fields are dropped: walk the value against
            /// the schema first when they must be reported.
            ///
            /// # Errors
            /// A wrong JSON type, in serde's words; the schema walk finds these first in Go's.
            pub fn from_value(kind: Kind, mut value: Value) -> Result<Object, serde_json::Error> {
                crate::defaults::mark_empty_selector(kind, &mut value);
                match kind {
                    $(Kind::$kind => read::<k8s_openapi::$($path)::+>(value),)*
                    _ => DynamicObject::from_value(kind, value).map(|d| Object::Dynamic(Arc::new(d))),
                }
            }

            /// The type's name, for kinds stored typed.
            pub const TYPED: &'static [Kind] = &[$(Kind::$kind),*];
        }
    };
}

objects! {
    Namespace => api::core::v1::Namespace;
    Node => api::core::v1::Node;
    Pod => api::core::v1::Pod;
    PodTemplate => api::core::v1::PodTemplate;
    ReplicationController => api::core::v1::ReplicationController;
    Service => api::core::v1::Service;
    Endpoints => api::core::v1::Endpoints;
    ConfigMap => api::core::v1::ConfigMap;
    Secret => api::core::v1::Secret;
    ServiceAccount => api::core::v1::ServiceAccount;
    Event => api::core::v1::Event;
    PersistentVolume => api::core::v1::PersistentVolume;
    PersistentVolumeClaim => api::core::v1::PersistentVolumeClaim;
    LimitRange => api::core::v1::LimitRange;
    ResourceQuota => api::core::v1::ResourceQuota;
    Deployment => api::apps::v1::Deployment;
    ReplicaSet => api::apps::v1::ReplicaSet;
    StatefulSet => api::apps::v1::StatefulSet;
    DaemonSet => api::apps::v1::DaemonSet;
    ControllerRevision => api::apps::v1::ControllerRevision;
    Job => api::batch::v1::Job;
    CronJob => api::batch::v1::CronJob;
    HorizontalPodAutoscaler => api::autoscaling::v2::HorizontalPodAutoscaler;
    PodDisruptionBudget => api::policy::v1::PodDisruptionBudget;
    Ingress => api::networking::v1::Ingress;
    IngressClass => api::networking::v1::IngressClass;
    NetworkPolicy => api::networking::v1::NetworkPolicy;
    EndpointSlice => api::discovery::v1::EndpointSlice;
    StorageClass => api::storage::v1::StorageClass;
    CSIDriver => api::storage::v1::CSIDriver;
    CSINode => api::storage::v1::CSINode;
    VolumeAttachment => api::storage::v1::VolumeAttachment;
    PriorityClass => api::scheduling::v1::PriorityClass;
    Lease => api::coordination::v1::Lease;
    Role => api::rbac::v1::Role;
    RoleBinding => api::rbac::v1::RoleBinding;
    ClusterRole => api::rbac::v1::ClusterRole;
    ClusterRoleBinding => api::rbac::v1::ClusterRoleBinding;
}

// A function per kind: all in one would be compiled by the browser when the first object is read.
#[inline(never)]
fn read<T: Typed + DeserializeOwned>(value: Value) -> Result<Object, serde_json::Error> {
    decode::<T>(value).map(Typed::into_object)
}

impl Object {
    pub fn name(&self) -> &str {
        self.meta().name.as_deref().unwrap_or_default()
    }

    /// Empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        self.meta().namespace.as_deref().unwrap_or_default()
    }

    pub fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    /// The object as JSON.
    pub fn to_value(&self) -> Value {
        self.shown(None)
    }

    /// The object as JSON, with the empty fields of its type that Go writes.
    pub fn shown(&self, kind: Option<&'static Type>) -> Value {
        codec::tree(kind, |sink| self.write(sink))
    }

    /// The typed object, if it is of that kind.
    pub fn get<T: Typed>(&self) -> Option<&Arc<T>> {
        T::cast(self)
    }

    /// The typed object for change, copied first if it is shared.
    pub fn get_mut<T: Typed>(&mut self) -> Option<&mut T> {
        T::cast_mut(self)
    }
}

impl DynamicObject {
    fn write(&self, sink: &mut dyn Sink) {
        sink.open_map();
        for (name, value) in &self.fields {
            sink.name(name);
            codec::write(value, sink);
        }
        sink.name("apiVersion");
        sink.text(&self.api_version);
        sink.name("kind");
        sink.text(&self.kind_name);
        sink.name("metadata");
        codec::write(&self.metadata, sink);
        sink.close_map();
    }

    fn from_value(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        let mut fields: serde_json::Map<String, Value> = decode(value)?;
        let mut text = |key: &str| match fields.remove(key) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (api_version, kind_name) = (text("apiVersion"), text("kind"));
        let metadata = match fields.remove("metadata") {
            None | Some(Value::Null) => ObjectMeta::default(),
            Some(metadata) => decode(metadata)?,
        };
        Ok(Self { kind, api_version, kind_name, metadata, fields })
    }
}
