//! A run of one instance: its work folder, its job file, its log, its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use executor::{Ending, Resources, Task, TaskId, Usage};
use protocol::{Input, environment};
use sandbox::Limits;
use store::{Digest, Record, Since, remove_path};
use workflow::declaration::{self, Action};
use workflow::instance::{Instance, Output};
use workflow::template;

use crate::draft::Found;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::limits::Declared;
use crate::plan::Planned;
use crate::refusals::Told;
use crate::workspace::Workspace;
use crate::{device, log, place};

/// The job file, in the work folder.
const JOB: &str = "job.json";

/// Lines of the log that a failure shows.
const TAIL_LINES: usize = 15;

/// A run about to start, under way or done.
pub(crate) struct Job {
    instance: Instance,
    /// Its temporary files.
    temporary: PathBuf,
    task: Task,
    /// What the log's first line says.
    command: String,
    /// Where each output is written.
    made: BTreeMap<String, PathBuf>,
    /// Outputs that a foreign command writes in their final places.
    in_place: BTreeSet<String>,
}

impl Job {
    /// Makes the work folder and the job file. Where there are limits `common` to all stages, it is held to them and to
    /// what it declares.
    ///
    /// # Errors
    /// An output's place is refused, or a file cannot be written.
    pub(crate) fn prepare(
        workspace: &Workspace,
        instance: &Instance,
        planned: &Planned,
        executable: Option<PathBuf>,
        common: Option<&Limits>,
    ) -> Result<Self> {
        for (name, output) in &instance.outputs {
            place::check(workspace, instance, name, output)?;
        }
        let work = work(workspace, &planned.key);
        remove_path(&work.join("out"))?;
        fs_err::create_dir_all(work.join("out"))?;
        fs_err::create_dir_all(work.join("scratch"))?;
        fs_err::create_dir_all(workspace.logs())?;
        let in_place = in_place(instance);
        let mut made = BTreeMap::new();
        for (name, output) in &instance.outputs {
            let path = if in_place.contains(name) {
                workspace.workflow.root.join(&output.path)
            } else {
                let folder = work.join("out").join(name);
                fs_err::create_dir_all(&folder)?;
                folder.join(output.path.file_name().unwrap_or_default())
            };
            made.insert(name.clone(), path);
        }
        let file = work.join(JOB);
        let content = job_file(workspace, instance, planned, &made, &work);
        let text = serde_json::to_string_pretty(&content).map_err(std::io::Error::from)?;
        fs_err::write(&file, text + "\n")?;
        let (program, arguments) = match (&instance.action, executable) {
            (Action::Command(texts), _) => {
                let texts = texts.iter();
                let texts = texts.map(|text| command_text(workspace, text, planned, &made));
                shell(&log::script(&texts.collect::<Result<Vec<_>>>()?))
            }
            (Action::Run(_), Some(executable)) => (executable, vec![file.display().to_string()]),
            (Action::Run(run), None) => {
                return Err(Error::Invalid(format!("`{run}` was not built")));
            }
        };
        let command = format!("{} {}", program.display(), arguments.join(" "));
        let command = command.replace(&trapped(""), "");
        // The paths of sockets are short, so this one is, too.
        let temporary = place::passing(workspace).join(&planned.key.to_string()[..12]);
        let mut variables = variables(instance, &work);
        let mut limits = None;
        if let Some(common) = common {
            remove_path(&temporary)?;
            fs_err::create_dir_all(&temporary)?;
            let path = temporary.display().to_string();
            variables.push((environment::TEMPORARY.to_owned(), path));
            let declared = Declared {
                root: &workspace.workflow.root,
                program: &program,
                action: &instance.action,
                inputs: input_paths(workspace, planned),
                work: [&work, &temporary],
                in_place: { in_place.iter() }
                    .map(|name| (made[name].clone(), instance.outputs[name].treatment.is_kept))
                    .collect(),
            };
            limits = Some(declared.limits(common));
        }
        let job = Job {
            task: Task {
                id: TaskId::new(planned.key.to_string()),
                instance: instance.name.clone(),
                resources: needed(instance),
                program,
                arguments,
                folder: workspace.workflow.root.clone(),
                environment: variables,
                limits,
                timeout: instance.rules.timeout,
                log: workspace.log(&instance.name),
                work,
            },
            instance: instance.clone(),
            temporary,
            command,
            made,
            in_place,
        };
        job.copy_kept(workspace)?;
        Ok(job)
    }

