//! A damaged cache.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::space::{CHAIN, Space};

/// Overwrites each cached object with other bytes of the same length.
fn damage(space: &Space) {
    damage_by(space, |length| vec![b'?'; length]);
}

/// Overwrites each cached object with the bytes that `other` makes from its length.
fn damage_by(space: &Space, other: impl Fn(usize) -> Vec<u8>) {
    for (path, bytes) in space.snapshot() {
        if path.is_file() && path.components().any(|part| part.as_os_str() == "objects") {
            let mut permissions = fs_err::metadata(&path).unwrap().permissions();
            permissions.set_mode(0o644);
            fs_err::set_permissions(&path, permissions).unwrap();
            fs_err::write(&path, other(bytes.len())).unwrap();
        }
    }
}

#[test]
fn a_damaged_object_is_noticed_and_made_anew() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let lock = space.read("pipeline.lock");
    for output in ["a.txt", "out", "c.txt"] {
        space.remove(output);
    }
    damage(&space);
    let ran = space.ok(&["repro"]);
    assert!(ran.stdout.contains("was damaged"), "{}", ran.stdout);
    assert_eq!(space.read("c.txt"), "source\nc\n");
    assert_eq!(space.read("pipeline.lock"), lock);
}

#[test]
fn a_truncated_or_missing_object_is_made_anew() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let lock = space.read("pipeline.lock");
    for output in ["a.txt", "out", "c.txt"] {
        space.remove(output);
    }
    damage_by(&space, |length| vec![b'?'; length / 2]);
    space.ok(&["repro"]);
    assert_eq!(space.read("c.txt"), "source\nc\n");
    for output in ["a.txt", "out", "c.txt", ".atelier/cache/objects"] {
        space.remove(output);
    }
    assert_eq!(space.repro(), ["a ran", "b ran", "c ran"]);
    assert_eq!(space.read("pipeline.lock"), lock);
}

#[test]
fn with_a_deleted_cache_only_missing_outputs_are_made_again() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.remove(".atelier");
    assert_eq!(
        space.repro(),
        ["a up-to-date", "b up-to-date", "c up-to-date"]
    );
    space.remove("a.txt");
    assert_eq!(space.repro(), ["a ran", "b up-to-date", "c up-to-date"]);
}

#[test]
fn a_malformed_lock_is_a_clear_error() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.write("pipeline.lock", "<<<<<<< HEAD\n");
    space.fails(&["repro"], "cannot read `pipeline.lock`");
    space.fails(&["repro"], "pipeline.lock:1:");
}

/// Two results of the chain in the cache, of which the lock has the second.
fn flipped() -> Space {
    let space = Space::new(CHAIN);
    space.ok(&["repro", "--set", "chain.letter=a fairly long letter"]);
    space.ok(&["repro"]);
    space
}

fn files(space: &Space) -> u64 {
    let size: Value = serde_json::from_str(&space.ok(&["cache", "size", "--json"]).stdout).unwrap();
    let kinds = ["objects", "trees", "records"];
    { kinds.iter() }
        .map(|kind| size[kind]["files"].as_u64().unwrap())
        .sum()
}

#[test]
fn clearing_keeps_contents_in_its_scope() {
    let space = flipped();
    let before = files(&space);
    let told = space
        .ok(&["cache", "gc", "--workspace", "--dry-run"])
        .stdout;
    assert!(told.starts_with("would remove 3 files, "), "{told}");
    assert_eq!(files(&space), before);
    space.ok(&["cache", "gc", "--workspace", "--younger-than", "1 h"]);
    assert_eq!(files(&space), before, "all of it is young");
    // `a.txt` of the other letter, its record, and that of the stage that made the same output from it.
    let told = space.ok(&["cache", "gc", "--workspace"]).stdout;
    assert!(told.starts_with("removed 3 files, "), "{told}");
    for output in ["a.txt", "out", "c.txt"] {
        space.remove(output);
    }
    assert_eq!(space.repro(), ["a restored", "b restored", "c restored"]);
    space.ok(&["cache", "gc", "--younger-than", "1 ms"]);
    assert_eq!(files(&space), 0);
    assert_eq!(
        space.repro(),
        ["a up-to-date", "b up-to-date", "c up-to-date"]
    );
}

