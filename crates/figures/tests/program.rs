//! The program, started with a job file.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"4\" height=\"2\"><title>Two</title>\
                   <circle cx=\"1\" cy=\"1\" r=\"1\"/></svg>";

/// Converts the figures in `report` to files in `files`, both below `folder`.
fn start(folder: &Path, json: bool) -> Output {
    let job = json!({
        "in": {},
        "out": {},
        "params": {
            "figures": folder.join("report"),
            "folder": folder.join("files"),
            "out_argument": "files",
            "formats": ["pdf", "png", "svg"],
            "scale": 3.125,
            "json": json,
        },
        "scratch": "",
        "stage": "figures",
    });
    let path = folder.join("job.json");
    fs_err::write(&path, job.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_figures"));
    command.arg(&path).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn each_figure_has_a_file_in_each_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs_err::create_dir(folder.join("report")).unwrap();
    fs_err::create_dir(folder.join("files")).unwrap();
    for name in ["b.svg", "a.svg", "notes.txt"] {
        fs_err::write(folder.join("report").join(name), SVG).unwrap();
    }
    let ran = start(folder, false);
    let expected = "2 figures in `files`: PNG at 300 dpi, PDF, SVG\n";
    assert_eq!(text(&ran.stdout), expected, "{}", text(&ran.stderr));
    let ran = start(folder, true);
    let document: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        document["figures"][0],
        json!({
            "name": "a", "title": "Two", "width": 4.0, "height": 2.0,
            "files": ["a.png", "a.pdf", "a.svg"], "missing": [], "clipped": [],
        })
    );
    let files = fs_err::read_dir(folder.join("files")).unwrap();
    assert_eq!(files.count(), 6);
}

#[cfg(unix)]
#[test]
fn links_in_the_folder_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs_err::create_dir(folder.join("report")).unwrap();
    fs_err::create_dir(folder.join("files")).unwrap();
    fs_err::write(folder.join("report/a.svg"), SVG).unwrap();
    let file = folder.join("files/a.svg");
    std::os::unix::fs::symlink("../report/a.svg", &file).unwrap();
    let ran = start(folder, false);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    assert!(!file.is_symlink());
    assert!(fs_err::read_to_string(&file).unwrap().contains("viewBox"));
    let source = fs_err::read_to_string(folder.join("report/a.svg")).unwrap();
    assert_eq!(source, SVG);
    let files = fs_err::read_dir(folder.join("files")).unwrap();
    assert_eq!(files.count(), 3);
}

#[test]
fn errors_name_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let fails = |part: &str| {
        let ran = start(folder, false);
        assert_eq!(ran.status.code(), Some(1));
        let errors = text(&ran.stderr);
        assert!(errors.contains(part), "`{part}` is not in:\n{errors}");
    };
    fs_err::create_dir(folder.join("report")).unwrap();
    fails("the report has no figure");
    fs_err::write(folder.join("report/a.svg"), SVG).unwrap();
    fails("report/a.svg`: cannot write it; `--out DIR` names another folder");
    fs_err::write(folder.join("report/a.svg"), "no drawing").unwrap();
    fails("report/a.svg`: expected SVG, found no XML");
}
