//! `atelier` in a repository of scripts, on a machine without cargo, git and Rust.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::env;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Scripts of the shell in the place of a study's programs.
const SHELL: &str = r#"
[stage.prepare]
cmd = "sh ${in.script} ${in.raw} ${out.clean} ${prepare.rows}"
in = { script = "prepare.sh", raw = "data/raw.csv" }
out = { clean = "work/clean.csv" }

[stage.train]
cmd = "sh ${in.script} ${in.clean} ${out.model} ${train.rate}"
in = { script = "train.sh", clean = "work/clean.csv" }
out = { model = "work/model.txt" }

[stage.evaluate]
cmd = "sh ${in.script} ${in.model} ${out.scores}"
in = { script = "evaluate.sh", model = "work/model.txt" }
out = { scores = "work/scores.json" }
metrics = ["scores"]
"#;

const SCRIPTS: [(&str, &str); 3] = [
    ("prepare.sh", "head -n \"$3\" \"$1\" > \"$2\"\n"),
    ("train.sh", "echo \"$3 $(cat \"$1\" | wc -l)\" > \"$2\"\n"),
    (
        "evaluate.sh",
        "read -r rate rows < \"$1\"\necho \"{\\\"rate\\\": $rate, \\\"rows\\\": $rows}\" > \"$2\"\n",
    ),
];

const PARAMS: &str = "[prepare]\nrows = 3\n\n[train]\nrate = 0.5\n";

/// The same in Python, each program with its arguments.
const PYTHON: &str = r#"
[stage.prepare]
cmd = "python3 prepare.py --raw ${in.raw} --rows ${prepare.rows} --out ${out.clean}"
in = { script = "prepare.py", raw = "data/raw.csv" }
out = { clean = "work/clean.csv" }

[stage.train]
cmd = "python3 train.py --clean ${in.clean} --rate ${train.rate} --out ${out.model}"
in = { script = "train.py", clean = "work/clean.csv" }
out = { model = "work/model.json" }

[stage.evaluate]
cmd = "python3 evaluate.py --model ${in.model} --out ${out.scores}"
in = { script = "evaluate.py", model = "work/model.json" }
out = { scores = "work/scores.json" }
metrics = ["scores"]
"#;

const PREPARE: &str = "\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument('--raw')
parser.add_argument('--rows', type=int)
parser.add_argument('--out')
given = parser.parse_args()
with open(given.raw) as raw, open(given.out, 'w') as out:
    out.writelines(raw.readlines()[:given.rows])
";

const TRAIN: &str = "\
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument('--clean')
parser.add_argument('--rate', type=float)
parser.add_argument('--out')
given = parser.parse_args()
with open(given.clean) as clean, open(given.out, 'w') as out:
    json.dump({'rate': given.rate, 'rows': len(clean.readlines())}, out)
";

const EVALUATE: &str = "\
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument('--model')
parser.add_argument('--out')
given = parser.parse_args()
with open(given.model) as model, open(given.out, 'w') as out:
    json.dump(json.load(model), out)
";

/// Programs that the scripts use.
const PROGRAMS: [&str; 4] = ["sh", "cat", "head", "wc"];

/// A repository with a `PATH` of its own.
struct Repository {
    folder: tempfile::TempDir,
    programs: tempfile::TempDir,
}

impl Repository {
    fn new(pipeline: &str, scripts: &[(&str, &str)]) -> Self {
        let repository = Repository {
            folder: tempfile::tempdir().unwrap(),
            programs: tempfile::tempdir().unwrap(),
        };
        for name in PROGRAMS {
            repository.link(name, &find(name).unwrap());
        }
        repository.write("pipeline.toml", pipeline);
        repository.write("params.toml", PARAMS);
        repository.write("data/raw.csv", "1\n2\n3\n4\n5\n");
        for (name, text) in scripts {
            repository.write(name, text);
        }
        repository
    }

