//! Reading of the tables of `pipeline.toml`; errors point into the file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use toml_edit::{Item, Table, TableLike};

use super::items::Reader;
use super::keys::Table as KeysOf;
use super::{
    Action, Advice, CacheLimits, Declaration, DeclaredOutput, DeviceCheck, FILE, MetricOutput,
    Resources, Rules, Spanned, Stage, Treatment,
};
use crate::error::Result;
use crate::source::{self, Source};
use crate::{json, quantity};

impl Declaration {
    /// Reads `pipeline.toml` in `root`.
    ///
    /// # Errors
    /// The file cannot be read, isn't TOML, has an unknown key or a wrong type.
    pub fn load(root: &Path) -> Result<Self> {
        Declaration::parse(Source::read(&root.join(FILE), FILE)?)
    }

    /// Parses the text of `source`.
    ///
    /// # Errors
    /// As [`Declaration::load`], but for reading.
    pub fn parse(source: Source) -> Result<Self> {
        let document = source.parse()?;
        let reader = Reader { source: &source };
        let root = document.as_table();
        reader.known_keys(root, format_args!("top-level key"), KeysOf::Root)?;
        let default_params = reader.optional_string(root, "default-params")?;
        let renamed_params = reader.renamed_params(root)?;
        let cache = reader.cache(root)?;
        let mut stages = Vec::new();
        if let Some(item) = root.get("stage") {
            let table = reader.table(item, format_args!("`stage`"))?;
            for (name, item) in table.iter() {
                reader.check_name("stage", name, table)?;
                stages.push(reader.stage(name, item)?);
            }
            // Sub-tables of a document may be given in any order: the file's is the order of the stages.
            stages.sort_by_key(|(start, _)| *start);
        }
        let stages = stages.into_iter().map(|(_, stage)| stage).collect();
        let advice = reader.advice(root)?;
        let device_check = match root.get("device") {
            Some(item) => Some(reader.device_check(item)?),
            None => None,
        };
        Ok(Declaration {
            source,
            default_params,
            renamed_params,
            cache,
            stages,
            advice,
            device_check,
        })
    }
}

