use serde_json::json;

use super::*;
use crate::json::canonical;

const TEXT: &str = r#"
seed = 7

[train]
lr = 0.001
epochs = 20
note = "first"

[authors]
"#;

fn params(files: &[&str], settings: &[&str]) -> Result<Params> {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(FILE), TEXT).unwrap();
    let mut overrides = Overrides::default();
    for (number, text) in files.iter().enumerate() {
        let path = folder.path().join(format!("overlay{number}.toml"));
        fs_err::write(&path, text).unwrap();
        overrides.files.push(path);
    }
    overrides.settings = settings.iter().map(|s| (*s).to_owned()).collect();
    Params::load(folder.path(), &declared(""), &overrides)
}

fn declared(text: &str) -> Declaration {
    let text = text.to_owned();
    let name = crate::declaration::FILE.to_owned();
    Declaration::parse(Source { name, text }).unwrap()
}

#[test]
fn an_old_name_is_an_error_with_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(FILE), TEXT).unwrap();
    let overlay = folder.path().join("mine.toml");
    fs_err::write(&overlay, "[train]\nn_epochs = 3\n").unwrap();
    let declaration = declared("[renamed-params]\n\"train.n_epochs\" = \"train.epochs\"\n");
    let error = |files: &[&Path], settings: &[&str]| {
        let overrides = Overrides {
            files: files.iter().map(|file| file.to_path_buf()).collect(),
            settings: settings.iter().map(|text| (*text).to_owned()).collect(),
        };
        let loaded = Params::load(folder.path(), &declaration, &overrides);
        loaded.unwrap_err().to_string()
    };
    let expected = "unknown parameter `train.n_epochs`; it was renamed to `train.epochs`";
    assert!(error(&[&overlay], &[]).starts_with(expected));
    assert!(error(&[], &["train.n_epochs=3"]).starts_with(expected));
}

#[test]
fn an_old_table_stands_for_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(FILE), TEXT).unwrap();
    let text = "[renamed-params]\nfit = \"train\"\n\"train.n_epochs\" = \"train.epochs\"\n";
    let params = Params::load(folder.path(), &declared(text), &Overrides::default()).unwrap();
    assert_eq!(params.hint("fit"), "; it was renamed to `train`");
    assert_eq!(params.hint("fit.lr"), "; it was renamed to `train.lr`");
    assert_eq!(
        params.hint("fit.n_epochs"),
        "; it was renamed to `train.epochs`"
    );
}

#[test]
fn the_default_overlay_holds_unless_a_file_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
    write(FILE, TEXT);
    write("demo.toml", "train.epochs = 3\n\n[authors]\nanna = 1\n");
    write("mine.toml", "[train]\nlr = 0.5\n");
    let declaration = declared("default-params = \"demo.toml\"\n");
    let load = |files: &[&str]| {
        let overrides = Overrides {
            files: files.iter().map(|file| folder.path().join(file)).collect(),
            settings: vec!["seed=8".into()],
        };
        Params::load(folder.path(), &declaration, &overrides)
    };
    let params = load(&[]).unwrap();
    assert_eq!(params.get("train.epochs"), Some(&Value::from(3)));
    assert_eq!(params.get("seed"), Some(&Value::from(8)));
    assert_eq!(params.place("train.epochs").unwrap(), "demo.toml:1");
    assert_eq!(params.place("train.lr").unwrap(), "params.toml:5");
    let params = load(&["mine.toml"]).unwrap();
    assert_eq!(params.get("train.epochs"), Some(&Value::from(20)));
    assert_eq!(params.get("authors.anna"), None);
    fs_err::remove_file(folder.path().join("demo.toml")).unwrap();
    let error = load(&[]).unwrap_err().to_string();
    assert!(
        error.contains("`demo.toml`, which does not exist"),
        "{error}"
    );
    assert!(error.contains("--> pipeline.toml:1:18"), "{error}");
    assert!(load(&["mine.toml"]).is_ok());
}

