//! Stages `annotate` and `decode`, run as binaries by job files.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::Path;
use std::process::{Command, Output};

use images::Pixels;
use serde_json::{Value, json};
use table_annotations::Annotation;
use table_attributes::Attribute;
use table_problems::Problem;
use tables::Subset;
use tempfile::TempDir;

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/tests/golden");
    fs_err::read(format!("{folder}/{name}")).unwrap()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
}

fn run(program: &str, folder: &Path, params: Value, inputs: Value, outputs: Value) -> Output {
    let job = json!({
        "stage": "test", "params": params, "in": inputs, "out": outputs,
        "scratch": folder.join("scratch"),
    });
    let path = folder.join("job.json");
    fs_err::write(&path, job.to_string()).unwrap();
    Command::new(program).arg(path).output().unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

fn annotate(folder: &Path, changes: &[(&str, Value)]) -> Output {
    annotate_by(folder, None, changes)
}

/// With a table of labels in the folder.
fn annotate_by(folder: &Path, table: Option<&str>, changes: &[(&str, Value)]) -> Output {
    let table = table.map(|name| folder.join(name));
    let mut params = json!({
        "author_pattern": "{author}_{title}", "without_authors": ["photo"], "max_problems": 100,
        "max_pixels": 1_000_000, "max_aspect": 10, "one_class": "", "no_author": ["unknown"], "classes": [],
        "leave_out": [], "merge": {}, "split_folders": "auto", "exif_orientation": true
    });
    for (key, value) in changes {
        params[*key] = value.clone();
    }
    run(
        env!("CARGO_BIN_EXE_annotate"),
        folder,
        params,
        json!({ "images": folder.join("images"), "table": table }),
        json!({
            "annotations": folder.join("annotations.parquet"),
            "problems": folder.join("problems.parquet"),
            "attributes": folder.join("attributes.parquet"),
        }),
    )
}

fn decode(folder: &Path, to: &str) -> Output {
    run(
        env!("CARGO_BIN_EXE_decode"),
        folder,
        json!({ "side_px": 64 }),
        json!({
            "annotations": folder.join("annotations.parquet"), "images": folder.join("images")
        }),
        json!({ "pixels": folder.join(to) }),
    )
}

/// Two classes with two pictures, and one of everything that can be wrong.
fn collection() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    put(&images, "Cubism/Ada_one.jpg", &golden("odd-baseline.jpg"));
    put(
        &images,
        "Cubism/later/bo_two.png",
        &golden("odd-palette.png"),
    );
    // A PNG by another name.
    put(&images, "photo/dusk.jpg", &golden("odd-rgb.png"));
    put(&images, "photo/.DS_Store", b"litter");
    put(&images, "photo/Thumbs.db", b"litter");
    put(&images, "photo/again.png", &golden("odd-palette.png"));
    put(&images, "photo/empty.jpg", b"");
    put(&images, "photo/words.jpg", b"only words");
    put(&images, "photo/page.jpg", b"<!doctype html><html></html>");
    put(&images, "photo/cut.jpg", &golden("odd-gray.jpg")[..400]);
    put(&images, "Cubism/untitled.png", &golden("odd-gray.png"));
    put(&images, "beside.png", &golden("odd-gray.png"));
    fs_err::create_dir(images.join("Rococo")).unwrap();
    put(folder.path(), "away.txt", b"words elsewhere");
    std::os::unix::fs::symlink("../../away.txt", images.join("photo/away.jpg")).unwrap();
    std::os::unix::fs::symlink("nowhere", images.join("photo/broken.jpg")).unwrap();
    folder
}

fn rows<T: tables::Table>(folder: &Path, name: &str) -> Vec<T> {
    table_io::Reader::new(&folder.join(name)).read().unwrap()
}

#[test]
fn annotate_tells_pictures_from_problems() {
    let folder = collection();
    let output = annotate(folder.path(), &[]);
    assert!(output.status.success(), "{}", said(&output));
    let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    let shown: Vec<_> = annotations
        .iter()
        .map(|a| {
            (
                a.path.as_str(),
                a.label.as_str(),
                a.author.as_deref(),
                a.title.as_str(),
                a.class_index,
                a.format.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "Cubism/Ada_one.jpg",
                "cubism",
                Some("ada"),
                "one",
                0,
                "jpeg"
            ),
            (
                "Cubism/later/bo_two.png",
                "cubism",
                Some("bo"),
                "two",
                0,
                "png"
            ),
            ("photo/dusk.jpg", "photo", None, "dusk", 1, "png"),
        ]
    );
    assert_eq!((annotations[0].width, annotations[0].height), (37, 29));
    assert_eq!(
        annotations[0].bytes,
        golden("odd-baseline.jpg").len() as u64
    );
    let problems: Vec<Problem> = rows(folder.path(), "problems.parquet");
    let shown: Vec<_> = problems
        .iter()
        .map(|p| (p.path.as_str(), p.reason.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("Cubism/untitled.png", "no-author"),
            ("beside.png", "outside-classes"),
            ("photo/again.png", "duplicate-in-another-class"),
            ("photo/away.jpg", "not-an-image"),
            ("photo/broken.jpg", "dangling-link"),
            ("photo/cut.jpg", "truncated"),
            ("photo/empty.jpg", "empty"),
            ("photo/page.jpg", "html-page"),
            ("photo/words.jpg", "not-an-image"),
            ("rococo", "empty-class"),
        ]
    );
    assert!(
        said(&output).contains("1 left out as truncated: `photo/cut.jpg`"),
        "{}",
        said(&output)
    );
}

