//! A workspace in a temporary folder.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The list of runs.
const RUNS: &str = ".atelier/runs.jsonl";

/// `a.txt → b.txt → c.txt`, each command adding its letter.
pub(crate) const CHAIN: &str = r#"
[stage.a]
cmd = "cat src.txt > ${out.a}; echo ${chain.letter} >> ${out.a}"
in = { src = "src.txt" }
out = { a = "a.txt" }

[stage.b]
cmd = "head -n 1 ${in.a} > ${out.b}"
in = { a = "a.txt" }
out = { b = "out/b.txt" }

[stage.c]
cmd = "cat ${in.b} > ${out.c}; echo c >> ${out.c}"
in = { b = "out/b.txt" }
out = { c = "c.txt" }
"#;

/// A workspace that is removed when dropped.
pub(crate) struct Space {
    folder: tempfile::TempDir,
    /// Number of runs that [`Space::ran`] has returned.
    n_seen: Cell<usize>,
}

/// Exit status and output of a finished command.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Space {
    /// A workspace with this `pipeline.toml`, a source and two params.
    pub(crate) fn new(pipeline: &str) -> Self {
        Space::new_in(&std::env::temp_dir(), pipeline)
    }

    /// The same in a folder of `parent`.
    pub(crate) fn new_in(parent: &Path, pipeline: &str) -> Self {
        let space = Space {
            folder: tempfile::tempdir_in(parent).unwrap(),
            n_seen: Cell::new(0),
        };
        space.write("pipeline.toml", pipeline);
        space.write(
            "params.toml",
            "[chain]\nletter = \"x\"\nnumber = 1\nrate = 0.5\n",
        );
        space.write("src.txt", "source\n");
        space
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        // As editors do: an output may be a read-only link to the cache.
        self.remove(name);
        fs_err::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub(crate) fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() {
            fs_err::remove_dir_all(path).unwrap();
        } else if path.exists() {
            fs_err::remove_file(path).unwrap();
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(self.folder.path());
        // Builds stay in the workspace.
        command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts a command whose standard input the caller writes.
    pub(crate) fn start_with_input(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(
            ran.code,
            Some(0),
            "{arguments:?}:\n{}{}",
            ran.stdout,
            ran.stderr
        );
        ran
    }

    /// Runs a command that must fail, with `part` in its message.
    pub(crate) fn fails(&self, arguments: &[&str], part: &str) {
        let ran = self.run(arguments);
        assert_eq!(
            ran.code,
            Some(1),
            "{arguments:?}:\n{}{}",
            ran.stdout,
            ran.stderr
        );
        assert!(
            ran.stderr.contains(part),
            "`{part}` is not in:\n{}",
            ran.stderr
        );
    }

    /// `name state` of each instance, from the JSON of a command.
    pub(crate) fn states(&self, arguments: &[&str]) -> Vec<String> {
        states(&self.ok(arguments))
    }

    /// The same, with more in the environment.
    pub(crate) fn states_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Vec<String> {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        states(&command.output().unwrap().into())
    }

    /// States after a repro.
    pub(crate) fn repro(&self) -> Vec<String> {
        self.states(&["repro", "--json"])
    }

    /// The stages whose commands came to an end, well or not, by the runner's list of runs.
    pub(crate) fn runs(&self) -> Vec<String> {
        let runs = fs_err::read_to_string(self.path(RUNS)).unwrap_or_default();
        let names = runs.lines().map(|run| {
            let run: Value = serde_json::from_str(run).unwrap();
            run["stage"].as_str().unwrap().to_owned()
        });
        names.collect()
    }

    /// Those since the last call.
    pub(crate) fn ran(&self) -> String {
        let runs = self.runs();
        let ran = runs[self.n_seen.get()..].join(" ");
        self.n_seen.set(runs.len());
        ran
    }

    pub(crate) fn wait_for(&self, name: &str) {
        wait(&format!("`{name}`"), || self.exists(name));
    }

    /// Every file below the workspace with its content.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs_err::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    files.push((path.clone(), Vec::new()));
                    open.push(path);
                } else {
                    files.push((path.clone(), fs_err::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn states(ran: &Ran) -> Vec<String> {
    let outcomes: Value = serde_json::from_str(&ran.stdout).unwrap();
    let outcomes = outcomes.as_array().unwrap().iter();
    let text = |outcome: &Value, key: &str| outcome[key].as_str().unwrap().to_owned();
    outcomes
        .map(|o| format!("{} {}", text(o, "stage"), text(o, "state")))
        .collect()
}

/// Waits until `is_done`, failing after a while.
pub(crate) fn wait(what: &str, mut is_done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
