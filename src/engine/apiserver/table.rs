//! Tables: objects as rows, for clients that ask for `as=Table`.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/response.go `asTable`, pkg/printers/storage.

use api::wire::Request;
use api::{Kind, Object, Resource};
use serde_json::{Value, json};

use super::handler::negotiate::{names_owners, tree};
use super::storage::Stored;
use super::{ApiServer, printers};

impl ApiServer {
    /// The rows of `items`. Watches send the columns with the first event only.
    pub(super) fn table<'a>(
        &self,
        request: &Request,
        resource: &Resource,
        items: impl Iterator<Item = &'a Stored>,
        metadata: Value,
        with_columns: bool,
    ) -> Value {
        let include = request.param("includeObject").unwrap_or("Metadata");
        let custom = match resource.kind {
            Kind::Custom(number) => {
                self.custom.get(usize::from(number)).and_then(|custom| custom.version(resource.version)).cloned()
            }
            _ => None,
        };
        let rows: Vec<Value> = items
            .map(|stored| {
                let cells = match (&stored.object, &custom) {
                    (Object::Dynamic(object), Some(custom)) => {
                        printers::custom_cells(object, &custom.columns, self.unix_millis())
                    }
                    (object, _) => printers::cells(object, self.unix_millis()),
                };
                let object = match include {
                    "None" => Value::Null,
                    "Object" => self.to_client(resource, stored),
                    _ => self.metadata_to_client(resource, stored, names_owners(request)),
                };
                let mut row = tree([("cells", cells.into()), ("object", object)]);
                let conditions = match &stored.object {
                    Object::Pod(pod) => printers::pod_row_conditions(pod),
                    _ => None,
                };
                if let Some(conditions) = conditions {
                    row["conditions"] = conditions;
                }
                row
            })
            .collect();
        let columns: Value = match (with_columns, &custom) {
            (false, _) => Value::Null,
            (true, Some(custom)) => json!(custom.column_definitions),
            (true, None) => printers::columns(resource.kind).iter().map(printers::Column::to_value).collect(),
        };
        tree([
            ("kind", "Table".into()),
            ("apiVersion", "meta.k8s.io/v1".into()),
            ("metadata", metadata),
            ("columnDefinitions", columns),
            ("rows", rows.into()),
        ])
    }
}
