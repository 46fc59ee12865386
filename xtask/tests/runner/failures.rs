//! Messages on a stage that fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::space::{Ran, Space};

fn failed(cmd: &str) -> String {
    let space = Space::new(&format!(
        "[stage.s]\ncmd = {cmd}\nin = {{ src = \"src.txt\" }}\nout = {{ x = \"x.txt\" }}\n"
    ));
    let ran = space.run(&["repro"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(
        !ran.stderr.contains("\n\n"),
        "an empty line in:\n{}",
        ran.stderr
    );
    ran.stderr
}

fn check(cmd: &str, parts: &[&str]) {
    let said = failed(cmd);
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn the_failing_command_of_a_list_is_named() {
    check(
        "[\"echo > ${out.x}\", \"true\\ntest -e nowhere\", \"echo never\"]",
        &[
            "exit status 1\n  command 2 of 3: `test -e nowhere`\n",
            "1: the condition is false; to allow it, add `|| test $? = 1` to the command",
        ],
    );
    let said = failed("[\"true\", \"echo one >&2; false\"]");
    let report = "exit status 1\n  command 2 of 2: `false`\n  one\nlog: ";
    assert!(said.contains(report), "the script is no output: {said}");
    check(
        "[\"echo > ${out.x}\", \"false && true\"]",
        &["command 2 of 2: `false && true`"],
    );
    check("\"echo > ${out.x}; exit 3\"", &["exit status 3\nlog: "]);
}

#[test]
fn a_reader_of_a_pipe_that_ends_first_is_reported_as_such() {
    check(
        "\"yes | head -n 3 > ${out.x}\"",
        &[
            "exit status 141\n  command: `yes | head -n 3 > ${out.x}`\n",
            "of the 2 programs in this pipe, number 1 ended with status 141",
            "141: killed by SIGPIPE",
        ],
    );
    // Both ways to allow it that are named.
    for cmd in [
        "{ yes || test $? = 141; } | head -n 3 > ${out.x}",
        "set +o pipefail; yes | head -n 3 > ${out.x}",
    ] {
        let space = Space::new(&format!(
            "[stage.s]\ncmd = \"{cmd}\"\nout = {{ x = \"x\" }}\n"
        ));
        assert_eq!(space.repro(), ["s ran"], "{cmd}");
    }
}

#[test]
fn statuses_that_are_no_errors_elsewhere_are_explained() {
    check(
        "\"grep -v source ${in.src} | sort > ${out.x}\"",
        &["number 1 ended with status 1", "1: nothing matched"],
    );
    check(
        "\"cmp ${in.src} /dev/null; echo\"",
        &["1: what was compared differs"],
    );
    check(
        "\"nosuchprogram > ${out.x}\"",
        &["127: there is no such program on PATH"],
    );
    check("\"bash -c 'kill -SEGV $$'\"", &["139: killed by SIGSEGV"]);
    check(
        "\"timeout 0.1 sleep 9\"",
        &["124: the time that `timeout` allows was over"],
    );
    let space = Space::new(
        "[stage.s]\ncmd = \"grep -c nothing ${in.src} > ${out.x} || test $? = 1\"\nin = { src = \"src.txt\" }\nout = { x = \"x.txt\" }\n",
    );
    assert_eq!(space.repro(), ["s ran"]);
}

#[test]
fn the_explanation_of_a_failure_is_part_of_no_key() {
    let space = Space::new("[stage.s]\ncmd = \"echo $LINENO > ${out.x}\"\nout = { x = \"x\" }\n");
    space.ok(&["repro"]);
    assert_eq!(space.read("x"), "1\n", "lines keep their numbers");
    let shown = space.ok(&["explain", "s", "--json"]).stdout;
    assert!(!shown.contains("trap"), "{shown}");
    assert!(!space.read(".atelier/logs/s.log").contains("trap"));
}

/// A control group that this test may make, with a limit of memory.
struct Group(PathBuf);

impl Group {
    fn new(limit: u64) -> Option<Self> {
        let name = format!("atelier-test-{}-{limit}", std::process::id());
        let kinds = [("memory", "memory.limit_in_bytes"), ("", "memory.max")];
        for (kind, file) in kinds {
            let root = Path::new("/sys/fs/cgroup").join(kind);
            let group = root.join(&name);
            // The plain calls: on most systems they need an administrator.
            if root.join("cgroup.procs").exists() && fs_err::create_dir(&group).is_ok() {
                let group = Group(group);
                if fs_err::write(group.0.join(file), limit.to_string()).is_ok() {
                    return Some(group);
                }
            }
        }
        let _ = skip::unless(false, "control-group");
        None
    }

    /// Runs `xtask` in the group.
    fn run(&self, space: &Space, arguments: &[&str]) -> Ran {
        let mut command = Command::new("sh");
        command.args([
            "-euc",
            "echo $$ > \"$GROUP/cgroup.procs\"; exec \"$@\"",
            "sh",
        ]);
        command.arg(env!("CARGO_BIN_EXE_xtask")).args(arguments);
        command.env("GROUP", &self.0).current_dir(space.path(""));
        command.stdin(Stdio::null()).output().unwrap().into()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group is removed by its folder alone; the files are the kernel's.
        let _ = fs_err::remove_dir(&self.0);
    }
}

#[test]
fn the_limits_of_a_control_group_count() {
    let Some(group) = Group::new(1_000_000_000) else {
        return;
    };
    let stage = |name: &str| {
        format!(
            "[stage.{name}]\ncmd = \"echo {name}; date +%s%N > ${{out.start}}; sleep 0.5; date +%s%N > ${{out.end}}\"\nout = {{ start = \"{name}.start\", end = \"{name}.end\" }}\nmemory = \"600 MB\"\n"
        )
    };
    let space = Space::new(&["a", "b"].map(stage).concat());
    let ran = group.run(&space, &["repro", "--jobs", "2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let at = |name: &str| space.read(name).trim().parse::<u64>().unwrap();
    assert!(at("a.end") <= at("b.start") || at("b.end") <= at("a.start"));
}

#[test]
fn a_kill_for_lack_of_memory_is_called_that() {
    let Some(group) = Group::new(200_000_000) else {
        return;
    };
    // A shell whose child holds more than there is.
    let space = Space::new(
        "[stage.s]\ncmd = \"head -c 400000000 /dev/zero | tail -n 1 > ${out.x}; echo\"\nout = { x = \"x.txt\" }\n",
    );
    let ran = group.run(&space, &["repro"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    let said = ran.stderr;
    assert!(
        said.contains("killed for lack of memory (exit status 137), at a peak of 1"),
        "{said}"
    );
    assert!(
        said.contains("of the 1") || said.contains("of the 2"),
        "{said}"
    );
    assert!(
        said.contains("`memory = \"SIZE\"` in `[stage.s]`"),
        "{said}"
    );
    let history = space.ok(&["history"]).stdout;
    assert!(history.contains("killed for lack of memory"), "{history}");
}
