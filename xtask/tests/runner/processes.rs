//! Killed, interrupted and simultaneous runs.

use std::io::Read;
use std::process::Child;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::space::{Space, wait};

/// A stage that notes its process, does a first half and then waits for `go`.
const SLOW: &str = r#"
[stage.slow]
cmd = '''
echo half > x.txt
echo $$ > pid.new
mv pid.new pid
while [ ! -e go ]; do sleep 0.05; done
echo whole > x.txt
'''
out = { x = "x.txt" }
"#;

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

/// Returns whether the process noted in `pid` is gone.
fn is_gone(space: &Space) -> bool {
    let pid = space.read("pid").trim().parse().unwrap();
    kill(Pid::from_raw(pid), None).is_err()
}

/// A repro that is in the middle of the slow stage.
fn halfway(space: &Space) -> Child {
    space.remove("pid");
    let child = space.start(&["repro"]);
    space.wait_for("pid");
    child
}

fn check_continues(space: &Space) {
    wait("the stage's end", || is_gone(space));
    space.write("go", "");
    assert_eq!(space.repro(), ["slow ran"]);
    assert_eq!(space.read("x.txt"), "whole\n");
    assert_eq!(space.repro(), ["slow up-to-date"]);
    assert_eq!(
        fs_err::read_dir(space.path(".atelier/work"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_killed_runner_leaves_no_process_and_the_next_repro_works() {
    let space = Space::new(SLOW);
    let child = halfway(&space);
    signal(&child, Signal::SIGKILL);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("error"), "{said}");
    check_continues(&space);
}

#[test]
fn outputs_from_before_a_killed_run_are_restored() {
    let space = Space::new(SLOW);
    space.write("x.txt", "before\n");
    let mut child = halfway(&space);
    assert_eq!(space.read("x.txt"), "half\n");
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    wait("the stage's end", || is_gone(&space));
    space.write("pipeline.toml", &SLOW.replace("while [", "exit 1; while ["));
    space.fails(&["repro"], "exit status 1");
    assert_eq!(space.read("x.txt"), "before\n");
}

#[test]
fn signals_stop_the_stage_and_set_the_exit_status() {
    for (sent, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let space = Space::new(SLOW);
        let mut child = halfway(&space);
        signal(&child, sent);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(is_gone(&space));
        assert!(!space.exists("x.txt"));
        check_continues(&space);
    }
}

#[test]
fn the_scratch_folder_survives_a_failure() {
    let space = Space::new(
        r#"
        [stage.s]
        cmd = '''
        scratch=$(dirname "$ATELIER_JOB")/scratch
        if [ -e $scratch/half ]; then mv $scratch/half ${out.x}; else echo resumed > $scratch/half; exit 1; fi
        '''
        out = { x = "x.txt" }
        "#,
    );
    space.fails(&["repro"], "exit status 1");
    assert_eq!(space.repro(), ["s ran"]);
    assert_eq!(space.read("x.txt"), "resumed\n");
}

#[test]
fn scratch_is_discarded_when_an_input_changes_during_a_run() {
    for fails in [false, true] {
        let space = Space::new(
            r#"
            [stage.s]
            cmd = '''
            scratch=$(dirname "$ATELIER_JOB")/scratch
            echo > pid
            while [ ! -e go ]; do sleep 0.05; done
            if [ ! -e $scratch/half ]; then cp src.txt $scratch/half; fi
            if [ -e fail ]; then exit 1; fi
            cp $scratch/half x.txt
            '''
            in = { src = "src.txt" }
            out = { x = "x.txt" }
            sandbox = false
            "#,
        );
        let child = halfway(&space);
        space.write("src.txt", "changed\n");
        if fails {
            space.write("fail", "");
        }
        space.write("go", "");
        assert!(!child.wait_with_output().unwrap().status.success());
        space.remove("fail");
        space.write("src.txt", "source\n");
        assert_eq!(space.repro(), ["s ran"]);
        assert_eq!(space.read("x.txt"), "source\n");
    }
}

#[test]
fn a_second_repro_waits_and_names_the_first() {
    let space = Space::new(SLOW);
    let mut first = halfway(&space);
    let mut second = space.start(&["repro"]);
    let mut told = vec![0; 64];
    let n_read = second.stdout.as_mut().unwrap().read(&mut told).unwrap();
    let told = String::from_utf8_lossy(&told[..n_read]).into_owned();
    let expected = format!("waiting for another repro (process {})", first.id());
    assert!(told.starts_with(&expected), "{told}");
    space.write("go", "");
    assert!(first.wait().unwrap().success());
    assert!(second.wait().unwrap().success());
    let runs = space.read(".atelier/runs.jsonl");
    assert_eq!(runs.lines().count(), 1, "nothing runs twice");
}

#[test]
fn an_input_that_changes_meanwhile_is_not_recorded() {
    let space = Space::new(&SLOW.replace("out =", "in = { src = \"src.txt\" }\nout ="));
    let child = halfway(&space);
    space.write("src.txt", "changed\n");
    space.write("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("input `src` of `slow` changed while the stage ran"),
        "{message}"
    );
    assert!(!space.exists("x.txt"));
    let history = space.ok(&["history"]).stdout;
    let expected = "failed: input `src` of `slow` changed while the stage ran";
    assert!(history.contains(expected), "{history}");
    assert_eq!(space.repro(), ["slow ran"]);
}

#[test]
fn an_input_that_changes_and_changes_back_is_noticed() {
    let space = Space::new(&SLOW.replace("out =", "in = { src = \"src.txt\" }\nout ="));
    let child = halfway(&space);
    space.write("src.txt", "changed\n");
    space.write("src.txt", "source\n");
    space.write("go", "");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    let expected = "input `src` of `slow` changed and changed back while the stage ran";
    assert!(message.contains(expected), "{message}");
    assert_eq!(space.repro(), ["slow ran"]);
}

#[test]
fn a_process_left_behind_by_a_stage_is_ended() {
    let space = Space::new(
        "[stage.s]\ncmd = \"sleep 600 & echo $! > pid; echo > ${out.x}\"\nout = { x = \"x.txt\", pid = \"pid\" }\n",
    );
    let start = Instant::now();
    space.ok(&["repro"]);
    assert!(start.elapsed().as_secs() < 300);
    wait("the end of what was left", || is_gone(&space));
}

#[test]
fn a_stage_that_edits_its_own_input_is_refused() {
    let space = Space::new(
        "[stage.s]\ncmd = \"rm src.txt; echo mine > src.txt; echo > ${out.x}\"\nin = { src = \"src.txt\" }\nout = { x = \"x.txt\" }\n",
    );
    let refused = "in the sandbox, `src.txt` is an input, which it may read and not write";
    space.fails(&["repro"], refused);
    let changed = "input `src` of `s` changed while the stage ran";
    space.fails(&["repro", "--no-sandbox"], changed);
    assert!(!space.exists("x.txt"));
}

#[test]
fn stages_beside_each_other_are_stopped_and_put_back() {
    let slow = |name: &str| {
        format!(
            "[stage.{name}]\ncmd = \"echo half > {name}.txt; echo $$ > {name}.new; mv {name}.new {name}.pid; while [ ! -e go ]; do sleep 0.05; done; echo whole > {name}.txt\"\nout = {{ x = \"{name}.txt\" }}\n"
        )
    };
    let space = Space::new(&["a", "b"].map(slow).concat());
    for (sent, code) in [
        (Signal::SIGTERM, Some(143)),
        (Signal::SIGKILL, None),
        (Signal::SIGINT, Some(130)),
    ] {
        space.write("a.txt", "before\n");
        let mut child = space.start(&["repro", "--jobs", "2"]);
        space.wait_for("a.pid");
        space.wait_for("b.pid");
        signal(&child, sent);
        assert_eq!(child.wait().unwrap().code(), code);
        for name in ["a.pid", "b.pid"] {
            let pid = Pid::from_raw(space.read(name).trim().parse().unwrap());
            wait("the stage's end", || kill(pid, None).is_err());
            space.remove(name);
        }
        if code.is_some() {
            assert_eq!(space.read("a.txt"), "before\n");
            assert!(!space.exists("b.txt"));
        }
    }
    space.write("go", "");
    let states = space.states(&["repro", "--jobs", "2", "--json"]);
    assert_eq!(states, ["a ran", "b ran"]);
    let kept = space.snapshot().into_iter();
    assert_eq!(kept.filter(|(_, bytes)| bytes == b"before\n").count(), 1);
}
