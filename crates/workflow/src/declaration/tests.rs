use expect_test::{Expect, expect};

use super::*;

fn parse(text: &str) -> Result<Declaration> {
    Declaration::parse(Source {
        name: FILE.into(),
        text: text.into(),
    })
}

fn check_error(text: &str, expected: Expect) {
    expected.assert_eq(&parse(text).unwrap_err().to_string());
}

#[test]
fn reads_all_keys_in_the_order_of_the_file() {
    let declaration = parse(
        r#"
        [stage.train]
        desc = "the network"
        run = "trainer/train"
        each = { fold = "${split.folds}" }
        in = { pixels = "artifacts/pixels" }
        out = { model = "artifacts/${fold}/model", timing = { path = "artifacts/${fold}/t", volatile = true } }
        params = ["train", "seed"]
        show = "model"

        [stage.annotate]
        cmd = "true"
        source = true
        "#,
    );
    let declaration = declaration.unwrap();
    let [train, annotate] = declaration.stages.as_slice() else {
        panic!("two stages")
    };
    assert_eq!(
        (train.name.as_str(), annotate.name.as_str()),
        ("train", "annotate")
    );
    assert!(matches!(&train.action, Action::Run(run) if run.value == "trainer/train"));
    assert!(train.outputs["timing"].treatment.is_volatile);
    assert_eq!(train.each[0].1.value, Value::from("${split.folds}"));
    assert_eq!(train.params.as_ref().unwrap().len(), 2);
    assert!(annotate.is_source && annotate.params.is_none());
}

#[test]
fn an_unknown_key_is_pointed_at() {
    check_error(
        "[stage.a]\nrnu = \"x/y\"\n",
        expect![[r#"
            unknown key of stage `a`: `rnu`; did you mean `run`?
             --> pipeline.toml:2:1
              |
            2 | rnu = "x/y"
              | ^^^"#]],
    );
}

#[test]
fn exactly_one_of_run_and_cmd() {
    check_error(
        "[stage.a]\ndesc = \"nothing\"\n",
        expect![[r#"
            stage `a` needs one of `run` and `cmd`
             --> pipeline.toml:1:1
              |
            1 | [stage.a]
              | ^^^^^^^^^"#]],
    );
    check_error(
        "[stage.a]\nrun = \"metrics\"\n",
        expect![[r#"
            `run` is `metrics`; expected `crate/binary`
             --> pipeline.toml:2:7
              |
            2 | run = "metrics"
              |       ^^^^^^^^^"#]],
    );
}

#[test]
fn wrong_types_say_both() {
    check_error(
        "[stage.a]\ncmd = \"true\"\nout = { x = 3 }\n",
        expect![[r#"
            output `x` is an integer; expected a string
             --> pipeline.toml:3:13
              |
            3 | out = { x = 3 }
              |             ^"#]],
    );
}

#[test]
fn malformed_toml_is_pointed_at() {
    let message = parse("[stage.a\n").unwrap_err().to_string();
    assert!(message.contains("pipeline.toml:1:"), "{message}");
}

#[test]
fn names_are_plain() {
    let message = parse("[stage.\"a b\"]\ncmd = \"true\"\n")
        .unwrap_err()
        .to_string();
    assert!(message.contains("stage name `a b`"), "{message}");
}

#[test]
fn advice_has_a_stage_and_a_text() {
    let declaration =
        parse("[[advice]]\nstage = \"s\"\nwhen = { \"a.b\" = 1, c = \"\" }\ntext = \"t\"\n")
            .unwrap();
    let [advice] = declaration.advice.as_slice() else {
        panic!("one piece of advice")
    };
    assert_eq!((advice.stage.as_str(), advice.text.as_str()), ("s", "t"));
    let keys: Vec<&String> = advice.when.keys().collect();
    assert_eq!(keys, ["a.b", "c"]);
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert!(error("[[advice]]\nstage = \"s\"\n").starts_with("`advice` has no `text`\n"));
    assert!(
        error("[advice]\nstage = \"s\"\n")
            .starts_with("`advice` is a table; expected `[[advice]]`\n")
    );
    assert!(error("[[advice]]\nstages = 1\n").contains("did you mean `stage`?"));
}
