//! Stage `model-card` as the runner starts it.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::PathBuf;
use std::process::Command;

use expect_test::expect;
use export::{FormatVersion, ImageRules, ModelConfig, OnnxInterface, Preprocessing};
use serde_json::json;
use table_annotations::Annotation;
use table_calibrations::Calibration;
use table_comparisons::Comparison;
use table_cross_validation::CrossValidation;
use table_folds::Fold;
use table_io::Writer;
use table_near_duplicates::NearDuplicate;
use table_optimism::Optimism;
use table_selection::Selection;
use tables::{Assignment, Subset, Table};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// Inputs of the stage: six images of two classes.
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        let (annotations, folds) = images().into_iter().unzip();
        folder.write::<Annotation>("annotations", annotations);
        folder.write::<Fold>("folds", folds);
        folder.write("near_duplicates", near_duplicates());
        folder.write("selection", vec![selection()]);
        folder.write("cross_validation", cross_validation());
        folder.write("comparisons", comparisons());
        folder.write("optimism", optimism());
        folder.write::<Calibration>("calibrations", Vec::new());
        fs_err::write(
            folder.path("config"),
            serde_json::to_string(&config()).unwrap(),
        )
        .unwrap();
        fs_err::write(folder.path("weights"), "abc").unwrap();
        let catalog = "[known]\npublisher = \"somebody\"\nsha256 = \"ba7816bf\"\nlicense = \"MIT\"\ntraining = \"images\"\n";
        fs_err::write(folder.path("catalog"), catalog).unwrap();
        let manifest = "[workspace.package]\nversion = \"1.2.3\"\n";
        fs_err::write(folder.path("manifest"), manifest).unwrap();
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

    /// Runs the stage; returns the card, or the log of a failure.
    fn run(&self) -> Result<String, String> {
        let names = [
            "config",
            "annotations",
            "folds",
            "near_duplicates",
            "selection",
            "cross_validation",
            "comparisons",
            "optimism",
            "calibrations",
            "weights",
            "catalog",
            "manifest",
        ];
        let inputs: serde_json::Map<_, _> = { names.into_iter() }
            .map(|name| (name.to_owned(), json!(self.path(name))))
            .collect();
        let params = json!({
            "seed": 7, "device": "cpu", "resnet": 18, "classifier": true, "embedding_size": 4,
            "annotate": { "classes": ["a", "b"] }, "near-duplicates": { "max_difference": 12.0 },
            "decode": { "max_aspect": 20 }, "split": { "folds": 2 }, "select": { "rule": "best" },
            "evaluation": { "flip": false },
            "train": { "lr": 1e-4, "augmentation": { "flip": true } },
        });
        let job = json!({
            "stage": "test", "params": params, "in": inputs, "out": { "card": self.path("card") },
            "scratch": self.path("scratch"),
        });
        fs_err::write(self.path("job"), job.to_string()).unwrap();
        let program = env!("CARGO_BIN_EXE_model-card");
        let output = Command::new(program)
            .arg(self.path("job"))
            .output()
            .unwrap();
        if output.status.success() {
            Ok(fs_err::read_to_string(self.path("card")).unwrap())
        } else {
            let log = [output.stdout, output.stderr].concat();
            Err(String::from_utf8_lossy(&log).into_owned())
        }
    }
}

fn config() -> ModelConfig {
    ModelConfig {
        format_version: FormatVersion,
        architecture: "resnet18".to_owned(),
        head: ["fc", "relu", "embed", "relu", "head"]
            .map(str::to_owned)
            .to_vec(),
        depth: 18,
        embedding_size: 4,
        classes: vec!["a|b".to_owned(), "photo".to_owned()],
        side_px: 48,
        resize_px: 55,
        mean: [0.5; 3],
        std: [0.25; 3],
        preprocessing: Preprocessing::default(),
        images: ImageRules::default(),
        temperature: 0.5,
        onnx: OnnxInterface::default(),
        test_time_flip: false,
        test_time_crops: 1,
    }
}

fn images() -> Vec<(Annotation, Fold)> {
    let rows = [
        ("a|b", Some("anna"), Assignment::Fold(0)),
        ("a|b", Some("anna"), Assignment::Fold(0)),
        ("a|b", Some("anna"), Assignment::Fold(0)),
        ("photo", None, Assignment::Fold(0)),
        ("photo", Some("bert"), Assignment::Fold(1)),
        ("photo", None, Assignment::Test),
    ];
    let rows = rows.into_iter().enumerate();
    rows.map(|(number, (label, author, fold))| {
        let path = format!("{number}.png");
        let author = author.map(str::to_owned);
        let annotation = Annotation {
            path: path.clone(),
            label: label.to_owned(),
            author: author.clone(),
            title: String::new(),
            class_index: u32::from(label == "photo"),
            split: None,
            width: 8,
            height: 8,
            orientation: 1,
            format: "png".to_owned(),
            bytes: 8,
            content_hash: format!("{number}"),
        };
        let label = label.to_owned();
        let fold = Fold {
            path,
            label,
            author,
            fold,
        };
        (annotation, fold)
    })
    .collect()
}

