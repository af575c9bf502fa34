//! The generator of `schema/v1_36.fields`, `.texts.txt` and `.more.txt`. Native, run by `cargo xtask schema`.
//! With `--check` it writes nothing and fails if the committed files differ.
//!
//! Reads the source of the k8s-openapi crate in Cargo's registry: each of its files holds one
//! definition of Kubernetes' OpenAPI document as a struct, a `DeepMerge` implementation (how
//! lists merge) and a JSON schema (descriptions, required fields). What k8s-openapi leaves out
//! is in `generate/go.*`, see `generate/go.rs`.

mod go;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use api::scheme::{RESOURCES, api_version};
use source::{Definition, Field, Shape};

/// Kinds that travel in bodies without being a resource of their own.
const ALSO: &[&str] = &[
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.core.v1.Binding",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
];

fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("schema: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, String> {
    let definitions = source::read(&crate_source()?.join("src/v1_36"))?;
    let roots = roots(&definitions)?;
    let wanted = reachable(&definitions, &roots);
    let files = write(&definitions, &roots, &wanted);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let mut summary = format!("{} kinds, {} types", roots.len(), wanted.len());
    let check = std::env::args().any(|word| word == "--check");
    for (name, text) in
        [("v1_36.fields", &files.fields), ("v1_36.texts.txt", &files.first), ("v1_36.more.txt", &files.more)]
    {
        let path = folder.join(name);
        if !check {
            std::fs::write(path, text).map_err(|e| format!("{name}: {e}"))?;
        } else if std::fs::read_to_string(path).ok().as_ref() != Some(text) {
            return Err(format!("{name} is not what the generator writes: run `cargo xtask schema`"));
        }
        summary.push_str(&format!(", {name} {} bytes", text.len()));
    }
    Ok(summary)
}

/// Where Cargo unpacked k8s-openapi. `--locked`, not `--offline`: on a fresh machine the crates of
/// packages that were not built yet are still to be fetched.
fn crate_source() -> Result<PathBuf, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let package = packages.iter().find(|p| p["name"] == "k8s-openapi").ok_or("k8s-openapi is no dependency")?;
    let manifest = package["manifest_path"].as_str().ok_or("k8s-openapi has no manifest")?;
    Ok(Path::new(manifest).parent().ok_or("the manifest has no folder")?.to_path_buf())
}

/// `apiVersion Kind` of everything served, with its definition.
fn roots(definitions: &BTreeMap<String, Definition>) -> Result<BTreeMap<String, String>, String> {
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    for resource in RESOURCES {
        wanted.insert((resource.api_version(), resource.kind_name.to_string()));
        for sub in resource.subresources {
            let version = if sub.version.is_empty() { resource.version } else { sub.version };
            let group = if sub.version.is_empty() { resource.group } else { sub.group };
            wanted.insert((api_version(group, version), sub.kind.to_string()));
        }
    }
    let mut roots = BTreeMap::new();
    for (name, definition) in definitions {
        if let Some(resource) = &definition.resource
            && (wanted.contains(resource) || ALSO.contains(&name.as_str()))
        {
            roots.insert(format!("{} {}", resource.0, resource.1), name.clone());
        }
    }
    for name in ALSO {
        if !definitions.contains_key(*name) {
            return Err(format!("{name} is not defined"));
        }
    }
    // Types without a version of their own travel under that of the group they act on.
    for name in ALSO {
        let kind = name.rsplit('.').next().unwrap_or_default();
        if !roots.values().any(|root| root == name) {
            roots.insert(format!("v1 {kind}"), (*name).to_string());
        }
    }
    Ok(roots)
}

fn reachable(definitions: &BTreeMap<String, Definition>, roots: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut todo: Vec<String> = roots.values().cloned().chain(ALSO.iter().map(|s| (*s).to_string())).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = todo.pop() {
        let Some(definition) = definitions.get(&name) else { continue };
        if seen.insert(name) {
            todo.extend(definition.fields.iter().filter_map(|f| f.shape.reference().map(str::to_string)));
        }
    }
    seen
}

/// `io.k8s.api.core.v1.Container` becomes `core/v1.Container`.
fn short(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('.').collect();
    let kind = parts.pop().unwrap_or_default();
    let version = parts.pop().unwrap_or_default();
    let group = parts.pop().unwrap_or_default();
    format!("{group}/{version}.{kind}")
}

#[derive(Default)]
struct Files {
    fields: String,
    /// The first sentence of every type and field, a line each, in the order of `fields`.
    first: String,
    /// What follows the first sentence, line by line.
    more: String,
}

impl Files {
    fn describe(&mut self, text: &str) {
        let end = text.find(". ").map(|at| at + 1).into_iter().chain(text.find("\\n")).min().unwrap_or(text.len());
        self.first.push_str(&text[..end]);
        self.first.push('\n');
        self.more.push_str(&text[end..]);
        self.more.push('\n');
    }
}

fn write(
    definitions: &BTreeMap<String, Definition>,
    roots: &BTreeMap<String, String>,
    wanted: &BTreeSet<String>,
) -> Files {
    let go = go::Facts::read();
    let mut files = Files::default();
    for (kind, name) in roots {
        files.fields.push_str(&format!("{kind} {}\n", short(name)));
    }
    for name in wanted {
        let definition = &definitions[name];
        let owner = short(name);
        let atomic = if go.is_atomic(&owner) { " A" } else { "" };
        files.fields.push_str(&format!("={owner}{atomic}\n"));
        files.describe(&definition.text);
        let mut fields: Vec<&Field> = definition.fields.iter().collect();
        fields.sort_by_key(|field| go.place(&owner, &field.name));
        for field in fields {
            let traits = go.traits(&owner, &field.name).map_or_else(|| merge_traits(field), str::to_string);
            let required = if field.required { " !" } else { "" };
            let space = if traits.is_empty() { "" } else { " " };
            files.fields.push_str(&format!("{} {}{required}{space}{traits}\n", field.name, code(&field.shape)));
            files.describe(&format!("{}{}", field.text, go.enum_text(&traits)));
        }
    }
    files
}

/// The traits of a field whose Go type is not among our facts: what `DeepMerge` knows.
fn merge_traits(field: &Field) -> String {
    match &field.list {
        Some(keys) if keys.is_empty() => "S".into(),
        Some(keys) => format!("K{} P{}", keys.join(","), keys[0]),
        None if field.atomic_map => "A".into(),
        None => String::new(),
    }
}

fn code(shape: &Shape) -> String {
    match shape {
        Shape::String => "s".into(),
        Shape::Int32 => "i".into(),
        Shape::Int64 => "l".into(),
        Shape::Bool => "b".into(),
        Shape::Float => "f".into(),
        Shape::Quantity => "q".into(),
        Shape::IntOrString => "o".into(),
        Shape::Time => "t".into(),
        Shape::MicroTime => "u".into(),
        Shape::Bytes => "y".into(),
        Shape::Any => "*".into(),
        Shape::List(item) => format!("[{}", code(item)),
        Shape::Map(value) => format!("{{{}", code(value)),
        Shape::Reference(name) => format!("@{}", short(name)),
    }
}
