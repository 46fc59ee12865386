//! An archive of built stages: the keys of the sources, without cargo.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::code;
use crate::space::{Ran, Space};

/// An archive of the workspace, unpacked, with the source's input. `PATH` has no cargo.
struct Archive(tempfile::TempDir);

impl Archive {
    fn of(space: &Space) -> Self {
        space.ok(&["dist", "--out", "archive.tar.gz"]);
        let folder = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(space.path("archive.tar.gz"));
        tar.args(["--strip-components", "1", "-C"])
            .arg(folder.path());
        assert!(tar.status().unwrap().success());
        fs_err::copy(space.path("src.txt"), folder.path().join("src.txt")).unwrap();
        Archive(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.path().join("atelier"));
        command.args(arguments).current_dir(self.path());
        command.env_remove("CARGO").env_remove("RUSTC");
        command.env("PATH", "/nowhere");
        command.output().unwrap().into()
    }
}

fn keys(lock: &str) -> Vec<&str> {
    let lines = lock.lines().map(str::trim);
    lines.filter(|line| line.starts_with("key")).collect()
}

#[test]
fn an_archive_runs_without_cargo_and_has_the_keys_of_the_sources() {
    let space = code::workspace();
    space.ok(&["repro"]);
    let archive = Archive::of(&space);
    let ran = archive.run(&["repro"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let lock = fs_err::read_to_string(archive.path().join("pipeline.lock")).unwrap();
    assert!(!keys(&lock).is_empty(), "{lock}");
    assert_eq!(keys(&lock), keys(&space.read("pipeline.lock")));
    let status: Value = serde_json::from_str(&archive.run(&["status", "--json"]).stdout).unwrap();
    let states = status.as_array().unwrap().iter();
    assert!({ states }.all(|stage| stage["state"] == "up-to-date"));
    // The commands that compile say so.
    let ran = archive.run(&["test"]);
    assert!(ran.stderr.contains("needs the sources"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn an_archive_and_the_sources_share_a_cache() {
    let space = code::workspace();
    space.ok(&["repro"]);
    let archive = Archive::of(&space);
    fs_err::create_dir_all(archive.path().join(".atelier")).unwrap();
    let cache = archive.path().join(".atelier/cache");
    std::os::unix::fs::symlink(space.path(".atelier/cache"), cache).unwrap();
    let ran = archive.run(&["repro", "--json"]);
    let outcomes: Value = serde_json::from_str(&ran.stdout).unwrap();
    let states = outcomes.as_array().unwrap().iter();
    let states: Vec<&Value> = states.map(|outcome| &outcome["state"]).collect();
    assert_eq!(states, ["restored", "restored"]);
}

#[test]
fn a_binary_that_is_not_the_archives_is_refused() {
    let archive = Archive::of(&code::workspace());
    fs_err::write(archive.path().join("bin/first"), "#!/bin/sh\n").unwrap();
    let ran = archive.run(&["repro"]);
    assert_eq!(ran.code, Some(1));
    let part = "`bin/first` is not the binary `app/first` of `prebuilt.json`: found SHA-256 ";
    assert!(ran.stderr.contains(part), "{}", ran.stderr);
}

#[test]
fn a_binary_that_the_archive_lacks_is_named_with_the_nearest() {
    let archive = Archive::of(&code::workspace());
    let path = archive.path().join("pipeline.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(&path, text.replace("app/first", "app/frist")).unwrap();
    let ran = archive.run(&["repro"]);
    let part = "`prebuilt.json` has no binary `app/frist`; did you mean `app/first`?";
    assert!(ran.stderr.contains(part), "{}", ran.stderr);
}
