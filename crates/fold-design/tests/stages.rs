//! Stages `split` and `leakage` as the runner starts them.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use table_annotations::Annotation;
use table_folds::Fold;
use table_io::{Reader, Writer};
use table_leakage::SplitLeakage;
use table_near_duplicates::NearDuplicate;
use tables::Assignment;
use tables::Table;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write::<NearDuplicate>("near_duplicates", Vec::new());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write<T: Table>(&self, name: &str, rows: Vec<T>) {
        let mut writer = Writer::create(&self.path(name));
        writer.append(rows).unwrap();
        writer.finish().unwrap();
    }

    fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.path(name)).read().unwrap()
    }

    /// Runs a stage; returns whether it succeeds, and its log.
    fn run(
        &self,
        program: &str,
        params: &Value,
        inputs: &[&str],
        outputs: &[&str],
    ) -> (bool, String) {
        let paths = |names: &[&str]| -> Value {
            names
                .iter()
                .map(|name| ((*name).to_owned(), json!(self.path(name))))
                .collect()
        };
        let job = json!({
            "stage": "test", "params": params, "in": paths(inputs), "out": paths(outputs),
            "scratch": self.path("scratch"),
        });
        fs_err::write(self.path("job"), job.to_string()).unwrap();
        let output = Command::new(program)
            .arg(self.path("job"))
            .output()
            .unwrap();
        let log = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&log).into_owned(),
        )
    }

    fn split(&self, changes: &Value) -> (bool, String) {
        let mut params = json!({
            "seed": 3, "folds": 4, "test": 0.05, "author_weight": 0.3, "steps": 2000, "max_share": 0.75,
            "existing": "use", "near_duplicates": "tie",
        });
        params
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let program = env!("CARGO_BIN_EXE_split");
        self.run(
            program,
            &params,
            &["annotations", "near_duplicates"],
            &["folds", "balance"],
        )
    }

    fn leakage(&self, folds: usize) -> (bool, String) {
        let params = json!({
            "seed": 3, "folds": folds, "test": 0.05, "existing": "use", "shuffles": 20,
        });
        self.run(
            env!("CARGO_BIN_EXE_leakage"),
            &params,
            &["annotations", "folds", "near_duplicates"],
            &["by_class", "at_random", "leakage"],
        )
    }

    fn counts(&self, table: &str) -> Vec<(String, usize)> {
        let rows = self.read::<Fold>(table).into_iter();
        let mut assignments: Vec<Assignment> = rows.map(|row| row.fold).collect();
        assignments.sort_unstable();
        let runs = assignments.chunk_by(|a, b| a == b);
        runs.map(|run| (run[0].to_string(), run.len())).collect()
    }
}

fn annotation(subset: Option<&str>, label: &str, author: &str, number: usize) -> Annotation {
    let folder = subset.map_or_else(String::new, |subset| format!("{subset}/"));
    Annotation {
        path: format!("{folder}{label}/{author}_{number}.png"),
        label: label.to_owned(),
        author: Some(author.to_owned()),
        title: number.to_string(),
        class_index: u32::from(label == "dog"),
        split: subset.map(|subset| subset.parse().unwrap()),
        orientation: 1,
        width: 8,
        height: 8,
        format: "png".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    }
}

/// Two classes by four authors in each subset, `n` images of each author.
fn subsets(subsets: &[(&str, &[&str], usize)]) -> Vec<Annotation> {
    let rows = subsets.iter().flat_map(|&(subset, authors, n)| {
        authors.iter().flat_map(move |author| {
            let numbers = move |label: &'static str| (0..n).map(move |i| (label, i));
            let images = numbers("cat").chain(numbers("dog"));
            images.map(move |(label, i)| annotation(Some(subset), label, author, i))
        })
    });
    rows.collect()
}

const TRAIN: &[&str] = &["ada", "bob", "cyd", "dan"];

