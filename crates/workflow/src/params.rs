//! `params.toml`, its overlays and `--set`: every number a person may change.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml_edit::{Item, Table, TableLike};

use crate::declaration::Declaration;
use crate::error::{Error, Result};
use crate::json::{from_json, tables_to_json, to_json};
use crate::source::{self, Source};

/// The file of parameters, in the workspace root.
pub const FILE: &str = "params.toml";

/// Changes of parameters for one run.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Overlay files, each with some of the keys of `params.toml`; later ones win. Without any, the overlay that
    /// `pipeline.toml` names as `default-params` holds.
    pub files: Vec<PathBuf>,
    /// `table.key=value`, after the files; the value is TOML, or plain text for a string.
    pub settings: Vec<String>,
}

/// The parameters of a run, with the place of each.
#[derive(Debug, Clone, Default)]
pub struct Params {
    root: Map<String, Value>,
    places: BTreeMap<String, Place>,
    sources: Vec<Source>,
    /// New names of parameters by old ones.
    renamed: BTreeMap<String, String>,
}

/// Origin of a value.
#[derive(Debug, Clone)]
struct Place {
    source: usize,
    key: Range<usize>,
    span: Range<usize>,
}

/// The file, from the workspace root, whose values hold without `--params`; changes for the next repro go
/// there.
#[must_use]
pub fn current_file(declaration: &Declaration) -> &Path {
    let default = declaration.default_params.as_ref();
    Path::new(default.map_or(FILE, |file| &file.value))
}

impl Params {
    /// Reads `params.toml` of the workspace (none means no params), then the overrides; `declaration` names those that hold by
    /// default.
    ///
    /// # Errors
    /// A file cannot be read or isn't TOML; an override names a key that
    /// `params.toml` doesn't have, or gives it another type.
    pub fn load(root: &Path, declaration: &Declaration, overrides: &Overrides) -> Result<Self> {
        let path = root.join(FILE);
        let declared = path
            .exists()
            .then(|| Source::read(&path, FILE))
            .transpose()?;
        let overlays = overrides.files.iter();
        let overlays = overlays.map(|file| read_overlay(file));
        let mut overlays: Vec<Source> = overlays.collect::<Result<_>>()?;
        if overlays.is_empty() {
            overlays.extend(declaration.default_overlay(|file| {
                let path = root.join(file);
                let source = path.is_file().then(|| Source::read(&path, file));
                source.transpose()
            })?);
        }
        let mut params = Params {
            renamed: declaration.renamed_params.clone(),
            ..Params::default()
        };
        params.read(declared, overlays)?;
        for setting in &overrides.settings {
            params.set(setting)?;
        }
        Ok(params)
    }

    /// Reads the text of `params.toml` (none means no params), then overlays.
    ///
    /// # Errors
    /// As [`Params::load`], but for reading.
    pub fn of_sources(declared: Option<Source>, overlays: Vec<Source>) -> Result<Self> {
        let mut params = Params::default();
        params.read(declared, overlays)?;
        Ok(params)
    }

    fn read(&mut self, declared: Option<Source>, overlays: Vec<Source>) -> Result<()> {
        if let Some(source) = declared {
            self.declare(source)?;
        }
        for source in overlays {
            self.overlay(source)?;
        }
        Ok(())
    }

    /// Takes all of `source`, which declares the keys.
    fn declare(&mut self, source: Source) -> Result<()> {
        let document = source.parse()?;
        self.sources.push(source);
        let mut root = Map::new();
        for (key, item) in document.as_table() {
            let value = self.read_item(key, item, source::key_span(document.as_table(), key))?;
            root.insert(key.to_owned(), value);
        }
        self.root = root;
        Ok(())
    }

    /// The value of `item`, having noted the places of it and of all below it; its key stands at `key`.
    fn read_item(&mut self, dotted: &str, item: &Item, key: Range<usize>) -> Result<Value> {
        let source = self.sources.len() - 1;
        let span = item.span().unwrap_or(0..0);
        let place = Place {
            source,
            key,
            span: span.clone(),
        };
        self.places.insert(dotted.to_owned(), place);
        if let Some(table) = item.as_table_like() {
            let mut map = Map::new();
            for (key, item) in table.iter() {
                let place = source::key_span(table, key);
                let value = self.read_item(&format!("{dotted}.{key}"), item, place)?;
                map.insert(key.to_owned(), value);
            }
            return Ok(Value::Object(map));
        }
        let scalar = tables_to_json(item);
        scalar.ok_or_else(|| {
            let message = format!(
                "`{dotted}` is {}, which no stage can take",
                source::kind(item)
            );
            self.sources[source].error(span, message)
        })
    }

    fn overlay(&mut self, source: Source) -> Result<()> {
        let document = source.parse()?;
        self.sources.push(source);
        for (key, item) in document.as_table() {
            self.replace(key, item, source::key_span(document.as_table(), key))?;
        }
        Ok(())
    }

