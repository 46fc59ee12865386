use serde_json::json;

use super::*;
use crate::params::Overrides;
use crate::source::Source;

const PARAMS: &str = r#"
seed = 7
device = "cpu"

[train]
lr = 0.1
epochs = 2

[model]
resnet = 18
weights = ""

[split]
folds = 2

[images]
folder = "/data/paintings"
"#;

fn make(pipeline: &str) -> Result<Vec<Instance>> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("params.toml"), PARAMS).unwrap();
    let source = Source {
        name: "pipeline.toml".into(),
        text: pipeline.into(),
    };
    let declaration = Declaration::parse(source)?;
    let params = Params::load(folder.path(), &declaration, &Overrides::default())?;
    instances(&declaration, &params, Path::new("/work"), Device::Cpu)
}

fn check_error(pipeline: &str, part: &str) {
    let message = make(pipeline).unwrap_err().to_string();
    assert!(message.contains(part), "`{part}` is not in:\n{message}");
}

#[test]
fn each_makes_the_product_of_its_variables() {
    let made = make(
        r#"
        [stage.train]
        cmd = "train ${fold} ${k} ${in.x} $HOME"
        each = { fold = "${split.folds}", k = ["a", "b"] }
        in = { x = "data/${fold}" }
        out = { y = "out/${fold}-${k}" }
        "#,
    );
    let made = made.unwrap();
    let names: Vec<&str> = made.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(names, ["train@0,a", "train@0,b", "train@1,a", "train@1,b"]);
    assert_eq!(
        made[3].action,
        Action::Command(vec!["train 1 b ${in.x} $HOME".into()])
    );
    assert_eq!(made[3].inputs["x"].target, Target::Path("data/1".into()));
    assert_eq!(made[3].outputs["y"].path, Path::new("out/1-b"));
    assert_eq!(
        json!(made[3].params),
        json!({"lr": 0.1, "epochs": 2, "fold": 1, "k": "b"})
    );
}

