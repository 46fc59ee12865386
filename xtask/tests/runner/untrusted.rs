//! Untrusted files: each is refused with a clear error, or read as if it weren't there.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use crate::space::{CHAIN, Space, wait};

const TWO: &str =
    "[stage.s]\ncmd = \"mkdir ${out.d}; echo ${chain.letter} > ${out.d}/x\"\nout = { d = \"d\" }\n";

/// Path of a key or a content in the cache.
fn cached(kind: &str, digest: &str) -> String {
    format!(".atelier/cache/{kind}/{}/{}", &digest[..2], &digest[2..])
}

/// The first text between quotes after `start` in the lock.
fn locked(space: &Space, start: &str) -> String {
    let lock = space.read("pipeline.lock");
    let (_, rest) = lock.split_once(start).unwrap();
    rest.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn texts_without_end_or_bottom_are_refused() {
    let deep = 100_000;
    let dotted = vec!["a"; deep].join(".");
    let texts = [
        format!("{dotted} = 1\n"),
        format!("[{dotted}]\n"),
        format!("a = {}\n", "[".repeat(deep)),
        format!("a = {}", "{ a = ".repeat(deep)),
        format!("a = \"{}\n", "x".repeat(deep)),
        "\u{1b}[2J".repeat(deep),
        format!("a = 1{}\n", "0".repeat(deep)),
    ];
    for name in [
        "pipeline.toml",
        "params.toml",
        "pipeline.lock",
        "sources.lock",
    ] {
        let space = Space::new(CHAIN);
        for text in &texts {
            space.write(name, text);
            let ran = space.run(&["repro"]);
            assert_eq!(ran.code, Some(1), "{name}: {}", ran.stderr);
            assert!(
                ran.stderr.contains(&format!("--> {name}:1:")),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.len() < 1000, "{} bytes", ran.stderr.len());
            assert!(!ran.stderr.contains('\u{1b}'));
        }
        // A file of a terabyte, of which no byte is on the disk.
        let file = fs_err::File::create(space.path(name)).unwrap();
        file.file().set_len(1 << 40).unwrap();
        space.fails(
            &["repro"],
            &format!("cannot read `{name}`: it has 1099511627776 bytes"),
        );
        fs_err::write(space.path(name), b"a = \"\xff\"\n").unwrap();
        space.fails(&["repro"], "stream did not contain valid UTF-8");
    }
    let space = Space::new(CHAIN);
    // An argument has 128 KiB at most.
    let deep = 30_000;
    let dotted = vec!["a"; deep].join(".");
    for value in ["[".repeat(deep), format!("{{a={}", "{a=".repeat(deep))] {
        space.fails(
            &["status", "--set", &format!("chain.number={value}")],
            "--> --set:1:",
        );
    }
    space.fails(
        &["status", "--set", &format!("{dotted}=1")],
        "--> --set:1:1",
    );
}

#[test]
fn a_slip_in_a_count_does_not_fill_the_memory() {
    for each in ["n = 1000000000000", "n = 1000, m = 1000, l = 1000"] {
        let space = Space::new(&format!(
            "[stage.s]\ncmd = \"true\"\neach = {{ {each} }}\nout = {{ x = \"x${{n}}\" }}\n"
        ));
        space.fails(
            &["status"],
            "instances of `s`; expected 100000 at most\n --> pipeline.toml:3:",
        );
    }
}

#[test]
fn a_lost_index_costs_time_alone() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let spoil: [fn(PathBuf); 4] = [
        |path| fs_err::write(path, "[".repeat(1_000_000)).unwrap(),
        |path| fs_err::write(path, [0xff; 1000]).unwrap(),
        |path| {
            let file = fs_err::File::create(path).unwrap();
            file.file().set_len(1 << 40).unwrap();
        },
        |path| symlink("/dev/zero", path).unwrap(),
    ];
    for spoil in spoil {
        for name in ["index", "code.json", "cargo.json", "runs.jsonl"] {
            let path = format!(".atelier/{name}");
            space.remove(&path);
            spoil(space.path(&path));
            assert_eq!(
                space.repro(),
                ["a up-to-date", "b up-to-date", "c up-to-date"]
            );
            space.ok(&["history"]);
            let _ = fs_err::remove_file(space.path(&path));
        }
    }
}

#[test]
fn a_path_out_of_a_parameter_stays_inside() {
    let space = Space::new(
        "[stage.s]\ncmd = \"echo > ${out.x}\"\nparams = []\nout = { x = \"${chain.letter}\" }\n",
    );
    for (path, why) in [
        ("../x", "has `..`"),
        ("a/../../x", "has `..`"),
        ("/etc/x", "is absolute"),
        (
            ".atelier/cache/x",
            "a folder that is not a stage's to write",
        ),
        (
            ".git/hooks/pre-commit",
            "a folder that is not a stage's to write",
        ),
        ("./pipeline.lock", "one of the runner's own files"),
    ] {
        space.fails(&["repro", "--set", &format!("chain.letter={path}")], why);
    }
}

