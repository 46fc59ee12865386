//! The end of a run: its log, the error of a stage that failed, refusals.

use std::io::Write;

use executor::{Ending, Usage};
use workflow::declaration::Action;

use super::Job;
use super::command::quote;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::refusals::RefusalContext;
use crate::{log, staging};

impl Job {
    /// Completes the log of a process that has ended.
    ///
    /// # Errors
    /// It failed, or an access to undeclared files was refused.
    pub(crate) fn end(&self, ending: &Ending, events: &mut dyn Events) -> Result<Option<Usage>> {
        staging::remove_filled(&self.temporary)?;
        self.note(ending)?;
        let context = self.refusal_context();
        if !ending.is_success() {
            return Err(self.failed(ending, context.as_ref())?);
        }
        if let Some(context) = context {
            self.check_refusals(&context, events)?;
        }
        Ok(ending.usage)
    }

    /// The error of a stage that failed, with the end of its log.
    fn failed(&self, ending: &Ending, context: Option<&RefusalContext>) -> Result<Error> {
        let mut lines = self.details(ending);
        lines.extend(log::tail(log::lines(&self.task.log)?.collect()));
        let mut report: String = lines.iter().map(|line| format!("\n  {line}")).collect();
        if let Some(context) = context {
            let refusals = context.refusals_of_failed(log::lines(&self.task.log)?);
            if !refusals.is_empty() {
                report.push_str(&format!("\n{}", refusals.advice(context)));
            }
        }
        Ok(Error::StageFailed {
            stage: self.instance.name.clone(),
            status: log::status(ending),
            report,
            log: self.shown(&self.task.log).display().to_string(),
        })
    }

    /// Details of the end of a stage.
    fn details(&self, ending: &Ending) -> Vec<String> {
        if ending.is_out_of_memory() {
            return vec![format!(
                "`memory = \"SIZE\"` in `[stage.{}]` keeps stages apart that need more together than there is",
                self.instance.stage
            )];
        }
        let mut details = match (&self.instance.action, ending.code) {
            (Action::Command(texts), Some(status)) if ending.timeout.is_none() => {
                log::explain(texts, status, &self.task.log)
            }
            _ => Vec::new(),
        };
        if ending.memory.is_some() {
            details.push("meanwhile a process was killed for lack of memory".to_owned());
        }
        details.iter().map(|line| self.abridged(line)).collect()
    }

    /// A line of a script as `pipeline.toml` has it: places of outputs by their names, other paths from the root.
    fn abridged(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, made) in &self.made {
            let made = quote(&self.task.folder.join(made).display().to_string());
            line = line.replace(&made, &format!("${{out.{name}}}"));
        }
        line.replace(&format!("{}/", self.task.folder.display()), "")
    }

    /// The limits of a stage that was held to any.
    fn refusal_context(&self) -> Option<RefusalContext<'_>> {
        let in_place = self.in_place.iter();
        Some(RefusalContext {
            instance: &self.instance,
            root: &self.task.folder,
            limits: self.task.limits.as_ref()?,
            in_place: in_place
                .map(|name| (name.as_str(), self.made[name].clone()))
                .collect(),
        })
    }

    /// Fails for a stage that succeeded although an access was refused: its result may be another than without the
    /// refusal.
    fn check_refusals(&self, context: &RefusalContext, events: &mut dyn Events) -> Result<()> {
        let refusals = context.refusals(log::lines(&self.task.log)?);
        if refusals.is_empty() {
            return Ok(());
        }
        let stage = self.instance.name.clone();
        let advice = refusals.advice(context);
        if refusals.are_harmless() {
            events.event(Event::Warning {
                stage: &stage,
                text: &advice,
            });
            return Ok(());
        }
        let log = self.shown(&self.task.log).display().to_string();
        Err(Error::Undeclared { stage, advice, log })
    }

    /// Ends the log.
    fn note(&self, ending: &Ending) -> Result<()> {
        let mut line = log::status(ending);
        if let Some(usage) = ending.usage {
            let peak_mb = usage.peak_bytes / 1_000_000;
            let (wall_s, cpu_s) = (usage.wall_s, usage.cpu_s);
            line += &format!(", {wall_s:.1} s, {cpu_s:.1} s of CPU, peak {peak_mb} MB");
        }
        let mut log = fs_err::OpenOptions::new()
            .append(true)
            .open(&self.task.log)?;
        Ok(writeln!(log, "# {line}")?)
    }
}