    /// Puts what the last run left where this one goes on with it, as files of its own.
    fn copy_kept(&self, workspace: &Workspace) -> Result<()> {
        for (name, made) in &self.made {
            let output = &self.instance.outputs[name];
            let last = workspace.workflow.root.join(&output.path);
            if output.treatment.is_kept && !self.in_place.contains(name) && last.exists() {
                store::copy_path(&last, made)?;
            }
        }
        Ok(())
    }

    /// Begins the log and makes room for outputs that the command writes in place.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub(crate) fn begin(&self, workspace: &Workspace) -> Result<()> {
        let name = &self.instance.name;
        // Each line is the runner's own, however many the command has.
        let command = self.command.trim_end().replace('\n', "\n# ");
        fs_err::write(&self.task.log, format!("# {name}: {command}\n"))?;
        let outputs = self
            .in_place
            .iter()
            .map(|name| &self.instance.outputs[name]);
        let outputs: Vec<&Output> = outputs.collect();
        if outputs.is_empty() {
            return Ok(());
        }
        place::set_aside(workspace, &self.task.work, &outputs)
    }

    /// A path as a person in the workspace's root would write it.
    fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.task.folder)
            .unwrap_or(path)
            .to_owned()
    }

    /// The task, for an executor.
    pub(crate) fn task(&self) -> &Task {
        &self.task
    }

    /// Keeps the log of a process that has ended.
    ///
    /// # Errors
    /// It failed, or was refused what it doesn't declare.
    pub(crate) fn end(&self, ending: &Ending, events: &mut dyn Events) -> Result<Option<Usage>> {
        place::remove_filled(&self.temporary)?;
        self.note(ending)?;
        let told = self.told();
        if !ending.is_success() {
            return Err(self.failed(ending, told.as_ref())?);
        }
        if let Some(told) = told {
            self.check_refusals(&told, events)?;
        }
        Ok(ending.usage)
    }

    /// The error of a stage that failed, with the end of its log.
    fn failed(&self, ending: &Ending, told: Option<&Told>) -> Result<Error> {
        let mut lines = self.details(ending);
        lines.extend(tail(said(&self.task.log)?.collect()));
        let mut report: String = lines.iter().map(|line| format!("\n  {line}")).collect();
        if let Some(told) = told {
            let refusals = told.refusals_of_failed(said(&self.task.log)?);
            if !refusals.is_empty() {
                report.push_str(&format!("\n{}", refusals.advice(told)));
            }
        }
        Ok(Error::StageFailed {
            stage: self.instance.name.clone(),
            status: log::status(ending),
            report,
            log: self.shown(&self.task.log).display().to_string(),
        })
    }

    /// What there is to say of how a stage ended.
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

    /// What is known of a stage that was held to limits.
    fn told(&self) -> Option<Told<'_>> {
        let in_place = self.in_place.iter();
        Some(Told {
            instance: &self.instance,
            root: &self.task.folder,
            limits: self.task.limits.as_ref()?,
            in_place: in_place
                .map(|name| (name.as_str(), self.made[name].clone()))
                .collect(),
        })
    }

    /// A stage that ended well may have been refused what it asked for: its result isn't what it would have been.
    fn check_refusals(&self, told: &Told, events: &mut dyn Events) -> Result<()> {
        let refusals = told.refusals(said(&self.task.log)?);
        if refusals.is_empty() {
            return Ok(());
        }
        let stage = self.instance.name.clone();
        let advice = refusals.advice(told);
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

    /// Stores the outputs where they were made.
    ///
    /// # Errors
    /// An output is missing, or an input changed meanwhile.
    pub(crate) fn store(
        &self,
        workspace: &mut Workspace,
        planned: &Planned,
    ) -> Result<BTreeMap<String, Digest>> {
        for (name, made) in &self.made {
            if !made.exists() {
                return Err(Error::MissingOutput {
                    stage: self.instance.name.clone(),
                    name: name.clone(),
                    path: self.instance.outputs[name].path.display().to_string(),
                });
            }
        }
        self.check_inputs(workspace, planned)?;
        let outputs = self.made.iter().map(|(name, made)| {
            let is_cached = self.instance.outputs[name].treatment.is_cached;
            Ok((name.clone(), workspace.take(made, is_cached)?))
        });
        outputs.collect()
    }

    /// What the runner put into the environment of the process.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        // Where a run works is of no interest once it has ended.
        let own = [environment::JOB, environment::TEMPORARY];
        let variables = self.task.environment.iter();
        variables
            .filter(move |(name, _)| !own.contains(&name.as_str()))
            .cloned()
    }

    /// Where an output was made.
    pub(crate) fn made(&self, name: &str) -> &Path {
        &self.made[name]
    }

    /// Says in an error about an output where that is, if it stays there.
    pub(crate) fn with_place(&self, error: Error) -> Error {
        match error {
            Error::CheckFailed {
                stage,
                name,
                faults,
                ..
            } if !self.in_place.contains(&name) => Error::CheckFailed {
                place: Some(self.shown(&self.made[&name])),
                stage,
                name,
                faults,
            },
            other => other,
        }
    }

    /// Records the run with its stored outputs and moves these in, all or none.
    ///
    /// # Errors
    /// A file cannot be written or moved.
    pub(crate) fn settle(
        &self,
        workspace: &mut Workspace,
        planned: &Planned,
        outputs: &BTreeMap<String, Digest>,
        events: &mut dyn Events,
    ) -> Result<()> {
        let record = Record {
            outputs: outputs.clone(),
            manifest: planned.manifest.to_string(),
            accepted: None,
        };
        workspace.store()?.record(&planned.key, &record)?;
        for (name, made) in &self.made {
            if !self.in_place.contains(name) {
                let digest = &outputs[name];
                place::move_in(workspace, &self.instance, name, made, digest, events)?;
            }
        }
        place::let_go(workspace, &self.instance, &self.task.work, events)
    }

    /// Puts back what an unsuccessful command had set aside, and removes what it made, unless that can be looked at.
    ///
    /// # Errors
    /// A file cannot be moved or removed.
    pub(crate) fn recover(&self, workspace: &Workspace, why: &Error) -> Result<()> {
        place::recover_from(workspace, &self.task.work)?;
        if !matches!(why, Error::CheckFailed { .. }) {
            remove_path(&self.task.work.join("out"))?;
        }
        Ok(())
    }

    /// Removes what a failed run kept for the next to go on with, if an input changed meanwhile: nobody knows which content
    /// it was made from.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn distrust(&self, workspace: &mut Workspace, planned: &Planned) -> Result<()> {
        if self.check_inputs(workspace, planned).is_err() {
            remove_path(&self.task.work.join("scratch"))?;
        }
        Ok(())
    }

    fn check_inputs(&self, workspace: &mut Workspace, planned: &Planned) -> Result<()> {
        for (name, found) in &planned.inputs {
            for content in found.contents() {
                let path = workspace.workflow.root.join(&content.path);
                let Some(seen) = &content.seen else {
                    continue;
                };
                let since = workspace.index.since(&path, seen);
                if since != Since::Untouched {
                    return Err(Error::InputChanged {
                        stage: self.instance.name.clone(),
                        name: name.clone(),
                        is_back: since == Since::ChangedBack,
                    });
                }
            }
        }
        Ok(())
    }

    /// Puts the work folder away after a success.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn clean_up(&self, workspace: &Workspace) -> Result<()> {
        place::put_away(workspace, &self.task.work)
    }
}

