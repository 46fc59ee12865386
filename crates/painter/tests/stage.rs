//! Stage `paint`, run as a binary by a job file, and the collection that its images are.

use std::process::Command;

use collection::{Settings, group, read, scan, survey};
use images::{Limits, Orient};
use serde_json::json;

#[test]
fn paint_draws_a_collection() {
    let folder = tempfile::tempdir().unwrap();
    let paint = |name: &str, threads: &str, seed: u64| {
        let job = json!({
            "stage": "paint", "params": { "seed": seed, "images": 6, "authors": 3 }, "in": {},
            "out": { "images": folder.path().join(name) },
            "scratch": folder.path().join("scratch"),
        });
        let path = folder.path().join("paint.json");
        fs_err::write(&path, job.to_string()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_paint"))
            .env("RAYON_NUM_THREADS", threads)
            .arg(path)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        let mut files = Vec::new();
        for class in fs_err::read_dir(folder.path().join(name)).unwrap() {
            for file in fs_err::read_dir(class.unwrap().path()).unwrap() {
                let file = file.unwrap();
                files.push((file.file_name(), fs_err::read(file.path()).unwrap()));
            }
        }
        files.sort();
        files
    };
    let images = paint("images", "1", 1);
    assert_eq!(images.len(), 48);
    assert_eq!(images, paint("again", "3", 1));
    assert_ne!(images, paint("other", "3", 2));
    let root = folder.path().join("images");
    let settings = Settings {
        author_pattern: "{author}_{title}".to_owned(),
        without_authors: ["cartoon", "photo"].map(str::to_owned).into(),
        ..Settings::default()
    };
    let grouped = group(scan(&root).unwrap(), &settings, None).unwrap();
    let limits = Limits {
        pixels: 1_000_000,
        aspect: 10,
    };
    let paths: Vec<&str> = { grouped.candidates.iter() }
        .map(|candidate| candidate.path.as_str())
        .collect();
    let results = read(&root, &paths, limits, Orient::Upright);
    let survey = survey(grouped, results);
    assert_eq!(survey.problems, []);
    assert_eq!((survey.annotations.len(), survey.classes().len()), (48, 8));
    assert!(survey.classes_of_one_author().is_empty());
}