    /// Puts a program on the `PATH`.
    fn link(&self, name: &str, path: &Path) {
        symlink(path, self.programs.path().join(name)).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Exit code, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_atelier"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", self.programs.path())
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Standard output of a command that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}:\n{stdout}{stderr}");
        stdout
    }

    /// Standard error of a command that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert!(code.is_some_and(|code| code != 0), "{stdout}{stderr}");
        stderr
    }

    /// `stage state` of each instance.
    fn states(&self, arguments: &[&str]) -> Vec<String> {
        let outcomes: Value = serde_json::from_str(&self.ok(arguments)).unwrap();
        let outcomes = outcomes.as_array().unwrap().iter();
        let text = |outcome: &Value, key: &str| outcome[key].as_str().unwrap().to_owned();
        outcomes
            .map(|outcome| format!("{} {}", text(outcome, "stage"), text(outcome, "state")))
            .collect()
    }
}

/// The program `name` on the test's own `PATH`.
fn find(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    let mut paths = env::split_paths(&folders).map(|folder| folder.join(name));
    paths.find(|path| path.is_file())
}

/// The interpreter itself: `python3` may be a script that looks for it.
fn python() -> Option<PathBuf> {
    let mut command = Command::new("python3");
    command.args(["-c", "import sys; print(sys.executable, end='')"]);
    let output = command.output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?);
    path.is_absolute().then_some(path)
}

/// The three stages with these states.
fn all(states: [&str; 3]) -> Vec<String> {
    let stages = ["prepare", "train", "evaluate"].into_iter().zip(states);
    stages
        .map(|(stage, state)| format!("{stage} {state}"))
        .collect()
}

/// From nothing to an experiment that becomes the current state.
fn check(repository: &Repository) {
    for name in ["cargo", "git", "rustc"] {
        assert!(!repository.programs.path().join(name).exists());
    }
    let states = repository.states(&["status", "--json"]);
    assert_eq!(states, all(["would-run"; 3]));
    assert_eq!(repository.states(&["repro", "--json"]), all(["ran"; 3]));
    let scores: Value = serde_json::from_str(&repository.read("work/scores.json")).unwrap();
    assert_eq!(scores["rows"], 3);

    let again = repository.ok(&["repro"]);
    assert!(
        again.contains("0 ran, 0 restored, 3 up to date in "),
        "{again}"
    );

    repository.write("params.toml", &PARAMS.replace("0.5", "0.25"));
    let status = repository.ok(&["status"]);
    assert!(status.contains("param rate 0.5 → 0.25"), "{status}");
    assert!(
        status.contains("1 to run, 1 may run, 1 up to date"),
        "{status}"
    );
    let explained = repository.ok(&["explain", "train"]);
    assert!(explained.contains("param rate"), "{explained}");
    let states = repository.states(&["repro", "--json"]);
    assert_eq!(states, all(["up-to-date", "ran", "ran"]));
    check_experiments(repository);
    let made = repository.ok(&["provenance", "work/scores.json"]);
    assert!(made.contains("data/raw.csv"), "{made}");
}

