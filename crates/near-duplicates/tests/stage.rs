//! Stage `near-duplicates` on a small folder of copies and of different images of one kind.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::Path;
use std::process::{Command, Output};

use collection::{Settings, SplitFolders, group, image_row, read_image, results_of, scan, survey};
use images::{Limits, Orient, Resizer};
use serde_json::{Value, json};
use table_annotations::Annotation;
use table_images::Image;
use table_io::{Reader, Writer};
use table_near_duplicates::NearDuplicate;
use tempfile::TempDir;
use thumbnails::{Thumbnail, ThumbnailsWriter};

/// An image beside the folders of the classes.
const BESIDE: &str = "0.jpg";

/// Sides of the image in pixels.
const SIZE: (u32, u32) = (160, 160);

/// A mirror-symmetric poster of bands, whose hue depends on `seed`.
fn symmetric(x: f64, y: f64, seed: f64) -> [f64; 3] {
    let x = (2.0 * x - 1.0).abs();
    let rays = 130.0 + 70.0 * (3.0 * ((6.0 + seed) * x + 9.0 * y * y).sin()).tanh();
    let arch = 45.0 - 45.0 * (20.0 * (x.hypot(y - 0.5) - 0.3 - 0.02 * seed)).tanh();
    [rays, 230.0 - rays, arch + 10.0 * seed]
}

/// A white ground with the same dark outline; a stripe that depends on `seed` is all that differs.
fn garment(x: f64, y: f64, seed: f64) -> [f64; 3] {
    let inside = (0.2..0.8).contains(&x) && (0.1..0.9).contains(&y);
    let stripe = (y - 0.2 - 0.1 * seed).abs() < 0.04;
    match (inside, stripe) {
        (false, _) => [250.0; 3],
        (true, false) => [50.0; 3],
        (true, true) => [190.0; 3],
    }
}

type Scene = fn(f64, f64, f64) -> [f64; 3];

fn pixels((width, height): (u32, u32), scene: Scene, seed: f64) -> Vec<u8> {
    let place = |at: u32, size: u32| (f64::from(at) + 0.5) / f64::from(size);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels from 0 to 255"
    )]
    let levels = |at: u32| {
        scene(place(at % width, width), place(at / width, height), seed)
            .map(|value| value.clamp(0.0, 255.0) as u8)
    };
    (0..width * height).flat_map(levels).collect()
}

fn jpeg(size: (u32, u32), scene: Scene, seed: f64, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let [width, height] = [size.0, size.1].map(|side| u16::try_from(side).unwrap());
    jpeg_encoder::Encoder::new(&mut bytes, quality)
        .encode(
            &pixels(size, scene, seed),
            width,
            height,
            jpeg_encoder::ColorType::Rgb,
        )
        .unwrap();
    bytes
}

/// The rows of the files of a folder, whose thumbnails are written to `thumbnails`.
fn decode(root: &Path, thumbnails: &Path) -> Vec<Image> {
    let limits = Limits {
        pixels: 1_000_000,
        aspect: 10,
    };
    let mut writer = ThumbnailsWriter::new(fs_err::File::create(thumbnails).unwrap());
    let files = scan(root).unwrap().files;
    let rows = files.iter().map(|path| {
        let file = read_image(&root.join(path), limits, Orient::Upright);
        let file = file.map(|(image, rgb)| {
            let thumbnail = Thumbnail::of(&rgb, &mut Resizer::default()).unwrap();
            writer.append(&thumbnail).unwrap();
            image
        });
        image_row(path, file)
    });
    rows.collect()
}

/// The annotations of a folder, where two files alone are problems.
fn annotations(root: &Path, images: Vec<Image>) -> Vec<Annotation> {
    let settings = Settings {
        author_pattern: "{author}_{title}".to_owned(),
        split_folders: SplitFolders::Ignore,
        ..Settings::default()
    };
    let grouped = group(scan(root).unwrap(), &settings, None).unwrap();
    let results = results_of(&grouped.candidates, images).unwrap();
    let survey = survey(grouped, results);
    let problems = survey.problems.iter().map(|problem| problem.path.as_str());
    assert!(problems.eq([BESIDE, "a/text.txt"]));
    survey.annotations
}

struct Folder(TempDir);

