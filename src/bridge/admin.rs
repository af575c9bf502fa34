//! `/pilothouse/`: the machines and the clock, for whoever serves the cluster. Off unless asked for.
//!
//! `POST /pilothouse/faults` takes a fault in the words of transcripts (`stop scheduler`, `node-down worker-1`);
//! `POST /pilothouse/clock` lets so many virtual milliseconds pass at once and says how late it is then.
//! As everything here it answers on loopback only, and to no web page from elsewhere.

use api::Status;
use api::wire::{Backend, Body, Method, Request, Response};
use engine::{Cluster, Fault};

use crate::owner::Handle;

/// No API server serves paths like these.
pub const PREFIX: &str = "/pilothouse/";

/// The most that passes in one request: a day, in milliseconds. Meanwhile nobody else is answered.
const LONGEST: u64 = 24 * 3_600_000;

/// What was asked, done.
pub async fn answer(request: Request, cluster: &Handle) -> Response {
    let text = match &request.body {
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).trim().to_owned(),
        Body::Empty | Body::Json(_) | Body::Stream(_) => String::new(),
    };
    let done = match (request.method, &request.path[PREFIX.len()..]) {
        (Method::Post, "faults") => match text.parse::<Fault>() {
            Ok(fault) => cluster.look(move |cluster| cluster.inject(fault)).map(|done| done.map(|()| "ok\n".into())),
            Err(unknown) => Some(Err(unknown)),
        },
        (Method::Post, "clock") => match text.parse::<u64>().ok().filter(|millis| *millis <= LONGEST) {
            Some(millis) => cluster.look(move |cluster| Ok(pass(cluster, millis))),
            None => Some(Err(format!("the clock takes a number of milliseconds up to {LONGEST}"))),
        },
        _ => return Status::failure(404, "NotFound", "there are: POST faults, POST clock").into(),
    };
    match done {
        Some(Ok(text)) => Response { status: 200, headers: Vec::new(), body: Body::Bytes(text.into_bytes()) },
        Some(Err(why)) => Status::bad_request(why).into(),
        None => Status::internal("the cluster is gone").into(),
    }
}

fn pass(cluster: &mut Cluster, millis: u64) -> String {
    cluster.run_for(millis, usize::MAX);
    format!("{}\n", cluster.unix_millis())
}