fn near_duplicates() -> Vec<NearDuplicate> {
    let row = |path: &str| NearDuplicate {
        path: path.to_owned(),
        group: 0,
        label: "photo".to_owned(),
        representative: "4.png".to_owned(),
        difference: 1.0,
        conflict: false,
    };
    vec![row("4.png"), row("5.png")]
}

fn selection() -> Selection {
    Selection {
        rule: "best".to_owned(),
        fold: 1,
        epoch: 3,
        score: 0.9,
    }
}

fn cross_validation() -> Vec<CrossValidation> {
    let row = |model: &str, features: Option<&str>, subset, metric: &str, value: f64| {
        let is_pooled = subset == Subset::Validation && model != "selected network";
        CrossValidation {
            model: model.to_owned(),
            features: features.map(str::to_owned),
            subset,
            metric: metric.to_owned(),
            value,
            low: (model != "chance").then_some(value - 0.125),
            high: (model != "chance").then_some(value + 0.0625),
            fold_mean: is_pooled.then_some(value),
            fold_sd: is_pooled.then_some(0.03125),
            folds: 2,
            images: 5,
            authors: 3,
            single_author_classes: 1,
        }
    };
    let (validation, test) = (Subset::Validation, Subset::Test);
    vec![
        row("chance", None, validation, "top1", 0.5),
        row("linear probe", Some("resnet18"), validation, "top1", 0.75),
        row("network", None, validation, "top1", 0.875),
        row("network", None, validation, "accuracy", 0.8125),
        row("selected network", None, validation, "top1", 0.9375),
        row("network", None, test, "top1", 0.75),
        row("selected network", None, test, "accuracy", 0.625),
        row("selected network", None, test, "top1", 0.625),
    ]
}

fn comparisons() -> Vec<Comparison> {
    let row = |other: &str, metric: &str, [low, difference, high]: [f64; 3]| Comparison {
        model: "network".to_owned(),
        other: other.to_owned(),
        subset: Subset::Validation,
        metric: metric.to_owned(),
        difference,
        low: Some(low),
        high: Some(high),
        images: 5,
        authors: 3,
    };
    vec![
        row("chance", "top1", [0.25, 0.375, 0.5]),
        row("linear probe", "log_loss", [0.0625, 0.125, 0.25]),
        row("linear probe", "top1", [-0.125, 0.125, 0.25]),
    ]
}

fn optimism() -> Vec<Optimism> {
    vec![Optimism {
        metric: "top1".to_owned(),
        part: "total".to_owned(),
        value: 0.0625,
    }]
}

