//! `cargo xtask dist`: the page as a folder of static files that works under any path.
//!
//! Trunk builds it with relative addresses; [`finish`] adds what a static host needs:
//! a content security policy, an answer to deep links, and a service worker that keeps
//! the page usable offline. Tests drive a folder finished the same way.

use crate::flag;
use crate::install;
use crate::process::{self, Outcome, free_port, program, root};
use crate::site;
use crate::{split, wasm, why};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What the page may load: its own files, nothing inline, nothing from elsewhere.
///
/// Not in `index.html` itself, because `trunk serve` reloads the page with an inline script.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'";

pub fn run(args: &[String]) -> Outcome {
    install::ensure(install::TO_RELEASE)?;
    let dist = root().join("dist");
    let asks_why = flag(args, "--why");
    compile(&dist, true)?;
    let why = if asks_why { Some(why::tables(&module(&dist)?)?) } else { None };
    split::apart(&dist, profile(true))?;
    finish(&dist, true)?;
    print_sizes(&dist)?;
    if let Some(why) = why {
        println!("\n{why}");
    }
    if flag(args, "--preview") {
        println!("\nserving dist/ at {} (Ctrl-C ends it)", site::serve(&dist, free_port(8081)?)?);
        loop {
            std::thread::park();
        }
    }
    Ok(())
}

/// Builds the page into `dist`; a release is small, otherwise it is built soon.
pub fn build(dist: &Path, release: bool) -> Outcome {
    compile(dist, release)?;
    split::apart(dist, profile(release))?;
    finish(dist, release)
}

/// Cargo's profile, as index.html names it.
fn profile(release: bool) -> &'static str {
    if release { "page" } else { "quick" }
}

fn compile(dist: &Path, release: bool) -> Outcome {
    let mut trunk = program("trunk");
    trunk.args(["build", "--features", split::FEATURE, "--public-url", "./", "--dist"]).arg(dist);
    if release {
        trunk.arg("--release");
    }
    // The flags of `.cargo/config.toml` are replaced by these, so they are said again.
    let mut flags = vec!["--cfg", "erase_components", split::FLAG];
    if release {
        // Names that say for which types a function was written: `--why` reads them. In their order alike functions
        // stand side by side, too, which makes the module smaller by 11 KB of brotli.
        flags.push("-Csymbol-mangling-version=v0");
    }
    trunk.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    process::run(&mut trunk)
}

/// The page's code as trunk left it, one module with the names of its functions.
fn module(dist: &Path) -> Outcome<Vec<u8>> {
    let (name, path) =
        files(dist)?.into_iter().find(|(name, _)| name.ends_with(".wasm")).ok_or("trunk wrote no wasm module")?;
    fs::read(&path).map_err(|error| format!("{name}: {error}"))
}

/// Adds to trunk's output what only a published page has.
fn finish(dist: &Path, release: bool) -> Outcome {
    let boot = root().join("src/app/boot");
    let read = |path: PathBuf| fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
    let write = |name: &str, text: &str| fs::write(dist.join(name), text).map_err(|error| format!("{name}: {error}"));

    let laid = files(dist)?;
    let second: Vec<&str> = laid.iter().map(|(name, _)| name.as_str()).filter(|name| split::is_second(name)).collect();
    let page = publish(&read(dist.join("index.html"))?, &second)?;
    write("index.html", &page)?;
    // A static host sends this for a path without a file; it leads to the route of that name.
    write("404.html", &read(boot.join("404.html"))?)?;
    // The 404 page recognises the root by this file.
    write("pilothouse.json", &format!("{{\"name\":\"pilothouse\",\"version\":\"{}\"}}\n", env!("CARGO_PKG_VERSION")))?;
    // GitHub Pages would otherwise drop names that begin with an underscore.
    write(".nojekyll", "")?;

    for (name, path) in files(dist)?.into_iter().filter(|(name, _)| release && name.ends_with(".wasm")) {
        let module = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
        let small = wasm::nameless(&module).ok_or_else(|| format!("{name} is no wasm module"))?;
        fs::write(&path, small).map_err(|error| format!("{name}: {error}"))?;
    }
    let (mut names, mut build) = (Vec::new(), DefaultHasher::new());
    for (name, path) in files(dist)? {
        if matches!(name.as_str(), "sw.js" | "404.html" | ".nojekyll") {
            continue;
        }
        name.hash(&mut build);
        fs::read(&path).map_err(|error| format!("{name}: {error}"))?.hash(&mut build);
        names.push(format!("\"{name}\""));
    }
    let worker = read(boot.join("sw.js"))?
        .replace("__BUILD__", &format!("{:016x}", build.finish()))
        .replace("\"__FILES__\"", &names.join(", "));
    write("sw.js", &worker)
}