fn check_experiments(repository: &Repository) {
    let ran = repository.ok(&["exp", "run", "--grid", "train.rate=0.5,0.125"]);
    assert!(ran.contains("rate-0.125  train.rate 0.125\n"), "{ran}");
    let shown = repository.ok(&["exp", "show", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let rates: Vec<(&str, f64)> = { shown.as_array().unwrap().iter() }
        .map(|row| {
            let rate = row["metrics"]["evaluate.scores.rate"].as_f64().unwrap();
            assert_eq!(row["params"]["train.rate"], rate);
            (row["name"].as_str().unwrap(), rate)
        })
        .collect();
    let expected = [
        ("workspace", 0.25),
        ("rate-0.5", 0.5),
        ("rate-0.125", 0.125),
    ];
    assert_eq!(rates, expected);
    repository.ok(&["exp", "apply", "rate-0.125"]);
    let params = repository.read("params.toml");
    assert_eq!(params, PARAMS.replace("0.5", "0.125"));
    let states = repository.states(&["repro", "--json"]);
    assert_eq!(states, all(["up-to-date"; 3]));
}

#[test]
fn three_scripts_of_the_shell_are_a_pipeline() {
    check(&Repository::new(SHELL, &SCRIPTS));
}

#[test]
fn three_scripts_of_python_are_a_pipeline() {
    let Some(python) = python() else {
        let _ = skip::unless(false, "python3");
        return;
    };
    let scripts = [
        ("prepare.py", PREPARE),
        ("train.py", TRAIN),
        ("evaluate.py", EVALUATE),
    ];
    let repository = Repository::new(PYTHON, &scripts);
    repository.link("python3", &python);
    check(&repository);
}

#[test]
fn a_search_needs_no_program_of_the_workspace() {
    let pipeline = "[stage.grade]\ncmd = \"echo ${train.rate} > ${out.score}\"\nout = { score = \"score.txt\" }\n";
    let repository = Repository::new(pipeline, &[]);
    let search = "\
score = \"grade.score\"
trials = 2
method = \"grid\"
[space]
\"train.rate\" = { float = [0.25, 0.75], points = 2 }
";
    repository.write("searches/rate.toml", search);
    let unknown = repository.fails(&["search", "show", "rate"]);
    assert!(
        unknown.contains("try `atelier search run rate`"),
        "{unknown}"
    );
    let ran = repository.ok(&["search", "run", "rate"]);
    assert!(
        ran.contains("*   1  complete, 0.7500  train.rate 0.75\n"),
        "{ran}"
    );
    repository.ok(&["search", "apply", "rate"]);
    assert!(repository.read("params.toml").contains("rate = 0.75"));
}

#[test]
fn messages_name_the_program_that_runs() {
    const CURE: &str = "`atelier checkout data/raw.csv` brings it back";
    let repository = Repository::new(SHELL, &SCRIPTS);
    repository.ok(&["add", "data/raw.csv"]);
    fs_err::remove_file(repository.folder.path().join("data/raw.csv")).unwrap();
    let failed = repository.fails(&["repro"]);
    assert!(failed.contains(CURE), "{failed}");
    let status = repository.ok(&["status"]);
    assert!(status.contains(CURE), "{status}");
    repository.ok(&["checkout", "data/raw.csv"]);
    repository.ok(&["repro"]);
    for file in ["pipeline.lock", "sources.lock"] {
        assert!(!repository.read(file).contains("cargo"), "{file}");
    }
}

#[test]
fn help_and_completion_are_of_this_program() {
    let repository = Repository::new(SHELL, &SCRIPTS);
    let words = |line: &str| -> Vec<String> {
        let words = repository.ok(&["__complete", line]);
        words.lines().map(str::to_owned).collect()
    };
    let commands = words("atelier ");
    let mut helps = vec![repository.ok(&["--help"])];
    for command in &commands {
        let is_of_another = [
            "compare", "doctor", "figures", "init", "predict", "weights", "test", "bench",
        ];
        assert!(!is_of_another.contains(&command.as_str()), "{command}");
        let help = repository.ok(&[command, "--help"]);
        if help.contains("\nCommands:\n") {
            for inner in words(&format!("atelier {command} ")) {
                helps.push(repository.ok(&[command, &inner, "--help"]));
            }
        }
        helps.push(help);
    }
    assert!(helps.len() > 30, "{commands:?}");
    for help in &helps {
        assert!(!help.contains("cargo") && !help.contains("xtask"), "{help}");
        assert!(help.contains("Usage: atelier"), "{help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = repository.ok(&["completions", shell]);
        assert!(script.contains("atelier __complete"), "{script}");
        assert!(!script.contains("cargo"), "{script}");
    }
    assert_eq!(words("atelier repro "), ["evaluate", "prepare", "train"]);
    let unknown = repository.fails(&["init", "data"]);
    assert!(
        unknown.contains("unrecognized subcommand 'init'"),
        "{unknown}"
    );
    assert!(unknown.contains("Usage: atelier"), "{unknown}");
}

#[test]
fn the_script_for_bash_completes() {
    let Some(bash) = find("bash") else {
        let _ = skip::unless(false, "bash");
        return;
    };
    let repository = Repository::new(SHELL, &SCRIPTS);
    let script = repository.ok(&["completions", "bash"]);
    let binary = env!("CARGO_BIN_EXE_atelier");
    let test = format!(
        "{script}
        atelier() {{ {binary} \"$@\"; }}
        compopt() {{ printf 'open '; }}
        COMP_LINE='atelier repro --set train.r'; COMP_POINT=${{#COMP_LINE}}
        COMP_WORDS=(atelier repro --set train.r); COMP_CWORD=3
        _atelier
        printf '%s,' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new(bash)
        .args(["-c", &test])
        .current_dir(repository.folder.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert_eq!(words, "open train.rate=,");
}
