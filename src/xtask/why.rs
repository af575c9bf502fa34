//! `cargo xtask dist --why`: what the page's code is for, by the names of its functions.
//!
//! Two tables: by family (serde's code, copies of the standard library's, each crate's parts) and by
//! kind of the API. Roughly: what was inlined counts where it ended up, and a function that serves
//! several kinds for the one its name begins with.

use std::collections::BTreeMap;
use std::fs;

use crate::process::{Outcome, root};
use crate::wasm::{self, Function};

/// The tables for a module that still has its names.
///
/// # Errors
/// A module without names, or one that is none.
pub fn tables(module: &[u8]) -> Outcome<String> {
    let functions = wasm::functions(module).ok_or("the page is no wasm module")?;
    if functions.iter().all(|function| function.name == "?") {
        return Err("the page's names are gone: build it with `cargo xtask dist --why`".into());
    }
    let kinds = kinds()?;
    let (mut families, mut by_kind) = (BTreeMap::new(), BTreeMap::new());
    for Function { name, size } in &functions {
        let name = plain(name);
        add(&mut families, family(&name), *size);
        add(&mut by_kind, kind_of(&name, &kinds).unwrap_or("(no kind)").to_owned(), *size);
    }
    add(&mut families, "data: texts, tables".to_owned(), wasm::data_size(module).unwrap_or_default());
    Ok(format!("{}\n{}", table("family", families), table("kind", by_kind)))
}

type Sums = BTreeMap<String, (usize, usize)>;

fn add(sums: &mut Sums, key: String, size: usize) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0 + size, sum.1 + 1);
}

fn table(what: &str, sums: Sums) -> String {
    let mut rows: Vec<_> = sums.into_iter().collect();
    rows.sort_by_key(|(_, (size, _))| std::cmp::Reverse(*size));
    let rows = rows.into_iter().filter(|(_, (size, _))| *size >= 2000);
    let rows: String = rows.map(|(key, (size, count))| format!("{size:>10} {count:>7}  {key}\n")).collect();
    format!("{:>10} {:>7}  {what}\n{rows}", "bytes", "pieces")
}

/// The kinds that have a type of their own: the list in `api`, read as text.
fn kinds() -> Outcome<Vec<String>> {
    let path = root().join("src/api/object.rs");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let list = text.split("\nobjects! {").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let mut kinds: Vec<String> =
        list.lines().filter_map(|line| line.split_once(" => ")).map(|(kind, _)| kind.trim().to_owned()).collect();
    if kinds.is_empty() {
        return Err("the list of kinds in src/api/object.rs has moved".into());
    }
    // The longest first: a ReplicaSetSpec is no Replica.
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.len()));
    Ok(kinds)
}

/// A name without the hashes of crates, `api[3ca501edff3f0c2b]::yaml`.
fn plain(name: &str) -> String {
    let mut parts = name.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if !hash.is_empty() && hash.chars().all(|c| c.is_ascii_hexdigit()) => {
                text.push_str(rest)
            }
            _ => {
                text.push('[');
                text.push_str(part);
            }
        }
    }
    text
}

/// Which kind a function is for: a type or a module named after one.
fn kind_of<'a>(name: &str, kinds: &'a [String]) -> Option<&'a str> {
    // A map's `NodeRef` and a browser's `Event` are no kinds.
    let paths = paths(name).filter(|path| OURS.contains(&home(path)) || home(path) == "k8s_openapi");
    let mut words = paths.flat_map(|path| path.split("::"));
    words.find_map(|word| {
        kinds.iter().map(String::as_str).find(|kind| {
            let rest = word.strip_prefix(kind);
            let typed = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()));
            let lower = kind.to_ascii_lowercase();
            let module = word.replace('_', "");
            typed || module == lower || module == format!("{lower}s") || module.strip_suffix("spec") == Some(&lower)
        })
    })
}

/// The crates of this repository: each part of theirs is a family.
const OURS: [&str; 5] = ["engine", "kubectl", "course", "app", "api"];

/// The paths in a name, `api::yaml::Node`.
fn paths(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
        .map(|path| path.trim_matches(':'))
        .filter(|path| !path.is_empty())
}

fn home(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn family(name: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let of_kubernetes = if name.contains("k8s_openapi") { " of Kubernetes' types" } else { "" };
    let copies = if has(&["drop_in_place"]) {
        "drop"
    } else if has(&["slice::sort"]) {
        "sort"
    } else if has(&["as core::fmt::Debug"]) {
        "Debug"
    } else if has(&["Deserialize", "::de::", "codec::read"]) {
        "reading"
    } else if has(&["Serialize", "::ser::", "codec::write"]) {
        "writing"
    } else if has(&["btree"]) {
        "BTreeMap"
    } else if has(&["as core::clone::Clone"]) {
        "Clone"
    } else if has(&["as core::cmp::PartialEq"]) {
        "PartialEq"
    } else {
        ""
    };
    if !copies.is_empty() {
        return format!("{copies}{of_kubernetes}");
    }
    let ours = paths(name).find(|path| OURS.contains(&home(path)));
    let ours = ours.and_then(|path| Some(format!("{}::{}", home(path), path.split("::").nth(1)?)));
    ours.unwrap_or_else(|| {
        let first = name.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        first.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_belong_to_a_family_and_a_kind() {
        let kinds = kinds().expect("the list is there");
        for (name, in_family, of_kind) in [
            (
                "<k8s_openapi[0a1b]::v1_36::api::core::v1::pod_spec::PodSpec as serde_core[1f]::de::Deserialize>::deserialize",
                "reading of Kubernetes' types",
                Some("Pod"),
            ),
            ("engine[ff]::controllers::replicaset::ranking::rank", "engine::controllers", Some("ReplicaSet")),
            ("<[api[1]::yaml::Span]>::reverse", "api::yaml", None),
            ("kubectl[1]::describe::stateful_set::write", "kubectl::describe", Some("StatefulSet")),
            ("core[1]::slice::sort::stable::quicksort::quicksort::<i32, _>", "sort", None),
            ("dlmalloc[1]::malloc", "dlmalloc", None),
            ("alloc[1]::collections::btree::node::NodeRef::push", "BTreeMap", None),
        ] {
            let name = plain(name);
            assert_eq!(family(&name), in_family, "{name}");
            assert_eq!(kind_of(&name, &kinds), of_kind, "{name}");
        }
    }
}