#[test]
fn annotate_sets_one_class_against_the_rest() {
    let folder = collection();
    for (class, expected) in [
        ("photo", [("rest", 1), ("rest", 1), ("photo", 0)]),
        ("cubism", [("cubism", 0), ("cubism", 0), ("rest", 1)]),
    ] {
        let output = annotate(folder.path(), &[("one_class", json!(class))]);
        assert!(output.status.success(), "{}", said(&output));
        let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
        let shown = annotations
            .iter()
            .map(|a| (a.label.as_str(), a.class_index));
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn annotate_keeps_the_list_of_a_failure() {
    let folder = collection();
    let output = annotate(folder.path(), &[("max_problems", json!(3))]);
    assert!(!output.status.success());
    let scratch = folder.path().join("scratch");
    let kept: Vec<Problem> = rows(&scratch, "problems.parquet");
    assert_eq!(kept.len(), 10);
    let text = fs_err::read_to_string(scratch.join("problems.txt")).unwrap();
    assert_eq!(text.lines().count(), 10);
    let said = said(&output);
    assert!(
        said.contains("1 dangling-link\n    `photo/broken.jpg`: a link to `nowhere`"),
        "{said}"
    );
    assert!(
        said.contains(&scratch.join("problems.txt").display().to_string()),
        "{said}"
    );
    // No result of a run that failed.
    assert!(!folder.path().join("problems.parquet").exists());
}

#[test]
fn annotate_follows_a_table_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    for (name, of) in [
        ("a.png", "odd-rgb.png"),
        ("b.png", "odd-gray.png"),
        ("c.jpg", "odd-gray.jpg"),
    ] {
        put(&images, name, &golden(of));
    }
    // The table may stand among the images.
    put(
        &images,
        "labels.csv",
        b"path,label,author,split,grade\na.png,Left,Ada,train,3\nb.png,left,bo,valid,\nc.jpg,right,,test,1\n",
    );
    let output = annotate_by(
        folder.path(),
        Some("images/labels.csv"),
        &[("max_problems", json!(0)), ("without_authors", json!([]))],
    );
    assert!(output.status.success(), "{}", said(&output));
    let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    let shown: Vec<_> = { annotations.iter() }
        .map(|a| (a.label.as_str(), a.author.as_deref(), a.split))
        .collect();
    let expected = [
        ("left", Some("ada"), Some(Subset::Train)),
        ("left", Some("bo"), Some(Subset::Validation)),
        ("right", None, Some(Subset::Test)),
    ];
    assert_eq!(shown, expected);
    let attributes: Vec<Attribute> = rows(folder.path(), "attributes.parquet");
    let shown: Vec<_> = attributes
        .iter()
        .map(|a| (a.path.as_str(), a.value.as_str()))
        .collect();
    assert_eq!(shown, [("a.png", "3"), ("c.jpg", "1")]);
    // The same rows as parquet.
    let table: Vec<Annotation> = annotations;
    let path = folder.path().join("labels.parquet");
    let mut writer = table_io::Writer::create(&path);
    writer.append(table).unwrap();
    writer.finish().unwrap();
    fs_err::remove_file(images.join("labels.csv")).unwrap();
    let output = annotate_by(
        folder.path(),
        Some("labels.parquet"),
        &[("max_problems", json!(0)), ("without_authors", json!([]))],
    );
    assert!(output.status.success(), "{}", said(&output));
    let again: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    assert_eq!(again[1].split, Some(Subset::Validation));
    let attributes: Vec<Attribute> = rows(folder.path(), "attributes.parquet");
    assert!(
        attributes
            .iter()
            .any(|a| a.name == "width" && a.value == "37"),
        "{attributes:?}"
    );
}

#[test]
fn annotate_follows_links_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (images, store) = (folder.path().join("images"), folder.path().join("store"));
    put(&store, "cat/ada_1.png", &golden("odd-rgb.png"));
    put(&store, "cat/bo_1.png", &golden("odd-gray.png"));
    put(&store, "ida.jpg", &golden("odd-gray.jpg"));
    fs_err::create_dir_all(images.join("dog")).unwrap();
    std::os::unix::fs::symlink(store.join("cat"), images.join("cat")).unwrap();
    std::os::unix::fs::symlink(store.join("ida.jpg"), images.join("dog/ida_1.jpg")).unwrap();
    let output = annotate(
        folder.path(),
        &[("max_problems", json!(0)), ("without_authors", json!([]))],
    );
    assert!(output.status.success(), "{}", said(&output));
    let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    let paths: Vec<_> = annotations.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(paths, ["cat/ada_1.png", "cat/bo_1.png", "dog/ida_1.jpg"]);
}

