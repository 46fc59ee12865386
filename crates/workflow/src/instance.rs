//! Stages made concrete: one instance for each combination of `each`, its
//! templates filled and its params looked up.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::declaration::{Action, Declaration, DeclaredOutput, Rules, Spanned, Stage, Treatment};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::{glob, template};

mod each;
mod params;

use each::{Variables, instance_name};
use params::StageParams;

/// A stage with its variables, paths and params resolved.
#[derive(Debug, Clone)]
pub struct Instance {
    /// `train@0`; the stage's name where it has no `each`.
    pub name: String,
    /// The stage's name.
    pub stage: String,
    /// One line for people.
    pub desc: Option<String>,
    /// The command; `${in.name}` and `${out.name}` are still in its texts.
    pub action: Action<String>,
    /// Params by the name that the stage sees.
    pub params: BTreeMap<String, Value>,
    /// The key of `params.toml` that gave a param, by the name that the stage sees.
    pub param_keys: BTreeMap<String, String>,
    /// Inputs by name.
    pub inputs: BTreeMap<String, Input>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Output>,
    /// The output whose text is shown at the end of a repro.
    pub show: Option<String>,
    /// Whether it runs only where another one, or the user, asks for it.
    pub is_source: bool,
    /// The device class, for stages that list `device`.
    pub device: Option<Device>,
    /// Environment variables that the result depends on.
    pub env: Vec<String>,
    /// Stages that must have succeeded before it starts.
    pub after: Vec<String>,
    /// When and how it runs.
    pub rules: Rules,
}

/// An input of an instance.
#[derive(Debug, Clone)]
pub struct Input {
    /// What it refers to.
    pub target: Target,
    /// The param that gave the path, if one did.
    pub param: Option<String>,
}

/// What an input refers to. Paths inside the workspace are relative to its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An optional input that isn't there: its template resolved to nothing.
    Absent,
    /// A file or folder.
    Path(PathBuf),
    /// All that match a pattern.
    Glob(String),
}

impl Target {
    /// The same below `folder`.
    pub fn in_folder(&self, folder: &Path) -> Self {
        match self {
            Target::Absent => Target::Absent,
            Target::Path(path) => Target::Path(folder.join(path)),
            Target::Glob(pattern) => {
                Target::Glob(folder.join(pattern).to_string_lossy().into_owned())
            }
        }
    }
}

/// An output of an instance.
#[derive(Debug, Clone)]
pub struct Output {
    /// From the workspace root, inside it.
    pub path: PathBuf,
    /// How it is treated.
    pub treatment: Treatment,
}

/// Makes the instances of all stages, in the order of the file. `auto` is the device that the setting `auto` stands for.
///
/// # Errors
/// A template or `params` names an unknown key; a value doesn't fit its place;
/// an output leaves the workspace.
pub fn instances(
    declaration: &Declaration,
    params: &Params,
    root: &Path,
    auto: Device,
) -> Result<Vec<Instance>> {
    let mut instances = Vec::new();
    for stage in &declaration.stages {
        let maker = Maker {
            declaration,
            params,
            root,
            stage,
            auto,
        };
        for variables in maker.combinations()? {
            instances.push(maker.instance(&variables)?);
        }
    }
    Ok(instances)
}

struct Maker<'a> {
    declaration: &'a Declaration,
    params: &'a Params,
    root: &'a Path,
    stage: &'a Stage,
    auto: Device,
}