impl Reader<'_> {
    fn cache(&self, root: &dyn TableLike) -> Result<CacheLimits> {
        let Some(item) = root.get("cache") else {
            return Ok(CacheLimits::default());
        };
        let table = self.table(item, format_args!("`cache`"))?;
        self.known_keys(table, format_args!("key of `cache`"), KeysOf::Cache)?;
        Ok(CacheLimits {
            max_size: self.quantity(table, "max-size", quantity::bytes)?,
            max_age: self.quantity(table, "max-age", quantity::duration)?,
        })
    }

    /// The table `[renamed-params]`.
    fn renamed_params(&self, root: &dyn TableLike) -> Result<BTreeMap<String, String>> {
        let mut renamed = BTreeMap::new();
        if let Some(item) = root.get("renamed-params") {
            for (old, item) in self.table(item, format_args!("`renamed-params`"))?.iter() {
                let new = self.string(item, format_args!("`{old}`"))?;
                renamed.insert(old.to_owned(), new.value);
            }
        }
        Ok(renamed)
    }

    fn stage(&self, name: &str, item: &Item) -> Result<(usize, Stage)> {
        let table = self.table(item, format_args!("stage `{name}`"))?;
        self.known_keys(table, format_args!("key of stage `{name}`"), KeysOf::Stage)?;
        let stage = Stage {
            name: name.to_owned(),
            desc: self.optional_string(table, "desc")?.map(|text| text.value),
            action: self.action(name, item, table)?,
            inputs: self.inputs(table)?,
            outputs: self.outputs(table)?,
            params: self.params(table)?,
            each: self.each(table)?,
            show: self.show(table)?,
            metrics: self.metrics(table)?,
            env: self.env(table)?,
            is_source: self.flag(table, "source", false)?,
            after: self.after(table)?,
            rules: self.rules(table)?,
        };
        let start = item.span().map_or(0, |span| span.start);
        Ok((start, stage))
    }

    /// The tables of `[[advice]]`.
    fn advice(&self, root: &dyn TableLike) -> Result<Vec<Advice>> {
        let Some(item) = root.get("advice") else {
            return Ok(Vec::new());
        };
        let Some(tables) = item.as_array_of_tables() else {
            let message = format!("`advice` is {}; expected `[[advice]]`", source::kind(item));
            return Err(self.source.error(item.span().unwrap_or(0..0), message));
        };
        tables
            .iter()
            .map(|table| self.piece_of_advice(table))
            .collect()
    }

    fn piece_of_advice(&self, table: &Table) -> Result<Advice> {
        self.known_keys(table, format_args!("key of `advice`"), KeysOf::Advice)?;
        let span = table.span().unwrap_or(0..0);
        let needed = |key: &str| {
            let text = self.optional_string(table, key)?.map(|text| text.value);
            text.ok_or_else(|| {
                self.source
                    .error(span.clone(), format!("`advice` has no `{key}`"))
            })
        };
        Ok(Advice {
            stage: needed("stage")?,
            text: needed("text")?,
            when: self.values(table, "when")?,
            unless: self.values(table, "unless")?,
            span: span.clone(),
        })
    }

    /// The table `[device]`.
    fn device_check(&self, item: &Item) -> Result<DeviceCheck> {
        let table = self.table(item, format_args!("`device`"))?;
        self.known_keys(table, format_args!("key of `device`"), KeysOf::Device)?;
        let at = item.span().unwrap_or(0..0);
        let run = match self.optional_string(table, "check")? {
            Some(run) if is_crate_and_binary(&run.value) => run.value,
            Some(run) => {
                let message = format!("`check` is `{}`; expected `crate/binary`", run.value);
                return Err(self.source.error(run.span, message));
            }
            None => return Err(self.source.error(at, "`device` has no `check`".to_owned())),
        };
        let mut params = BTreeMap::new();
        if let Some(item) = table.get("params") {
            for (name, item) in self.table(item, format_args!("`params`"))?.iter() {
                let key = self.string(item, format_args!("`{name}`"))?;
                params.insert(name.to_owned(), key.value);
            }
        }
        Ok(DeviceCheck { run, params })
    }

    fn action(
        &self,
        name: &str,
        item: &Item,
        table: &dyn TableLike,
    ) -> Result<Action<Spanned<String>>> {
        let run = self.optional_string(table, "run")?;
        let cmd = self.commands(table)?;
        match (run, cmd) {
            (Some(run), None) if is_crate_and_binary(&run.value) => Ok(Action::Run(run)),
            (Some(run), None) => {
                let message = format!("`run` is `{}`; expected `crate/binary`", run.value);
                Err(self.source.error(run.span, message))
            }
            (None, Some(cmd)) => Ok(Action::Command(cmd)),
            _ => {
                let message = format!("stage `{name}` needs one of `run` and `cmd`");
                Err(self.source.error(item.span().unwrap_or(0..0), message))
            }
        }
    }

    /// The texts of `cmd`, a string or a list of strings.
    fn commands(&self, table: &dyn TableLike) -> Result<Option<Vec<Spanned<String>>>> {
        match table.get("cmd") {
            Some(item) if item.is_array() => self.strings(item, "cmd").map(Some),
            Some(item) => Ok(Some(vec![self.string(item, format_args!("`cmd`"))?])),
            None => Ok(None),
        }
    }

    fn inputs(&self, table: &dyn TableLike) -> Result<BTreeMap<String, Spanned<String>>> {
        let mut inputs = BTreeMap::new();
        if let Some(item) = table.get("in") {
            let table = self.table(item, format_args!("`in`"))?;
            for (name, item) in table.iter() {
                self.check_name("input", name, table)?;
                inputs.insert(
                    name.to_owned(),
                    self.string(item, format_args!("input `{name}`"))?,
                );
            }
        }
        Ok(inputs)
    }

    fn outputs(&self, table: &dyn TableLike) -> Result<BTreeMap<String, DeclaredOutput>> {
        let mut outputs = BTreeMap::new();
        if let Some(item) = table.get("out") {
            let table = self.table(item, format_args!("`out`"))?;
            for (name, item) in table.iter() {
                self.check_name("output", name, table)?;
                outputs.insert(name.to_owned(), self.output(name, item)?);
            }
        }
        Ok(outputs)
    }

    fn output(&self, name: &str, item: &Item) -> Result<DeclaredOutput> {
        let Some(table) = item.as_table_like() else {
            let path = self.string(item, format_args!("output `{name}`"))?;
            return Ok(DeclaredOutput {
                path,
                treatment: Treatment::default(),
            });
        };
        self.known_keys(
            table,
            format_args!("key of output `{name}`"),
            KeysOf::Output,
        )?;
        let Some(path) = self.optional_string(table, "path")? else {
            let message = format!("output `{name}` has no `path`");
            return Err(self.source.error(item.span().unwrap_or(0..0), message));
        };
        let treatment = Treatment {
            is_volatile: self.flag(table, "volatile", false)?,
            is_cached: self.flag(table, "cache", true)?,
            is_kept: self.flag(table, "keep", false)?,
        };
        Ok(DeclaredOutput { path, treatment })
    }

    fn after(&self, table: &dyn TableLike) -> Result<Vec<Spanned<String>>> {
        let item = table.get("after");
        item.map_or_else(|| Ok(Vec::new()), |item| self.strings(item, "after"))
    }

    fn params(&self, table: &dyn TableLike) -> Result<Option<Vec<Spanned<String>>>> {
        let item = table.get("params");
        item.map(|item| self.strings(item, "params")).transpose()
    }

    fn env(&self, table: &dyn TableLike) -> Result<Vec<String>> {
        let Some(item) = table.get("env") else {
            return Ok(Vec::new());
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = self.strings(item, "env")?.into_iter().map(|name| {
            if !name.value.is_empty() && name.value.chars().all(fits) {
                return Ok(name.value);
            }
            let message = format!("`{}` is no name of an environment variable", name.value);
            Err(self.source.error(name.span, message))
        });
        names.collect()
    }

    fn rules(&self, table: &dyn TableLike) -> Result<Rules> {
        Ok(Rules {
            is_frozen: self.flag(table, "frozen", false)?,
            is_always: self.flag(table, "always", false)?,
            resources: Resources {
                cores: self.count(table, "cores")?,
                memory: self
                    .quantity(table, "memory", quantity::bytes)?
                    .unwrap_or(0),
                gpus: self.count(table, "gpu")?.unwrap_or(0),
            },
            timeout: self.quantity(table, "timeout", quantity::duration)?,
            is_unconfined: !self.flag(table, "sandbox", true)?,
            checks: self.checks(table)?,
        })
    }

    /// Requirements on outputs, defined by the crate `checks`.
    fn checks(&self, table: &dyn TableLike) -> Result<BTreeMap<String, Spanned<Value>>> {
        let Some(item) = table.get("check") else {
            return Ok(BTreeMap::new());
        };
        let outputs = self.outputs(table)?;
        let table = self.table(item, format_args!("`check`"))?;
        let checks = table.iter().map(|(name, item)| {
            if !outputs.contains_key(name) {
                let hint = nearest_name::hint(name, outputs.keys().map(String::as_str));
                let message = format!("`check` names no output: `{name}`{hint}");
                return Err(self.source.error(source::key_span(table, name), message));
            }
            self.table(item, format_args!("`check.{name}`"))?;
            let span = source::key_span(table, name);
            let value = json::tables_to_json(item).ok_or_else(|| {
                let message = format!("`check.{name}` has a value that no check can take");
                self.source.error(span.clone(), message)
            })?;
            Ok((name.to_owned(), Spanned { value, span }))
        });
        checks.collect()
    }

    fn each(&self, table: &dyn TableLike) -> Result<Vec<(String, Spanned<Value>)>> {
        let Some(item) = table.get("each") else {
            return Ok(Vec::new());
        };
        let table = self.table(item, format_args!("`each`"))?;
        let variables = table.iter().map(|(name, item)| {
            self.check_name("variable", name, table)?;
            let span = item.span().unwrap_or(0..0);
            let value = json::tables_to_json(item).ok_or_else(|| {
                let message = format!(
                    "`each.{name}` is {}; expected a count, an array, a table or a `${{param}}`",
                    source::kind(item)
                );
                self.source.error(span.clone(), message)
            })?;
            Ok((name.to_owned(), Spanned { value, span }))
        });
        variables.collect()
    }

    fn show(&self, table: &dyn TableLike) -> Result<Option<String>> {
        let show = self.optional_string(table, "show")?;
        show.map(|show| self.own_output(table, "show", show))
            .transpose()
    }

    fn metrics(&self, table: &dyn TableLike) -> Result<Vec<MetricOutput>> {
        let Some(item) = table.get("metrics") else {
            return Ok(Vec::new());
        };
        let marks = self.strings(item, "metrics")?.into_iter();
        let marks = marks.map(|mark| {
            let MetricOutput { output, pattern } = MetricOutput::parse(&mark.value);
            let name = Spanned {
                value: output,
                ..mark
            };
            let output = self.own_output(table, "metrics", name)?;
            Ok(MetricOutput { output, pattern })
        });
        marks.collect()
    }

    /// The name that `key` gives, if it is that of an output.
    fn own_output(
        &self,
        table: &dyn TableLike,
        key: &str,
        name: Spanned<String>,
    ) -> Result<String> {
        let outputs = self.outputs(table)?;
        if outputs.contains_key(&name.value) {
            return Ok(name.value);
        }
        let hint = nearest_name::hint(&name.value, outputs.keys().map(String::as_str));
        let message = format!("`{key}` names no output: `{}`{hint}", name.value);
        Err(self.source.error(name.span, message))
    }
}

fn is_crate_and_binary(run: &str) -> bool {
    match run.split_once('/') {
        Some((package, binary)) => {
            !package.is_empty() && !binary.is_empty() && !binary.contains('/')
        }
        None => false,
    }
}
