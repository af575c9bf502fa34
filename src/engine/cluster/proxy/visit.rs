//! pods/proxy and services/proxy: the API server asks a program in the cluster, as one from outside.
//!
//! A pod is asked at its own address, a Service at one of its endpoints. Whoever may not be reached is a
//! `ServiceUnavailable` of the API server, not of the program.
//! Mirrors: pkg/registry/core/{pod,service}/rest `ResourceLocation`, apimachinery/pkg/util/proxy. Left
//! out: rewritten links in pages.

use api::Status;
use api::wire::{Body, Response};

use crate::apiserver::Visit;
use crate::cluster::Cluster;
use crate::cluster::network::Client;
use crate::kubelet::runtime::{HttpRequest, NetReply, canonical};

impl Cluster {
    pub(in crate::cluster) fn visit(&mut self, visit: &Visit) -> Response {
        self.connections = self.connections.wrapping_add(1);
        let Some((host, port)) = visit.addresses.get(self.connections % visit.addresses.len().max(1)) else {
            return Status::bad_request("address not allowed").into();
        };
        let headers =
            visit.request.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "host" | "authorization"));
        let request = HttpRequest {
            method: visit.request.method.as_str().to_owned(),
            path: visit.path.clone(),
            headers: headers.map(|(name, value)| (canonical(name), value.clone())).collect(),
            body: match &visit.request.body {
                Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Body::Json(value) => value.to_string(),
                Body::Empty | Body::Stream(_) => String::new(),
            },
            client: String::new(),
        };
        let client = Client::outside("");
        let request = HttpRequest { client: client.ip().to_owned(), ..request };
        let cause = match self.reach(&client, host, *port, Some(&request)) {
            NetReply::Http { response, .. } => {
                let headers = response.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
                let body = Body::Bytes(response.body.into_bytes());
                return Response { status: response.status, headers: headers.collect(), body };
            }
            NetReply::TimedOut { .. } => "i/o timeout",
            NetReply::Connected { .. } | NetReply::Refused { .. } => "connect: connection refused",
            NetReply::Found { .. } | NetReply::NoSuchHost => "no such host",
        };
        let text = format!("error trying to reach service: dial tcp {host}:{port}: {cause}");
        Status::failure(503, "ServiceUnavailable", text).into()
    }
}
