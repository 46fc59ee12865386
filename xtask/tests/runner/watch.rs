//! Bringing up to date whenever something changes.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::space::{CHAIN, Space, wait};

/// A watch that has done its first round.
fn watching(space: &Space) -> Child {
    let child = space.start(&["watch"]);
    wait("the first round", || {
        space.exists("c.txt") && space.exists("pipeline.lock")
    });
    child
}

fn stop(mut child: Child) -> String {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    String::from_utf8(told).unwrap()
}

fn becomes(space: &Space, name: &str, text: &str) {
    wait(&format!("`{text}` in `{name}`"), || {
        fs_err::read_to_string(space.path(name)).is_ok_and(|there| there == text)
    });
}

#[test]
fn a_change_is_followed() {
    let space = Space::new(CHAIN);
    let child = watching(&space);
    space.write("src.txt", "edited\n");
    becomes(&space, "c.txt", "edited\nc\n");
    space.write("pipeline.toml", "[stage.a\n");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    space.write(
        "pipeline.toml",
        &CHAIN.replace("echo c >> ${out.c}", "echo d >> ${out.c}"),
    );
    becomes(&space, "c.txt", "edited\nd\n");
    space.remove("c.txt");
    becomes(&space, "c.txt", "edited\nd\n");
    let told = stop(child);
    assert!(told.contains("pipeline.toml:1:"), "{told}");
}

#[test]
fn a_failed_stage_is_tried_again_only_after_a_change() {
    let space = Space::new(&CHAIN.replace("head -n 1 ${in.a}", "grep good ${in.a}"));
    let child = space.start(&["watch"]);
    wait("the failure", || space.runs() == ["a", "b"]);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(space.ran(), "a b");
    space.write("src.txt", "good\n");
    becomes(&space, "c.txt", "good\nc\n");
    // A run is noted once its outputs stand.
    wait("the last run", || space.runs().len() == 5);
    assert_eq!(space.ran(), "a b c");
    stop(child);
}

#[test]
fn a_workspace_that_is_gone_is_watched_no_longer() {
    let space = Space::new(CHAIN);
    let child = watching(&space);
    // It may be writing meanwhile.
    wait("the removal", || {
        fs_err::remove_dir_all(space.path("")).is_ok()
    });
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        told.contains("the folder that was watched is gone"),
        "{told}"
    );
}
