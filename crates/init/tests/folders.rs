//! The program on folders of small images: the runner accepts its output as parameters.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use workflow::declaration::Declaration;
use workflow::params::{self, Overrides, Params};

/// A collection and a place for parameters.
struct Space {
    folder: TempDir,
}

/// Output of the program.
#[derive(Debug)]
struct Output {
    ok: bool,
    out: String,
    error: String,
}

impl Space {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("params")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, bytes).unwrap();
    }

    /// An image of its own for each name.
    fn image(&self, name: &str) {
        let pixel = |x: u32, y: u32| {
            let hash = blake3::hash(format!("{name} {} {}", x / 4, y / 4).as_bytes());
            image::Rgb([hash.as_bytes()[0], hash.as_bytes()[1], hash.as_bytes()[2]])
        };
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(32, 24, pixel).save(path).unwrap();
    }

    /// Images of each class by each author, `n` of each pair, named by `form`.
    fn images(
        &self,
        classes: &[&str],
        authors: &[&str],
        n: u32,
        form: impl Fn(&str, &str, u32) -> String,
    ) {
        for class in classes {
            for author in authors {
                for i in 0..n {
                    self.image(&form(class, author, i));
                }
            }
        }
    }

    fn run_with(&self, folder: &str, change: impl Fn(&mut Value)) -> Output {
        let mut job = json!({
            "stage": "init",
            "params": {
                "folder": self.path(folder),
                "typed": folder,
                "setting": self.path(folder),
                "name": null,
                "params": self.path("params"),
                "beside": [],
                "around": { "folders_with_images": 1 },
                "weights": [],
                "device": "cpu",
                "cores": 2,
                "minutes": null,
                "json": false,
                "dry_run": false,
                "defaults": params::read_toml(&root().join(params::FILE), params::FILE).unwrap(),
            },
            "in": {},
            "out": {},
            "scratch": "",
        });
        change(&mut job["params"]);
        let file = self.path("job.json");
        fs_err::write(&file, job.to_string()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_init"))
            .arg(file)
            .output()
            .unwrap();
        Output {
            ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn ok(&self, folder: &str) -> String {
        let ran = self.run_with(folder, |_| ());
        assert!(ran.ok, "{}", ran.error);
        ran.out
    }

    fn fails(&self, folder: &str) -> String {
        let ran = self.run_with(folder, |_| ());
        assert!(!ran.ok, "{}", ran.out);
        ran.error
    }

    /// The parameters with the file `name` laid over the workspace's own, by the runner.
    fn params(&self, name: &str) -> Params {
        let overrides = Overrides {
            files: vec![self.path(&format!("params/{name}.toml"))],
            ..Overrides::default()
        };
        Params::load(&root(), &Declaration::load(&root()).unwrap(), &overrides).unwrap()
    }
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const AUTHORS: [&str; 5] = ["ada", "bob", "cyd", "dan", "eve"];

#[test]
fn settings_of_a_plain_folder_are_parameters() {
    let space = Space::new();
    space.images(&["Cat", "dog", "owl"], &AUTHORS, 3, |c, a, i| {
        format!("My \"pets\" *é/{c}/{a}_{i}.png")
    });
    space.write("My \"pets\" *é/dog/bad_1.png", "");
    let out = space.ok("My \"pets\" *é");
    assert!(out.contains("5 by the pattern `{author}_{title}`"), "{out}");
    assert!(
        out.contains("cargo xtask repro --params params/my-pets.toml"),
        "{out}"
    );
    let params = space.params("my-pets");
    let folder = params.get("images.folder").unwrap().as_str().unwrap();
    assert_eq!(Path::new(folder), space.path("My \"pets\" *é"));
    assert_eq!(
        params.get("annotate.author_pattern").unwrap(),
        "{author}_{title}"
    );
    assert_eq!(params.get("split.folds").unwrap(), 4);
    assert_eq!(params.get("train.side_px").unwrap(), 32);
    assert_eq!(params.get("metric-learning.held_out").unwrap(), &json!([]));
}

#[test]
fn sub_folders_tables_and_splits_are_grouped() {
    let space = Space::new();
    space.images(&["cat", "dog"], &AUTHORS, 3, |c, a, i| {
        format!("folders/{c}/{a}/{i}.png")
    });
    space.ok("folders");
    assert_eq!(
        space
            .params("folders")
            .get("annotate.author_pattern")
            .unwrap(),
        "{author}/{title}"
    );

    space.images(
        &["train", "val", "test"],
        &["cat", "dog"],
        6,
        |part, c, i| format!("parted/data/{part}/{c}/{i}.png"),
    );
    let out = space.ok("parted");
    assert!(out.contains("train 12, validation 12, test 12"), "{out}");
    let params = space.params("parted");
    assert_eq!(params.get("split.folds").unwrap(), 1);
    assert_eq!(
        Path::new(params.get("images.folder").unwrap().as_str().unwrap()),
        space.path("parted/data")
    );

    let mut table = String::from("image_id,dx,patient_id\n");
    for i in 0..24 {
        space.image(&format!("scans/img/S{i}.png"));
        table += &format!("S{i},{},P{}\n", ["mel", "nv"][i % 2], i / 4);
    }
    space.write("scans/meta.csv", table);
    let out = space.ok("scans");
    assert!(out.contains("6 by the column `patient_id`"), "{out}");
    let params = space.params("scans");
    assert_eq!(params.get("images.table").unwrap(), "params/scans.csv");
    let written = fs_err::read_to_string(space.path("params/scans.csv")).unwrap();
    assert!(
        written.starts_with("path,label,author\nS0.png,mel,P0\n"),
        "{written}"
    );
}

#[test]
fn nothing_is_overwritten_and_growth_is_described() {
    let space = Space::new();
    space.images(&["cat", "dog", "owl", "emu"], &AUTHORS, 2, |c, a, i| {
        format!("zoo/{c}/{a}_{i}.png")
    });
    // A file of that name that was not written for the folder.
    space.write("params/zoo.toml", "[train]\nepochs = 3\n");
    space.ok("zoo");
    let written = fs_err::read_to_string(space.path("params/zoo-2.toml")).unwrap();
    let again = space.ok("zoo");
    assert!(
        again.contains("The folder is as it was.\nNo setting would change."),
        "{again}"
    );

    space.images(&["yak"], &["fay", "gus", "hal"], 3, |c, a, i| {
        format!("zoo/{c}/{a}_{i}x.png")
    });
    let ran = space.run_with("zoo", |params| params["json"] = true.into());
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&report["written"], &report["file"]),
        (&json!(false), &json!("params/zoo-2.toml"))
    );
    let folder = report["changes"]["folder"].to_string();
    assert!(
        folder.contains("classes: 4 → 5") && folder.contains("1 new class: `yak`"),
        "{folder}"
    );
    let settings = report["changes"]["settings"].as_array().unwrap().iter();
    let keys: Vec<&str> = settings
        .map(|change| change["key"].as_str().unwrap())
        .collect();
    assert!(
        keys.contains(&"metric-learning.held_out") && keys.contains(&"split.folds"),
        "{keys:?}"
    );
    assert_eq!(
        fs_err::read_to_string(space.path("params/zoo-2.toml")).unwrap(),
        written
    );
    assert_eq!(
        fs_err::read_to_string(space.path("params/zoo.toml")).unwrap(),
        "[train]\nepochs = 3\n"
    );

    let ran = space.run_with("zoo", |params| {
        params["name"] = "other".into();
        params["dry_run"] = true.into();
    });
    assert!(
        ran.out.contains("Would be written to params/other.toml"),
        "{}",
        ran.out
    );
    assert!(!space.path("params/other.toml").exists());
}

#[test]
fn folders_that_cannot_be_studied_are_refused_with_a_cure() {
    let space = Space::new();
    fs_err::create_dir(space.path("empty")).unwrap();
    assert!(
        space
            .fails("empty")
            .contains("`empty` has no files: expected a folder for each class")
    );
    space.images(&["only"], &AUTHORS, 2, |c, a, i| {
        format!("one/{c}/{a}{i}.png")
    });
    assert!(
        space
            .fails("one")
            .contains("`one` has one class, `only`, with 10 images")
    );
    space.image("flat/x.png");
    space.image("flat/y.png");
    assert!(
        space
            .fails("flat")
            .contains("2 images and no folders for classes")
    );
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 3456\n",
        "a".repeat(64)
    );
    space.write("lfs/cat/1.jpg", &pointer);
    space.write("lfs/dog/1.jpg", &pointer);
    let error = space.fails("lfs");
    assert!(
        error.contains("no image that can be read") && error.contains("git lfs pull"),
        "{error}"
    );
    space.images(&["cat", "dog"], &["ada"], 2, |c, a, i| {
        format!("few/{c}/{a}{i}.png")
    });
    assert!(space.fails("few").contains("no class can be studied"));
    let ran = space.run_with("few", |params| params["name"] = "../x".into());
    assert!(ran.error.contains("such as `--name x`"), "{}", ran.error);
}