    /// Puts `item` in the place of the existing `dotted`; tables key by key.
    fn replace(&mut self, dotted: &str, item: &Item, at: Range<usize>) -> Result<()> {
        let old = self.get(dotted).cloned();
        let source = self.sources.len() - 1;
        let Some(old) = old else {
            let message = format!("unknown parameter `{dotted}`{}", self.hint(dotted));
            return Err(self.sources[source].error(at, message));
        };
        // An empty table is one whose keys are the user's to invent.
        let fixed_keys = old.as_object().is_some_and(|table| !table.is_empty());
        if let (true, Some(table)) = (fixed_keys, item.as_table_like()) {
            for (key, item) in table.iter() {
                let place = source::key_span(table, key);
                self.replace(&format!("{dotted}.{key}"), item, place)?;
            }
            return Ok(());
        }
        let new = self.read_item(dotted, item, at.clone())?;
        let new = same_type(&old, new).map_err(|(expected, found)| {
            let message = format!("`{dotted}` is {expected} in `{FILE}`, and here {found}");
            self.sources[source].error(item.span().unwrap_or(at), message)
        })?;
        if let Some(slot) = self.slot(dotted) {
            *slot = new;
        }
        Ok(())
    }

    /// Applies one setting, `table.key=value`; the value is TOML, or plain text for a string.
    ///
    /// # Errors
    /// It isn't one, the key is unknown, or the value has another type.
    pub fn set(&mut self, setting: &str) -> Result<()> {
        let Some((key, text)) = setting.split_once('=') else {
            return Err(Error::Setting(setting.to_owned()));
        };
        let (key, text) = (key.trim(), text.trim());
        let is_string = matches!(self.get(key), Some(Value::String(_)));
        let quoted = toml_edit::Value::from(text).to_string();
        let as_toml = Source {
            name: "--set".into(),
            text: format!("{key} = {text}"),
        };
        let as_text = Source {
            name: "--set".into(),
            text: format!("{key} = {quoted}"),
        };
        let already_quoted = text.starts_with(['"', '\'']);
        match as_toml.parse() {
            Ok(_) if !is_string || already_quoted => self.overlay(as_toml),
            Err(error) if !is_string && self.get(key).is_some() => Err(error),
            _ => self.overlay(as_text),
        }
    }

    fn slot(&mut self, dotted: &str) -> Option<&mut Value> {
        let mut parts = dotted.split('.');
        let mut value = self.root.get_mut(parts.next()?)?;
        for part in parts {
            value = value.as_object_mut()?.get_mut(part)?;
        }
        Some(value)
    }

    /// The value at a dotted key such as `train.lr`.
    pub fn get(&self, dotted: &str) -> Option<&Value> {
        let mut parts = dotted.split('.');
        let mut value = self.root.get(parts.next()?)?;
        for part in parts {
            value = value.as_object()?.get(part)?;
        }
        Some(value)
    }

    /// All dotted keys, those of tables before those in them.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        list_keys("", &self.root, &mut keys);
        keys
    }

    /// The values that are in no table, by their dotted keys. An empty table is a value.
    pub fn leaves(&self) -> BTreeMap<String, Value> {
        let mut leaves = BTreeMap::new();
        list_leaves("", &self.root, &mut leaves);
        leaves
    }

    /// The file and line that gave `dotted` its value, as `params.toml:12`.
    pub fn place(&self, dotted: &str) -> Option<String> {
        let place = self.places.get(dotted)?;
        let source = &self.sources[place.source];
        let before = &source.text[..place.span.start.min(source.text.len())];
        let line = before.matches('\n').count() + 1;
        Some(format!("{}:{line}", source.name))
    }

    /// An error that points at the key `dotted`; none if no such key was given.
    pub fn located(&self, dotted: &str, message: &str) -> Option<Error> {
        let place = self.places.get(dotted)?;
        let source = &self.sources[place.source];
        Some(source.error(place.key.clone(), message.to_owned()))
    }

    /// New name of `dotted`, or of the table that it is in.
    fn new_name(&self, dotted: &str) -> Option<String> {
        if let Some(new) = self.renamed.get(dotted) {
            return Some(new.clone());
        }
        let (table, key) = dotted.rsplit_once('.')?;
        let moved = format!("{}.{key}", self.new_name(table)?);
        Some(self.renamed.get(&moved).cloned().unwrap_or(moved))
    }

    /// A clause with the new name of an unknown key, or with the nearest key to it.
    pub fn hint(&self, dotted: &str) -> String {
        if let Some(new) = self.new_name(dotted) {
            return format!("; it was renamed to `{new}`");
        }
        let mut keys = Vec::new();
        list_keys("", &self.root, &mut keys);
        // Within a known table only its keys are of interest.
        let table = dotted
            .rsplit_once('.')
            .map(|(table, _)| format!("{table}."));
        let near = |key: &&str| table.as_ref().is_some_and(|table| key.starts_with(table));
        let siblings: Vec<&str> = keys.iter().map(String::as_str).filter(near).collect();
        if siblings.is_empty() {
            nearest_name::hint(dotted, keys.iter().map(String::as_str))
        } else {
            nearest_name::hint(dotted, siblings)
        }
    }
}

