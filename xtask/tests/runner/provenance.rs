//! History of runs, and provenance of files.

use serde_json::{Value, json};

use crate::space::{CHAIN, Space};

fn origin(space: &Space, file: &str) -> Value {
    let ran = space.ok(&["provenance", file, "--json"]);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The stages from a file back, each with the path that it made.
fn stages(origin: &Value) -> Vec<String> {
    let mut stages = Vec::new();
    let mut origin = origin;
    while let Some(stage) = origin["made"]["stage"].as_str() {
        stages.push(format!("{stage} {}", origin["path"].as_str().unwrap()));
        origin = &origin["made"]["inputs"][0];
    }
    stages.push(origin["path"].as_str().unwrap_or("?").to_owned());
    stages
}

fn runs(space: &Space, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["history", "--json"], arguments].concat();
    let runs: Vec<Value> = serde_json::from_str(&space.ok(&arguments).stdout).unwrap();
    let text = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
    let runs = runs
        .iter()
        .map(|run| format!("{} {}", text(run, "stage"), text(run, "outcome")));
    runs.collect()
}

#[test]
fn a_run_is_noted_with_all_that_it_was() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let line = space
        .read(".atelier/runs.jsonl")
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let run: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&run["stage"], &run["outcome"], &run["status"]),
        (&json!("a"), &json!("ran"), &json!("exit status 0"))
    );
    assert_eq!(
        run["command"][0],
        "cat ${in.src} > ${out.a}; echo x >> ${out.a}".replace("${in.src}", "src.txt")
    );
    assert_eq!(
        run["reasons"],
        json!([{ "kind": "no-result", "text": "no result in `pipeline.lock`" }])
    );
    assert_eq!(run["inputs"][0]["path"], "src.txt");
    assert_eq!(run["outputs"][0]["name"], "a");
    assert_eq!(run["outputs"][0]["content"].as_str().unwrap().len(), 64);
    assert!(run["wall_s"].is_number() && run["peak_bytes"].is_number());
    assert!(
        run["machine"]["system"]
            .as_str()
            .unwrap()
            .split(' ')
            .count()
            >= 3
    );
    assert!(run["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn history_lists_the_outcome_of_each_run() {
    let space =
        Space::new(&CHAIN.replace("cmd = \"head", "cmd = \"test ${chain.letter} != bad; head"));
    space.ok(&["repro"]);
    space.run(&["repro", "--set", "chain.letter=bad"]);
    space.ok(&["repro", "--set", "chain.letter=y"]);
    space.write("c.txt", "by hand\n");
    space.ok(&["commit", "--set", "chain.letter=y", "c"]);
    let all = [
        "b ran", "a ran", "b failed", "a ran", "c ran", "b ran", "a ran",
    ];
    assert_eq!(runs(&space, &[])[1..], all, "{:?}", runs(&space, &[]));
    assert_eq!(runs(&space, &["b"]), ["b ran", "b failed", "b ran"]);
    assert_eq!(runs(&space, &["a", "--last", "1"]), ["a ran"]);
    let text = space.ok(&["history", "b", "--last", "2"]).stdout;
    assert!(text.starts_with("time "), "{text}");
    assert!(text.contains("failed: exit status 1"), "{text}");
    space.fails(&["history", "d"], "unknown stage or output `d`");
    let space = Space::new(CHAIN);
    space.fails(&["history", "a"], "`a` never ran here");
    assert_eq!(space.ok(&["history"]).stdout.lines().count(), 1);
}

#[test]
fn accepted_results_are_listed() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.write("src.txt", "other\n");
    space.ok(&["commit", "a"]);
    assert_eq!(runs(&space, &["--last", "1"]), ["a committed"]);
    let origin = origin(&space, "a.txt");
    assert_eq!(origin["made"]["accepted"], "committed as it stood there");
    assert_eq!(origin["made"]["run"]["outcome"], "committed");
    let text = space.ok(&["provenance", "a.txt"]).stdout;
    assert!(text.contains("committed as it stood there"), "{text}");
}