impl Maker<'_> {
    fn error(&self, span: &Range<usize>, message: String) -> Error {
        self.declaration.source.error(span.clone(), message)
    }

    fn instance(&self, variables: &Variables) -> Result<Instance> {
        let stage = self.stage;
        let StageParams {
            values: params,
            keys: param_keys,
            device,
        } = self.stage_params(variables)?;
        let name = instance_name(&stage.name, variables);
        Ok(Instance {
            action: self.action(variables)?,
            inputs: self.inputs(variables)?,
            outputs: self.outputs(&name, variables)?,
            name,
            stage: stage.name.clone(),
            desc: stage.desc.clone(),
            params,
            param_keys,
            show: stage.show.clone(),
            is_source: stage.is_source,
            device,
            env: stage.env.clone(),
            after: self.after()?,
            rules: stage.rules.clone(),
        })
    }

    fn after(&self) -> Result<Vec<String>> {
        let names = self.stage.after.iter().map(|name| {
            let mut stages = self
                .declaration
                .stages
                .iter()
                .map(|stage| stage.name.as_str());
            if stages.any(|stage| stage == name.value) {
                return Ok(name.value.clone());
            }
            let stages = self
                .declaration
                .stages
                .iter()
                .map(|stage| stage.name.as_str());
            let hint = nearest_name::hint(&name.value, stages);
            let message = format!("`after` names no stage: `{}`{hint}", name.value);
            Err(self.error(&name.span, message))
        });
        names.collect()
    }

    fn action(&self, variables: &Variables) -> Result<Action<String>> {
        match &self.stage.action {
            Action::Run(run) => Ok(Action::Run(run.value.clone())),
            Action::Command(texts) => {
                let filled = texts.iter().map(|text| self.command(text, variables));
                filled.collect::<Result<_>>().map(Action::Command)
            }
        }
    }

    fn command(&self, cmd: &Spanned<String>, variables: &Variables) -> Result<String> {
        let text = template::fill(&cmd.value, |key| match key.split_once('.') {
            Some(("in", name)) => self.own_name(name, key, &cmd.span, self.stage.inputs.keys()),
            Some(("out", name)) => self.own_name(name, key, &cmd.span, self.stage.outputs.keys()),
            _ => self.text(key, variables, &cmd.span),
        });
        self.at(&cmd.span, text)
    }

    /// `${in.name}` again, once it is known that there is such an input.
    fn own_name<'n>(
        &self,
        name: &str,
        key: &str,
        span: &Range<usize>,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<String> {
        let names: Vec<&str> = names.map(String::as_str).collect();
        if names.contains(&name) {
            return Ok(format!("${{{key}}}"));
        }
        let hint = nearest_name::hint(name, names);
        Err(self.error(
            span,
            format!("stage `{}` has no `{key}`{hint}", self.stage.name),
        ))
    }

    fn inputs(&self, variables: &Variables) -> Result<BTreeMap<String, Input>> {
        let inputs = self.stage.inputs.iter().map(|(name, template)| {
            let param = self.first_param(&template.value, variables);
            let target = self.target(template, variables, param.as_deref())?;
            Ok((name.clone(), Input { target, param }))
        });
        inputs.collect()
    }

    /// What an input refers to. Wildcards of the template make a pattern, those of a value are part of a name.
    fn target(
        &self,
        template: &Spanned<String>,
        variables: &Variables,
        param: Option<&str>,
    ) -> Result<Target> {
        let text = self.fill(template, variables)?;
        let wrong = |what: String| match param {
            Some(param) => {
                let message = format!("`{param}` is `{text}`, {what}");
                match self.params.located(param, &message) {
                    Some(error) => error,
                    None => self.error(&template.span, message),
                }
            }
            None => self.error(&template.span, format!("`{text}`, {what}")),
        };
        if text.is_empty() {
            return Ok(Target::Absent);
        }
        let path = normal(self.root, &expanded(self.root, &text).map_err(wrong)?);
        let pieces = template::pieces(&template.value)?;
        let is_pattern = pieces.iter().any(|piece| match piece {
            template::Piece::Text(text) => glob::is_pattern(text),
            template::Piece::Name(_) => false,
        });
        if !is_pattern {
            return Ok(Target::Path(path));
        }
        for piece in &pieces {
            if let template::Piece::Name(name) = piece
                && glob::is_pattern(&self.text(name, variables, &template.span)?)
            {
                let pattern = &template.value;
                return Err(wrong(format!(
                    "which has a wildcard of its own: expected none within the pattern `{pattern}`"
                )));
            }
        }
        Ok(Target::Glob(path.to_string_lossy().into_owned()))
    }

    /// The param to name where the path of `template` is wrong.
    fn first_param(&self, template: &str, variables: &Variables) -> Option<String> {
        let is_variable = |name: &str| variables.iter().any(|v| v.look_up(name).is_some());
        let pieces = template::pieces(template).ok()?;
        let names = pieces.into_iter().filter_map(|piece| match piece {
            template::Piece::Name(name) if !is_variable(name) => Some(name.to_owned()),
            _ => None,
        });
        { names }.next()
    }

    fn outputs(&self, instance: &str, variables: &Variables) -> Result<BTreeMap<String, Output>> {
        let outputs = self.stage.outputs.iter().map(|(name, declared)| {
            let DeclaredOutput { path, treatment } = declared;
            let text = self.fill(path, variables)?;
            let refused = |why| Error::OutputPlace {
                stage: instance.to_owned(),
                name: name.clone(),
                path: text.clone(),
                why,
            };
            let path = output_path(&text).map_err(refused)?;
            Ok((
                name.clone(),
                Output {
                    path,
                    treatment: *treatment,
                },
            ))
        });
        outputs.collect()
    }

    fn fill(&self, template: &Spanned<String>, variables: &Variables) -> Result<String> {
        let filled = template::fill(&template.value, |key| {
            self.text(key, variables, &template.span)
        });
        self.at(&template.span, filled)
    }

    /// Gives an error about a template its place.
    fn at<T>(&self, span: &Range<usize>, result: Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            Error::Template(fault) => self.error(span, fault.to_string()),
            other => other,
        })
    }

    /// The value of a variable or a param as text.
    fn text(&self, key: &str, variables: &Variables, span: &Range<usize>) -> Result<String> {
        let variable = variables.iter().find_map(|variable| variable.look_up(key));
        let value = match &variable {
            Some(value) => value,
            None => self.param(key, span)?,
        };
        plain_text(value).ok_or_else(|| {
            let message = format!("`${{{key}}}` is `{value}`, which is not text or a number");
            self.error(span, message)
        })
    }

    fn param(&self, key: &str, span: &Range<usize>) -> Result<&Value> {
        self.params.get(key).ok_or_else(|| {
            let variables = self.stage.each.iter().map(|(name, _)| name.as_str());
            let hint = match nearest_name::likely(key, variables) {
                Some(variable) => nearest_name::hint(key, [variable]),
                None => self.params.hint(key),
            };
            self.error(span, format!("unknown parameter `{key}`{hint}"))
        })
    }
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `text` with the home folder in the place of a `~` at its start; else what is wrong with it.
fn expanded(root: &Path, text: &str) -> std::result::Result<String, String> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(text.to_owned());
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        if root.join(text).exists() {
            return Ok(text.to_owned());
        }
        return Err("which names another user's home folder: write its path in full".to_owned());
    }
    match std::env::var("HOME") {
        Ok(home) if home.starts_with('/') => Ok(format!("{home}{rest}")),
        _ => Err("and there is no HOME in the environment: write the path in full".to_owned()),
    }
}

/// `text` without `.`, empty parts and those `..` that can be resolved; paths
/// into the workspace are made relative to its root.
pub fn normal(root: &Path, text: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(path.components().next_back(), Some(Component::Normal(_))) =>
            {
                path.pop();
            }
            part => path.push(part),
        }
    }
    match path.strip_prefix(root) {
        Ok(inside) => inside.to_owned(),
        Err(_) => path,
    }
}

/// The path of an output, or why it is none.
pub fn output_path(text: &str) -> std::result::Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if path.is_absolute() {
        return Err("is absolute, and outputs are inside the workspace");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("has `..`, and outputs are inside the workspace");
    }
    let path: PathBuf = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let first = path.components().next();
    match first
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .as_deref()
    {
        None => Err("is empty"),
        Some(".atelier" | ".git") => Err("is inside a folder that is not a stage's to write"),
        Some("pipeline.toml" | "params.toml" | "pipeline.lock" | "sources.lock") => {
            Err("is one of the runner's own files")
        }
        Some(_) => Ok(path),
    }
}

#[cfg(test)]
mod tests;
