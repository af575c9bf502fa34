//! HTTP as far as simulated programs speak it, and how a request reaches a listening process.
//!
//! One request, one answer, no connection that stays: who listens is the process that opened the port, a
//! program of the catalogue or a tool (`httpd`, `nc`). A refusal is that nobody listens. Left out: bodies in
//! pieces, upgrades, and TLS, whose ports answer as plain ones.

use std::collections::BTreeMap;

use api::order::{Gather, Order};

use super::Millis;
use super::kernel::{Kernel, Sys, World};
use super::process::{Body, Pid, Process, Wait};

/// How a listening program is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// It takes requests.
    Http,
    /// It takes requests, under a certificate.
    Https,
    /// It takes a connection's bytes as they come.
    Bytes,
    /// A protocol of its own, of which only the open port is simulated.
    Other,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct HttpRequest {
    pub method: String,
    /// With the query, if there is one.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Who asks, for access logs.
    pub client: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// How long the program takes to answer.
    pub delay: Millis,
}

impl HttpRequest {
    pub fn get(path: &str, client: &str) -> HttpRequest {
        HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: BTreeMap::new(),
            body: String::new(),
            client: client.to_owned(),
        }
    }
}

/// `Content-Type`, as programs of the simulation look headers up.
pub fn canonical(name: &str) -> String {
    let word = |part: &str| match part.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + &rest.to_ascii_lowercase(),
        None => part.to_owned(),
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

impl HttpResponse {
    pub fn text(status: u16, content_type: &str, body: &str) -> HttpResponse {
        let headers = [("Content-Type".to_owned(), content_type.to_owned())].into_iter().into_map();
        HttpResponse { status, headers, body: body.to_owned(), delay: 0 }
    }
}

pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

impl Kernel {
    /// How a port is spoken with; `None` when nobody listens.
    pub fn speech(&self, port: u16) -> Option<Speech> {
        let process = self.procs.get(&self.listener(port)?)?;
        Some(match &process.body {
            Body::Server(server) => server.speech(port),
            Body::Tool(tool) if tool.takes_bytes() => Speech::Bytes,
            Body::Tool(_) => Speech::Http,
            Body::Shell(_) | Body::Lent => Speech::Other,
        })
    }

    /// Connects to a port at which a program speaks in bytes: the pipe to it, and the pipe from it.
    pub fn connect(&mut self, port: u16) -> Option<(u32, u32)> {
        let pid = self.listener(port)?;
        let (input, output) = (self.outside_pipe(true), self.outside_pipe(false));
        let process = self.procs.get_mut(&pid)?;
        let Body::Tool(tool) = &mut process.body else { return None };
        if !tool.takes_bytes() {
            return None;
        }
        tool.connected(input, output);
        process.wait = Wait::Ready;
        Some((input, output))
    }

    /// Whether anybody may still write to a connection: its process, or the one that has yet to take it.
    pub fn is_answered(&self, output: u32) -> bool {
        let awaited = |process: &Process| matches!(&process.body, Body::Tool(tool) if tool.holds(output));
        self.has_writer(output, 0) || self.procs.values().any(awaited)
    }

    /// The process that listens on a port.
    pub fn listener(&self, port: u16) -> Option<Pid> {
        let listens = |body: &Body| match body {
            Body::Server(server) => server.listens(port),
            Body::Tool(tool) => tool.listens(port),
            Body::Shell(_) | Body::Lent => false,
        };
        self.procs.values().find(|process| listens(&process.body)).map(|process| process.pid)
    }

    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self
            .procs
            .values()
            .flat_map(|process| match &process.body {
                Body::Server(server) => server.ports(),
                Body::Tool(tool) => tool.ports(),
                Body::Shell(_) | Body::Lent => Vec::new(),
            })
            .collect();
        ports.order();
        ports
    }

    /// Lets the listening process answer a request; `None` when the connection is refused.
    pub fn serve(&mut self, now: Millis, world: &mut World, port: u16, request: &HttpRequest) -> Option<HttpResponse> {
        let pid = self.listener(port)?;
        let mut process = self.procs.remove(&pid)?;
        let mut sys = Sys { now, pid, kernel: self, world };
        let response = match &mut process.body {
            Body::Server(server) => server.answer(port, request, &process.env, &mut sys),
            Body::Tool(_) => super::tools::answer(&mut process, request, &mut sys),
            Body::Shell(_) | Body::Lent => None,
        };
        self.procs.insert(pid, process);
        self.run(now, world);
        response
    }
}