#[test]
fn clearing_keeps_committed_locks_searches_and_folders() {
    let space = Space::new(
        "[stage.s]\ncmd = \"mkdir ${out.d}; echo ${chain.letter} > ${out.d}/x; echo same > ${out.d}/y\"\nout = { d = \"d\" }\n",
    );
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@y"]);
        let output = command
            .args(arguments)
            .current_dir(space.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    space.ok(&["repro"]);
    git(&["add", "pipeline.lock"]);
    git(&["commit", "--quiet", "--message", "first"]);
    space.ok(&["repro", "--set", "chain.letter=y"]);
    let told = space.ok(&["cache", "gc", "--commits"]).stdout;
    assert_eq!(told, "removed 0 files, 0 B\n");
    assert_eq!(space.repro(), ["s restored"]);
    space.write(
        "searches/s.toml",
        "score = \"s.n\"\ntrials = 2\nmethod = \"grid\"\n[space]\n\"chain.letter\" = { choice = [\"p\", \"q\"] }\n",
    );
    space.write(
        "pipeline.toml",
        "[stage.s]\ncmd = \"printf '%d' \\\"'${chain.letter}\\\" > ${out.n}\"\nout = { n = \"n\" }\n",
    );
    space.ok(&["search", "run", "s"]);
    space.ran();
    space.ok(&["cache", "gc", "--workspace"]);
    space.ok(&["search", "run", "s"]);
    assert_eq!(space.ran(), "", "a search is remembered");
}

#[test]
fn every_damaged_object_is_found() {
    let space = flipped();
    assert!(
        space
            .ok(&["cache", "verify"])
            .stdout
            .contains("all as they should be")
    );
    damage(&space);
    let ran = space.run(&["cache", "verify"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr
            .matches("was damaged and has been removed")
            .count(),
        4
    );
    assert!(space.ok(&["cache", "verify"]).stdout.starts_with("0 files"));
}

#[test]
fn the_cache_lists_its_results() {
    let space = flipped();
    let listed: Value =
        serde_json::from_str(&space.ok(&["cache", "list", "--json"]).stdout).unwrap();
    let stages: Vec<String> = { listed.as_array().unwrap().iter() }
        .map(|cached| cached["stages"].to_string())
        .collect();
    assert_eq!(stages.len(), 5);
    assert_eq!(stages.iter().filter(|stages| *stages == "[]").count(), 2);
    let text = space.ok(&["cache", "list"]).stdout;
    assert!(
        text.contains("  b  head -n 1 ${in.a} > ${out.b}  b\n"),
        "{text}"
    );
    assert!(
        space
            .ok(&["cache", "size"])
            .stdout
            .contains("contents of files         4  ")
    );
}

#[test]
fn unused_work_folders_are_cleared() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo half > $(dirname $ATELIER_JOB)/scratch/half; test ${chain.letter} = good; echo > ${out.x}\"\nout = { x = \"x.txt\" }\n",
    );
    space.fails(&["repro"], "exit status 1");
    space.fails(&["repro", "--set", "chain.letter=y"], "exit status 1");
    let left = || {
        fs_err::read_dir(space.path(".atelier/work"))
            .unwrap()
            .count()
    };
    assert_eq!(left(), 2);
    space.ok(&["cache", "gc", "--workspace", "--younger-than", "1 h"]);
    assert_eq!(left(), 2);
    space.ok(&["cache", "gc", "--workspace"]);
    assert_eq!(left(), 1, "the next repro goes on from it");
}

#[test]
fn outputs_of_the_pipeline_are_not_backed_up_when_the_cache_is_gone() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.remove(".atelier/cache");
    space.write("src.txt", "edited\n");
    space.ok(&["repro"]);
    assert!(!space.exists(".atelier/backup"));
}

#[test]
fn clearing_without_a_scope_keeps_used_contents() {
    let space = flipped();
    let told = space.ok(&["cache", "gc", "--dry-run"]).stdout;
    assert!(told.starts_with("would remove 3 files, "), "{told}");
    let told = space.ok(&["cache", "gc"]).stdout;
    assert!(told.starts_with("removed 3 files, "), "{told}");
    for output in ["a.txt", "out", "c.txt"] {
        space.remove(output);
    }
    assert_eq!(space.repro(), ["a restored", "b restored", "c restored"]);
}

/// One result of `bytes` bytes and a letter.
fn sized(bytes: usize, limits: &str) -> String {
    format!(
        "{limits}\n[stage.s]\ncmd = \"(echo ${{chain.letter}}; head -c {bytes} /dev/zero) > ${{out.x}}\"\nout = {{ x = \"x\" }}\n"
    )
}

#[test]
fn limits_of_the_cache_hold_after_each_run() {
    let letters = ["p", "q", "r", "s", "t"];
    let run = |space: &Space, letter: &str| {
        space.ok(&["repro", "--set", &format!("chain.letter={letter}")])
    };
    let state = |space: &Space, letter: &str| {
        let setting = format!("chain.letter={letter}");
        space
            .states(&["status", "--set", &setting, "--json"])
            .concat()
    };
    let space = Space::new(&sized(100_000, ""));
    letters.iter().for_each(|letter| drop(run(&space, letter)));
    assert_eq!(files(&space), 10);
    assert!(!space.ok(&["status"]).stdout.contains("cache:"));
    // The third and later ones of 100 kB don't fit; the oldest go.
    space.write(
        "pipeline.toml",
        &sized(100_000, "[cache]\nmax-size = \"250 kB\""),
    );
    let told = space.ok(&["status", "--set", "chain.letter=t"]).stdout;
    assert!(told.contains("cache: 50"), "{told}");
    assert!(told.contains("the current state uses 100 kB"), "{told}");
    let said = run(&space, "u").stderr;
    assert!(said.contains("cache: 8 files, 40"), "{said}");
    let states = ["p", "s", "t", "u"].map(|letter| state(&space, letter));
    assert_eq!(
        states,
        [
            "s would-run",
            "s would-run",
            "s would-restore",
            "s up-to-date"
        ]
    );
    assert!(!space.ok(&["status"]).stdout.contains("cache:"));
    // Used contents stay beyond any limit.
    space.write(
        "pipeline.toml",
        &sized(100_000, "[cache]\nmax-size = \"1 kB\""),
    );
    space.ok(&["cache", "gc"]);
    assert_eq!(files(&space), 2);
    // An age.
    space.write(
        "pipeline.toml",
        &sized(100_000, "[cache]\nmax-age = \"1 h\""),
    );
    run(&space, "v");
    space.ok(&["cache", "gc"]);
    assert_eq!(state(&space, "u"), "s would-restore");
    space.write(
        "pipeline.toml",
        &sized(100_000, "[cache]\nmax-age = \"1 ms\""),
    );
    run(&space, "w");
    assert_eq!(state(&space, "u"), "s would-run");
    space.write("pipeline.toml", &sized(1, "[cache]\nmax-siez = \"1 kB\""));
    space.fails(
        &["status"],
        "unknown key of `cache`: `max-siez`; did you mean `max-size`?",
    );
}
