//! Filling the templates of stages and looking up their params.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::each::{Variables, instance_name};
use super::params::StageParams;
use super::scope::{Scope, plain_text};
use super::{Input, Instance, Output, Target};
use crate::declaration::{Action, Declaration, DeclaredOutput, Spanned};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::params::Params;
use crate::path::{expanded, normal, output_path};
use crate::{glob, template};

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
        let scope = Scope {
            declaration,
            params,
            root,
            stage,
            auto,
        };
        for variables in scope.combinations()? {
            instances.push(scope.instance(&variables)?);
        }
    }
    Ok(instances)
}

impl Scope<'_> {
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

    /// Target of an input. Wildcards of the template make a pattern, those of a value are part of a name.
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

    /// The parameter to name if the path of `template` is wrong.
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
}

#[cfg(test)]
mod tests;
