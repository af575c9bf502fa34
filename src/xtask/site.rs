//! A file server for tests and previews: behaves as a plain static host does, under a sub-path.

use crate::process::Outcome;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

/// The page is served below this path, since Pages serve below the repository's name.
pub const SUB_PATH: &str = "/some/sub-path/";

/// Serves `dir` below [`SUB_PATH`] from a thread until the process ends; returns the address.
pub fn serve(dir: &Path, port: u16) -> Outcome<String> {
    let failed = |error: io::Error| format!("cannot serve {}: {error}", dir.display());
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let dir = dir.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let dir = dir.clone();
            // A browser that hangs up early is no failure of ours.
            thread::spawn(move || drop(answer(&dir, stream)));
        }
    });
    Ok(format!("http://{address}{SUB_PATH}"))
}

fn answer(dir: &Path, mut stream: TcpStream) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut header = String::new();
    while request.read_line(&mut header)? > 2 {
        header.clear();
    }
    let target = first.split_whitespace().nth(1).unwrap_or("/");
    let (status, file) = match find(dir, target) {
        Some(file) => ("200 OK", file),
        None => ("404 Not Found", dir.join("404.html")),
    };
    let body = fs::read(&file).unwrap_or_default();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n",
        content_type(&file),
        body.len(),
    )?;
    stream.write_all(&body)
}

/// The file a request names; nothing for a path outside the site or a file that is not there.
fn find(dir: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?;
    let inside = path.strip_prefix(SUB_PATH)?;
    if inside.split('/').any(|part| part == "..") {
        return None;
    }
    let file = if inside.is_empty() { dir.join("index.html") } else { dir.join(inside) };
    file.is_file().then_some(file)
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_site_are_served() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(find(dir, "/some/sub-path/main.rs?x=1").is_some());
        for outside in ["/main.rs", "/some/sub-path/../xtask/main.rs", "/some/sub-path/absent", "/some/sub-path/"] {
            assert_eq!(find(dir, outside), None, "{outside}");
        }
    }
}
