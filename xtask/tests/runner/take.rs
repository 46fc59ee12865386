//! Taking things as they are: recorded outputs, results without a run, sources.

use crate::space::{CHAIN, Space};

#[test]
fn outputs_are_put_in_place_as_the_lock_has_them() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let old = space.read("pipeline.lock");
    space.write("src.txt", "edited\n");
    space.ok(&["repro"]);
    space.ran();
    space.write("pipeline.lock", &old);
    space.write("out/b.txt", "mine\n");
    let states = space.states(&["checkout", "--json"]);
    assert_eq!(states, ["a restored", "b restored", "c restored"]);
    assert_eq!(space.read("c.txt"), "source\nc\n");
    assert_eq!(space.read(".atelier/backup/1/out/b.txt"), "mine\n");
    assert_eq!(space.ran(), "");
    let states = space.states(&["checkout", "c", "--json"]);
    assert_eq!(states, ["c up-to-date"]);
    // Outputs that the cache lacks are reported, and the rest is restored.
    space.remove("a.txt");
    space.remove("c.txt");
    let key = { old.lines() }
        .find_map(|line| line.strip_prefix("out.a = \""))
        .unwrap();
    space.remove(&format!(
        ".atelier/cache/objects/{}/{}",
        &key[..2],
        &key[2..64]
    ));
    let ran = space.run(&["checkout"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout
            .contains("a  failed         the cache does not have output a\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(space.read("c.txt"), "source\nc\n");
}

#[test]
fn present_outputs_can_be_committed() {
    let space = Space::new(CHAIN);
    space.fails(&["commit", "a"], "its output `a` (`a.txt`) is not there");
    space.ok(&["repro"]);
    space.ran();
    space.write("a.txt", "mine\n");
    space.write("src.txt", "edited\n");
    assert_eq!(space.states(&["commit", "a", "--json"]), ["a committed"]);
    assert_eq!(space.repro(), ["a up-to-date", "b ran", "c ran"]);
    assert_eq!(space.read("out/b.txt"), "mine\n");
    space.remove("a.txt");
    assert_eq!(space.repro()[0], "a restored");
    assert_eq!(space.read("a.txt"), "mine\n");
    let explained = space.ok(&["explain", "a"]).stdout;
    assert!(
        explained.contains("the last result was committed as it stood there"),
        "{explained}"
    );
    // A forced run makes it one of a run again.
    space.ok(&["repro", "a", "--force"]);
    assert_eq!(space.read("a.txt"), "edited\nx\n");
    assert_eq!(space.ok(&["explain", "a"]).stdout, "a up to date\n");
}

#[test]
fn only_code_may_have_changed_where_a_result_is_adopted() {
    let space = Space::new(CHAIN);
    space.fails(
        &["adopt", "a"],
        "cannot adopt the result of `a`: `pipeline.lock` has none",
    );
    space.ok(&["repro"]);
    space.write("src.txt", "edited\n");
    space.fails(
        &["adopt", "a"],
        "cannot adopt the result of `a`: more than its code has changed: input src changed",
    );
    assert_eq!(space.states(&["adopt", "b", "--json"]), ["b up-to-date"]);
}

#[test]
fn stages_are_frozen_in_the_file() {
    let text = CHAIN.replace("[stage.b]", "# The middle.\n[stage.b] # of three");
    let space = Space::new(&text);
    space.ok(&["repro"]);
    assert_eq!(space.ok(&["freeze", "b"]).stdout, "frozen: b\n");
    let frozen = text.replace(
        "out = { b = \"out/b.txt\" }\n",
        "out = { b = \"out/b.txt\" }\nfrozen = true\n",
    );
    assert_eq!(space.read("pipeline.toml"), frozen);
    assert_eq!(space.ok(&["freeze", "b"]).stdout, "nothing to change\n");
    assert_eq!(space.repro(), ["a up-to-date", "b frozen", "c up-to-date"]);
    assert_eq!(space.ok(&["unfreeze", "b"]).stdout, "no longer frozen: b\n");
    assert_eq!(space.read("pipeline.toml"), text);
    space.fails(&["freeze", "d"], "unknown stage or output `d`");
}

#[test]
fn a_source_is_kept_and_comes_back() {
    let space = Space::new(CHAIN);
    space.write("data/a", "1");
    space.write("data/deep/b", "2");
    space.ok(&["add", "data", "src.txt"]);
    let lock = space.read("sources.lock");
    space.remove("data");
    space.remove("src.txt");
    space.fails(
        &["repro"],
        "`src.txt` does not exist; `cargo xtask checkout src.txt` brings it back",
    );
    let status = space.ok(&["status"]).stdout;
    assert!(status.contains("source data is missing; "), "{status}");
    space.ok(&["cache", "gc", "--workspace"]);
    assert_eq!(
        space.ok(&["checkout", "src.txt"]).stdout,
        "src.txt restored\n"
    );
    assert!(!space.exists("data"));
    assert!(
        space
            .ok(&["checkout"])
            .stdout
            .starts_with("data restored\n")
    );
    assert_eq!(space.read("data/deep/b"), "2");
    assert_eq!(space.read("sources.lock"), lock);
    space.write("data/a", "changed");
    let status = space.ok(&["status"]).stdout;
    assert!(
        status.contains("source data was changed since it was added; "),
        "{status}"
    );
    let told = space.ok(&["checkout", "data"]).stdout;
    assert!(
        told.contains("data is not what it was when it was added"),
        "{told}"
    );
    space.ok(&["add", "data"]);
    assert_ne!(space.read("sources.lock"), lock);
    space.fails(&["add", "nowhere"], "cannot find `");
    space.ok(&["repro"]);
    space.fails(&["add", "a.txt"], "is what a stage makes");
    space.fails(
        &["add", "/etc/hostname"],
        "sources to keep are inside the workspace",
    );
}

#[test]
fn imported_files_are_checked_and_fetched_again() {
    let space = Space::new(CHAIN);
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("there");
    fs_err::write(&file, "test").unwrap();
    let url = format!("file://{}", file.display());
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    space.fails(
        &[
            "import",
            &url,
            "data/x",
            "--sha256",
            &hash.replace('9', "8"),
        ],
        &format!("is {hash}, expected 8f"),
    );
    assert!(!space.exists("data/x"));
    space.ok(&["import", &url, "data/x", "--sha256", hash]);
    assert_eq!(space.read("data/x"), "test");
    space.fails(&["import", &url, "data/x"], "`data/x` is there already");
    space.fails(
        &["import", "/no/where", "y"],
        "cannot import `/no/where`: it does not exist",
    );
    space.fails(
        &["import", "file:///no/where", "y"],
        "cannot fetch `file:///no/where`",
    );
    space.ok(&["import", &outside.path().display().to_string(), "folder"]);
    assert_eq!(space.read("folder/there"), "test");
    // Without the cache, the file is imported from its origin again, if it is still the same.
    space.remove(".atelier");
    space.remove("data/x");
    space.ok(&["checkout", "data/x"]);
    assert_eq!(space.read("data/x"), "test");
    space.remove(".atelier");
    space.remove("data/x");
    fs_err::write(&file, "another").unwrap();
    space.fails(
        &["checkout", "data/x"],
        "is not what it was when `data/x` was imported",
    );
    assert!(!space.exists("data/x"));
}

#[test]
fn paths_in_a_file_of_sources_are_not_trusted() {
    let space = Space::new(CHAIN);
    for path in ["../x", "/etc/x", ".atelier/x", "a/../../x", "./x"] {
        space.write(
            "sources.lock",
            &format!("[\"{path}\"]\ncontent = \"{}\"\n", "0".repeat(64)),
        );
        space.fails(&["checkout"], "--> sources.lock:1:");
    }
}

#[test]
fn an_output_that_is_not_cached_is_no_failure_of_a_checkout() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo large > ${out.x}; echo > ${out.y}\"\nout = { x = { path = \"x\", cache = false }, y = \"y\" }\n",
    );
    space.ok(&["repro"]);
    space.remove("x");
    space.remove("y");
    let told = space.ok(&["checkout"]).stdout;
    assert!(
        told.contains("s  restored       output x is made by a run alone\n"),
        "{told}"
    );
    assert!(space.exists("y") && !space.exists("x"));
}