#[test]
fn annotate_recognizes_authors_that_are_classes() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    for (name, of) in [
        ("Sea/Sea_1.png", "odd-rgb.png"),
        ("Sea/Sea_2.png", "odd-gray.png"),
        ("Wood/Wood_1.png", "square.png"),
        ("Wood/Wood_2.png", "upright.png"),
    ] {
        put(&images, name, &golden(of));
    }
    let none = ("without_authors", json!([]));
    let output = annotate(folder.path(), std::slice::from_ref(&none));
    assert!(!output.status.success());
    let text = said(&output);
    assert!(
        text.contains("`sea` has `sea`") && text.contains("Set `annotate.author_pattern = \"\"`"),
        "{text}"
    );
    let output = annotate(folder.path(), &[none, ("author_pattern", json!(""))]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn annotate_needs_two_classes_and_names_the_rest_freely() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    put(&images, "rest/ada_1.png", &golden("odd-rgb.png"));
    let none = ("without_authors", json!([]));
    let output = annotate(folder.path(), std::slice::from_ref(&none));
    assert!(
        said(&output).contains("one class alone has images, `rest`"),
        "{}",
        said(&output)
    );
    put(&images, "sea/bo_1.png", &golden("odd-gray.png"));
    put(&images, "wood/cy_1.png", &golden("square.png"));
    let output = annotate(folder.path(), &[none, ("one_class", json!("Rest"))]);
    assert!(output.status.success(), "{}", said(&output));
    let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    let labels: Vec<_> = annotations
        .iter()
        .map(|a| (a.label.as_str(), a.class_index))
        .collect();
    assert_eq!(labels, [("rest", 1), ("other", 0), ("other", 0)]);
}

#[test]
fn annotate_stops_where_it_must() {
    let folder = collection();
    let fails = |changes: &[(&str, Value)], message: &str| {
        let output = annotate(folder.path(), changes);
        assert!(!output.status.success());
        assert!(said(&output).contains(message), "{}", said(&output));
    };
    fails(
        &[("max_problems", json!(9))],
        "10 problems, more than `annotate.max_problems` = 9",
    );
    fails(
        &[("without_authors", json!(["photos"]))],
        "`without_authors` names `photos`, which is no class; did you mean `photo`?",
    );
    fails(
        &[("one_class", json!("cubizm"))],
        "`one_class` names `cubizm`, which is no class; did you mean `",
    );
    fails(
        &[("author_pattern", json!("{artist}"))],
        "`{artist}` found, expected `{author}`, `{title}`, `{label}` or `{*}`",
    );
    fs_err::remove_dir_all(folder.path().join("images")).unwrap();
    fails(&[], "cannot open the folder of images");
}

#[test]
fn decode_is_the_same_for_any_number_of_threads() {
    let folder = collection();
    let output = annotate(folder.path(), &[]);
    assert!(output.status.success(), "{}", said(&output));
    let output = decode(folder.path(), "pixels");
    assert!(output.status.success(), "{}", said(&output));
    let pixels = Pixels::open(&folder.path().join("pixels")).unwrap();
    assert_eq!((pixels.len(), pixels.side_px()), (3, 64));
    let mut buffer = Vec::new();
    let position = pixels.position("photo/dusk.jpg").unwrap();
    let picture = pixels.read(position, &mut buffer).unwrap();
    assert_eq!((picture.full_width, picture.full_height), (93, 73));
    // A run of its own, with a pool of one thread.
    let again = Command::new(env!("CARGO_BIN_EXE_decode"))
        .env("RAYON_NUM_THREADS", "1")
        .arg(folder.path().join("job.json"))
        .output()
        .unwrap();
    let first = fs_err::read(folder.path().join("pixels")).unwrap();
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(first, fs_err::read(folder.path().join("pixels")).unwrap());
}

#[test]
fn decode_notices_another_picture() {
    let folder = collection();
    assert!(annotate(folder.path(), &[]).status.success());
    let images = folder.path().join("images");
    put(&images, "photo/dusk.jpg", &golden("square.png"));
    let output = decode(folder.path(), "pixels");
    assert!(!output.status.success());
    assert!(
        said(&output).contains("`photo/dusk.jpg`"),
        "{}",
        said(&output)
    );
}