impl Folder {
    /// Writes the images, annotates them and looks for near-duplicates.
    fn of(images: &[(&str, Vec<u8>)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for (path, bytes) in images {
            let path = folder.path("images").join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        // Neither an image of no class nor a file that is none has a part in it.
        let [aside, text] = [BESIDE, "a/text.txt"].map(|path| folder.path("images").join(path));
        fs_err::write(aside, jpeg(SIZE, symmetric, 1.0, 95)).unwrap();
        fs_err::write(text, "words").unwrap();
        let images = decode(&folder.path("images"), &folder.path("thumbnails"));
        folder.write("images.parquet", images.clone());
        folder.write("annotations", annotations(&folder.path("images"), images));
        folder
    }

    fn write<T: tables::Table>(&self, name: &str, rows: Vec<T>) {
        let mut writer = Writer::create(&self.path(name));
        writer.append(rows).unwrap();
        writer.finish().unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn ok(&self, program: &str, params: &Value, inputs: &Value, outputs: &Value) -> String {
        let output = self.run(program, params, inputs, outputs);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        log + &String::from_utf8_lossy(&output.stdout)
    }

    fn run(&self, program: &str, params: &Value, inputs: &Value, outputs: &Value) -> Output {
        let job = json!({
            "stage": "test", "params": params, "in": inputs, "out": outputs, "scratch": self.path("scratch"),
        });
        let path = self.path("job.json");
        fs_err::write(&path, job.to_string()).unwrap();
        Command::new(program).arg(path).output().unwrap()
    }

    /// The log and the rows.
    fn near_duplicates(&self) -> (String, Vec<NearDuplicate>) {
        let inputs = json!({
            "annotations": self.path("annotations"), "images": self.path("images.parquet"),
            "thumbnails": self.path("thumbnails"),
        });
        let outputs = json!({ "near_duplicates": self.path("near_duplicates") });
        let program = env!("CARGO_BIN_EXE_near-duplicates");
        let log = self.ok(
            program,
            &json!({ "max_difference": 8.0 }),
            &inputs,
            &outputs,
        );
        let rows = Reader::new(&self.path("near_duplicates")).read();
        (log, rows.unwrap())
    }
}

#[test]
fn copies_of_symmetric_images_are_grouped_and_conflicts_are_reported() {
    let folder = Folder::of(&[
        ("a/ada_1.jpg", jpeg(SIZE, symmetric, 1.0, 95)),
        ("a/ada_2.jpg", jpeg(SIZE, symmetric, 2.0, 95)),
        // At lower qualities the colors of so small a copy are stored at half the resolution, and its sharp hues differ.
        ("a/bob_3.jpg", jpeg((80, 80), symmetric, 1.0, 95)),
        ("b/cyd_4.jpg", jpeg((120, 120), symmetric, 2.0, 40)),
        ("b/cyd_5.jpg", jpeg(SIZE, symmetric, 3.0, 95)),
    ]);
    let (log, rows) = folder.near_duplicates();
    let found: Vec<_> = { rows.iter() }
        .map(|row| {
            (
                row.group,
                row.path.as_str(),
                row.representative.as_str(),
                row.conflict,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, "a/ada_1.jpg", "a/ada_1.jpg", false),
            (0, "a/bob_3.jpg", "a/ada_1.jpg", false),
            (1, "a/ada_2.jpg", "a/ada_2.jpg", true),
            (1, "b/cyd_4.jpg", "a/ada_2.jpg", true),
        ]
    );
    assert!(
        log.contains("1 groups of near-duplicates have conflicting labels"),
        "{log}"
    );
    assert!(
        log.contains("`a/ada_2.jpg` (a), `b/cyd_4.jpg` (b)"),
        "{log}"
    );
}

#[test]
fn different_images_of_one_kind_are_not_grouped() {
    let images: Vec<(String, Vec<u8>)> = (0..6)
        .map(|seed| {
            (
                format!("{}/by-{seed}_1.jpg", if seed < 3 { "a" } else { "b" }),
                jpeg(SIZE, garment, f64::from(seed), 90),
            )
        })
        .collect();
    let images: Vec<(&str, Vec<u8>)> = { images.iter() }
        .map(|(path, bytes)| (path.as_str(), bytes.clone()))
        .collect();
    assert_eq!(Folder::of(&images).near_duplicates().1, []);
}
