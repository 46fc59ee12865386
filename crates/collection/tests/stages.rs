//! Stages `decode` and `annotate`, run as binaries by job files.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use images::{Limits, Orient, Pixels, Preprocess, Resizer, View, resize};
use serde_json::{Value, json};
use table_annotations::Annotation;
use table_attributes::Attribute;
use table_images::Image;
use table_problems::Problem;
use tables::Subset;
use tempfile::TempDir;
use thumbnails::{Thumbnail, Thumbnails};

fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/tests/golden");
    fs_err::read(format!("{folder}/{name}")).unwrap()
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, bytes).unwrap();
}

/// Writes the job file of a stage; its path.
fn job(folder: &Path, stage: &str, params: Value, inputs: Value, outputs: Value) -> PathBuf {
    let job = json!({
        "stage": stage, "params": params, "in": inputs, "out": outputs,
        "scratch": folder.join("scratch"),
    });
    let path = folder.join(format!("{stage}.json"));
    fs_err::write(&path, job.to_string()).unwrap();
    path
}

fn run(program: &str, job: &Path) -> Output {
    Command::new(program).arg(job).output().unwrap()
}

fn log_of(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

/// Decodes the folder `images` and annotates it.
fn annotate(folder: &Path, changes: &[(&str, Value)]) -> Output {
    annotate_by(folder, None, changes)
}

/// With a table of labels in the folder. `changes` are of the parameters of both stages.
fn annotate_by(folder: &Path, table: Option<&str>, changes: &[(&str, Value)]) -> Output {
    let (of_decode, of_annotate): (Vec<_>, Vec<_>) =
        { changes.iter().cloned() }.partition(|(key, _)| RULES.contains(key));
    if folder.join("images").exists() {
        let decoded = run(DECODE, &decode_job(folder, &of_decode));
        assert!(decoded.status.success(), "{}", log_of(&decoded));
    }
    run(ANNOTATE, &annotate_job(folder, table, &of_annotate))
}

const DECODE: &str = env!("CARGO_BIN_EXE_decode");
const ANNOTATE: &str = env!("CARGO_BIN_EXE_annotate");

/// Parameters of stage `decode`.
const RULES: [&str; 7] = [
    "side_px",
    "crop_area",
    "evaluation_px",
    "crops",
    "max_pixels",
    "max_aspect",
    "exif_orientation",
];

fn changed(mut params: Value, changes: &[(&str, Value)]) -> Value {
    for (key, value) in changes {
        params[*key] = value.clone();
    }
    params
}

fn decode_job(folder: &Path, changes: &[(&str, Value)]) -> PathBuf {
    let params = json!({
        "side_px": 64, "crop_area": 1.0, "evaluation_px": 0, "crops": 1,
        "max_pixels": 1_000_000, "max_aspect": 10, "exif_orientation": true
    });
    let outputs = json!({
        "images": folder.join("images.parquet"), "pixels": folder.join("pixels"),
        "thumbnails": folder.join("thumbnails"),
    });
    let inputs = json!({ "folder": folder.join("images") });
    job(folder, "decode", changed(params, changes), inputs, outputs)
}

fn annotate_job(folder: &Path, table: Option<&str>, changes: &[(&str, Value)]) -> PathBuf {
    let params = json!({
        "author_pattern": "{author}_{title}", "without_authors": ["photo"], "max_problems": 100,
        "one_class": "", "no_author": ["unknown"], "classes": [], "leave_out": [], "merge": {},
        "split_folders": "auto"
    });
    let inputs = json!({
        "folder": folder.join("images"), "images": folder.join("images.parquet"),
        "table": table.map(|name| folder.join(name)),
    });
    let outputs = json!({
        "annotations": folder.join("annotations.parquet"),
        "problems": folder.join("problems.parquet"),
        "attributes": folder.join("attributes.parquet"),
    });
    let params = changed(params, changes);
    job(folder, "annotate", params, inputs, outputs)
}

/// Two classes with two images, and one file of each kind of problem.
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
fn annotate_separates_images_and_problems() {
    let folder = collection();
    let output = annotate(folder.path(), &[]);
    assert!(output.status.success(), "{}", log_of(&output));
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
        log_of(&output).contains("1 left out as truncated: `photo/cut.jpg`"),
        "{}",
        log_of(&output)
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
        assert!(output.status.success(), "{}", log_of(&output));
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
    let log = log_of(&output);
    assert!(
        log.contains("1 dangling-link\n    `photo/broken.jpg`: a link to `nowhere`"),
        "{log}"
    );
    assert!(
        log.contains(&scratch.join("problems.txt").display().to_string()),
        "{log}"
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
    assert!(output.status.success(), "{}", log_of(&output));
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
    assert!(output.status.success(), "{}", log_of(&output));
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
    assert!(output.status.success(), "{}", log_of(&output));
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
    let text = log_of(&output);
    assert!(
        text.contains("`sea` has `sea`") && text.contains("Set `annotate.author_pattern = \"\"`"),
        "{text}"
    );
    let output = annotate(folder.path(), &[none, ("author_pattern", json!(""))]);
    assert!(output.status.success(), "{}", log_of(&output));
}

#[test]
fn annotate_needs_two_classes_and_names_the_rest_freely() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    put(&images, "rest/ada_1.png", &golden("odd-rgb.png"));
    let none = ("without_authors", json!([]));
    let output = annotate(folder.path(), std::slice::from_ref(&none));
    assert!(
        log_of(&output).contains("one class alone has images, `rest`"),
        "{}",
        log_of(&output)
    );
    put(&images, "sea/bo_1.png", &golden("odd-gray.png"));
    put(&images, "wood/cy_1.png", &golden("square.png"));
    let output = annotate(folder.path(), &[none, ("one_class", json!("Rest"))]);
    assert!(output.status.success(), "{}", log_of(&output));
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
        assert!(log_of(&output).contains(message), "{}", log_of(&output));
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
fn decode_keeps_the_pixels_and_the_fault_of_each_file() {
    let folder = collection();
    let output = run(DECODE, &decode_job(folder.path(), &[]));
    assert!(output.status.success(), "{}", log_of(&output));
    let images: Vec<Image> = rows(folder.path(), "images.parquet");
    let shown: Vec<_> = { images.iter() }
        .map(|image| (image.path.as_str(), image.fault.as_deref(), image.width))
        .collect();
    assert_eq!(
        shown,
        [
            ("Cubism/Ada_one.jpg", None, Some(37)),
            ("Cubism/later/bo_two.png", None, Some(37)),
            ("Cubism/untitled.png", None, Some(37)),
            ("beside.png", None, Some(37)),
            ("photo/again.png", None, Some(37)),
            ("photo/away.jpg", Some("not-an-image"), None),
            ("photo/cut.jpg", Some("truncated"), None),
            ("photo/dusk.jpg", None, Some(37)),
            ("photo/empty.jpg", Some("empty"), None),
            ("photo/page.jpg", Some("html-page"), None),
            ("photo/words.jpg", Some("not-an-image"), None),
        ]
    );
    let pixels = Pixels::open(&folder.path().join("pixels")).unwrap();
    let thumbnails = Thumbnails::open(&folder.path().join("thumbnails")).unwrap();
    assert_eq!((pixels.len(), thumbnails.len()), (6, 6));
    let limits = Limits {
        pixels: 1_000_000,
        aspect: 10,
    };
    let sound = images.iter().filter(|image| image.fault.is_none());
    for (position, image) in sound.enumerate() {
        let bytes = fs_err::read(folder.path().join("images").join(&image.path)).unwrap();
        let rgb = images::decode(&bytes, limits, Orient::Upright).unwrap().rgb;
        let kept = resize(&rgb, pixels.geometry(), &mut Resizer::default()).unwrap();
        let mut buffer = Vec::new();
        let at = pixels.position(&image.path).unwrap();
        assert_eq!(pixels.read(at, &mut buffer).unwrap().pixels, kept.pixels);
        let thumbnail = Thumbnail::of(&rgb, &mut Resizer::default()).unwrap();
        assert_eq!(thumbnails.read(position).unwrap(), thumbnail);
        // The way of a new image to the network is the same.
        let preprocess = Preprocess::new(pixels.geometry());
        let stored = preprocess.image(&pixels.read(at, &mut buffer).unwrap(), View::CENTER);
        let direct = preprocess.file(&bytes, limits, Orient::Upright, &[View::CENTER]);
        assert_eq!([stored], *direct.unwrap(), "{}", image.path);
    }
}

#[test]
fn decode_refuses_what_is_beyond_its_limits() {
    let folder = collection();
    let changes = [("max_pixels", json!(1000))];
    let output = annotate(folder.path(), &changes);
    assert!(
        log_of(&output).contains("no image that can be read"),
        "{}",
        log_of(&output)
    );
    let images: Vec<Image> = rows(folder.path(), "images.parquet");
    let dusk = images.iter().find(|image| image.path == "photo/dusk.jpg");
    assert_eq!(dusk.unwrap().fault.as_deref(), Some("too-large"));
}

/// Times that each file of the folder `images` is opened while `program` runs.
fn opened(folder: &Path, program: &str, job: &Path) -> BTreeMap<String, usize> {
    let trace = folder.join("trace");
    let output = Command::new("strace")
        .args(["-f", "-s", "4096", "-e", "trace=open,openat", "-o"])
        .args([trace.as_path(), Path::new(program), job])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", log_of(&output));
    let prefix = format!("\"{}/", folder.join("images").display());
    let mut counts = BTreeMap::new();
    for line in fs_err::read_to_string(trace).unwrap().lines() {
        let Some((_, path)) = line.split_once(&prefix) else {
            continue;
        };
        let (path, rest) = path.split_once('"').unwrap();
        if !rest.contains("O_DIRECTORY") {
            *counts.entry(path.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn each_file_is_opened_once_by_decode_and_never_by_annotate() {
    let has_strace = Command::new("strace").arg("--version").output().is_ok();
    if skip::unless(has_strace, "strace") {
        return;
    }
    let folder = collection();
    let counts = opened(folder.path(), DECODE, &decode_job(folder.path(), &[]));
    let images: Vec<Image> = rows(folder.path(), "images.parquet");
    let once = images.into_iter().map(|image| (image.path, 1));
    assert_eq!(counts, once.collect());
    let job = annotate_job(folder.path(), None, &[]);
    let counts = opened(folder.path(), ANNOTATE, &job);
    assert_eq!(counts, BTreeMap::new());
    let annotations: Vec<Annotation> = rows(folder.path(), "annotations.parquet");
    assert_eq!(annotations.len(), 3);
}

#[test]
fn annotations_do_not_depend_on_the_side_of_the_pixels() {
    let folder = collection();
    let read = || {
        ["images.parquet", "thumbnails", "annotations.parquet"]
            .map(|name| fs_err::read(folder.path().join(name)).unwrap())
    };
    assert!(annotate(folder.path(), &[]).status.success());
    let first = read();
    let other = annotate(folder.path(), &[("side_px", json!(32))]);
    assert!(other.status.success(), "{}", log_of(&other));
    assert_eq!(first, read());
}

#[test]
fn pixels_suffice_for_random_crops_and_for_the_evaluation() {
    let folder = tempfile::tempdir().unwrap();
    put(
        &folder.path().join("images"),
        "gray.png",
        &golden("odd-gray.png"),
    );
    let size = |changes: &[(&str, Value)]| {
        let output = run(DECODE, &decode_job(folder.path(), changes));
        assert!(output.status.success(), "{}", log_of(&output));
        let pixels = Pixels::open(&folder.path().join("pixels")).unwrap();
        let mut buffer = Vec::new();
        let image = pixels.read(0, &mut buffer).unwrap();
        (pixels.side_px(), image.width, image.height)
    };
    let evaluation_px = |side_px: u32| ("evaluation_px", json!(side_px));
    // Of 37 × 29 pixels the sides become 93 and 64 · 256/224 = 73, of which a rotation reaches all. At 512 they become 746
    // and 585, and it reaches ⌈512 · √2⌉ + 4 = 729, with one more for a multiple of four.
    let side = |side_px: u32| ("side_px", json!(side_px));
    assert_eq!(size(&[]), (64, 93, 73));
    assert_eq!(size(&[side(512)]), (512, 730, 585));
    assert_eq!(
        size(&[side(512), ("crop_area", json!(0.35))]),
        (512, 746, 585)
    );
    assert_eq!(size(&[side(512), ("crops", json!(5))]), (512, 746, 585));
    assert_eq!(size(&[evaluation_px(512)]), (512, 730, 585));
    for (change, part) in [
        (evaluation_px(32), "`evaluation.side_px` is 32: expected 0"),
        (
            ("crops", json!(2)),
            "`evaluation.crops` is 2: expected 1 for the center",
        ),
    ] {
        let refused = run(DECODE, &decode_job(folder.path(), &[change]));
        assert!(log_of(&refused).contains(part), "{}", log_of(&refused));
    }
}

#[test]
fn decode_is_the_same_for_any_number_of_threads() {
    let folder = collection();
    let job = decode_job(folder.path(), &[]);
    let read = || {
        ["images.parquet", "pixels", "thumbnails"]
            .map(|name| fs_err::read(folder.path().join(name)).unwrap())
    };
    let output = run(DECODE, &job);
    assert!(output.status.success(), "{}", log_of(&output));
    let first = read();
    let pixels = Pixels::open(&folder.path().join("pixels")).unwrap();
    assert_eq!((pixels.len(), pixels.side_px()), (6, 64));
    let mut buffer = Vec::new();
    let position = pixels.position("photo/dusk.jpg").unwrap();
    let image = pixels.read(position, &mut buffer).unwrap();
    assert_eq!((image.full_width, image.full_height), (93, 73));
    // A run of its own, with a pool of one thread.
    let again = Command::new(DECODE)
        .env("RAYON_NUM_THREADS", "1")
        .arg(job)
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", log_of(&again));
    assert_eq!(first, read());
}

#[test]
fn annotate_notices_a_file_that_was_not_decoded() {
    let folder = collection();
    assert!(annotate(folder.path(), &[]).status.success());
    let images = folder.path().join("images");
    put(&images, "photo/new.png", &golden("square.png"));
    let output = run(ANNOTATE, &annotate_job(folder.path(), None, &[]));
    assert!(!output.status.success());
    assert!(
        log_of(&output).contains("`photo/new.png`: expected a row for each file of the folder"),
        "{}",
        log_of(&output)
    );
}
