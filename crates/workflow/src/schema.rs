//! JSON schemas of `pipeline.toml` and `params.toml`, with which editors complete and check them.

use crate::json::tables_to_json;
use crate::params::FILE;
use crate::source::Source;
use serde_json::{Map, Value, json};
use toml_edit::{Item, TableLike};

use crate::error::Result;
use crate::workflow::Workflow;

mod layout;
mod pipeline;

pub use pipeline::pipeline;

impl Workflow {
    /// The schema of this workspace's `params.toml`, and so of files of overrides: its keys with their types, the values
    /// that they have now, and the comments above them.
    ///
    /// # Errors
    /// The file cannot be read or isn't TOML.
    pub fn params_schema(&self) -> Result<Value> {
        let path = self.root.join(FILE);
        let text = if path.exists() {
            fs_err::read_to_string(path)?
        } else {
            String::new()
        };
        let source = Source {
            name: FILE.to_owned(),
            text,
        };
        let document = source.parse()?.into_mut();
        let mut schema = of_table(document.as_table());
        schema.insert(
            "$schema".into(),
            "http://json-schema.org/draft-07/schema#".into(),
        );
        schema.insert("title".into(), FILE.into());
        Ok(Value::Object(schema))
    }
}

fn of_table(table: &dyn TableLike) -> Map<String, Value> {
    let properties = table.iter().map(|(key, item)| {
        let mut schema = of_item(item);
        let comment = comment(table, key, item);
        if !comment.is_empty() {
            schema.insert("description".into(), comment.into());
        }
        (key.to_owned(), Value::Object(schema))
    });
    let properties: Map<String, Value> = properties.collect();
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    // An empty table is one whose keys are the user's to invent.
    if !properties.is_empty() {
        schema.insert("additionalProperties".into(), false.into());
        schema.insert("properties".into(), properties.into());
    }
    schema
}

fn of_item(item: &Item) -> Map<String, Value> {
    if let Some(table) = item.as_table_like() {
        return of_table(table);
    }
    let mut schema = Map::new();
    let kind = match item.type_name() {
        // An integer becomes a float where one is expected.
        "float" => "number",
        "array of tables" => "array",
        kind => kind,
    };
    schema.insert("type".into(), json!(kind));
    if let Some(value) = tables_to_json(item) {
        schema.insert("default".into(), value);
    }
    schema
}

/// The comment above a key or a table's header, without its marks.
fn comment(table: &dyn TableLike, key: &str, item: &Item) -> String {
    let of_key = { table.key(key) }.and_then(|key| key.leaf_decor().prefix()?.as_str());
    let of_header = { item.as_table() }.and_then(|table| table.decor().prefix()?.as_str());
    let text = of_header.or(of_key).unwrap_or_default();
    // Comments before an empty line belong to another item.
    let text = text.rsplit("\n\n").next().unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix('#'));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
