//! Inputs that no stage makes: they are looked for before anything runs.

use std::path::Path;

use crate::error::{Error, Result};
use crate::glob;
use crate::graph::Selection;
use crate::instance::{Input, Instance, Target};
use crate::tracked::Tracked;
use crate::workspace::Workspace;

impl Workspace {
    /// All inputs of the selection that no stage makes and that don't exist.
    ///
    /// # Errors
    /// Some are missing; each is named with its stage and the param that gave it.
    pub(crate) fn check_sources(&self, selection: &Selection) -> Result<()> {
        let mut missing = Vec::new();
        let tracked = Tracked::load(&self.root)?;
        for at in self.in_order(selection) {
            let instance = &self.graph.instances[at];
            if instance.rules.is_frozen {
                continue;
            }
            for (name, input) in &instance.inputs {
                if let Some(path) = self.missing_source(input)? {
                    let mut message = self.missing_message(instance, name, input, &path);
                    if let Some(source) = tracked.around(Path::new(&path)) {
                        message
                            .push_str(&format!("; `cargo xtask checkout {source}` brings it back"));
                    }
                    missing.push(message);
                }
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::MissingInputs(missing))
        }
    }

    fn missing_source(&self, input: &Input) -> Result<Option<String>> {
        match &input.target {
            Target::Path(path) if !self.root.join(path).exists() && !self.graph.is_made(path) => {
                Ok(Some(path.display().to_string()))
            }
            Target::Glob(pattern) => {
                let is_made = self.graph.makes(&input.target);
                let is_missing = !is_made && glob::on_disk(&self.root, pattern)?.is_empty();
                Ok(is_missing.then(|| pattern.clone()))
            }
            _ => Ok(None),
        }
    }

    fn missing_message(
        &self,
        instance: &Instance,
        name: &str,
        input: &Input,
        path: &str,
    ) -> String {
        let given = input.param.as_ref().map_or_else(String::new, |param| {
            let place = self.params.place(param);
            format!(
                ", given by `{param}`{}",
                place.map_or_else(String::new, |place| format!(" in {place}"))
            )
        });
        format!(
            "stage `{}` needs the input `{name}`: `{path}` does not exist{given}",
            instance.name
        )
    }
}
