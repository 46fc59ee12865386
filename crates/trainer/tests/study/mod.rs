//! Inputs of stages on a few small images, and jobs on them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use images::{Geometry, PixelsWriter, Rgb};
use serde_json::{Value, json};
use table_annotations::Annotation;
use table_folds::Fold;
use table_io::{Reader, Writer};
use tables::Assignment;
use tables::Table;
use tempfile::TempDir;

pub(crate) const SIDE_PX: u32 = 32;
const LABELS: [&str; 3] = ["blue", "green", "red"];
/// The last one is the test set.
const ASSIGNMENTS: [Assignment; 4] = [
    Assignment::Fold(0),
    Assignment::Fold(1),
    Assignment::Fold(2),
    Assignment::Test,
];

/// A folder with the inputs of the stages: 30 images of 3 classes, which differ in color.
pub(crate) struct Study {
    folder: TempDir,
}

impl Study {
    pub(crate) fn new() -> Self {
        let study = Self {
            folder: TempDir::new().unwrap(),
        };
        let (mut annotations, mut folds) = (Vec::new(), Vec::new());
        for (class_index, label) in (0..).zip(LABELS) {
            for number in 0..10_usize {
                let path = format!("{label}/{number}.png");
                annotations.push(annotation(&path, label, class_index));
                folds.push(Fold {
                    path,
                    label: label.to_owned(),
                    author: None,
                    fold: ASSIGNMENTS[number % 4],
                });
            }
        }
        study.write("annotations", annotations.clone());
        study.write("folds", folds);
        study.write_pixels(&annotations);
        study
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write<T: Table>(&self, name: &str, rows: Vec<T>) {
        let mut writer = Writer::create(&self.path(name));
        writer.append(rows).unwrap();
        writer.finish().unwrap();
    }

    pub(crate) fn read<T: Table>(&self, name: &str) -> Vec<T> {
        Reader::new(&self.path(name)).read().unwrap()
    }

    fn write_pixels(&self, annotations: &[Annotation]) {
        let file = fs_err::File::create(self.path("pixels")).unwrap();
        let geometry = Geometry::new(SIDE_PX).unwrap();
        let mut writer = PixelsWriter::new(file, geometry).unwrap();
        // Images are looked up by path: the file may have others, and another order.
        let mut images = annotations.to_vec();
        images.push(Annotation {
            path: "aside.png".to_owned(),
            ..images[0].clone()
        });
        for (number, row) in images.iter().enumerate().rev() {
            let (width, height) = geometry.resized(row.width, row.height);
            let (width, height) = geometry.kept(width, height);
            let pixels = pixels(row.class_index as usize, number, (width * height) as usize);
            let image = Rgb {
                width,
                height,
                pixels,
            };
            let original = (row.width, row.height);
            writer.append(&row.path, original, &image).unwrap();
        }
        writer.finish().unwrap();
    }

    /// A job of a stage with outputs in the folder `run`.
    pub(crate) fn job(
        &self,
        program: &'static str,
        run: &str,
        params: &Value,
        inputs: Value,
        outputs: &[&str],
    ) -> Job {
        let folder = self.path(run);
        fs_err::create_dir_all(&folder).unwrap();
        let outputs: serde_json::Map<String, Value> = outputs
            .iter()
            .map(|name| ((*name).to_owned(), json!(folder.join(name))))
            .collect();
        let scratch = folder.join("scratch");
        Job {
            program,
            file: folder.join("job.json"),
            content: json!({ "stage": run, "params": params, "in": inputs, "out": outputs, "scratch": scratch }),
        }
    }
}

fn annotation(path: &str, label: &str, class_index: u32) -> Annotation {
    Annotation {
        path: path.to_owned(),
        label: label.to_owned(),
        author: None,
        title: path.to_owned(),
        class_index,
        split: None,
        orientation: 1,
        width: 40,
        height: 50,
        format: "png".to_owned(),
        bytes: 1,
        content_hash: String::new(),
    }
}

/// Noise with a stronger color of the class.
fn pixels(class: usize, number: usize, n_pixels: usize) -> Vec<u8> {
    let noise = |i: usize| u8::try_from((i * 7919 + number * 104_729) % 97).unwrap();
    let strong = 2 - class;
    (0..n_pixels * 3)
        .map(|i| noise(i) + if i % 3 == strong { 120 } else { 0 })
        .collect()
}

pub(crate) struct Job {
    program: &'static str,
    pub(crate) file: PathBuf,
    pub(crate) content: Value,
}

impl Job {
    pub(crate) fn start(&self, threads: usize) -> Child {
        fs_err::write(&self.file, self.content.to_string()).unwrap();
        let mut command = Command::new(self.program);
        command
            .arg(&self.file)
            .env("RAYON_NUM_THREADS", threads.to_string());
        command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the stage, which succeeds, and returns its log.
    pub(crate) fn run(&self, threads: usize) -> String {
        let Output { status, stderr, .. } = self.start(threads).wait_with_output().unwrap();
        let log = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{log}");
        log
    }

    /// Runs the stage, which fails, and returns the last line of its log.
    pub(crate) fn error(&self) -> String {
        let Output { status, stderr, .. } = self.start(1).wait_with_output().unwrap();
        let log = String::from_utf8(stderr).unwrap();
        assert!(!status.success(), "{log}");
        log.lines().last().unwrap().to_owned()
    }
}

pub(crate) fn assert_same_files(first: &Path, second: &Path, names: &[&str]) {
    for name in names {
        let same =
            fs_err::read(first.join(name)).unwrap() == fs_err::read(second.join(name)).unwrap();
        assert!(same, "`{name}` differs");
    }
}
