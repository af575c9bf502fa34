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
    /// A path that does not parse is only told when rows are printed; `None` stands for an empty one.
    paths: Vec<Result<Option<Path>, String>>,
    no_headers: bool,
}

impl Columns {
    /// `NAME:.metadata.name,IMAGE:.spec.containers[*].image`.
    ///
    /// # Errors
    /// A column without a path, or a bad path.
    pub fn parse(spec: &str, no_headers: bool) -> Result<Self> {
        let (mut headers, mut paths) = (Vec::new(), Vec::new());
        for pair in spec.split(',') {
            let Some((header, path)) = pair.split_once(':') else {
                return Err(Failure::plain(format!(
                    "unexpected custom-columns spec: {pair}, expected <header>:<json-path-expr>"
                )));
            };
            headers.push(header.to_string());
            paths.push(column(path)?);
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
        let missing = |what: &str| {
            Failure::plain(format!(
                "invalid template, missing {what} line. Expected format is one line of space separated headers, one line of space separated column specs."
            ))
        };
        let headers = words().ok_or_else(|| missing("header"))?;
        let specs = words().ok_or_else(|| missing("spec"))?;
        if headers.len() != specs.len() {
            return Err(Failure::plain(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                specs.len()
            )));
        }
        let paths = specs.iter().map(|spec| column(spec)).collect::<Result<_>>()?;
        Ok(Self { headers, paths, no_headers })
    }

    /// The table of one object or of a list's items, and what ended it early.
    pub fn print(&self, object: &Value, first: bool) -> (String, Option<String>) {
        let mut rows = Vec::new();
        if first && !self.no_headers {
            rows.push(self.headers.clone());
        }
        let items = object.get("items").and_then(Value::as_array);
        let items: Vec<&Value> = items.map_or_else(|| vec![object], |items| items.iter().collect());
        let mut why = None;
        for item in items {
            match self.row(item) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    why = Some(error);
                    break;
                }
            }
        }
        (TabWriter::default().render(&rows), why)
    }

    fn row(&self, object: &Value) -> Result<Vec<String>, String> {
        if let Some(why) = self.paths.iter().find_map(|path| path.as_ref().err()) {
            return Err(why.clone());
        }
        let cell = |path: &Path| -> Result<String, String> {
            let values: Vec<String> = path.find(object, true)?.iter().flatten().map(gofmt::v).collect();
            Ok(if values.is_empty() { "<none>".into() } else { values.join(",") })
        };
        self.paths
            .iter()
            .map(|path| path.as_ref().ok().and_then(Option::as_ref).map_or_else(|| Ok("<none>".into()), cell))
            .collect()
    }
}

/// One column's path, which may be empty.
fn column(spec: &str) -> Result<Result<Option<Path>, String>> {
    if spec.is_empty() {
        return Ok(Ok(None));
    }
    match Path::relaxed(spec) {
        Ok((path, _)) => Ok(Ok(Some(path))),
        Err(why) if why.starts_with("unexpected path string") => Err(Failure::plain(why)),
        Err(why) => Ok(Err(why)),
    }
}