#[test]
fn a_tree_that_leaves_its_folder_is_not_restored() {
    let space = Space::new(TWO);
    space.ok(&["repro"]);
    let (key, tree) = (locked(&space, "key"), locked(&space, "out.d"));
    let text = space
        .read(&cached("trees", &tree))
        .replace("\"x\"", "\"../escaped\"");
    let evil = blake3::derive_key("atelier store tree 1", text.as_bytes());
    let evil = blake3::Hash::from_bytes(evil).to_hex().to_string();
    space.write(&cached("trees", &evil), &text);
    for file in [cached("records", &key), "pipeline.lock".to_owned()] {
        space.write(&file, &space.read(&file).replace(&tree, &evil));
    }
    space.remove("d");
    let ran = space.run(&["checkout"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("the cache does not have output d"),
        "{}",
        ran.stdout
    );
    assert!(!space.exists("escaped") && !space.exists("d"));
    assert_eq!(space.repro(), ["s ran"]);
    assert!(!space.exists("escaped"));
    assert_eq!(locked(&space, "out.d"), tree);
    space.fails(&["cache", "verify"], &evil);
}

#[test]
fn a_record_of_another_key_is_no_result() {
    let space = Space::new(TWO);
    space.ok(&["repro", "--set", "chain.letter=bad"]);
    let bad = space.read(&cached("records", &locked(&space, "key")));
    space.ok(&["repro"]);
    let record = cached("records", &locked(&space, "key"));
    space.remove("pipeline.lock");
    space.write(&record, &bad);
    assert_eq!(space.repro(), ["s ran"]);
    assert_eq!(space.read("d/x"), "x\n");
    space.write(&record, &bad);
    space.fails(&["cache", "verify"], &locked(&space, "key"));
}

#[test]
fn a_link_in_the_place_of_an_output_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::write(outside.path().join("x"), "precious\n").unwrap();
    let space = Space::new(TWO);
    space.ok(&["repro"]);
    space.remove("d");
    symlink(outside.path(), space.path("d")).unwrap();
    assert_eq!(space.repro(), ["s restored"]);
    assert!(!space.path("d").is_symlink());
    assert!(
        space.path(".atelier/backup/1/d").is_symlink(),
        "it is backed up"
    );
    for letter in ["y", "x"] {
        space.remove("d");
        symlink(outside.path(), space.path("d")).unwrap();
        space.ok(&[
            "repro",
            "--set",
            &format!("chain.letter={letter}"),
            "--force",
        ]);
        assert_eq!(space.read("d/x"), format!("{letter}\n"));
    }
    let kept = fs_err::read_to_string(outside.path().join("x")).unwrap();
    assert_eq!(kept, "precious\n");
    assert_eq!(fs_err::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_becomes_a_link_meanwhile_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let swap = format!("rm -rf o; ln -s {} o; ", outside.path().display());
    for (cmd, rules) in [
        ("echo > ${out.x}", "sandbox = false"),
        ("echo > o/x", "sandbox = false"),
    ] {
        let space = Space::new(&format!(
            "[stage.s]\ncmd = \"{swap}{cmd}\"\nout = {{ x = \"o/x\" }}\n{rules}\n"
        ));
        space.write("o/x", "before\n");
        space.fails(&["repro"], "`o/x`");
        // Its former content waits for the folder to be one again.
        space.fails(&["repro"], "leads out of the workspace by a symbolic link");
        let left = fs_err::read_dir(outside.path()).unwrap();
        let written_by_the_stage = usize::from(cmd.contains("> o/x"));
        assert_eq!(left.count(), written_by_the_stage, "{cmd}");
    }
}

#[test]
fn the_folder_of_the_runner_is_no_link() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::create_dir(outside.path().join("tmp")).unwrap();
    let space = Space::new(TWO);
    symlink(outside.path(), space.path(".atelier")).unwrap();
    for command in ["repro", "status"] {
        space.fails(
            &[command],
            "`.atelier` is a symbolic link: make it a folder",
        );
    }
    assert!(outside.path().join("tmp").exists());
}

