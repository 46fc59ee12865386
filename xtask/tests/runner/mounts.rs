//! Outputs on file systems of their own.

use std::process::{Command, Stdio};

use crate::space::{Ran, Space};

/// A file and a folder that commands write in place, and both by `${out.…}`.
const PIPELINE: &str = r#"
[stage.place]
cmd = "cat src.txt > o/file; mkdir o/folder; cat src.txt > o/folder/a; ln -s a o/folder/b"
in = { src = "src.txt" }
out = { file = "o/file", folder = "o/folder" }

[stage.asked]
cmd = "cat ${in.a} > ${out.file}; mkdir ${out.folder}; cat ${in.a} > ${out.folder}/a; chmod +x ${out.folder}/a"
in = { a = "o/folder/a" }
out = { file = "o/deep/file", folder = "o/deep/folder" }

[stage.uncached]
cmd = "cat ${in.a} > ${out.file}"
in = { a = "o/deep/folder/a" }
out = { file = { path = "o/uncached", cache = false } }

[stage.kept]
cmd = "cat ${in.a} >> o/log"
in = { a = "o/uncached" }
out = { log = { path = "o/log", keep = true } }
"#;

/// Runs a script where it may mount file systems, if this system allows it.
fn with_mounts(space: &Space, script: &str) -> Option<Ran> {
    let command = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-euc", script]);
        command.current_dir(space.path("")).stdin(Stdio::null());
        command.env("XTASK", env!("CARGO_BIN_EXE_xtask"));
        command.output()
    };
    let can = command("mkdir mounted; mount -t tmpfs none mounted; umount mounted; rmdir mounted");
    if skip::unless(can.is_ok_and(|tried| tried.status.success()), "mount") {
        return None;
    }
    let ran: Ran = command(script).unwrap().into();
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    Some(ran)
}

/// Rounds on a mounted folder: run, change, restore, back up a file of a person.
const ROUNDS: &str = r#"
$XTASK repro; $XTASK repro | grep '^0 ran'
echo second > src.txt; $XTASK repro | grep '^4 ran'
echo third > src.txt; $XTASK repro | grep '^4 ran'
grep -q third o/file; grep -q third o/deep/folder/a; grep -q third o/uncached
test "$(cat o/log)" = "$(printf 'source\nsecond\nthird')"
test -h o/folder/b || grep -q third o/folder/b
echo second > src.txt; $XTASK repro place asked | grep '^0 ran, 2 restored'
grep -q second o/file; grep -q second o/deep/folder/a
rm o/file; echo mine > o/file; $XTASK repro place --force
grep -q mine .atelier/backup/1/o/file
ls -A o o/deep | grep -v atelier-tmp
"#;

#[test]
fn outputs_on_another_file_system_are_moved_in_each_run() {
    let space = Space::new(PIPELINE);
    let script = format!("mkdir o; mount -t tmpfs none o\n{ROUNDS}");
    with_mounts(&space, &script);
}

#[test]
fn outputs_on_a_mount_of_the_same_file_system_are_moved_in_each_run() {
    let space = Space::new(PIPELINE);
    let script = format!("mkdir o elsewhere; mount --bind elsewhere o\n{ROUNDS}");
    with_mounts(&space, &script);
}

#[test]
fn the_folder_of_the_runner_may_be_a_mount() {
    let space = Space::new(PIPELINE);
    let script = format!("mkdir o .atelier; mount -t tmpfs none .atelier\n{ROUNDS}");
    with_mounts(&space, &script);
}

#[test]
fn an_output_that_is_a_mount_point_is_refused_before_it_runs() {
    let space = Space::new("[stage.s]\ncmd = \"echo > o/file\"\nout = { folder = \"o\" }\n");
    let script = "mkdir o; mount -t tmpfs none o; echo precious > o/mine
        if $XTASK repro 2> message; then exit 1; fi
        grep 'output `folder` of `s` is refused: `o` is a mount point' message
        grep precious o/mine; test ! -e o/file";
    with_mounts(&space, script);
}
