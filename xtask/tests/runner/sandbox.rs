//! Stages that are confined to their declared files.

use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use crate::space::{Ran, Space};

fn skipped() -> bool {
    skip::unless(sandbox::is_supported(), "landlock")
}

const COPY: &str = r#"
[stage.copy]
cmd = "cat ${in.src} > ${out.copy}; mktemp > /dev/null"
in = { src = "src.txt" }
out = { copy = "made/copy.txt" }
"#;

/// The same with another command.
fn with(cmd: &str) -> Space {
    let command = format!("cmd = '''{cmd}'''");
    let space = Space::new(&COPY.replace(
        "cmd = \"cat ${in.src} > ${out.copy}; mktemp > /dev/null\"",
        &command,
    ));
    space.write("data/extra.csv", "more\n");
    space
}

/// Runs a stage that must be refused something, with `part` in the message.
fn refused(space: &Space, part: &str) -> Ran {
    let ran = space.run(&["repro"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains(part),
        "`{part}` is not in:\n{}",
        ran.stderr
    );
    assert!(!space.exists("made/copy.txt"));
    ran
}

const EXTRA: &str = "add what it reads to `in` of [stage.copy] in pipeline.toml and what it writes to `out`, or say `sandbox = false` there\n  extra = \"data/extra.csv\"\n";

#[test]
fn declared_files_are_accessible() {
    if skipped() {
        return;
    }
    let space = Space::new(COPY);
    space.ok(&["repro", "--sandbox"]);
    assert_eq!(space.read("made/copy.txt"), "source\n");
    // Its temporary files are gone.
    assert!(!space.exists(".atelier/tmp"));
    // It is no part of a key.
    for arguments in [&["repro"][..], &["repro", "--no-sandbox"]] {
        assert!(space.ok(arguments).stdout.contains("0 ran"));
    }
}

#[test]
fn an_undeclared_input_fails_with_the_line_to_add() {
    if skipped() {
        return;
    }
    let space = with("cat ${in.src} data/extra.csv > ${out.copy}");
    refused(&space, EXTRA);
    let declared = space.read("pipeline.toml");
    let added = "src = \"src.txt\", extra = \"data/extra.csv\"";
    space.write(
        "pipeline.toml",
        &declared.replace("src = \"src.txt\"", added),
    );
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "source\nmore\n");
}

#[test]
fn the_lines_to_add_have_names_of_their_own() {
    if skipped() {
        return;
    }
    let space = with("cat ${in.src} data/src.txt more/src.txt > ${out.copy}");
    space.write("data/src.txt", "more\n");
    space.write("more/src.txt", "most\n");
    refused(
        &space,
        "\n  src_2 = \"data/src.txt\"\n  src_3 = \"more/src.txt\"\n",
    );
}