#[test]
fn params_are_spread_or_named_by_their_last_part() {
    let stage = |params: &str| format!("[stage.train]\ncmd = \"true\"\n{params}\n");
    let params = |params: &str| json!(make(&stage(params)).unwrap()[0].params);
    assert_eq!(params(""), json!({"lr": 0.1, "epochs": 2}));
    assert_eq!(params("params = []"), json!({}));
    assert_eq!(
        params(r#"params = ["train", "model.resnet", "seed", "device"]"#),
        json!({"lr": 0.1, "epochs": 2, "resnet": 18, "seed": 7, "device": "cpu"})
    );
    assert_eq!(
        params(r#"params = ["model"]"#),
        json!({"model": {"resnet": 18, "weights": ""}})
    );
    assert_eq!(
        params(r#"params = ["train.lr", "model.resnet as lr_2", "train as x", "device as on"]"#),
        json!({"lr": 0.1, "lr_2": 18, "x": {"lr": 0.1, "epochs": 2}, "on": "cpu"})
    );
    check_error(
        &stage(r#"params = ["train.lr as rate", "model.resnet as rate"]"#),
        "would be called `rate`",
    );
    assert_eq!(
        params(r#"params = ["train.lr  as  rate"]"#),
        json!({"rate": 0.1})
    );
    for wrong in ["train.* as rates", "train.lr as ", "train.lr as a as b"] {
        check_error(
            &stage(&format!("params = [\"{wrong}\"]")),
            &format!("`{wrong}`: expected the key of a value, ` as `, and a name"),
        );
    }
    check_error(
        &stage(r#"params = ["model.resnte"]"#),
        "did you mean `model.resnet`?",
    );
    check_error(
        &stage(r#"params = ["train", "train.lr"]"#),
        "would be called `lr`",
    );
}

#[test]
fn inputs_may_be_absent_outside_or_patterns() {
    let made = make(
        r#"
        [stage.a]
        cmd = "true"
        in = { none = "${model.weights}", there = "${images.folder}", many = "./x//*.csv", own = "/work/a/../b" }
        "#,
    );
    let inputs = &made.unwrap()[0].inputs;
    assert_eq!(inputs["none"].target, Target::Absent);
    assert_eq!(
        inputs["there"].target,
        Target::Path("/data/paintings".into())
    );
    assert_eq!(inputs["there"].param.as_deref(), Some("images.folder"));
    assert_eq!(inputs["many"].target, Target::Glob("x/*.csv".into()));
    assert_eq!(inputs["own"].target, Target::Path("b".into()));
}

#[test]
fn a_value_is_no_pattern() {
    let with = |value: &str, template: &str| {
        let stage = format!("[stage.a]\ncmd = \"true\"\nin = {{ x = \"{template}\" }}\n");
        let folder = tempfile::tempdir().unwrap();
        let params = format!("\n[images]\nfolder = \"{value}\"\n");
        fs_err::write(folder.path().join("params.toml"), params).unwrap();
        let source = Source {
            name: "pipeline.toml".into(),
            text: stage,
        };
        let declaration = Declaration::parse(source)?;
        let params = Params::load(folder.path(), &declaration, &Overrides::default())?;
        let made = instances(&declaration, &params, Path::new("/work"), Device::Cpu)?;
        Ok::<_, Error>(made[0].inputs["x"].target.clone())
    };
    let path = |path: &str| Target::Path(path.into());
    assert_eq!(
        with("/a*b/c?", "${images.folder}").unwrap(),
        path("/a*b/c?")
    );
    assert_eq!(with("/a*b", "${images.folder}/x").unwrap(), path("/a*b/x"));
    let pattern = Target::Glob("/a/*.csv".into());
    assert_eq!(with("/a", "${images.folder}/*.csv").unwrap(), pattern);
    let home = std::env::var("HOME").unwrap();
    assert_eq!(
        with("~/x", "${images.folder}").unwrap(),
        path(&format!("{home}/x"))
    );
    let mixed = with("/a?", "${images.folder}/*.csv")
        .unwrap_err()
        .to_string();
    assert!(
        mixed.contains("`images.folder` is `/a?/*.csv`, which has a wildcard of its own")
            && mixed.contains("--> params.toml:3:1"),
        "{mixed}"
    );
    let other = with("~ann/x", "${images.folder}").unwrap_err().to_string();
    assert!(
        other.contains("`images.folder` is `~ann/x`, which names another user's home folder")
            && other.contains("--> params.toml:3:1"),
        "{other}"
    );
}

#[test]
fn outputs_stay_inside() {
    let stage = |path: &str| format!("[stage.a]\ncmd = \"true\"\nout = {{ x = \"{path}\" }}\n");
    check_error(
        &stage("/etc/x"),
        "output `x` of `a` is refused: `/etc/x` is absolute",
    );
    check_error(&stage("../x"), "has `..`");
    check_error(&stage("a/../../x"), "has `..`");
    check_error(&stage(".atelier/x"), "not a stage's to write");
    check_error(&stage("pipeline.toml"), "runner's own files");
    check_error(&stage("."), "is empty");
}

#[test]
fn unknown_names_are_pointed_at() {
    check_error(
        "[stage.a]\ncmd = \"x ${train.lrr}\"\n",
        "did you mean `train.lr`?",
    );
    check_error(
        "[stage.a]\ncmd = \"x ${in.y}\"\nin = { x = \"f\" }\n",
        "stage `a` has no `in.y`",
    );
    check_error(
        "[stage.a]\ncmd = \"x\"\nin = { x = \"${model}\" }\n",
        "not text or a number",
    );
    check_error(
        "[stage.a]\ncmd = \"x\"\nin = { x = \"${model\" }\n",
        "pipeline.toml:3:12",
    );
    check_error(
        "[stage.a]\ncmd = \"x\"\neach = { fold = \"${seed.x}\" }\n",
        "unknown parameter `seed.x`",
    );
    check_error(
        "[stage.check]\ncmd = \"x\"\n[stage.a]\ncmd = \"x\"\nafter = [\"chekc\"]\n",
        "`after` names no stage: `chekc`; did you mean `check`?",
    );
    check_error(
        "[stage.a]\ncmd = \"x\"\neach = { fold = [1, 1] }\n",
        "twice",
    );
}
