//! The page as two modules: what the front page needs, and the cluster, which is fetched when that is drawn.
//!
//! The compiler makes one module and keeps its relocations; the splitter moves into a second one what only
//! the call marked in `src/app/pages/cluster.rs` leads to. Both share one memory and one table of functions.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::dist::files;
use crate::process::{Outcome, program, root, run};

/// What the compiler must be told, beside the flags of `.cargo/config.toml`.
pub const FLAG: &str = "-Clink-arg=--emit-relocs";
/// The feature of the app that marks the call.
pub const FEATURE: &str = "split";
/// The splitter's own name for the script that fetches the second module.
const SCRIPT: &str = "__wasm_split.js";
/// How that script starts the second module: from the answer itself, which must say `application/wasm`.
const STREAMED: &str = "WebAssembly.instantiateStreaming(src, imports)";
/// Also where a host calls the file something else, and with the answer's status where there is no such file.
const FETCHED: &str = "src.then(async (answer) => answer.ok
        ? answer.headers.get(\"content-type\")?.startsWith(\"application/wasm\")
            ? WebAssembly.instantiateStreaming(answer, imports)
            : WebAssembly.instantiate(await answer.arrayBuffer(), imports)
        : Promise.reject(new Error(`${answer.url}: ${answer.status}`)))";

/// Whether a file of the page is of the second module.
pub fn is_second(name: &str) -> bool {
    name.ends_with(".wasm") && !name.ends_with("_bg.wasm")
}

/// Puts the two modules in the place of the one that trunk has laid into `dist`.
///
/// # Errors
/// The splitter's or wasm-bindgen's, or a file of trunk's that is not where it was.
pub fn apart(dist: &Path, profile: &str) -> Outcome {
    let laid = files(dist)?;
    let module = laid.iter().find(|(name, _)| name.ends_with("_bg.wasm")).ok_or("trunk laid no module")?;
    let name = module.0.trim_end_matches("_bg.wasm");

    let work = root().join("target/split");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    }
    let (parts, bound) = (work.join("parts"), work.join("bound"));
    fs::create_dir_all(&parts).map_err(|error| format!("{}: {error}", parts.display()))?;
    let compiled = root().join("target/wasm32-unknown-unknown").join(profile).join("app.wasm");
    println!("splitting the cluster off the page …");
    run(program("wasm-split-cli").args([&compiled, &parts]).args(["--target", "web", "--out-name", name]))?;
    let first = parts.join(format!("{name}.wasm"));
    run(program("wasm-bindgen")
        .args(["--target", "web", "--no-typescript", "--keep-lld-exports", "--out-name", name, "--out-dir"])
        .args([&bound, &first]))?;
    fs::remove_file(&first).map_err(|error| format!("{}: {error}", first.display()))?;

    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let write =
        |name: &str, bytes: &[u8]| fs::write(dist.join(name), bytes).map_err(|error| format!("{name}: {error}"));
    // A name tells the content, as those of trunk do: a host may keep a file as long as it likes.
    let mut renamed = Vec::new();
    let mut script = String::new();
    for (part, path) in files(&parts)? {
        let bytes = read(&path)?;
        if part == SCRIPT {
            script = String::from_utf8(bytes).map_err(|error| format!("{part}: {error}"))?;
            continue;
        }
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let stem = part.trim_end_matches(".wasm");
        let fresh = format!("{stem}-{:016x}.wasm", hasher.finish());
        write(&fresh, &bytes)?;
        renamed.push((part, fresh));
    }
    if renamed.is_empty() {
        return Err("nothing was split off: is the page built with the feature `split`?".into());
    }
    script = replaced(&script, STREAMED, FETCHED)?;
    for (part, fresh) in &renamed {
        script = replaced(&script, part, fresh)?;
    }
    let mut hasher = DefaultHasher::new();
    (&script, name).hash(&mut hasher);
    let fresh = format!("split-{:016x}.js", hasher.finish());
    write(&fresh, script.as_bytes())?;
    for (file, path) in files(&bound)? {
        let bytes = read(&path)?;
        if file == format!("{name}.js") {
            let text = String::from_utf8(bytes).map_err(|error| format!("{file}: {error}"))?;
            // The module itself asks for the script by its first name.
            let (asked, laid) = (format!("from \"./{SCRIPT}\""), format!("from \"./{fresh}\""));
            write(&file, replaced(&text, &asked, &laid)?.as_bytes())?;
        } else {
            // Snippets keep the place that trunk has given them.
            write(&file, &bytes)?;
        }
    }
    Ok(())
}

fn replaced(text: &str, old: &str, new: &str) -> Outcome<String> {
    if !text.contains(old) {
        return Err(format!("the splitter no longer names {old}"));
    }
    Ok(text.replace(old, new))
}
