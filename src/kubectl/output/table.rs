//! Columns of text, and the server's Tables laid out in them. Pure.
//!
//! Mirrors: liggitt/tabwriter as set up in cli-runtime/pkg/printers, `TablePrinter`.

use api::order::Order;
use serde_json::Value;

use super::gofmt;

/// Pads cells; remembers widths, so that rows of a watch stay aligned.
#[derive(Debug, Clone)]
pub struct TabWriter {
    least: usize,
    padding: usize,
    widths: Vec<usize>,
}

impl Default for TabWriter {
    /// As `kubectl get` sets it up.
    fn default() -> Self {
        Self::new(6, 3)
    }
}

impl TabWriter {
    pub fn new(least: usize, padding: usize) -> Self {
        Self { least, padding, widths: Vec::new() }
    }

    /// Lays rows out; the last cell of a row is not padded.
    pub fn render(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            for (at, cell) in row.iter().enumerate().take(row.len().saturating_sub(1)) {
                if self.widths.len() <= at {
                    self.widths.resize(at + 1, 0);
                }
                let width = (cell.chars().count() + self.padding).max(self.least);
                self.widths[at] = self.widths[at].max(width);
            }
        }
        let mut text = String::new();
        for row in rows {
            for (at, cell) in row.iter().enumerate() {
                text.push_str(cell);
                if at + 1 < row.len() {
                    let blanks = self.widths[at] - cell.chars().count();
                    text.extend(std::iter::repeat_n(' ', blanks));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// What a table shows besides the server's columns.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    pub wide: bool,
    pub no_headers: bool,
    pub namespace: bool,
    /// Put before names: `pod` makes `pod/web`.
    pub kind: Option<String>,
    pub show_labels: bool,
    pub label_columns: Vec<String>,
    /// A first column for `--output-watch-events`.
    pub events: bool,
}

impl Layout {
    /// The header of a server's Table.
    pub fn header(&self, table: &Value) -> Vec<String> {
        let mut cells = Vec::new();
        if self.events {
            cells.push("EVENT".into());
        }
        if self.namespace {
            cells.push("NAMESPACE".into());
        }
        let columns = table.get("columnDefinitions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for column in columns.iter().filter(|column| self.shows(column)) {
            cells.push(column.get("name").and_then(Value::as_str).unwrap_or_default().to_uppercase());
        }
        for label in &self.label_columns {
            cells.push(label.rsplit('/').next().unwrap_or(label).to_uppercase());
        }
        if self.show_labels {
            cells.push("LABELS".into());
        }
        cells
    }

    fn shows(&self, column: &Value) -> bool {
        self.wide || column.get("priority").and_then(Value::as_i64).unwrap_or(0) == 0
    }

    /// One row of a server's Table. `columns` come from the first Table of a watch.
    pub fn row(&self, columns: &Value, row: &Value, event: &str) -> Vec<String> {
        let object = row.get("object").unwrap_or(&Value::Null);
        let mut cells = Vec::new();
        if self.events {
            // Padded, so that a later MODIFIED does not shift the columns.
            cells.push(format!("{event:<10}"));
        }
        if self.namespace {
            cells.push(object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().into());
        }
        let columns = columns.get("columnDefinitions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let values = row.get("cells").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (at, column) in columns.iter().enumerate() {
            if !self.shows(column) {
                continue;
            }
            let text = values.get(at).map(cell).unwrap_or_default();
            let is_name = column.get("format").and_then(Value::as_str) == Some("name");
            cells.push(match &self.kind {
                Some(kind) if is_name => format!("{kind}/{text}"),
                _ => text,
            });
        }
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        for label in &self.label_columns {
            let value = labels.and_then(|labels| labels.get(label)).and_then(Value::as_str);
            cells.push(value.unwrap_or_default().into());
        }
        if self.show_labels {
            cells.push(match labels {
                Some(labels) if !labels.is_empty() => join_labels(labels),
                _ => "<none>".into(),
            });
        }
        cells
    }

    /// All rows of a Table.
    pub fn rows(&self, table: &Value) -> Vec<Vec<String>> {
        let rows = table.get("rows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        rows.iter().map(|row| self.row(table, row, "")).collect()
    }
}

/// `a=b,c=d`, sorted.
pub fn join_labels(labels: &serde_json::Map<String, Value>) -> String {
    let mut pairs: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    pairs.order();
    pairs.join(",")
}

/// A cell's text: its first line.
fn cell(value: &Value) -> String {
    let text = gofmt::v(value);
    match text.split_once(['\n', '\r']) {
        Some((line, _)) => format!("{line}..."),
        None => text,
    }
}
