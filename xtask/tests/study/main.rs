//! The study itself, on a handful of painted images, in a copy of this workspace.
//!
//! The copy shares the target folder of the workspace, and its files are as old as theirs: cargo compiles nothing for it
//! that it has compiled for the workspace, and the other way round.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Over the demo's settings, small enough for a test: two folds, an epoch, few images.
const SMALL: &str = r#"
[paint]
images = 8
authors = 4

[split]
folds = 2
test = 0.1
steps = 500

[train]
epochs = 1
batch_size = 16
side_px = 32

[metric-learning]
epochs = 1

[forest]
n_trees = 5

[forest-search]
trials = 3

[forest-search.space]
n_trees = { int = [2, 9] }

[linear-probe]
c = [0.01]

[score]
bootstrap = 20

[cluster]
k_max = 3
n_init = 2

[cluster.umap]
epochs = 20

[embedding-evolution]
epochs = [0]

[report]
examples_per_class = 1
"#;

/// Sources of the workspace; everything else is made from them.
const SOURCES: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "pipeline.toml",
    "weights.toml",
    "params.toml",
    "params",
    ".cargo",
    "crates",
    "xtask",
];

struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in SOURCES {
            copy(&workspace().join(name), &folder.path().join(name));
        }
        fs_err::write(folder.path().join("small.toml"), SMALL).unwrap();
        Copy { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .args(["--params", "params/demo.toml", "--params", "small.toml"])
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", target())
            .output()
            .unwrap()
    }

    /// Standard output of a command that must succeed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{stdout}\n{stderr}",
            output.status
        );
        stdout
    }

    /// The instances that aren't up to date.
    fn stale(&self) -> Vec<String> {
        let text = self.ok(&["repro", "--dry-run", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let stages = document.as_array().unwrap().iter();
        stages
            .filter(|stage| stage["state"] != "up-to-date")
            .map(|stage| stage["stage"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder that cargo builds into: `<target>/<profile>/xtask` is our binary.
fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_xtask"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// Copies a file or a folder, with the times of files.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs_err::copy(from, to).unwrap();
        let modified = fs_err::metadata(from).unwrap().modified().unwrap();
        let copied = fs_err::OpenOptions::new().write(true).open(to).unwrap();
        copied.file().set_modified(modified).unwrap();
        return;
    }
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

#[test]
fn the_whole_study_runs_once() {
    let study = Copy::new();

    // A typo is told before anything runs.
    let declared = fs_err::read_to_string(study.path("params.toml")).unwrap();
    let typo = declared.replace("\nerase_probability", "\nerase_probabilty");
    fs_err::write(study.path("params.toml"), typo).unwrap();
    let refused = study.run(&["repro"]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{why}");
    assert!(
        why.contains("stage `train` has no parameter `augmentation.erase_probabilty`; did you mean `erase_probability`?"),
        "{why}"
    );
    assert!(why.contains("--> params.toml:"), "{why}");
    assert!(!study.path("data").exists(), "a stage ran");
    fs_err::write(study.path("params.toml"), declared).unwrap();

    let said = study.ok(&["repro"]);
    assert!(said.contains("artifacts/report/index.html"), "{said}");
    let page = fs_err::read_to_string(study.path("artifacts/report/index.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("</html>"));
    let model = "artifacts/select/model.safetensors";
    let trained = fs_err::read(study.path(model)).unwrap();

    // Again: nothing to do.
    assert!(study.ok(&["repro"]).contains("\n0 ran"));

    // The model recognizes an image of its collection.
    let class = study.path("data/painted/Cubism");
    let picture = fs_err::read_dir(class).unwrap().next().unwrap().unwrap();
    let picture = picture.path().display().to_string();
    let predicted = study.ok(&["predict", &picture, "--explain", "--json"]);
    let predicted: serde_json::Value = serde_json::from_str(&predicted).unwrap();
    let image = &predicted["images"][0];
    assert_eq!(image["classes"].as_array().unwrap().len(), 3);
    assert!(image["neighbors"][0]["distance"].as_f64().unwrap() < 1e-3);
    assert!(image["attribution"]["range"].is_number());
    assert_eq!(image["attribution"]["cam_layer"], "layer1");
    let attribution = image["attribution"].clone();

    // So do the networks of both folds, whose only epoch is also that of the cross-validation.
    let ensemble = study.ok(&["predict", &picture, "--ensemble", "--explain", "--json"]);
    let ensemble: serde_json::Value = serde_json::from_str(&ensemble).unwrap();
    let member = |fold| serde_json::json!({"fold": fold, "epoch": 0, "cross_validation_epoch": 0});
    let networks = serde_json::json!([member(0), member(1)]);
    assert_eq!(ensemble["ensemble"]["networks"], networks);
    assert_eq!(ensemble["ensemble"]["has_cross_validation_epochs"], true);
    let image = &ensemble["images"][0];
    let first = &image["classes"][0]["label"];
    let predicted = image["predicted"].as_array().unwrap();
    let agreeing = predicted.iter().filter(|&class| class == first).count();
    assert_eq!(predicted.len(), 2);
    assert_eq!(image["agreement"], agreeing as f64 / 2.0);
    // The attribution is of the ensemble's class by the selected network.
    assert_eq!(image["attribution"]["label"], *first);
    for field in ["top1", "top1_probability", "top2", "top2_probability"] {
        assert_eq!(image["attribution"][field], attribution[field], "{field}");
    }

    // All over again: the same bytes.
    fs_err::remove_dir_all(study.path(".atelier")).unwrap();
    study.ok(&["repro", "--force"]);
    assert_eq!(fs_err::read(study.path(model)).unwrap(), trained);

    // Another metric's code: the scores are made anew, no network is trained.
    let library = study.path("crates/metrics/src/lib.rs");
    let code = fs_err::read_to_string(&library).unwrap();
    fs_err::write(&library, format!("{code}\n// A comment.\n")).unwrap();
    let stale = study.stale();
    assert!(stale.contains(&"score".to_owned()), "{stale:?}");
    assert!(
        !stale.iter().any(|name| name.starts_with("train")),
        "{stale:?}"
    );
    let why = study.ok(&["explain", "score"]);
    assert!(why.contains("crates/metrics/src/lib.rs"), "{why}");
    fs_err::write(&library, code).unwrap();

    // A table that nobody names, a test, a README: nothing changes.
    let table = study.path("crates/tables/unheard-of");
    fs_err::create_dir_all(table.join("src")).unwrap();
    fs_err::write(table.join("src/lib.rs"), "//! No table.\n").unwrap();
    fs_err::write(
        table.join("Cargo.toml"),
        "[package]\nname = \"table-unheard-of\"\nversion.workspace = true\nedition.workspace = true\n",
    )
    .unwrap();
    fs_err::write(study.path("crates/trainer/README.md"), "Words.\n").unwrap();
    assert_eq!(study.stale(), Vec::<String>::new());
}
