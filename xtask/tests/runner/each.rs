//! Instances and gathering them.

use crate::space::Space;

const FOLDS: &str = r#"
[stage.train]
cmd = "echo ${chain.letter} ${fold} > ${out.model}"
each = { fold = "${chain.number}" }
out = { model = "models/${fold}/model.txt" }

[stage.select]
cmd = "cat ${in.models} > ${out.best}"
in = { models = "models/*/model.txt", extra = "${chain.letter}" }
out = { best = "best.txt" }
"#;

#[test]
fn instances_are_gathered_by_a_pattern() {
    let space = Space::new(&FOLDS.replace(", extra = \"${chain.letter}\"", ""));
    let three = ["--set", "chain.number=3"];
    let states = space.states(&[&["repro", "--json"], &three[..]].concat());
    assert_eq!(
        states,
        ["train@0 ran", "train@1 ran", "train@2 ran", "select ran"]
    );
    assert_eq!(space.read("best.txt"), "x 0\nx 1\nx 2\n");
    assert_eq!(
        space
            .states(&[&["repro", "train", "--json"], &three[..]].concat())
            .len(),
        3
    );
    let states = space.states(&[&["repro", "train@1", "--force", "--json"], &three[..]].concat());
    assert_eq!(states, ["train@1 ran"]);
    space.fails(&["repro", "train@7"], "unknown stage or output `train@7`");
}

#[test]
fn outputs_of_former_instances_are_not_gathered() {
    let space = Space::new(&FOLDS.replace(", extra = \"${chain.letter}\"", ""));
    space.ok(&["repro", "--set", "chain.number=3"]);
    assert_eq!(space.repro(), ["train@0 up-to-date", "select ran"]);
    assert_eq!(space.read("best.txt"), "x 0\n");
}

#[test]
fn an_optional_input_may_be_absent() {
    let space = Space::new(FOLDS);
    let absent = ["repro", "--json", "--set", "chain.letter="];
    assert_eq!(space.states(&absent), ["train@0 ran", "select ran"]);
    let present = ["repro", "--json", "--set", "chain.letter=src.txt"];
    assert_eq!(space.states(&present), ["train@0 ran", "select ran"]);
    space.fails(
        &["repro", "--set", "chain.letter=nowhere"],
        "stage `select` needs the input `extra`: `nowhere` does not exist, given by `chain.letter` in --set:1",
    );
}

#[test]
fn a_pattern_falls_back_to_files() {
    let space = Space::new(
        "[stage.s]\ncmd = \"cat ${in.x} > y\"\nin = { x = \"data/*.csv\" }\nout = { y = \"y\" }\n",
    );
    space.fails(&["repro"], "`data/*.csv` does not exist");
    space.write("data/b.csv", "b\n");
    space.write("data/a.csv", "a\n");
    space.write("data/c.txt", "c\n");
    assert_eq!(space.repro(), ["s ran"]);
    assert_eq!(space.read("y"), "a\nb\n");
    space.write("data/d.csv", "d\n");
    assert_eq!(space.repro(), ["s ran"]);
}

#[test]
fn a_file_inside_an_output_folder_follows_it() {
    let space = Space::new(
        r#"
        [stage.last]
        cmd = "cat ${in.x} > ${out.y}"
        in = { x = "d/x.txt" }
        out = { y = "y" }
        [stage.first]
        cmd = "mkdir ${out.d}; echo ${chain.letter} > ${out.d}/x.txt"
        out = { d = "d" }
        "#,
    );
    assert_eq!(space.repro(), ["first ran", "last ran"]);
    assert_eq!(
        space.states(&["repro", "--json", "--set", "chain.letter=y"]),
        ["first ran", "last ran"]
    );
    assert_eq!(
        space.states(&["repro", "--dry-run", "--json"]),
        ["first would-restore", "last may-run"]
    );
    assert_eq!(space.repro(), ["first restored", "last restored"]);
    assert_eq!(space.read("y"), "x\n");
}

#[test]
fn instances_of_a_table_are_called_by_its_keys() {
    let space = Space::new(
        r#"
        [stage.train]
        cmd = "echo ${model.key} ${model.depth} ${rate} ${rate.key} > ${out.x}"
        each = { model = "${models}", rate = { slow = 0.1, fast = 0.5 } }
        out = { x = "models/${model.key}-${rate.key}.txt" }
        [stage.list]
        cmd = "echo ${size.side} ${size.key} > ${out.y}"
        each = { size = "${sizes}" }
        out = { y = "${size.key}.txt" }
        "#,
    );
    let params = "[models.small]\ndepth = 18\n[models.large]\ndepth = 50\n[[sizes]]\nside = 48\n[[sizes]]\nside = 224\n";
    space.write("params.toml", params);
    let ran = space.repro();
    let expected = [
        "train@large,fast ran",
        "train@large,slow ran",
        "train@small,fast ran",
        "train@small,slow ran",
        "list@0 ran",
        "list@1 ran",
    ];
    assert_eq!(ran, expected);
    assert_eq!(space.read("models/small-fast.txt"), "small 18 0.5 fast\n");
    assert_eq!(space.read("1.txt"), "224 1\n");
    // One entry's value concerns the instances of this entry.
    space.write("params.toml", &params.replace("50", "34"));
    let states = space.states(&["repro", "train", "--json"]);
    let ran: Vec<&String> = states
        .iter()
        .filter(|state| state.ends_with(" ran"))
        .collect();
    assert_eq!(ran, ["train@large,fast ran", "train@large,slow ran"]);
    assert_eq!(
        space.states(&["status", "train@small,*", "--json"]).len(),
        2
    );
}

#[test]
fn values_that_make_no_instances_are_pointed_at() {
    for (each, part) in [
        ("\"${models}\"", "unknown parameter `models`"),
        (
            "\"text\"",
            "`each.v` is text; expected a count, an array, a table",
        ),
        (
            "1.5",
            "`each.v` is `1.5`; expected a count, an array or a table",
        ),
        ("{ \"a/b\" = 1 }", "which cannot be part of a name"),
        (
            "{ a = { key = 1 } }",
            "has an entry with a `key` of its own",
        ),
        (
            "{ a = { b = 1 } }",
            "`${v}` is `{\"b\":1}`, which is not text or a number",
        ),
    ] {
        let space = Space::new(&format!(
            "[stage.s]\ncmd = \"echo ${{v}}\"\neach = {{ v = {each} }}\n"
        ));
        space.fails(&["repro"], part);
        space.fails(&["repro"], "--> pipeline.toml:");
    }
}

#[test]
fn a_pattern_of_files_inside_output_folders_follows_them() {
    let space = Space::new(
        r#"
        [stage.last]
        cmd = "cat ${in.x} > ${out.y}"
        in = { x = "d*/x.txt" }
        out = { y = "y" }
        [stage.first]
        cmd = "mkdir ${out.d}; sleep 0.1; echo ${k} ${chain.letter} > ${out.d}/x.txt"
        each = { k = 2 }
        out = { d = "d${k}" }
        "#,
    );
    let states = space.states(&["repro", "--jobs", "3", "--json"]);
    assert_eq!(states, ["first@0 ran", "first@1 ran", "last ran"]);
    assert_eq!(space.read("y"), "0 x\n1 x\n");
    let states = space.states(&["repro", "--json", "--set", "chain.letter=y"]);
    assert_eq!(states, ["first@0 ran", "first@1 ran", "last ran"]);
    space.remove("d0");
    assert_eq!(space.states(&["repro", "last", "--json"]).len(), 3);
}
