//! The local executor with supervisors that are processes of this test program.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::environment;

use super::*;
use crate::update::Ending;

/// Arguments with which this program runs [`supervise_for_other_tests`] alone, and prints nothing before its replies on
/// the same line.
const ARGUMENTS: [&str; 4] = [
    "--exact",
    "local::tests::supervise_for_other_tests",
    "--quiet",
    "--test-threads=2",
];

/// The process of the supervisors of the other tests. In a usual run there is nothing to supervise.
#[test]
fn supervise_for_other_tests() {
    if std::env::args().skip(1).eq(ARGUMENTS) {
        supervise().unwrap();
    }
}

/// An executor with two jobs, 4 cores, 100 bytes and two GPUs, and a folder for tasks.
struct Space {
    folder: tempfile::TempDir,
    executor: LocalExecutor,
}

impl Space {
    fn new() -> Self {
        let jobs = NonZeroUsize::new(2).unwrap();
        let gpus = BTreeSet::from(["3".to_owned(), "5".to_owned()]);
        let pool = Pool::new(jobs, 4, Some(100), gpus);
        Space {
            folder: tempfile::tempdir().unwrap(),
            executor: LocalExecutor::with_supervisor(pool, Interrupts::default(), &ARGUMENTS),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        fs_err::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// A task that runs `script` in its work folder, which has its name.
    fn task(&self, name: &str, script: &str) -> Task {
        let work = self.path(name);
        fs_err::create_dir_all(&work).unwrap();
        let log = work.join("log");
        fs_err::write(&log, "").unwrap();
        let job = work.join("job.json").display().to_string();
        Task {
            id: TaskId::new(name),
            instance: name.to_owned(),
            resources: Resources::default(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            folder: work.clone(),
            environment: vec![(environment::JOB.to_owned(), job)],
            limits: None,
            timeout: None,
            log,
            work,
        }
    }

    /// The updates up to the last one of a task.
    fn updates(&mut self) -> Vec<(String, Update)> {
        let mut updates = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some((id, update)) = self.executor.next(Duration::from_millis(50)) {
                let is_last = update.is_last();
                updates.push((id.to_string(), update));
                if is_last {
                    return updates;
                }
            }
        }
        panic!("no end after {updates:?}");
    }

    fn last(&mut self) -> (String, Update) {
        self.updates().pop().unwrap()
    }

    fn wait_for(&self, name: &str) {
        let start = Instant::now();
        while !self.path(name).exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "no {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn ending(update: Update) -> Ending {
    match update {
        Update::Ended(ending) => ending,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_starts_reports_progress_and_ends() {
    let mut space = Space::new();
    let script = r#"echo '{"progress":{"task":"steps","done":1}}'; echo '{"warn":"careful"}'; echo out; echo err >&2; exit 3"#;
    let task = space.task("a", script);
    space.executor.start(task).unwrap();
    let mut updates = space.updates();
    let ending = ending(updates.pop().unwrap().1);
    assert_eq!((ending.code, ending.signal), (Some(3), None));
    assert!(!ending.is_success());
    assert!(ending.usage.unwrap().wall_s > 0.0);
    assert!(ending.environment.is_empty());
    assert!(matches!(&updates[0].1, Update::Progress(it) if it.done == 1));
    assert_eq!(updates[1].1, Update::Warning("careful".into()));
    assert_eq!(updates.len(), 2);
    let log = space.read("a/log");
    for line in ["out\n", "err\n", "warning: careful\n"] {
        assert!(log.contains(line), "{log}");
    }
}

#[test]
fn one_supervisor_serves_task_after_task() {
    let mut space = Space::new();
    let parents = ["a", "b"].map(|name| {
        let task = space.task(name, "echo $PPID");
        space.executor.start(task).unwrap();
        assert!(ending(space.last().1).is_success());
        space.read(&format!("{name}/log"))
    });
    assert_eq!(parents[0], parents[1]);
}

#[test]
fn a_program_that_is_not_there_is_not_started() {
    let mut space = Space::new();
    let mut task = space.task("a", "");
    task.program = "/nowhere/program".into();
    space.executor.start(task).unwrap();
    let Update::NotStarted(why) = space.last().1 else {
        panic!("it started");
    };
    assert!(
        why.starts_with("cannot start `/nowhere/program`: "),
        "{why}"
    );
}

#[test]
fn a_killed_task_ends_and_its_supervisor_with_it() {
    let mut space = Space::new();
    let task = space.task("a", "echo $PPID > parent; echo > there; sleep 600");
    space.executor.start(task).unwrap();
    space.wait_for("a/there");
    space.executor.kill(&TaskId::new("a"));
    // A task that isn't running needs no kill.
    space.executor.kill(&TaskId::new("b"));
    let (id, update) = space.last();
    assert_eq!(id, "a");
    assert_eq!(ending(update).signal, Some(signal_hook::consts::SIGTERM));
    let task = space.task("b", "echo $PPID > parent");
    space.executor.start(task).unwrap();
    assert!(ending(space.last().1).is_success());
    assert_ne!(space.read("a/parent"), space.read("b/parent"));
}

#[test]
fn a_task_has_the_gpus_that_it_asks_for() {
    let mut space = Space::new();
    let needs = Resources {
        cores: Some(3),
        memory: 60,
        gpus: 1,
    };
    assert_eq!(space.executor.n_gpus(), 2);
    assert!(space.executor.has_room(&needs));
    let mut task = space.task(
        "a",
        "echo $CUDA_VISIBLE_DEVICES; while [ ! -e go ]; do sleep 0.01; done",
    );
    task.resources = needs;
    space.executor.start(task).unwrap();
    assert!(!space.executor.has_room(&needs));
    let small = Resources {
        cores: Some(1),
        memory: 40,
        gpus: 1,
    };
    assert!(space.executor.has_room(&small));
    let mut task = space.task("b", "echo $CUDA_VISIBLE_DEVICES; touch ../a/go");
    task.resources = small;
    space.executor.start(task).unwrap();
    assert!(!space.executor.has_room(&Resources::default()), "two jobs");
    let mut given = [space.last(), space.last()].map(|(id, update)| {
        let environment = ending(update).environment;
        (id, environment)
    });
    given.sort();
    let expected = [("a", "3"), ("b", "5")].map(|(id, gpu)| {
        let variable = ("CUDA_VISIBLE_DEVICES".to_owned(), gpu.to_owned());
        (id.to_owned(), vec![variable])
    });
    assert_eq!(given, expected);
    assert_eq!(space.read("a/log"), "3\n");
    assert!(space.executor.has_room(&needs));
}

#[test]
fn a_task_without_its_supervisor_is_ended_and_lost() {
    let mut space = Space::new();
    let task = space.task("a", "echo > there; kill -9 $PPID; sleep 600");
    space.executor.start(task).unwrap();
    let mut updates = space.updates();
    let (id, last) = updates.pop().unwrap();
    assert_eq!(id, "a");
    let Update::Lost(why) = last else {
        panic!("{last:?}");
    };
    assert!(why.starts_with("its supervisor ended with"), "{why}");
    let warnings: Vec<_> = updates.into_iter().map(|(_, update)| update).collect();
    assert!(
        matches!(warnings.as_slice(), [Update::Warning(text)] if text.contains("stopped (process")),
        "{warnings:?}"
    );
    // Its folder is free.
    let work = space.path("a");
    space
        .executor
        .reclaim(&work, &mut |_| panic!("held"))
        .unwrap();
}

#[test]
fn a_log_that_cannot_be_written_loses_the_task() {
    let mut space = Space::new();
    let mut task = space.task("a", "sleep 600");
    task.log = space.path("nowhere/log");
    space.executor.start(task).unwrap();
    let (_, last) = space.last();
    assert!(
        matches!(&last, Update::Lost(why) if why.contains("nowhere/log")),
        "{last:?}"
    );
}
