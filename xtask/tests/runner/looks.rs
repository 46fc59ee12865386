//! Number of system calls on files.

use std::process::Command;

use crate::kills::without_strace;
use crate::space::Space;

const FILES: usize = 2_000;

/// Number of looks at any file in a repro with nothing to do.
fn n_looks(space: &Space) -> usize {
    let repro = space.command(&["repro"]);
    let counts = space.path("counts");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=%%stat", "-o"]);
    command
        .arg(&counts)
        .arg(repro.get_program())
        .args(repro.get_args());
    let output = command.current_dir(space.path("")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("0 ran, 0 restored"), "{stdout}");
    let calls = fs_err::read_to_string(counts).unwrap();
    // A call that another thread interrupts has a second line.
    calls
        .lines()
        .filter(|line| !line.contains(" resumed>"))
        .count()
}

#[test]
fn a_file_with_several_readers_is_looked_at_once() {
    if without_strace() {
        return;
    }
    let reader = |name: &str| {
        format!(
            "[stage.{name}]\ncmd = \"ls ${{in.files}} | wc -l > ${{out.{name}}}\"\nin = {{ files = \"files\" }}\nout = {{ {name} = \"{name}.txt\" }}\n"
        )
    };
    let space = Space::new(&["a", "b", "c"].map(reader).concat());
    for number in 0..FILES {
        space.write(&format!("files/{number}"), "content");
    }
    space.ok(&["repro"]);
    let n_looks = n_looks(&space);
    assert!((FILES..FILES + 300).contains(&n_looks), "{n_looks}");
}