#[test]
fn the_cache_may_be_on_another_disk() {
    let outside = tempfile::tempdir().unwrap();
    let space = Space::new(TWO);
    fs_err::create_dir(space.path(".atelier")).unwrap();
    symlink(outside.path(), space.path(".atelier/cache")).unwrap();
    space.ok(&["repro"]);
    space.remove("d");
    assert_eq!(space.repro(), ["s restored"]);
    // A part of it that is replaced by a link has no other bytes than those of its name.
    let x = blake3::hash(b"x\n").to_hex().to_string();
    let shard = format!(".atelier/cache/objects/{}", &x[..2]);
    space.remove(&shard);
    let swapped = tempfile::tempdir().unwrap();
    fs_err::write(swapped.path().join(&x[2..]), "evil").unwrap();
    fs_err::write(swapped.path().join("other"), "precious").unwrap();
    symlink(swapped.path(), space.path(&shard)).unwrap();
    space.remove("d");
    let ran = space.ok(&["repro"]);
    assert!(
        ran.stdout.contains("was damaged and has been removed"),
        "{}",
        ran.stdout
    );
    assert_eq!(space.read("d/x"), "x\n");
    space.ok(&["cache", "gc", "--younger-than", "1 ms"]);
    let kept = fs_err::read_to_string(swapped.path().join("other")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn the_journal_of_an_unfinished_run_is_not_trusted() {
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    fs_err::write(&precious, "").unwrap();
    let space = Space::new(TWO);
    symlink(outside.path(), space.path("link")).unwrap();
    let precious_path = precious.display().to_string();
    for (path, why) in [
        (&*precious_path, "is no output's place"),
        ("../x", "is no output's place"),
        ("./params.toml", "is no output's place"),
        (".", "is no output's place"),
        (
            "link/precious",
            "leads out of the workspace by a symbolic link",
        ),
    ] {
        let note = serde_json::json!({ "entries": [{ "path": path, "was_there": false }] });
        space.write(".atelier/work/0/aside.json", &note.to_string());
        space.fails(&["repro"], &format!("names `{path}`, which {why}; "));
    }
    assert!(precious.exists() && space.exists("params.toml"));
    space.write(".atelier/work/0/aside.json", &"[".repeat(1_000_000));
    space.fails(&["repro"], "isn't as it was written: ");
}

#[test]
fn an_old_link_to_nothing_comes_back_after_a_failure() {
    let space = Space::new("[stage.s]\ncmd = \"echo > x; exit 1\"\nout = { x = \"x\" }\n");
    symlink("nowhere", space.path("x")).unwrap();
    space.fails(&["repro"], "exit status 1");
    let target = fs_err::read_link(space.path("x")).unwrap();
    assert_eq!(target.to_str(), Some("nowhere"));
}

#[test]
fn a_stage_is_not_started_for_a_runner_that_is_gone() {
    let space = Space::new("");
    let request = serde_json::json!({ "Run": {
        "id": "key",
        "instance": "s",
        "resources": { "cores": null, "memory": 0, "gpus": 0 },
        "program": "/bin/sh",
        "arguments": ["-c", "echo ran >> ran"],
        "folder": space.path(""),
        "environment": [],
        "limits": null,
        "timeout": null,
        "log": space.path("log"),
        "work": space.path(""),
    }});
    let ask = |runner_lives: bool| {
        let mut supervisor = space.start_with_input(&["__supervise"]);
        let mut input = supervisor.stdin.take().unwrap();
        // As long as another holds the lock, nothing is started.
        let lock = fs_err::File::create(space.path("lock")).unwrap();
        lock.file().lock().unwrap();
        writeln!(input, "{request}").unwrap();
        if runner_lives {
            drop(lock);
            // The shell makes the file before it writes to it.
            wait("the stage", || {
                space.exists("ran") && space.read("ran") == "ran\n"
            });
            drop(input);
        } else {
            drop(input);
            // It has heard of it, and waits for the lock.
            std::thread::sleep(Duration::from_millis(200));
            drop(lock);
        }
        assert!(supervisor.wait().unwrap().success());
    };
    ask(false);
    assert!(!space.exists("ran"));
    ask(true);
    assert_eq!(space.read("ran"), "ran\n");
}

#[test]
fn a_fetched_file_is_moved_in_once_its_hash_is_known() {
    let space = Space::new(CHAIN);
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("file");
    let url = format!("file://{}", file.display());
    fs_err::write(&file, "as it was").unwrap();
    space.ok(&["import", &url, "data/x"]);
    space.remove(".atelier");
    space.remove("data");
    fs_err::write(&file, "as it is").unwrap();
    space.fails(
        &["checkout", "data/x"],
        "is not what it was when `data/x` was imported",
    );
    assert!(!space.exists("data"));
    space.fails(
        &["import", &url, "new/y", "--sha256", &"0".repeat(64)],
        "expected 0000",
    );
    assert!(!space.exists("new"));
    let left = fs_err::read_dir(space.path(".atelier/partial")).unwrap();
    assert_eq!(left.count(), 0);
}
