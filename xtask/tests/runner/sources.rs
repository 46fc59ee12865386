//! Folders of inputs that people fill: which entries count, for keys and for stages.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::space::Space;

const LIST: &str = r#"
[stage.list]
cmd = "cat data/*/*.txt > ${out.list}"
in = { data = "data" }
out = { list = "list.txt" }
"#;

fn space() -> Space {
    let space = Space::new(LIST);
    space.write("data/a/1.txt", "one\n");
    assert_eq!(space.repro(), ["list ran"]);
    space
}

#[test]
fn litter_and_ignored_files_are_no_part_of_a_key() {
    let space = space();
    for name in [
        "data/.git/HEAD",
        "data/a/._1.txt",
        "data/a/.DS_Store",
        "data/a/@eaDir/1.txt/thumbnail.jpg",
        "data/a/__pycache__/x.pyc",
        "data/#recycle/old.txt",
        "data/a/2.png.crdownload",
        "data/a/1.txt~",
    ] {
        space.write(name, "litter");
    }
    fs_err::remove_dir_all(space.path("data/#recycle")).unwrap();
    assert_eq!(space.repro(), ["list up-to-date"]);
    space.write("data/.atelierignore", "*.log\n/drafts/\n");
    space.write("data/a/today.log", "log");
    space.write("data/drafts/1.md", "draft");
    assert_eq!(space.repro(), ["list up-to-date"]);
    space.write("data/a/3.txt", "three\n");
    assert_eq!(space.repro(), ["list ran"]);
    // A pattern that takes a file out of the folder changes the folder.
    space.write("data/.atelierignore", "*.log\n/drafts/\n3.txt\n");
    assert_eq!(space.repro(), ["list restored"]);
}

#[test]
fn hidden_files_of_a_result_count() {
    let space = Space::new(
        r#"
[stage.make]
cmd = "mkdir ${out.made} && cp src.txt ${out.made}/.hidden && echo x > ${out.made}/x"
in = { src = "src.txt" }
out = { made = "made" }

[stage.read]
cmd = "cat made/.hidden > ${out.copy}"
in = { made = "made" }
out = { copy = "copy.txt" }
"#,
    );
    assert_eq!(space.repro(), ["make ran", "read ran"]);
    space.write("src.txt", "another\n");
    assert_eq!(space.repro(), ["make ran", "read ran"]);
    assert_eq!(space.read("copy.txt"), "another\n");
    space.remove("made");
    assert_eq!(space.repro(), ["make restored", "read up-to-date"]);
    assert_eq!(space.read("made/.hidden"), "another\n");
}

#[test]
fn entries_that_no_stage_can_read_end_no_run() {
    let space = space();
    symlink("nowhere", space.path("data/a/link")).unwrap();
    symlink("..", space.path("data/a/loop")).unwrap();
    let _socket = UnixListener::bind(space.path("data/a/socket")).unwrap();
    fs_err::write(space.path("data/a").join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    // Each is part of the key: a stage that lists the folder may report it.
    assert_eq!(space.repro(), ["list ran"]);
    assert_eq!(space.repro(), ["list up-to-date"]);
    fs_err::remove_file(space.path("data/a/link")).unwrap();
    assert_eq!(space.repro(), ["list ran"]);
}

#[test]
fn links_lead_out_of_the_folder() {
    let space = space();
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::write(elsewhere.path().join("2.txt"), "two\n").unwrap();
    symlink(elsewhere.path(), space.path("data/b")).unwrap();
    symlink(elsewhere.path().join("2.txt"), space.path("data/a/2.txt")).unwrap();
    assert_eq!(space.repro(), ["list ran"]);
    assert_eq!(space.read("list.txt"), "one\ntwo\ntwo\n");
    fs_err::write(elsewhere.path().join("2.txt"), "changed\n").unwrap();
    assert_eq!(space.repro(), ["list ran"]);
    assert_eq!(space.read("list.txt"), "one\nchanged\nchanged\n");
}