#[test]
fn an_existing_split_is_used_and_its_leakage_is_reported() {
    let folder = Folder::new();
    let rows = subsets(&[
        ("train", TRAIN, 3),
        ("validation", &["eve", "ada"], 2),
        ("test", &["fay", "gus"], 1),
    ]);
    let copies = [
        ("test/cat/fay_0.png", "cat"),
        ("train/dog/bob_1.png", "dog"),
    ]
    .map(|(path, label)| NearDuplicate {
        path: path.to_owned(),
        group: 0,
        label: label.to_owned(),
        representative: "test/cat/fay_0.png".to_owned(),
        difference: 1.0,
        conflict: true,
    });
    folder.write("annotations", rows);
    folder.write("near_duplicates", copies.to_vec());
    let (ok, log) = folder.split(&json!({ "folds": 1 }));
    assert!(ok, "{log}");
    let expected =
        [("train", 24), ("0", 8), ("test", 4)].map(|(assignment, n)| (assignment.to_owned(), n));
    assert_eq!(folder.counts("folds"), expected);
    assert!(
        log.contains("1 of 7 authors in several subsets, with 10 images"),
        "{log}"
    );
    assert!(log.contains("`ada` (train, 0)"), "{log}");
    assert!(
        log.contains("1 of 1 groups of near-duplicates in several subsets"),
        "{log}"
    );

    let (ok, log) = folder.leakage(1);
    assert!(ok, "{log}");
    // The splits compared with it have the same sizes.
    assert_eq!(folder.counts("at_random"), expected);
    assert_eq!(folder.counts("by_class"), expected);
    let leakage: Vec<SplitLeakage> = folder.read("leakage");
    let own = leakage.iter().find(|row| row.split == "existing").unwrap();
    assert_eq!(
        (own.authors, own.shared_authors, own.shared_images),
        (7, 1, 10)
    );
    assert_eq!((own.near_duplicates, own.split_near_duplicates), (1, 1));
}

#[test]
fn several_folds_with_images_for_validation_name_the_setting() {
    let folder = Folder::new();
    folder.write(
        "annotations",
        subsets(&[("train", TRAIN, 3), ("validation", &["eve"], 2)]),
    );
    let (ok, log) = folder.split(&json!({}));
    assert!(!ok);
    assert!(
        log.contains("set `split.folds = 1`, or `split.existing = \"ignore\"`"),
        "{log}"
    );
    let (ok, log) = folder.split(&json!({ "existing": "ignore" }));
    assert!(ok, "{log}");
    let assignments: Vec<String> = folder
        .counts("folds")
        .into_iter()
        .map(|(assignment, _)| assignment)
        .collect();
    assert!(!assignments.contains(&"train".to_owned()));
}

#[test]
fn training_images_without_validation_are_dealt_into_folds() {
    let folder = Folder::new();
    folder.write(
        "annotations",
        subsets(&[("train", TRAIN, 3), ("test", &["ada"], 2)]),
    );
    let (ok, log) = folder.split(&json!({}));
    assert!(ok, "{log}");
    let expected = [("0", 6), ("1", 6), ("2", 6), ("3", 6), ("test", 4)];
    assert_eq!(
        folder.counts("folds"),
        expected.map(|(assignment, n)| (assignment.to_owned(), n))
    );
    let (ok, log) = folder.leakage(4);
    assert!(ok, "{log}");
    assert_eq!(folder.counts("at_random"), folder.counts("folds"));
}

#[test]
fn near_duplicates_without_authors_stay_together() {
    let folder = Folder::new();
    let mut rows: Vec<Annotation> = (0..40)
        .flat_map(|number| ["cat", "dog"].map(|label| annotation(None, label, "x", number)))
        .collect();
    rows.iter_mut().for_each(|row| row.author = None);
    let copies: Vec<NearDuplicate> = { rows.iter().enumerate() }
        .filter(|(number, _)| number % 3 == 0)
        .map(|(number, row)| NearDuplicate {
            path: row.path.clone(),
            group: u32::try_from(number / 9).unwrap(),
            label: row.label.clone(),
            representative: row.path.clone(),
            difference: 0.0,
            conflict: false,
        })
        .collect();
    folder.write("annotations", rows);
    folder.write("near_duplicates", copies);
    let n_split = || {
        let (ok, log) = folder.leakage(4);
        assert!(ok, "{log}");
        let leakage: Vec<SplitLeakage> = folder.read("leakage");
        let own = leakage.iter().find(|row| row.split == "by author");
        own.unwrap().split_near_duplicates
    };
    let (ok, log) = folder.split(&json!({}));
    assert!(ok, "{log}");
    assert_eq!(n_split(), 0);
    let (ok, log) = folder.split(&json!({ "near_duplicates": "ignore" }));
    assert!(ok, "{log}");
    assert!(n_split() > 0);
}