fn check(settings: &[&str], key: &str, expected: &str) {
    let params = params(&[], settings).unwrap();
    assert_eq!(canonical(params.get(key).unwrap()), expected);
}

fn check_error(settings: &[&str], part: &str) {
    let message = params(&[], settings).unwrap_err().to_string();
    assert!(message.contains(part), "`{part}` is not in:\n{message}");
}

#[test]
fn settings_replace_values_of_the_same_type() {
    check(&["train.epochs=3"], "train.epochs", "3");
    check(&["train.lr=1"], "train.lr", "1.0");
    check(&["train.note=two words"], "train.note", "\"two words\"");
    check(&["train.note=12"], "train.note", "\"12\"");
    check(&["train.note=\"\""], "train.note", "\"\"");
    check(&["seed=1", "seed=2"], "seed", "2");
}

#[test]
fn an_unknown_setting_names_the_nearest() {
    check_error(&["train.epoch=3"], "did you mean `train.epochs`?");
    check_error(
        &["trian.lr=3"],
        "unknown parameter `trian`; did you mean `train`?",
    );
    check_error(&["lr=3"], "did you mean `train.lr`?");
    check_error(&["seed"], "expected `table.key=value`");
}

#[test]
fn another_type_is_refused() {
    check_error(
        &["train.epochs=1.5"],
        "`train.epochs` is an integer in `params.toml`, and here a float",
    );
    check_error(&["train.epochs=many"], "--> --set:1:");
    check_error(&["train=1"], "a table");
}

#[test]
fn overlays_merge_tables_and_later_ones_win() {
    let params = params(
        &["[train]\nlr = 0.5", "train = { epochs = 1 }"],
        &["train.epochs=2"],
    )
    .unwrap();
    assert_eq!(
        canonical(params.get("train").unwrap()),
        r#"{"epochs":2,"lr":0.5,"note":"first"}"#
    );
}

#[test]
fn an_overlay_key_must_exist_except_in_an_empty_table() {
    let error = params(&["[train]\nlrr = 0.5"], &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("overlay0.toml:2:1"), "{error}");
    assert!(error.contains("did you mean `train.lr`?"), "{error}");
    let params = params(&["[authors]\nanna = 3"], &[]).unwrap();
    assert_eq!(params.get("authors.anna"), Some(&Value::from(3)));
}

#[test]
fn a_place_is_file_and_line() {
    let params = params(&[], &["seed=8"]).unwrap();
    assert_eq!(params.place("train.lr").unwrap(), "params.toml:5");
    assert_eq!(params.place("seed").unwrap(), "--set:1");
}

#[test]
fn values_are_written_and_all_else_stays() {
    let source = Source {
        name: FILE.to_owned(),
        text:
            "# seed\nseed = 7 # lucky\n\n[train]\nlr = 1e-3 # slow\n# Seen so often.\nepochs = 20\n"
                .to_owned(),
    };
    let values = [
        ("seed", Value::from(8)),
        ("train.lr", Value::from(0.5)),
        ("train.epochs", Value::from(3)),
        ("train.rule", Value::from("best")),
        ("model.frozen", Value::from(true)),
    ];
    let expected = "# seed\nseed = 8 # lucky\n\n[train]\nlr = 0.5 # slow\n# Seen so often.\nepochs = 3\nrule = \"best\"\n\n[model]\nfrozen = true\n";
    assert_eq!(with_values(&source, values).unwrap(), expected);
    let error = with_values(&source, [("seed.x", Value::from(1))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`seed.x` cannot be written into `params.toml`"
    );
}

#[test]
fn a_value_is_read_as_it_was_written() {
    for value in [
        json!(0.1 + 0.2),
        json!(1.0),
        json!(-7),
        json!("a \"b\"\n"),
        json!([0.3, [true]]),
        json!({ "x": 1, "y": [{ "z": 2.5 }] }),
    ] {
        assert_eq!(read_canonical(&canonical(&value)), value);
    }
    assert_eq!(read_canonical("1] # ["), json!(null));
}
