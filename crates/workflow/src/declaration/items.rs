//! Reading of single items of `pipeline.toml`; errors point into the file.

use std::collections::BTreeMap;
use std::fmt::Arguments;

use serde_json::Value;
use toml_edit::{Item, TableLike};

use super::Spanned;
use super::keys::Table;
use crate::error::Result;
use crate::json;
use crate::quantity::QuantityError;
use crate::source::{self, Source};

/// Reader of one file's items; its errors point into the file.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
}

impl Reader<'_> {
    /// Fails if `table` has a key that isn't one of `keys`.
    pub(super) fn known_keys(
        &self,
        table: &dyn TableLike,
        what: Arguments<'_>,
        keys: Table,
    ) -> Result<()> {
        for (key, _) in table.iter() {
            if !keys.keys().any(|known| known.name == key) {
                let mut known: Vec<&str> = keys.keys().map(|known| known.name).collect();
                // Those of the file have no order of their own.
                if keys == Table::Root {
                    known.sort_unstable();
                }
                let hint = nearest_name::hint(key, known);
                let message = format!("unknown {what}: `{key}`{hint}");
                return Err(self.source.error(source::key_span(table, key), message));
            }
        }
        Ok(())
    }

    /// Names become parts of file names and of the names of instances.
    pub(super) fn check_name(&self, what: &str, name: &str, table: &dyn TableLike) -> Result<()> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !name.is_empty() && name.chars().all(fits) {
            return Ok(());
        }
        let message =
            format!("{what} name `{name}` has characters other than letters, digits, `_` and `-`");
        Err(self.source.error(source::key_span(table, name), message))
    }

    pub(super) fn optional_string(
        &self,
        table: &dyn TableLike,
        key: &str,
    ) -> Result<Option<Spanned<String>>> {
        let item = table.get(key);
        item.map(|item| self.string(item, format_args!("`{key}`")))
            .transpose()
    }

    pub(super) fn string(&self, item: &Item, what: Arguments<'_>) -> Result<Spanned<String>> {
        let span = item.span().unwrap_or(0..0);
        match item.as_str() {
            Some(text) => Ok(Spanned {
                value: text.to_owned(),
                span,
            }),
            None => {
                let message = format!("{what} is {}; expected a string", source::kind(item));
                Err(self.source.error(span, message))
            }
        }
    }

    pub(super) fn table<'i>(
        &self,
        item: &'i Item,
        what: Arguments<'_>,
    ) -> Result<&'i dyn TableLike> {
        item.as_table_like().ok_or_else(|| {
            let message = format!("{what} is {}; expected a table", source::kind(item));
            self.source.error(item.span().unwrap_or(0..0), message)
        })
    }

    /// The strings of the array at `key`.
    pub(super) fn strings(&self, item: &Item, key: &str) -> Result<Vec<Spanned<String>>> {
        let span = item.span().unwrap_or(0..0);
        let Some(array) = item.as_array() else {
            let kind = source::kind(item);
            let message = format!("`{key}` is {kind}; expected an array of strings");
            return Err(self.source.error(span, message));
        };
        let strings = array.iter().map(|value| {
            let span = value.span().unwrap_or(span.clone());
            let text = value.as_str().map(str::to_owned);
            let value = text.ok_or_else(|| {
                let message = format!("an item of `{key}` is not a string");
                self.source.error(span.clone(), message)
            })?;
            Ok(Spanned { value, span })
        });
        strings.collect()
    }

    /// The values of the table at `key`; none where it isn't given.
    pub(super) fn values(
        &self,
        table: &dyn TableLike,
        key: &str,
    ) -> Result<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        if let Some(item) = table.get(key) {
            for (name, item) in self.table(item, format_args!("`{key}`"))?.iter() {
                let value = json::to_json(item).ok_or_else(|| {
                    let message = format!("`{name}` is {}; expected a value", source::kind(item));
                    self.source.error(item.span().unwrap_or(0..0), message)
                })?;
                values.insert(name.to_owned(), value);
            }
        }
        Ok(values)
    }

    pub(super) fn flag(&self, table: &dyn TableLike, key: &str, default: bool) -> Result<bool> {
        let Some(item) = table.get(key) else {
            return Ok(default);
        };
        item.as_bool().ok_or_else(|| {
            let message = format!("`{key}` is {}; expected a boolean", source::kind(item));
            self.source.error(item.span().unwrap_or(0..0), message)
        })
    }

    pub(super) fn count(&self, table: &dyn TableLike, key: &str) -> Result<Option<u32>> {
        let Some(item) = table.get(key) else {
            return Ok(None);
        };
        let number = item.as_integer();
        let count = number.and_then(|number| u32::try_from(number).ok());
        count.map(Some).ok_or_else(|| {
            let message = format!("`{key}` is {}; expected a count", source::kind(item));
            self.source.error(item.span().unwrap_or(0..0), message)
        })
    }

    /// A text with a number and its unit.
    pub(super) fn quantity<T>(
        &self,
        table: &dyn TableLike,
        key: &str,
        read: impl Fn(&str) -> std::result::Result<T, QuantityError>,
    ) -> Result<Option<T>> {
        let Some(text) = self.optional_string(table, key)? else {
            return Ok(None);
        };
        let value = read(&text.value);
        let value = value.map_err(|what| self.source.error(text.span, format!("`{key}`: {what}")));
        value.map(Some)
    }
}