#[test]
fn a_file_is_followed_back_to_its_sources() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let expected = ["c c.txt", "b out/b.txt", "a a.txt", "src.txt"];
    assert_eq!(stages(&origin(&space, "c.txt")), expected);
    let text = space.ok(&["provenance", "c.txt"]).stdout;
    for part in [
        "c.txt  ",
        "│ $ cat ${in.b} > ${out.c}",
        "└─ b: out/b.txt  ",
        "└─ src: src.txt  ",
        "  source\n",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    space.write("src.txt", "other\n");
    assert!(
        space
            .ok(&["provenance", "c.txt"])
            .stdout
            .contains("source, changed since")
    );
    space.remove("src.txt");
    assert!(
        space
            .ok(&["provenance", "c.txt"])
            .stdout
            .contains("source, no longer there")
    );
}

#[test]
fn old_lists_and_lost_records_still_tell_something() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let whole = origin(&space, "c.txt");
    // As an older version noted runs, and as a power cut left the last line.
    let runs = space.read(".atelier/runs.jsonl");
    let old: Vec<String> = { runs.lines() }
        .map(|line| {
            let run: Value = serde_json::from_str(line).unwrap();
            let keys = ["stage", "key", "status", "wall_s", "cpu_s", "peak_bytes"];
            let old: Value = keys
                .iter()
                .map(|key| ((*key).to_owned(), run[*key].clone()))
                .collect();
            old.to_string()
        })
        .collect();
    space.write(
        ".atelier/runs.jsonl",
        &format!("{}\n{{\"stage\":", old.join("\n")),
    );
    assert_eq!(stages(&origin(&space, "c.txt")), stages(&whole));
    assert_eq!(
        origin(&space, "c.txt")["made"]["command"],
        whole["made"]["command"]
    );
    assert_eq!(space.ok(&["history"]).stdout.lines().count(), 4);
    space.ok(&["repro", "--force", "c"]);
    assert_eq!(
        space.ok(&["history"]).stdout.lines().count(),
        5,
        "the next line is whole"
    );
    space.write(".atelier/runs.jsonl", &runs);
    space.remove(".atelier/cache");
    assert_eq!(stages(&origin(&space, "c.txt")), stages(&whole));
    space.remove(".atelier");
    assert_eq!(
        stages(&origin(&space, "c.txt")),
        stages(&whole),
        "the lock alone"
    );
}

#[test]
fn a_replaced_output_keeps_its_provenance() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    let old = space.read("a.txt");
    space.ok(&["repro", "a", "--set", "chain.letter=y"]);
    // `c` still has the output that `b` made from the first `a`: equal bytes.
    assert_eq!(
        stages(&origin(&space, "c.txt")),
        ["c c.txt", "b out/b.txt", "a a.txt", "src.txt"]
    );
    let text = space.ok(&["provenance", "c.txt"]).stdout;
    assert!(
        text.contains("echo x >> ${out.a}") && text.contains(", changed since"),
        "{text}"
    );
    // A copy has the provenance of its content.
    space.write("copy.txt", &old);
    let copy = origin(&space, "copy.txt");
    assert_eq!(
        (&copy["made"]["stage"], &copy["path"]),
        (&json!("a"), &json!("copy.txt"))
    );
    space.write("a.txt", "by hand\n");
    let edited = origin(&space, "a.txt");
    assert_eq!(edited["state"], "changed");
    assert!(
        edited["made"]["command"][0]
            .as_str()
            .unwrap()
            .contains("echo y")
    );
}

