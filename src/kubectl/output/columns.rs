//! `-o custom-columns`. Pure.
//!
//! Mirrors: kubectl/pkg/cmd/get/customcolumn.go.

use serde_json::Value;

use super::gofmt;
use super::jsonpath::Path;
use super::table::TabWriter;
use crate::failure::{Failure, Result};

#[derive(Debug)]
pub struct Columns {
    headers: Vec<String>,
    paths: Vec<Path>,
    no_headers: bool,
}

impl Columns {
    /// `NAME:.metadata.name,IMAGE:.spec.containers[*].image`.
    ///
    /// # Errors
    /// A column without a path, or a bad path.
    pub fn parse(spec: &str, no_headers: bool) -> Result<Self> {
        let (mut headers, mut paths) = (Vec::new(), Vec::new());
        for column in spec.split(',') {
            let Some((header, path)) = column.split_once(':') else {
                return Err(Failure::plain(format!(
                    "unexpected custom-columns spec: {column}, expected <header>:<json-path-expr>"
                )));
            };
            headers.push(header.to_string());
            paths.push(Path::relaxed(path).map_err(Failure::plain)?.0);
        }
        Ok(Self { headers, paths, no_headers })
    }

    /// A file with a line of headers and a line of paths.
    ///
    /// # Errors
    /// A different number of words in the two lines, or a bad path.
    pub fn from_file(text: &str, no_headers: bool) -> Result<Self> {
        let mut lines = text.lines();
        let mut words = || lines.next().map(|line| line.split_whitespace().map(String::from).collect::<Vec<_>>());
        let (Some(headers), Some(specs)) = (words(), words()) else {
            return Err(Failure::plain("invalid template, missing spec line"));
        };
        if headers.len() != specs.len() {
            return Err(Failure::plain(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                specs.len()
            )));
        }
        let paths = specs.iter().map(|spec| Path::relaxed(spec).map(|(path, _)| path).map_err(Failure::plain));
        Ok(Self { headers, paths: paths.collect::<Result<_>>()?, no_headers })
    }

    /// The table of one object or of a list's items.
    pub fn print(&self, object: &Value, first: bool) -> String {
        let mut rows = Vec::new();
        if first && !self.no_headers {
            rows.push(self.headers.clone());
        }
        match object.get("items").and_then(Value::as_array) {
            Some(items) => rows.extend(items.iter().map(|item| self.row(item))),
            None => rows.push(self.row(object)),
        }
        TabWriter::default().render(&rows)
    }

    fn row(&self, object: &Value) -> Vec<String> {
        self.paths
            .iter()
            .map(|path| {
                let values: Vec<String> = path.values(object).iter().map(gofmt::v).collect();
                if values.is_empty() { "<none>".into() } else { values.join(",") }
            })
            .collect()
    }
}