/// The text of the overlay at `file`.
///
/// # Errors
/// There's no such file, or it cannot be read.
fn read_overlay(file: &Path) -> Result<Source> {
    let name = file.display().to_string();
    if file.exists() {
        return Source::read(file, &name);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let beside = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs_err::read_dir(beside).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "toml"));
    let files: Vec<String> = files
        .map(|entry| folder.join(entry.file_name()).display().to_string())
        .collect();
    let hint = nearest_name::hint(&name, files.iter().map(String::as_str));
    Err(Error::NoOverlay { name, hint })
}

/// The content of the TOML file at `path`, which messages call `name`, as JSON.
///
/// # Errors
/// The file cannot be read, isn't TOML, or holds a date, an infinity or NaN.
pub fn read_toml(path: &Path, name: &str) -> Result<Value> {
    let params = Params::of_sources(Some(Source::read(path, name)?), Vec::new())?;
    Ok(Value::Object(params.root))
}

/// The values of an array in TOML such as `1, "a"`; none where it isn't one.
#[must_use]
pub fn read_values(text: &str) -> Option<Vec<Value>> {
    let source = Source {
        name: String::new(),
        text: format!("values = [{text}]"),
    };
    let document = source.parse().ok()?;
    let values = to_json(document.get("values")?)?;
    // A text such as `1] # [` is no list of values.
    let is_whole = document.as_table().len() == 1 && !text.contains('#');
    values.as_array().filter(|_| is_whole).cloned()
}

/// The value that [`canonical`](crate::json::canonical) wrote, or null for another text. Floats are those of TOML, whose
/// reader rounds them correctly; a table in a list has another form there and is read as JSON.
#[must_use]
pub fn read_canonical(text: &str) -> Value {
    let value = read_values(text).and_then(|mut values| values.pop());
    value
        .or_else(|| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// The text of the TOML file `source` with `values` at their dotted keys; all else stays as it is, comments included. A
/// key that isn't there is added at the end of its table.
///
/// # Errors
/// The file isn't TOML, or has another value where a key needs a table.
pub fn with_values<'a>(
    source: &Source,
    values: impl IntoIterator<Item = (&'a str, Value)>,
) -> Result<String> {
    let mut document = source.parse()?.into_mut();
    for (dotted, value) in values {
        put(document.as_table_mut(), dotted, &value).ok_or_else(|| Error::NotWritable {
            key: dotted.to_owned(),
            file: source.name.clone(),
        })?;
    }
    Ok(document.to_string())
}

/// Puts `value` at the dotted key; none if a value that is no table is in the way.
fn put(table: &mut dyn TableLike, dotted: &str, value: &Value) -> Option<()> {
    if let Some((first, rest)) = dotted.split_once('.') {
        let inner = table.entry(first).or_insert(Item::Table(Table::new()));
        return put(inner.as_table_like_mut()?, rest, value);
    }
    let mut new = from_json(value)?;
    if let Some(old) = table.get(dotted).and_then(Item::as_value) {
        // Blanks and comments around a value belong to it.
        *new.decor_mut() = old.decor().clone();
    }
    // An entry keeps the comments above its key.
    *table.entry(dotted).or_insert(Item::None) = Item::Value(new);
    Some(())
}

fn list_keys(prefix: &str, table: &Map<String, Value>, keys: &mut Vec<String>) {
    for (key, value) in table {
        let dotted = format!("{prefix}{key}");
        if let Value::Object(inner) = value {
            list_keys(&format!("{dotted}."), inner, keys);
        }
        keys.push(dotted);
    }
}

fn list_leaves(prefix: &str, table: &Map<String, Value>, leaves: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let dotted = format!("{prefix}{key}");
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                list_leaves(&format!("{dotted}."), inner, leaves);
            }
            value => drop(leaves.insert(dotted, value.clone())),
        }
    }
}

/// `new`, fit to stand where `old` stood: an integer becomes a float there.
fn same_type(old: &Value, new: Value) -> std::result::Result<Value, (&'static str, &'static str)> {
    let (expected, found) = (json_kind(old), json_kind(&new));
    match (expected, found) {
        ("a float", "an integer") => Ok(new.as_f64().map_or(new, Value::from)),
        _ if expected == found => Ok(new),
        _ => Err((expected, found)),
    }
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a float",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests;