/// Where a run with this key works.
pub(crate) fn work(workspace: &Workspace, key: &Digest) -> PathBuf {
    workspace.own("work").join(key.to_string())
}

/// The instance that works in the folder `work`, by its job file.
pub(crate) fn stage_of(work: &Path) -> String {
    let job = fs_err::read(work.join(JOB)).unwrap_or_default();
    let job: Option<serde_json::Value> = serde_json::from_slice(&job).ok();
    let name = job.and_then(|job| job.get("stage")?.as_str().map(str::to_owned));
    name.unwrap_or_else(|| "a stage".into())
}

/// The outputs of a foreign command that its text doesn't ask for by `${out.…}`.
pub(crate) fn in_place(instance: &Instance) -> BTreeSet<String> {
    let Action::Command(texts) = &instance.action else {
        return BTreeSet::new();
    };
    let is_asked_for = |name: &str| {
        let place = format!("${{out.{name}}}");
        texts.iter().any(|text| text.contains(&place))
    };
    let names = instance.outputs.keys();
    names.filter(|name| !is_asked_for(name)).cloned().collect()
}

/// Resources that an instance occupies while it runs.
pub(crate) fn needed(instance: &Instance) -> Resources {
    let declaration::Resources {
        cores,
        memory,
        gpus,
    } = instance.rules.resources;
    Resources {
        cores,
        memory,
        gpus,
    }
}

