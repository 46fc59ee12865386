//! Two processes never write the same output, whichever processes of a run are killed.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::space::{Ran, Space, wait};

/// A stage that writes its process number into its output, in place, line by line.
const WRITER: &str = r#"
[stage.writer]
cmd = '''
echo $$ > pid.new
mv pid.new pid
for i in $(seq ${chain.number}); do echo $$ >> x.txt; sleep 0.01; done
'''
out = { x = "x.txt" }
"#;

/// One that writes through a child of its own, of another language's kind: it closes what it inherits.
const CHILD: &str = r#"
[stage.writer]
cmd = '''
echo $$ > pid.new
mv pid.new pid
bash -c 'for i in $(seq ${chain.number}); do echo $PPID >> x.txt; sleep 0.01; done'
'''
out = { x = "x.txt" }
"#;

fn space(pipeline: &str) -> Space {
    let space = Space::new(pipeline);
    space.write("params.toml", "[chain]\nnumber = 100\n");
    space
}

/// A repro in a process group of its own whose stage is at work.
fn halfway(space: &Space) -> Child {
    space.remove("pid");
    let mut command = space.command(&["repro"]);
    command.process_group(0);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    space.wait_for("pid");
    wait("the first lines", || space.exists("x.txt"));
    child
}

fn pid(space: &Space) -> Pid {
    Pid::from_raw(space.read("pid").trim().parse().unwrap())
}

fn is_gone(process: Pid) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{process}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// The parent of a process: a stage's is its supervisor.
fn parent(process: Pid) -> Pid {
    let stat = fs_err::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields = stat.rsplit(") ").next().unwrap();
    Pid::from_raw(fields.split(' ').nth(1).unwrap().parse().unwrap())
}

/// Stops a process and waits until all of its threads are: the signal reaches one of them, and then the others.
fn stop(process: Pid) {
    kill(process, Signal::SIGSTOP).unwrap();
    wait("the process to stop", || {
        let threads = fs_err::read_dir(format!("/proc/{process}/task")).unwrap();
        let mut stats =
            threads.map(|thread| fs_err::read_to_string(thread.unwrap().path().join("stat")));
        stats.all(|stat| stat.is_ok_and(|stat| stat.contains(") T ")))
    });
}

/// Processes are listed in `/proc`.
fn skipped() -> bool {
    skip::unless(Path::new("/proc/self/stat").exists(), "proc")
}

/// Runs it again at once: whatever was at work, the output is one writer's.
fn check_next_run(space: &Space, first: Pid) -> Ran {
    let ran = space.ok(&["repro"]);
    assert!(is_gone(first), "the first stage is still at work");
    let second = space.read("pid");
    assert_ne!(second.trim(), first.to_string());
    assert_eq!(
        space.read("x.txt"),
        second.repeat(100),
        "lines of one writer"
    );
    assert_eq!(space.repro(), ["writer up-to-date"]);
    ran
}

#[test]
fn a_kill_of_the_process_group_of_a_run_leaves_one_writer() {
    if skipped() {
        return;
    }
    for pipeline in [WRITER, CHILD] {
        let space = space(pipeline);
        let mut child = halfway(&space);
        let first = pid(&space);
        killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
        check_next_run(&space, first);
        child.wait().unwrap();
    }
}

#[test]
fn a_stage_without_runner_and_supervisor_is_stopped_by_the_next_run() {
    if skipped() {
        return;
    }
    let space = space(WRITER);
    space.write("params.toml", "[chain]\nnumber = 3000\n");
    let mut child = halfway(&space);
    let first = pid(&space);
    let supervisor = parent(first);
    // A supervisor that is stopped cannot see that its runner ends.
    stop(supervisor);
    killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
    kill(supervisor, Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!is_gone(first), "nothing is left that could end it");
    space.write("params.toml", "[chain]\nnumber = 100\n");
    // A run of another state waits, too: outputs have the same places.
    let ran = check_next_run(&space, first);
    let expected =
        format!("warning: writer: a killed run left it at work: stopped (process {first}");
    assert!(ran.stdout.contains(&expected), "{}", ran.stdout);
}

#[test]
fn a_killed_supervisor_takes_its_stage_along() {
    if skipped() {
        return;
    }
    let space = space(WRITER);
    space.write("x.txt", "before\n");
    space.remove("pid");
    let child = space.start(&["repro"]);
    space.wait_for("pid");
    let first = pid(&space);
    kill(parent(first), Signal::SIGKILL).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("its supervisor ended with signal: 9"),
        "{}",
        ran.stderr
    );
    assert!(is_gone(first));
    assert_eq!(space.read("x.txt"), "before\n", "what was there is back");
    space.remove("x.txt");
    check_next_run(&space, first);
}

#[test]
fn a_stage_that_another_command_finds_at_work_is_stopped() {
    if skipped() {
        return;
    }
    let space = space(WRITER);
    space.write("params.toml", "[chain]\nnumber = 3000\n");
    let mut child = halfway(&space);
    let first = pid(&space);
    let supervisor = parent(first);
    stop(supervisor);
    child.kill().unwrap();
    kill(supervisor, Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    space.ok(&["cache", "gc", "--workspace"]);
    assert!(is_gone(first));
}

#[test]
fn a_server_that_a_stage_leaves_behind_holds_nothing_up() {
    let space = Space::new(
        "[stage.s]\ncmd = \"setsid sleep 300 > /dev/null 2>&1 < /dev/null & echo $! > pid; sleep 0.2; echo > ${out.x}\"\nout = { x = \"x.txt\", pid = \"pid\" }\n",
    );
    space.ok(&["repro"]);
    let first = pid(&space);
    let start = Instant::now();
    space.ok(&["repro", "--force"]);
    assert!(start.elapsed() < Duration::from_secs(60));
    for server in [first, pid(&space)] {
        kill(server, Signal::SIGKILL).unwrap();
    }
}