#[test]
fn a_stage_or_a_run_can_do_without() {
    let space = with("cat ${in.src} data/extra.csv > ${out.copy}");
    space.ok(&["repro", "--no-sandbox"]);
    let declared = space.read("pipeline.toml");
    space.write("pipeline.toml", &format!("{declared}sandbox = false\n"));
    assert_eq!(space.repro(), ["copy up-to-date"]);
    space.ok(&["repro", "copy", "--force"]);
    if !skipped() {
        space.ok(&["repro", "copy", "--force", "--sandbox"]);
        space.write("pipeline.toml", &declared);
        space.remove("pipeline.lock");
        space.remove(".atelier/cache");
        space.fails(&["repro"], EXTRA);
    }
    let both = space.run(&["repro", "--sandbox", "--no-sandbox"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

#[test]
fn who_says_nothing_of_it_is_noticed_as_far_as_can_be() {
    if skipped() {
        return;
    }
    // It logs the refusal and succeeds, or fails without a message.
    let swallowed = with("cat ${in.src} > ${out.copy}; cat data/extra.csv || true");
    let ran = refused(&swallowed, EXTRA);
    assert!(
        ran.stderr
            .contains("stage `copy` ended well, but without all that it asked for:\n"),
        "{}",
        ran.stderr
    );
    let silent = with("cat ${in.src} > ${out.copy}; cat data/extra.csv 2> /dev/null || exit 7");
    refused(&silent, EXTRA);
    let none = with("cat ${in.src} > ${out.copy}; exit 7");
    let ran = refused(&none, "exit status 7");
    assert!(!ran.stderr.contains("sandbox"), "{}", ran.stderr);
}

#[test]
fn an_undeclared_script_is_named() {
    if skipped() {
        return;
    }
    for cmd in [
        "sh tools/run.sh > ${out.copy}",
        "./tools/run.sh > ${out.copy}",
    ] {
        let space = with(cmd);
        space.write("tools/run.sh", "cat src.txt\n");
        refused(&space, "\n  run = \"tools/run.sh\"\n");
        let declared = space.read("pipeline.toml");
        let added = "src = \"src.txt\", run = \"tools/run.sh\"";
        space.write(
            "pipeline.toml",
            &declared.replace("src = \"src.txt\"", added),
        );
        if cmd.starts_with("sh") {
            space.ok(&["repro"]);
        }
    }
}

#[test]
fn an_undeclared_output_is_not_written() {
    if skipped() {
        return;
    }
    for (cmd, part) in [
        (
            "echo x > side.txt",
            "add what it makes to `out` of [stage.copy] in pipeline.toml, or say `sandbox = false` there\n  side = \"side.txt\"\n",
        ),
        ("echo x > data/side.txt", "\n  side = \"data/side.txt\"\n"),
        ("mkdir side", "\n  side = \"side\"\n"),
        (
            "echo x > /var/atelier-test",
            "in the sandbox, `/var/atelier-test` cannot be made: outputs lie in the workspace\n",
        ),
        (
            "echo x > src.txt",
            "in the sandbox, `src.txt` is an input, which it may read and not write\n",
        ),
        (
            "echo x > /tmp/atelier-test",
            "in the sandbox, `/tmp/atelier-test` is refused: temporary files go to `$TMPDIR`\n",
        ),
    ] {
        let space = with(&format!("cat ${{in.src}} > ${{out.copy}}; {cmd}"));
        refused(&space, part);
        assert_eq!(space.read("src.txt"), "source\n");
        assert!(!space.exists("side.txt") && !space.exists("data/side.txt"));
    }
}

#[test]
fn an_output_may_be_written_in_its_place() {
    if skipped() {
        return;
    }
    let space = Space::new(
        r#"
[stage.below]
cmd = "mkdir -p made && cp src.txt made/copy.txt && cat made/copy.txt >> made/copy.txt.new && mv made/copy.txt.new made/copy.txt"
in = { src = "src.txt" }
out = { copy = "made/copy.txt" }

[stage.root]
cmd = ["mkdir plots", "echo x > plots/new", "mv plots/new plots/x", "ls plots", "cp src.txt table.csv"]
in = { src = "src.txt" }
out = { plots = "plots", table = "table.csv" }

[stage.again]
cmd = "cat src.txt >> again.txt"
in = { src = "src.txt" }
out = { again = { path = "again.txt", keep = true } }
"#,
    );
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "source\n");
    assert_eq!(space.read("plots/x"), "x\n");
    space.write("src.txt", "more\n");
    space.ok(&["repro"]);
    assert_eq!(space.read("again.txt"), "source\nmore\n");
}

#[test]
fn an_output_in_the_root_is_not_readable_in_its_place() {
    if skipped() {
        return;
    }
    // The root isn't opened to read for the sake of an output in it.
    let space = Space::new(
        "[stage.copy]\ncmd = \"cp src.txt x.txt; cat data/extra.csv >> x.txt\"\nin = { src = \"src.txt\" }\nout = { x = \"x.txt\" }\n",
    );
    space.write("data/extra.csv", "more\n");
    refused(&space, EXTRA);
    let declared = space.read("pipeline.toml");
    space.write(
        "pipeline.toml",
        &declared.replace("cat data/extra.csv >> x.txt", "sort x.txt"),
    );
    let advice = "in the sandbox, what it writes to `x.txt` it cannot read there: let its command write to `${out.x}`\n";
    refused(&space, advice);
    // Also where it was there before.
    space.write("x.txt", "before\n");
    refused(&space, advice);
}

#[test]
fn files_that_every_program_needs_are_accessible() {
    if skipped() {
        return;
    }
    let space = with(
        "echo x > /dev/null; head -c 1 /dev/urandom > /dev/null; cat /proc/self/status /etc/passwd > /dev/null
        (sh -c 'mktemp -d' | grep -q \"^$TMPDIR\") && sort < ${in.src} | tee ${out.copy} > /dev/null
        ls /usr/bin > /dev/null; cat << END > /dev/null\ntext\nEND",
    );
    let ran = space.run(&["repro"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn links_in_a_folder_of_inputs_lead_where_they_lead() {
    if skipped() {
        return;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs_err::write(elsewhere.path().join("a"), "linked\n").unwrap();
    let space = with("cat links/* > ${out.copy}");
    let pipeline = space.read("pipeline.toml");
    space.write("pipeline.toml", &pipeline.replace("src.txt", "links"));
    space.write("links/b", "own\n");
    std::os::unix::fs::symlink(elsewhere.path().join("a"), space.path("links/a")).unwrap();
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "linked\nown\n");
}

#[test]
fn files_outside_of_the_workspace_can_be_declared() {
    if skipped() {
        return;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let model = elsewhere.path().join("model.bin");
    fs_err::write(&model, "weights\n").unwrap();
    let space = with(&format!("cat {} > ${{out.copy}}", model.display()));
    let line = format!("model = \"{}\"", model.display());
    refused(&space, &line);
    let pipeline = space.read("pipeline.toml");
    space.write(
        "pipeline.toml",
        &pipeline.replace("src = \"src.txt\"", &line),
    );
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "weights\n");
}

#[test]
fn settings_of_the_user_are_done_without() {
    if skipped() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for name in [".cache/torch/weights", "table.csv"] {
        let path = home.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "").unwrap();
    }
    let run = |space: &Space| {
        let mut command = space.command(&["repro"]);
        Ran::from(command.env("HOME", home.path()).output().unwrap())
    };
    // A program may succeed without its caches.
    let space = with("cat ${in.src} > ${out.copy}; cat ~/.cache/torch/weights || true");
    let ran = run(&space);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let told = format!(
        "weights = \"{}/.cache/torch/weights\"",
        home.path().display()
    );
    assert!(ran.stdout.contains(&told), "{}", ran.stdout);
    let space = with("cat ${in.src} > ${out.copy}; cat ~/.cache/torch/weights");
    let ran = run(&space);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
}

#[test]
fn an_environment_in_the_workspace_is_reached() {
    if skipped() {
        return;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let program = elsewhere.path().join("3.12/bin/python");
    let library = elsewhere.path().join("3.12/lib/library");
    for path in [&program, &library] {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    }
    fs_err::copy("/bin/cat", &program).unwrap();
    fs_err::write(&library, "library\n").unwrap();
    let space = with(&format!(
        ".venv/bin/python {} .venv/lib/package > ${{out.copy}}",
        library.display()
    ));
    space.write(".venv/lib/package", "package\n");
    space.write(".venv/bin/activate", "");
    std::os::unix::fs::symlink(&program, space.path(".venv/bin/python")).unwrap();
    refused(&space, ".venv/bin/python");
    space.write(".venv/pyvenv.cfg", "");
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "library\npackage\n");
}

#[test]
fn python_finds_its_modules_and_no_others() {
    let has_python = Command::new("python3")
        .args(["-c", "import sys"])
        .output()
        .is_ok_and(|output| output.status.success());
    if skipped() || skip::unless(has_python, "python3") {
        return;
    }
    let space = with("python3 train.py ${out.copy}");
    space.write(
        "train.py",
        "import sys, tempfile, multiprocessing\nimport helper\nmultiprocessing.Lock()\ntempfile.TemporaryFile()\nopen(sys.argv[1], 'w').write(helper.text)\n",
    );
    space.write("helper.py", "text = 'helped'\n");
    let declare = |added: &str| {
        let pipeline = space.read("pipeline.toml");
        let line = format!("in = {{ {added}, ");
        space.write("pipeline.toml", &pipeline.replace("in = { ", &line));
    };
    refused(&space, "\n  train = \"train.py\"\n");
    declare("train = \"train.py\"");
    refused(&space, "\n  helper = \"helper.py\"\n");
    declare("helper = \"helper.py\"");
    space.ok(&["repro"]);
    assert_eq!(space.read("made/copy.txt"), "helped");
}

/// So many limits a process can be under; within them, it can hold no other to any.
const MOST_LIMITS: usize = 16;

/// Runs a command where the kernel cannot confine stages. The exit status is lost.
fn run_unconfined(space: &Space, arguments: &[&str]) -> String {
    let own = env!("CARGO_BIN_EXE_xtask");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: String| folder.path().join(name).display().to_string();
    for level in 0..MOST_LIMITS {
        let mut words: Vec<String> = [own]
            .iter()
            .chain(arguments)
            .map(|word| word.to_string())
            .collect();
        if level + 1 < MOST_LIMITS {
            // What it reads from ends once it has told of the end.
            let told = path(format!("told-{level}"));
            let next = path(format!("{}.json", level + 1));
            let script = format!(
                "(cat {next}; until grep -q '^{{\"Ended\"' {told}; do sleep 0.01; done) | {own} __supervise > {told}"
            );
            words = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        }
        let work = path(format!("work-{level}"));
        fs_err::create_dir(&work).unwrap();
        let request = serde_json::json!({ "Run": {
            "id": "key",
            "instance": "s",
            "resources": { "cores": null, "memory": 0, "gpus": 0 },
            "program": words[0],
            "arguments": words[1..],
            "folder": space.path(""),
            "environment": [],
            "limits": { "lists": [], "reads": [], "makes": [], "writes": ["/"] },
            "timeout": null,
            "log": path("log".into()),
            "work": work,
        }});
        fs_err::write(path(format!("{level}.json")), format!("{request}\n")).unwrap();
    }
    let mut child = space.start_with_input(&["__supervise"]);
    let mut input = child.stdin.take().unwrap();
    let request = fs_err::read_to_string(path("0.json".into())).unwrap();
    input.write_all(request.as_bytes()).unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().starts_with("{\"Ended\"")));
    drop(input);
    assert!(child.wait().unwrap().success());
    fs_err::read_to_string(path("log".into())).unwrap()
}

#[test]
fn missing_confinement_is_reported_once() {
    if skipped() {
        return;
    }
    let note = "note: this system cannot hold stages to what they declare";
    let space = with("cat ${in.src} data/extra.csv > ${out.copy}");
    let told = run_unconfined(&space, &["repro", "--sandbox"]);
    assert!(told.contains("run without `--sandbox`"), "{told}");
    assert!(!space.exists("made/copy.txt"));
    let told = run_unconfined(&space, &["repro", "--quiet"]);
    assert_eq!(told.matches(note).count(), 1, "{told}");
    assert_eq!(space.read("made/copy.txt"), "source\nmore\n");
    let told = run_unconfined(&space, &["repro", "copy", "--force"]);
    assert!(!told.contains(note), "{told}");
    assert_eq!(space.ran(), "copy copy");
}