/// The page with its policy, with the loader told to register the service worker, and with the modules that
/// are wanted when it is drawn: the browser begins to fetch them behind all others.
fn publish(page: &str, second: &[&str]) -> Outcome<String> {
    let head = "<meta charset=\"utf-8\"";
    let (before, after) = page.split_once(head).ok_or("index.html lost its charset")?;
    let policy = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n    ");
    let page = format!("{before}{policy}{head}{after}");
    let (before, after) = page.split_once("</head>").ok_or("index.html has no head")?;
    let wanted: String = second
        .iter()
        .map(|name| {
            format!(
                "<link rel=\"preload\" href=\"./{name}\" as=\"fetch\" type=\"application/wasm\" crossorigin \
                 fetchpriority=\"low\">\n  "
            )
        })
        .collect();
    let page = format!("{before}{wanted}</head>{after}");
    let loader = "boot.js\"";
    if !page.contains(loader) {
        return Err("index.html does not load boot.js".into());
    }
    Ok(page.replace(loader, "boot.js\" data-sw=\"sw.js\""))
}

/// The files below `dir`, sorted, with the names a browser would use.
pub fn files(dir: &Path) -> Outcome<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(|error| format!("{}: {error}", next.display()))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(inside) = path.strip_prefix(dir) {
                found.push((inside.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Prints what every file weighs raw and on the way to the visitor.
pub fn print_sizes(dist: &Path) -> Outcome {
    println!("\n{:>12} {:>12} {:>12}  file", "raw", "gzip", "brotli");
    let (mut total, mut first, mut second) = ([0; 3], [0; 3], [0; 3]);
    for (name, path) in files(dist)? {
        let bytes = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
        let sizes = [
            bytes.len(),
            squeezed("gzip", &["-9", "-n", "-c"], &bytes).unwrap_or(bytes.len()),
            squeezed("brotli", &["-q", "11", "-w", "24", "-c", "-"], &bytes).unwrap_or(bytes.len()),
        ];
        println!("{:>12} {:>12} {:>12}  {name}", grouped(sizes[0]), grouped(sizes[1]), grouped(sizes[2]));
        let with_cluster = split::is_second(&name);
        let loaded_later =
            matches!(name.as_str(), "404.html" | "sw.js" | ".nojekyll" | "pilothouse.json") || name.ends_with(".txt");
        for column in 0..3 {
            total[column] += sizes[column];
            first[column] += if loaded_later || with_cluster { 0 } else { sizes[column] };
            second[column] += if with_cluster { sizes[column] } else { 0 };
        }
    }
    for (sizes, what) in [(first, "until the front page is drawn"), (second, "then, for the cluster"), (total, "all")] {
        println!("{:>12} {:>12} {:>12}  {what}", grouped(sizes[0]), grouped(sizes[1]), grouped(sizes[2]));
    }
    Ok(())
}

/// The size after a compressor; nothing where it is not installed.
fn squeezed(name: &str, args: &[&str], bytes: &[u8]) -> Option<usize> {
    let mut child = program(name).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let bytes = bytes.to_owned();
    // From another thread: a full pipe in either direction would stop both of us.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let mut squeezed = Vec::new();
    child.stdout.take()?.read_to_end(&mut squeezed).ok()?;
    feeder.join().ok()?;
    child.wait().ok()?.success().then_some(squeezed.len())
}

/// 1234567 as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_published_page_has_a_policy_and_a_service_worker() {
        let page = "<head><meta charset=\"utf-8\"><script src=\"./boot.js\" data-js=\"a.js\"></script></head>";
        let page = publish(page, &["split_cluster-1.wasm"]).expect("valid");
        assert!(page.contains("href=\"./split_cluster-1.wasm\" as=\"fetch\""), "{page}");
        assert!(
            page.contains("Content-Security-Policy") && page.contains("boot.js\" data-sw=\"sw.js\" data-js"),
            "{page}"
        );
        assert!(publish("<head></head>", &[]).is_err());
    }
}
