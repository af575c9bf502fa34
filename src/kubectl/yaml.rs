//! The seam to YAML: documents in, text out, as JSON values. Behind it stands `api::yaml`.

use serde_json::Value;

/// The documents of a file, each as JSON. After an error nothing follows.
pub fn documents(text: &str) -> Vec<Result<Value, String>> {
    api::yaml::parse_each(text)
        .into_iter()
        .map(|document| document.map(|document| document.to_json()).map_err(|why| why.converting()))
        .collect()
}

/// A value as YAML, keys sorted, as `sigs.k8s.io/yaml` writes it.
pub fn emit(value: &Value) -> String {
    api::yaml::to_yaml(value)
}