#[test]
fn a_card_has_data_recipe_scores_and_limits() {
    let folder = Folder::new();
    let card = folder.run().unwrap();
    expect![[r#"
        ---
        license: other
        license_name: undecided
        library_name: onnx
        pipeline_tag: image-classification
        tags:
        - image-classification
        - onnx
        - resnet18
        model-index:
        - name: "resnet18 for images of 2 classes"
          results:
          - task:
              type: image-classification
            dataset:
              type: imagefolder
              name: "6 images of 2 classes: cross-validated, by the recipe"
              split: validation
            metrics:
            - type: accuracy
              name: Accuracy
              value: 0.8125
            - type: accuracy
              name: Class-weighted top-1 accuracy
              value: 0.8750
          - task:
              type: image-classification
            dataset:
              type: imagefolder
              name: "6 images of 2 classes: test images, by the exported network"
              split: test
            metrics:
            - type: accuracy
              name: Accuracy
              value: 0.6250
            - type: accuracy
              name: Class-weighted top-1 accuracy
              value: 0.6250
        ---

        # resnet18 for images of 2 classes

        Predicts the class of an image, one of `a¦b`, `photo`.

        ## Use

        `python example.py IMAGE` predicts images with Pillow, numpy and onnxruntime alone. `model.onnx` takes normalized images `[N, 3, 48, 48]`; `config.json` has each step that leads from a file to them, and from logits to probabilities. `model.safetensors` has the weights by torchvision's names.

        ## Data

        6 images of 2 classes by 2 known authors; 5 in 2 folds, 1 in the test set. Images: SHA-256 `7f85a5178db7463a0f1117d73f1977c44619ab8e19609c6a4910ab5188f8b340` of the lines that `b3sum` prints for them, sorted by path. Labels: SHA-256 `d787509eb4d4ab6800f32d22957d84af66010f61ce9f3a396c47fd9377b27988` of the lines of path, class, author and existing split, with tabs between them. Section “Recipe” of the report has the same.

        | class | images | of them test images | authors | images without a known author |
        | --- | ---: | ---: | ---: | ---: |
        | a\|b | 3 | 0 | 1 | 0 |
        | photo | 3 | 1 | 1 | 2 |

        ## Recipe

        - Architecture: resnet18 → 1000 → ReLU → embedding → ReLU → logits
        - Pretrained weights: `known` of somebody (images; license of the weights: MIT), SHA-256 `ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`
        - Seed: `7`
        - Device: cpu
        - Made by: atelier 1.2.3

        | setting | value |
        | --- | --- |
        | `annotate.classes` | `["a","b"]` |
        | `decode.max_aspect` | `20` |
        | `evaluation.flip` | `false` |
        | `model.classifier` | `true` |
        | `model.embedding_size` | `4` |
        | `model.resnet` | `18` |
        | `near-duplicates.max_difference` | `12.0` |
        | `select.rule` | `"best"` |
        | `split.folds` | `2` |
        | `train.augmentation.flip` | `true` |
        | `train.lr` | `0.0001` |

        ## Scores

        Top-1 and top-2 weigh classes equally, accuracy weighs images equally; log-loss is in nats, lower is better. In parentheses are 95 % intervals, whose units are the authors of a class.

        ### The recipe, cross-validated

        The exported network was trained without fold 1 and is that of epoch 3, from 0, by the rule `best` of stage `select`. The scores below are not its own but those of the recipe: each image is predicted by the network of the fold that was trained without it, in an epoch that its fold did not select.

        Top-1 is 0.875 (0.750 to 0.938) over 5 images, by 3 authors; by fold 0.875 ± 0.031 (mean and standard deviation of 2 folds).

        | model | top-1 | accuracy |
        | --- | ---: | ---: |
        | network | 0.875 (0.750 to 0.938) | 0.812 (0.688 to 0.875) |
        | chance | 0.500 | – |
        | linear probe on features of resnet18 | 0.750 (0.625 to 0.812) | – |

        On its own validation images, the exported network has a top-1 of 0.938, which differs from the mean of the folds by +0.062. Scores on images that selected a network are optimistic.

        ### Test images

        `network` is the mean of all folds' networks, `selected network` the exported one. No test image had a part in any fit or selection.

        | model | top-1 | accuracy |
        | --- | ---: | ---: |
        | network | 0.750 (0.625 to 0.812) | – |
        | selected network | 0.625 (0.500 to 0.688) | 0.625 (0.500 to 0.688) |

        ### The network against its baselines

        Differences on the same validation images, paired; where an interval contains 0, the difference is not significant. With so many intervals, one in twenty misses by chance.

        | baseline | metric | the network is | difference |
        | --- | --- | --- | ---: |
        | chance | top-1 | better | 0.375 (0.250 to 0.500) |
        | linear probe | log-loss | worse | 0.125 (0.062 to 0.250) |
        | linear probe | top-1 | not significantly different | 0.125 (-0.125 to 0.250) |

        ## Calibration

        Probabilities are the softmax of the logits over a temperature of 0.500 (`temperature` in `config.json`). The expected calibration error (ECE) of few images is above 0 even for a perfectly calibrated model: by chance it would be as high as stated.

        | method | images | number | ECE | ECE by chance | log-loss |
        | --- | --- | ---: | ---: | ---: | ---: |

        ## Limits

        - Every image gets one of the classes, also one that belongs to none of them.
        - Scores are those of images of this collection. Images from elsewhere, photographed or scanned otherwise, were not tried.
        - Of 2 images no author is known. They count as images of different authors: if some are of one author, folds share authors and scores are too high.
        - All images of a\|b are of one author: effects of author and class cannot be separated there, and no interval covers other authors.
        - The test set has 1 image, of 0 known authors; it is small and no random sample where it was made of the authors with fewest images.
        - 2 images in 1 group are near-duplicates of each other; 0 groups with several classes, 1 group across folds or the test set.

        ## License

        Undecided. Whoever publishes this model decides, with regard to the rights in the images, and to the license of the pretrained weights: replace this section, and `license` and `license_name` at the top.
    "#]].assert_eq(&card);
    assert_eq!(folder.run().unwrap(), card);
    let elsewhere = Folder::new();
    assert_eq!(elsewhere.run().unwrap(), card);
}

#[test]
fn a_manifest_without_version_is_an_error() {
    let folder = Folder::new();
    fs_err::write(folder.path("manifest"), "[workspace]\n").unwrap();
    let error = folder.run().unwrap_err();
    assert!(
        error.contains("has no text under `version` in `[workspace.package]`"),
        "{error}"
    );
}
