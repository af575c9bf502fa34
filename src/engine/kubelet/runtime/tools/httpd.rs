//! busybox's web server: files below a folder, and scripts in `cgi-bin`.

use super::super::fs::{FileNode, absolute};
use super::super::http::{HttpRequest, HttpResponse, reason};
use super::super::kernel::Sys;
use super::super::process::{Fd, Process};
use super::{Start, Tool};

pub fn start(args: &[String], process: &Process) -> Start {
    let option = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let port = option("-p").and_then(|text| text.rsplit(':').next()?.parse().ok()).unwrap_or(80);
    let home = absolute(&process.cwd, option("-h").map_or(".", String::as_str));
    // Without -f it goes to the background, where it is its container's process all the same.
    Start::Run(Tool::Httpd { port, home })
}

/// busybox httpd: files below its home, and scripts in `cgi-bin`.
pub fn answer(process: &mut Process, home: &str, request: &HttpRequest, sys: &mut Sys) -> HttpResponse {
    let page = |status: u16, text: &str| {
        let title = format!("{status} {}", reason(status));
        HttpResponse::text(
            status,
            "text/html",
            &format!("<HTML><HEAD><TITLE>{title}</TITLE></HEAD>\n<BODY><H1>{title}</H1>\n{text}\n</BODY></HTML>\n"),
        )
    };
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut file = absolute(home, path.trim_start_matches('/'));
    if sys.view().is_dir(&file) {
        file = absolute(&file, "index.html");
    }
    let Some(FileNode::File { data, mode, .. }) = sys.view().stat(&file) else {
        return page(404, "The requested URL was not found");
    };
    let text = String::from_utf8_lossy(&data).into_owned();
    if !path.starts_with("/cgi-bin/") {
        let kind = match file.rsplit('.').next() {
            Some("html" | "htm") => "text/html",
            Some("txt") => "text/plain",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        };
        return HttpResponse::text(200, kind, &text);
    }
    if mode & 0o111 == 0 {
        return page(403, "Forbidden");
    }
    cgi(process, &file, query, request, sys).unwrap_or_else(|| page(500, "The script did not answer"))
}

fn cgi(process: &Process, file: &str, query: &str, request: &HttpRequest, sys: &mut Sys) -> Option<HttpResponse> {
    let pipe = sys.kernel.new_pipe();
    sys.kernel.pipes.get_mut(&pipe)?.drained = true;
    let mut child = super::helper(process, vec![file.to_owned()], super::super::process::Body::Lent, sys.now);
    let mut env = (*process.env).clone();
    env.insert("REQUEST_METHOD".to_owned(), request.method.clone());
    env.insert("QUERY_STRING".to_owned(), query.to_owned());
    env.insert("REQUEST_URI".to_owned(), request.path.clone());
    env.insert("REMOTE_ADDR".to_owned(), request.client.clone());
    child.env = env.into();
    child.fds.insert(0, Fd::Text { data: request.body.as_bytes().into(), offset: 0 });
    child.fds.insert(1, Fd::Pipe(pipe));
    child.parent = process.pid;
    if matches!(super::launch(&mut child, sys), super::Launch::Ready) {
        // The server itself is part of the table while its script runs: `/proc/1` is there.
        let stand_in = process.clone();
        sys.kernel.procs.insert(process.pid, stand_in);
        sys.kernel.add(child);
        let now = sys.now;
        sys.kernel.run(now, sys.world);
        sys.kernel.procs.remove(&process.pid);
    }
    let output = sys.kernel.pipes.remove(&pipe)?.data;
    let text = String::from_utf8_lossy(&output).replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n")?;
    let mut response = HttpResponse::text(200, "text/html", body);
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            response.status = value.trim().split(' ').next()?.parse().ok()?;
        } else {
            response.headers.insert(name.to_owned(), value.trim().to_owned());
        }
    }
    Some(response)
}
