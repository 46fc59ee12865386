//! The scheduler with an executor in memory: all its needs are in the trait.

use std::collections::VecDeque;
use std::path::Path;

use executor::{Allocation, Ending, ExecutorError, Pool, Reclaimed, Task};
use serde_json::Value;
use workflow::params::Overrides;

use super::*;
use crate::workspace::Access;

/// Starts no process: of its tasks, the one that started last ends first.
struct Memory {
    pool: Pool,
    /// Fates of instances; the others end well.
    fates: BTreeMap<&'static str, Fate>,
    running: Vec<(Task, Allocation)>,
    /// With the resources that each gives back.
    updates: VecDeque<(TaskId, Update, Option<Allocation>)>,
    /// A signal comes as soon as so many run.
    interrupts: Option<(usize, Interrupts)>,
    calls: Vec<String>,
}

#[derive(Clone, Copy)]
enum Fate {
    Fails,
    IsRefused,
    NotStarted,
    Lost,
}

impl Memory {
    /// Of three tasks at once, with 100 bytes of memory and one GPU.
    fn new(fates: &[(&'static str, Fate)]) -> Self {
        let jobs = NonZeroUsize::new(3).unwrap();
        let gpus = BTreeSet::from(["7".to_owned()]);
        Memory {
            pool: Pool::new(jobs, 4, Some(100), gpus),
            fates: fates.iter().copied().collect(),
            running: Vec::new(),
            updates: VecDeque::new(),
            interrupts: None,
            calls: Vec::new(),
        }
    }

    fn note(&mut self, call: &str, task: &str) {
        self.calls.push(format!("{call} {task}"));
    }

    fn running(&self, id: &TaskId) -> Option<usize> {
        self.running.iter().position(|(task, _)| task.id == *id)
    }

    /// Reports on a task up to its last update.
    fn finish(&mut self, number: usize, last: Update) {
        let (task, allocation) = self.running.remove(number);
        self.note("end", &task.instance);
        let warning = Update::Warning(format!("{} is ending", task.instance));
        self.updates.push_back((task.id.clone(), warning, None));
        self.updates.push_back((task.id, last, Some(allocation)));
    }

    fn deliver(&mut self) -> Option<(TaskId, Update)> {
        let (id, update, allocation) = self.updates.pop_front()?;
        allocation
            .into_iter()
            .for_each(|it| self.pool.give_back(it));
        Some((id, update))
    }

    fn last(&self, (task, allocation): &(Task, Allocation)) -> Update {
        let code = match self.fates.get(task.instance.as_str()) {
            Some(Fate::NotStarted) => return Update::NotStarted("no such program".to_owned()),
            Some(Fate::Lost) => return Update::Lost("the node is gone".to_owned()),
            Some(Fate::Fails | Fate::IsRefused) => 3,
            None => 0,
        };
        write_outputs(task);
        Update::Ended(Ending {
            code: Some(code),
            environment: allocation.environment().into_iter().collect(),
            ..Ending::default()
        })
    }
}

/// Writes the outputs that the job file names, each with the name of the instance.
fn write_outputs(task: &Task) {
    let job = fs_err::read(task.work.join("job.json")).unwrap();
    let job: Value = serde_json::from_slice(&job).unwrap();
    for path in job["out"].as_object().unwrap().values() {
        let path = Path::new(path.as_str().unwrap());
        assert!(path.starts_with(task.work.join("out")), "{path:?}");
        fs_err::write(path, &task.instance).unwrap();
    }
}

impl Executor for Memory {
    fn n_gpus(&self) -> usize {
        1
    }

    fn has_room(&self, needed: &Resources) -> bool {
        self.pool.fits(needed)
    }

    fn start(&mut self, task: Task) -> Result<(), ExecutorError> {
        assert!(self.pool.fits(&task.resources), "{}", task.instance);
        assert!(self.running(&task.id).is_none(), "{}", task.instance);
        self.note("start", &task.instance);
        if let Some(Fate::IsRefused) = self.fates.get(task.instance.as_str()) {
            return Err(std::io::Error::other("the queue is closed").into());
        }
        let allocation = self.pool.take(&task.resources);
        self.running.push((task, allocation));
        Ok(())
    }

    fn next(&mut self, _: Duration) -> Option<(TaskId, Update)> {
        if let Some((n_running, interrupts)) = &self.interrupts {
            if self.running.len() == *n_running {
                interrupts.interrupt(15);
            }
            if interrupts.check().is_err() {
                // Only a kill ends anything now.
                return self.deliver();
            }
        }
        if self.updates.is_empty() {
            let number = self.running.len().checked_sub(1)?;
            let last = self.last(&self.running[number]);
            self.finish(number, last);
        }
        self.deliver()
    }

    fn kill(&mut self, id: &TaskId) {
        let Some(number) = self.running(id) else {
            return;
        };
        let instance = self.running[number].0.instance.clone();
        self.note("kill", &instance);
        let ending = Ending {
            signal: Some(15),
            ..Ending::default()
        };
        self.finish(number, Update::Ended(ending));
    }

    fn reclaim(
        &mut self,
        work: &Path,
        report: &mut dyn FnMut(&Reclaimed),
    ) -> Result<(), ExecutorError> {
        self.calls.push("reclaim".to_owned());
        assert!(work.is_absolute());
        report(&Reclaimed {
            processes: vec![12],
        });
        Ok(())
    }
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Events for Lines {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started { stage, .. } => self.0.push(format!("{stage} starts")),
            Event::Warning { stage, text } => self.0.push(format!("{stage}: {text}")),
            Event::Finished(outcome) => {
                let state = outcome.state.name();
                self.0.push(format!("{} {state}", outcome.stage));
            }
            _ => {}
        }
    }
}

/// Stages without inputs, with declarations of each beside its output.
fn workspace(stages: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
    let folder = tempfile::tempdir().unwrap();
    let text: String = { stages.iter() }
        .map(|(name, more)| {
            format!(
                "[stage.{name}]\ncmd = \"echo {name} > ${{out.x}}\"\nout = {{ x = \"{name}.txt\" }}\n{more}\n"
            )
        })
        .collect();
    fs_err::write(folder.path().join("pipeline.toml"), text).unwrap();
    let workspace = open(folder.path());
    (folder, workspace)
}

fn open(folder: &Path) -> Workspace {
    let root = fs_err::canonicalize(folder).unwrap();
    Workspace::open(root, &Overrides::default(), Access::Write).unwrap()
}

struct Ran {
    lines: Vec<String>,
    result: Result<Vec<Outcome>>,
}

impl Ran {
    fn error(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

/// Brings all stages up to date.
fn run(workspace: &mut Workspace, executor: &mut Memory) -> Ran {
    let instances = workspace.workflow.graph.instances.with_ids();
    let all: BTreeSet<_> = instances.map(|(id, _)| id).collect();
    let selection = Selection {
        named: all.clone(),
        reached: all,
    };
    let options = Options {
        sandbox: Sandbox::Off,
        ..Options::default()
    };
    let interrupts = executor.interrupts.as_ref();
    let interrupts = interrupts.map_or_else(Interrupts::default, |(_, it)| it.clone());
    let mut lines = Lines::default();
    let result = repro_on(
        executor, interrupts, workspace, &selection, options, &mut lines,
    );
    Ran {
        lines: lines.0,
        result,
    }
}

#[test]
fn stages_start_when_there_is_room_and_end_in_any_order() {
    let (folder, mut workspace) = workspace(&[
        ("a", "memory = \"60 B\""),
        ("b", "memory = \"60 B\"\ngpu = 1"),
        ("c", "memory = \"40 B\""),
    ]);
    let mut executor = Memory::new(&[]);
    let ran = run(&mut workspace, &mut executor);
    // While `a` runs there is room for `c`, and none for `b`.
    assert_eq!(
        executor.calls,
        ["start a", "start c", "end c", "end a", "start b", "end b"]
    );
    // Stages that ended are reported in the order of the plan.
    assert_eq!(
        ran.lines,
        [
            "a starts",
            "c starts",
            "a: a is ending",
            "a ran",
            "b starts",
            "b: b is ending",
            "b ran",
            "c: c is ending",
            "c ran"
        ]
    );
    assert_eq!(ran.result.unwrap().len(), 3);
    for name in ["a", "b", "c"] {
        let text = fs_err::read_to_string(folder.path().join(format!("{name}.txt"))).unwrap();
        assert_eq!(text, name);
    }
    let runs = workspace.runs().last(10, |_| true).unwrap();
    let gpus = runs
        .iter()
        .map(|run| run.variables.get("CUDA_VISIBLE_DEVICES"));
    let gpus: Vec<_> = gpus.flatten().collect();
    assert_eq!(gpus, ["7"], "the run of `b` has its GPU");
    let mut executor = Memory::new(&[]);
    let again = run(&mut open(folder.path()), &mut executor);
    assert!(executor.calls.is_empty());
    assert_eq!(
        again.lines,
        ["a up to date", "b up to date", "c up to date"]
    );
}

#[test]
fn a_stage_that_needs_more_than_there_is_runs_alone() {
    let (_folder, mut workspace) = workspace(&[("a", ""), ("b", "cores = 9"), ("c", "")]);
    let mut executor = Memory::new(&[]);
    run(&mut workspace, &mut executor).result.unwrap();
    assert_eq!(
        executor.calls,
        ["start a", "start c", "end c", "end a", "start b", "end b"]
    );
}

#[test]
fn after_a_failure_the_running_end_and_nothing_starts() {
    for (fate, error) in [
        (Fate::Fails, "stage `b` failed: exit status 3"),
        (Fate::NotStarted, "cannot run `b`: no such program"),
        (Fate::Lost, "cannot tell how `b` ended: the node is gone"),
    ] {
        let (folder, mut workspace) = workspace(&[("a", ""), ("b", ""), ("c", "after = [\"b\"]")]);
        let mut executor = Memory::new(&[("b", fate)]);
        let ran = run(&mut workspace, &mut executor);
        assert!(ran.error().starts_with(error), "{}", ran.error());
        assert_eq!(executor.calls, ["start a", "start b", "end b", "end a"]);
        assert!(!folder.path().join("b.txt").exists());
        // Results of ended stages stay, and the rest goes on.
        let mut executor = Memory::new(&[]);
        let ran = run(&mut open(folder.path()), &mut executor);
        assert_eq!(
            executor.calls,
            ["reclaim", "start b", "end b", "start c", "end c"]
        );
        let outcomes = ran.result.unwrap();
        let states: Vec<State> = outcomes.iter().map(|outcome| outcome.state).collect();
        assert_eq!(states, [State::UpToDate, State::Ran, State::Ran]);
    }
}

#[test]
fn a_task_that_is_refused_is_an_error_of_its_stage() {
    let (folder, mut workspace) = workspace(&[("a", ""), ("b", ""), ("c", "")]);
    let mut executor = Memory::new(&[("b", Fate::IsRefused)]);
    let ran = run(&mut workspace, &mut executor);
    assert_eq!(ran.error(), "the queue is closed");
    assert_eq!(executor.calls, ["start a", "start b", "end a"]);
    assert!(folder.path().join("a.txt").exists());
    let runs = workspace.runs().last(10, |_| true).unwrap();
    let failed = runs.iter().find(|run| run.stage == "b").unwrap();
    assert_eq!(failed.failure.as_deref(), Some("the queue is closed"));
}

#[test]
fn after_a_signal_all_that_run_are_killed() {
    let (folder, mut workspace) = workspace(&[("a", ""), ("b", "")]);
    let mut executor = Memory::new(&[]);
    executor.interrupts = Some((2, Interrupts::default()));
    let ran = run(&mut workspace, &mut executor);
    assert!(
        ran.error().starts_with("stopped by SIGTERM"),
        "{}",
        ran.error()
    );
    assert_eq!(
        executor.calls,
        ["start a", "start b", "kill a", "end a", "kill b", "end b"]
    );
    assert!(!folder.path().join("a.txt").exists());
}

#[test]
fn a_stage_of_a_killed_run_is_named() {
    let (folder, mut workspace) = workspace(&[]);
    let work = folder.path().join(".atelier/work/key");
    fs_err::create_dir_all(&work).unwrap();
    fs_err::write(work.join("job.json"), r#"{"stage": "slow@1"}"#).unwrap();
    let ran = run(&mut workspace, &mut Memory::new(&[]));
    assert_eq!(
        ran.lines,
        ["slow@1: a killed run left it at work: stopped (process 12)"]
    );
}