/// Variables that a stage has beside those of the runner: its job, and, as far as it declares them, the number of threads
/// for libraries that ask for it, and its device. Executors add its GPUs.
fn variables(instance: &Instance, work: &Path) -> Vec<(String, String)> {
    let job = work.join(JOB).display().to_string();
    let mut variables = vec![(environment::JOB.to_owned(), job)];
    if let Some(cores) = instance.rules.resources.cores {
        for name in [environment::RAYON_THREADS, environment::OPENMP_THREADS] {
            variables.push((name.to_owned(), cores.to_string()));
        }
    }
    let of_device = instance.device.and_then(device::variable);
    variables.extend(of_device.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}

/// The files and folders that the stage reads.
fn input_paths(workspace: &Workspace, planned: &Planned) -> Vec<PathBuf> {
    let contents = planned.inputs.values().flat_map(Found::contents);
    contents
        .map(|content| workspace.workflow.root.join(&content.path))
        .collect()
}

fn job_file(
    workspace: &Workspace,
    instance: &Instance,
    planned: &Planned,
    made: &BTreeMap<String, PathBuf>,
    work: &Path,
) -> protocol::Job {
    let absolute = |path: &Path| workspace.workflow.root.join(path);
    let inputs = planned.inputs.iter().map(|(name, found)| {
        let input = match found {
            Found::Absent => Input::Absent,
            Found::One(content) => Input::One(absolute(&content.path)),
            Found::Many(contents) => {
                let paths = contents.iter().map(|content| absolute(&content.path));
                Input::Many(paths.collect())
            }
        };
        (name.clone(), input)
    });
    let outputs = made
        .iter()
        .map(|(name, path)| (name.clone(), absolute(path)));
    protocol::Job {
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        params: instance.params.clone().into_iter().collect(),
        scratch: absolute(&work.join("scratch")),
        stage: instance.name.clone(),
    }
}

/// The shell text with `${in.name}` and `${out.name}` replaced by quoted paths.
fn command_text(
    workspace: &Workspace,
    text: &str,
    planned: &Planned,
    made: &BTreeMap<String, PathBuf>,
) -> Result<String> {
    let filled = template::fill(text, |name| {
        let paths: Vec<PathBuf> = match name.split_once('.') {
            Some(("in", name)) => planned.inputs[name]
                .contents()
                .iter()
                .map(|c| c.path.clone())
                .collect(),
            Some(("out", name)) => vec![made[name].clone()],
            _ => Vec::new(),
        };
        let quoted = paths
            .iter()
            .map(|path| quote(&workspace.workflow.root.join(path).display().to_string()));
        Ok::<_, workflow::Error>(quoted.collect::<Vec<_>>().join(" "))
    });
    Ok(filled?)
}

/// `text` as one word of a shell.
fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A shell that stops at the first failure; bash also at one within a pipe.
fn shell(text: &str) -> (PathBuf, Vec<String>) {
    let bash = Path::new("/bin/bash");
    let (program, options) = if bash.exists() {
        (bash, "-euo")
    } else {
        (Path::new("/bin/sh"), "-eu")
    };
    let mut arguments = vec![options.to_owned()];
    if program == bash {
        arguments.push("pipefail".into());
    }
    let script = if program == bash {
        trapped(text)
    } else {
        text.to_owned()
    };
    arguments.extend(["-c".to_owned(), script]);
    (program.to_owned(), arguments)
}

/// A script for bash that reports what ends it.
fn trapped(text: &str) -> String {
    format!("{}{text}", log::TRAP)
}

/// The lines that the stage wrote, without the runner's own.
fn said(log: &Path) -> Result<impl Iterator<Item = String>> {
    let lines = BufReader::new(fs_err::File::open(log)?).split(b'\n');
    let lines = lines.map_while(std::io::Result::ok);
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    Ok(lines.filter(|line| !line.starts_with("# ")))
}

/// The last of some lines; blank ones at the end tell nothing.
fn tail(mut lines: Vec<String>) -> Vec<String> {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines.split_off(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_needed() {
        assert_eq!(quote("/a/b-c.txt"), "/a/b-c.txt");
        assert_eq!(quote("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