#[test]
fn experiments_are_followed_too() {
    let space = Space::new(CHAIN);
    space.ok(&["exp", "run", "--set", "chain.letter=z", "-q"]);
    let aside = ".atelier/experiments/letter-z";
    let expected = [("c", "c.txt"), ("b", "out/b.txt"), ("a", "a.txt")];
    let mut expected = expected
        .map(|(stage, path)| format!("{stage} {aside}/{path}"))
        .to_vec();
    expected.push("src.txt".to_owned());
    assert_eq!(stages(&origin(&space, &format!("{aside}/c.txt"))), expected);
    let first = space.ok(&["history", "--last", "1"]).stdout;
    assert!(first.ends_with("experiments/letter-z\n"), "{first}");
    space.ok(&["exp", "apply", "letter-z"]);
    let here = ["c c.txt", "b out/b.txt", "a a.txt", "src.txt"];
    assert_eq!(
        stages(&origin(&space, "c.txt")),
        here,
        "made there, it stands here"
    );
}

#[test]
fn provenance_covers_folders_their_files_and_branches() {
    let space = Space::new(
        r#"
[stage.many]
cmd = "mkdir ${out.d}; echo ${k} > ${out.d}/x; echo y > ${out.d}/y"
each = { k = 2 }
out = { d = "data/${k}" }
[stage.all]
cmd = "cat ${in.all}/*/x > ${out.x}"
in = { all = "data" }
out = { x = "x.txt" }
[stage.part]
cmd = "ls ${in.y} ${in.x} ${in.xs} > ${out.z}"
in = { y = "data/1/y", x = "x.txt", xs = "data/*" }
out = { z = "z.txt" }
"#,
    );
    space.ok(&["repro"]);
    let inputs = |origin: &Value| -> Vec<String> {
        let inputs = origin["made"]["inputs"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap_or("source").to_owned();
        inputs
            .map(|input| {
                format!(
                    "{} {} {}",
                    text(&input["name"]),
                    text(&input["path"]),
                    text(&input["made"]["stage"])
                )
            })
            .collect()
    };
    assert_eq!(
        inputs(&origin(&space, "x.txt")),
        ["all data/0 many@0", "all data/1 many@1"]
    );
    let part = origin(&space, "z.txt");
    let expected = [
        "x x.txt all",
        "xs data/0 many@0",
        "xs data/1 many@1",
        "y data/1/y many@1",
    ];
    assert_eq!(inputs(&part), expected);
    assert_eq!(part["made"]["inputs"][1]["made"]["is_repeated"], true);
    assert_eq!(origin(&space, "data/0/x")["made"]["stage"], "many@0");
    assert!(
        space
            .ok(&["provenance", "z.txt"])
            .stdout
            .contains("many@1: see above")
    );
    space.fails(
        &["provenance", "data"],
        "`data` is a folder around outputs: name one of `data/0`, `data/1`",
    );
    space.fails(
        &["provenance", "z.tx"],
        "no stage makes or reads `z.tx`; did you mean `z.txt`?",
    );
}

#[test]
fn sources_say_where_they_came_from() {
    let space = Space::new(CHAIN);
    space.write("elsewhere.txt", "source\n");
    space.remove("src.txt");
    let from = space.path("elsewhere.txt").display().to_string();
    space.ok(&["import", &from, "src.txt"]);
    space.ok(&["repro"]);
    let text = space.ok(&["provenance", "a.txt"]).stdout;
    assert!(text.contains(&format!("source, from {from}")), "{text}");
    assert_eq!(origin(&space, "src.txt")["made"], Value::Null);
}

#[test]
fn lost_records_leave_gaps_in_provenance() {
    let space = Space::new(CHAIN);
    space.ok(&["repro"]);
    space.ok(&["repro", "a", "--set", "chain.letter=y"]);
    space.remove(".atelier/runs.jsonl");
    let made_of = |space: &Space| origin(space, "out/b.txt")["made"]["inputs"][0]["made"].clone();
    let command = made_of(&space)["command"][0].as_str().unwrap().to_owned();
    assert!(
        command.contains("echo x"),
        "the cache has its record: {command}"
    );
    space.remove(".atelier/cache/records");
    assert_eq!(made_of(&space)["key"], Value::Null);
    let text = space.ok(&["provenance", "out/b.txt"]).stdout;
    assert!(text.contains("a: its result is no longer known"), "{text}");
}
