//! Paths: which resource, namespace, name and subresource a URL means.

use api::Resource;

use crate::apiserver::ApiServer;

/// What a path leads to.
pub(in crate::apiserver) enum Route {
    Resource(Box<Target>),
    /// `/api/v1/watch/…`, the old way to ask for a watch.
    Watch(Box<Target>),
    /// Discovery, health, version: everything that is not a resource.
    NonResource,
    UnknownPath,
    UnknownResource,
}

/// A resource path, taken apart.
#[derive(Debug, Clone)]
pub(in crate::apiserver) struct Target {
    pub resource: Resource,
    /// Empty for cluster-scoped resources and for lists across namespaces.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
    pub subresource: &'static str,
}

impl ApiServer {
    pub(in crate::apiserver) fn route(&self, path: &str) -> Route {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            [] | ["api"] | ["apis"] | ["version" | "healthz" | "livez" | "readyz" | "openapi" | "metrics", ..] => {
                return Route::NonResource;
            }
            ["api", _] => return if segments[1] == "v1" { Route::NonResource } else { Route::UnknownResource },
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group] => {
                return if self.serves_group(group) { Route::NonResource } else { Route::UnknownPath };
            }
            ["apis", group, _, ..] if !self.serves_group(group) => return Route::UnknownPath,
            ["apis", group, version] => {
                let known = self.resources().any(|r| r.group == *group && r.version == *version);
                return if known { Route::NonResource } else { Route::UnknownResource };
            }
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Route::UnknownPath,
        };
        if let ["watch", ..] = rest {
            let straight = path.replacen("/watch/", "/", 1);
            return match self.route(&straight) {
                Route::Resource(target) if target.subresource.is_empty() => Route::Watch(target),
                other => other,
            };
        }
        let find = |plural: &str| {
            self.resources().find(|r| r.plural == plural && r.group == group && r.version == version).copied()
        };
        let (resource, namespace, rest) = match rest {
            ["namespaces", namespace, plural, rest @ ..] => match find(plural) {
                Some(resource) if resource.namespaced => (Some(resource), *namespace, rest.to_vec()),
                // Not a resource, so it can only be a subresource of the namespace itself.
                _ if group.is_empty() && rest.is_empty() => (find("namespaces"), "", vec![*namespace, *plural]),
                _ => (None, "", Vec::new()),
            },
            ["namespaces", name] if group.is_empty() => (find("namespaces"), "", vec![*name]),
            [plural, rest @ ..] => (find(plural), "", rest.to_vec()),
            [] => return Route::UnknownResource,
        };
        let Some(resource) = resource else { return Route::UnknownResource };
        let (name, subresource) = match rest.as_slice() {
            [] => ("", ""),
            [name] => (*name, ""),
            [name, sub, ..] => (*name, *sub),
        };
        if !name.is_empty() && resource.namespaced && namespace.is_empty() {
            return Route::UnknownResource;
        }
        let subresource = match subresource {
            "" => "",
            "finalize" if resource.plural == "namespaces" => "finalize",
            other => match resource.subresources.iter().find(|s| s.name == other) {
                Some(found) => found.name,
                None => return Route::UnknownResource,
            },
        };
        Route::Resource(Box::new(Target { resource, namespace: namespace.into(), name: name.into(), subresource }))
    }

    fn serves_group(&self, group: &str) -> bool {
        self.resources().any(|r| r.group == group)
    }
}
