//! A damaged cache.

use std::os::unix::fs::PermissionsExt;

use crate::space::{CHAIN, Space};

/// Overwrites each cached object with other bytes of the same length.
fn damage(space: &Space) {
    for (path, bytes) in space.snapshot() {
        if path.is_file() && path.components().any(|part| part.as_os_str() == "objects") {
            let mut permissions = fs_err::metadata(&path).unwrap().permissions();
            permissions.set_mode(0o644);
            fs_err::set_permissions(&path, permissions).unwrap();
            fs_err::write(&path, vec![b'?'; bytes.len()]).unwrap();
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
fn a_deleted_cache_runs_again_only_what_is_missing() {
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
