//! The seam to YAML: documents in, text out. Behind it stands `api::yaml`.

use serde::Deserialize as _;
use serde_json::Value;

/// The documents of a file, each as JSON. After an error nothing follows.
pub fn documents(text: &str) -> Vec<Result<Value, String>> {
    split(text)
        .into_iter()
        .map(|document| {
            let de = serde_yaml::Deserializer::from_str(&document);
            Value::deserialize(de).map_err(|why| format!("error converting YAML to JSON: yaml: {why}"))
        })
        .collect()
}

/// Cuts a file at its `---` lines.
fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == "---" || bare.starts_with("--- ") {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents.retain(|document| {
        document.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    documents
}

/// A value as YAML, keys sorted, as `sigs.k8s.io/yaml` writes it.
pub fn emit(value: &Value) -> String {
    serde_yaml::to_string(value).unwrap_or_default()
}
