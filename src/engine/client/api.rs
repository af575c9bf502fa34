//! The typed client: what client-go's clientset and listers are to upstream's components.
//!
//! Reads are always of the present: informers here never lag, only their wake-ups do. While the
//! API server is stopped they read what they knew, and writes fail with [`Status::unreachable`].

use std::sync::Arc;

use ::api::wire::Request;
use ::api::{Kind, Object, Status, Typed};
use serde_json::Value;

use crate::apiserver::{Answer, ApiServer, DeleteOptions, Deleted, Identity, Key, WriteOptions};

/// One component's connection to the API server.
pub struct Client<'a> {
    pub(crate) server: &'a mut ApiServer,
    pub(crate) who: &'a Identity,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a mut ApiServer, who: &'a Identity) -> Self {
        Self { server, who }
    }

    /// The stored object; an empty namespace for cluster-scoped kinds.
    pub fn get<T: Typed>(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        T::cast(self.server.read(T::KIND, namespace, name)?).cloned()
    }

    /// All objects of a kind in list order (namespace, name); an empty namespace means all.
    pub fn list<T: Typed>(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        self.server.read_all(T::KIND, namespace).filter_map(T::cast)
    }

    /// Untyped read, for controllers that handle any kind.
    pub fn get_object(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Object> {
        self.server.read(kind, namespace, name)
    }

    /// Untyped list, for controllers that handle any kind.
    pub fn list_objects(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Object> {
        self.server.read_all(kind, namespace)
    }

    /// Objects whose controller reference carries this UID, in key order.
    pub fn owned_by<T: Typed>(&self, uid: &str) -> impl Iterator<Item = &Arc<T>> {
        self.server.owned_by(uid).filter_map(T::cast)
    }

    /// Pods, ReplicaSets or ControllerRevisions of a namespace that nobody controls, in key order.
    pub fn orphans<T: Typed>(&self, namespace: &str) -> impl Iterator<Item = &Arc<T>> {
        self.server.orphans(T::KIND, namespace).filter_map(T::cast)
    }

    /// Pods bound to a node, in key order.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<::api::k8s_openapi::api::core::v1::Pod>> {
        self.server.pods_on(node).filter_map(|object| object.get())
    }

    /// Every kind the server stores, built-in and custom: what a garbage collector must know.
    pub fn stored_kinds(&self) -> Vec<Kind> {
        self.server.stored_kinds()
    }

    /// The row of a kind: group, version, plural, scope.
    pub fn resource_of(&self, kind: Kind) -> ::api::Resource {
        self.server.resource_of(kind)
    }

    /// The kind behind an owner reference's apiVersion and kind.
    pub fn kind_of(&self, api_version: &str, kind: &str) -> Option<Kind> {
        self.server.kind_of(api_version, kind)
    }

    /// # Errors
    /// As [`ApiServer::create`].
    pub fn create<T: Typed>(&mut self, object: T) -> Result<Arc<T>, Status> {
        self.server.reached()?;
        let created = self.server.create(self.who, object.into_object(), &mut WriteOptions::default())?;
        Ok(T::cast(&created).expect("a created object keeps its kind").clone())
    }

    /// As [`Client::create`], for any kind.
    ///
    /// # Errors
    /// As [`ApiServer::create`].
    pub fn create_object(&mut self, object: Object) -> Result<Object, Status> {
        self.server.reached()?;
        self.server.create(self.who, object, &mut WriteOptions::default())
    }

    /// Optimistic: fails with a conflict if the object was written since it was read.
    ///
    /// # Errors
    /// As [`ApiServer::update`].
    pub fn update<T: Typed>(&mut self, object: T) -> Result<Arc<T>, Status> {
        self.put(object, WriteOptions::default())
    }

    /// # Errors
    /// As [`ApiServer::update`].
    pub fn update_status<T: Typed>(&mut self, object: T) -> Result<Arc<T>, Status> {
        self.put(object, WriteOptions::on("status"))
    }

    fn put<T: Typed>(&mut self, object: T, mut options: WriteOptions) -> Result<Arc<T>, Status> {
        self.server.reached()?;
        let updated = self.server.update(self.who, object.into_object(), &mut options)?;
        Ok(T::cast(&updated).expect("an updated object keeps its kind").clone())
    }

    /// A PATCH: reads, changes and writes in one instant. `subresource` is `""` or `"status"`.
    ///
    /// # Errors
    /// As [`ApiServer::modify`].
    pub fn patch<T: Typed>(
        &mut self,
        namespace: &str,
        name: &str,
        subresource: &'static str,
        change: impl FnOnce(&mut T),
    ) -> Result<Arc<T>, Status> {
        self.modify_typed(namespace, name, patching(subresource), change)
    }

    /// A PATCH of any kind.
    ///
    /// # Errors
    /// As [`ApiServer::modify`].
    pub fn patch_object(
        &mut self,
        key: &Key,
        subresource: &'static str,
        change: impl FnOnce(&mut Object),
    ) -> Result<Object, Status> {
        self.modify(key, patching(subresource), change)
    }

    /// A PUT of what is in the cache with a change: upstream's `Update` and `UpdateStatus`.
    /// Caches do not lag here, so that no conflict is possible.
    ///
    /// # Errors
    /// As [`ApiServer::modify`].
    pub fn change<T: Typed>(
        &mut self,
        namespace: &str,
        name: &str,
        subresource: &'static str,
        change: impl FnOnce(&mut T),
    ) -> Result<Arc<T>, Status> {
        self.modify_typed(namespace, name, WriteOptions::on(subresource), change)
    }

    /// As [`Client::change`], for any kind.
    ///
    /// # Errors
    /// As [`ApiServer::modify`].
    pub fn change_object(
        &mut self,
        key: &Key,
        subresource: &'static str,
        change: impl FnOnce(&mut Object),
    ) -> Result<Object, Status> {
        self.modify(key, WriteOptions::on(subresource), change)
    }

    fn modify_typed<T: Typed>(
        &mut self,
        namespace: &str,
        name: &str,
        options: WriteOptions,
        change: impl FnOnce(&mut T),
    ) -> Result<Arc<T>, Status> {
        let key = Key::new(T::KIND, namespace, name);
        let written = self.modify(&key, options, |object| {
            if let Some(typed) = T::cast_mut(object) {
                change(typed);
            }
        })?;
        Ok(T::cast(&written).expect("a written object keeps its kind").clone())
    }

    fn modify(
        &mut self,
        key: &Key,
        mut options: WriteOptions,
        change: impl FnOnce(&mut Object),
    ) -> Result<Object, Status> {
        self.server.reached()?;
        self.server.modify(self.who, key, &mut options, |object| {
            change(object);
            Ok(())
        })
    }

    /// # Errors
    /// As [`ApiServer::delete`].
    pub fn delete(&mut self, key: &Key, options: &DeleteOptions) -> Result<Deleted, Status> {
        self.server.reached()?;
        self.server.delete(self.who, key, options)
    }

    /// `DELETE` of those objects of a kind in a namespace that are meant; answers how many there were.
    ///
    /// # Errors
    /// As [`ApiServer::delete_collection`].
    pub fn delete_collection(
        &mut self,
        kind: Kind,
        namespace: &str,
        meant: impl Fn(&Object) -> bool,
        options: &DeleteOptions,
    ) -> Result<usize, Status> {
        self.server.reached()?;
        self.server.delete_collection(self.who, kind, namespace, meant, options)
    }

    /// `POST pods/NAME/binding`.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the pod is bound already.
    pub fn bind(&mut self, namespace: &str, pod: &str, uid: &str, node: &str) -> Result<(), Status> {
        self.server.reached()?;
        self.server.bind(self.who, namespace, pod, uid, node)
    }

    /// `POST pods/NAME/eviction`.
    ///
    /// # Errors
    /// `TooManyRequests` when a budget forbids it.
    pub fn evict(&mut self, namespace: &str, pod: &str, options: &DeleteOptions) -> Result<(), Status> {
        self.server.reached()?;
        self.server.evict(self.who, namespace, pod, options)
    }

    /// `PUT namespaces/NAME/finalize`: removes the `kubernetes` finalizer; the namespace is gone if it was the last.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn finalize_namespace(&mut self, name: &str) -> Result<(), Status> {
        self.server.reached()?;
        self.server.finalize_namespace(self.who, name)
    }

    /// Requests of any component so far that changed something or tried to; events are not counted:
    /// nobody waits for them.
    pub fn requests_since(&self, number: u64) -> u64 {
        if self.last_request() == number {
            return 0;
        }
        let newer = self.server.audit().newest_first().take_while(|entry| entry.number > number);
        newer.filter(|entry| entry.kind != Kind::Event).count() as u64
    }

    /// The number of the latest request.
    pub fn last_request(&self) -> u64 {
        self.server.audit().last()
    }

    /// Milliseconds since the Unix epoch, for timestamps.
    pub fn unix_millis(&self) -> u64 {
        self.server.unix_millis()
    }

    /// A request as HTTP carries it: for scales and metrics, which have no typed form here.
    ///
    /// # Errors
    /// The server's refusal; [`Status::unreachable`] while it is stopped.
    pub fn call(&mut self, request: Request) -> Result<Value, Status> {
        self.server.reached()?;
        match self.server.handle(self.who, request) {
            Answer::Response(response) if response.is_success() => Ok(response.value().clone()),
            Answer::Response(response) => {
                let unknown =
                    || Status::failure(response.status, "", "the server could not find the requested resource");
                Err(Status::from_value(response.value()).unwrap_or_else(unknown))
            }
            Answer::Proxy(_) | Answer::Visit(_) => Err(Status::bad_request("components do not speak to kubelets")),
        }
    }
}

/// What is logged as a PATCH.
fn patching(subresource: &'static str) -> WriteOptions {
    let mut options = WriteOptions::on(subresource);
    options.patch = true;
    options
}
