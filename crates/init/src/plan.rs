//! Settings that fit a folder, each with its reason.

mod analysis;
mod training;

use serde::Serialize;
use serde_json::{Value, json};
use tables::Subset;

use crate::cost::{self, Estimate, Machine, Sizes};
use crate::facts::{Class, Range};

/// Fewest authors, or images without one, of a class that is studied: one to train on, one to choose the epoch by, one
/// to test on.
const MIN_GROUPS: usize = 3;

/// Folds of a study whose classes allow it.
const FOLDS: usize = 4;

/// Number of images from which on two folds are precise enough for a processor's time.
const MANY: usize = 10_000;

/// Sides of the network's input, in pixels.
const SIDES_PX: [u32; 8] = [32, 48, 64, 96, 128, 160, 192, 224];

/// A file of pretrained weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Weights {
    /// Path, as in `model.weights`.
    pub(crate) path: String,
    /// Depth of the ResNet: 18, 34, 50, 101 or 152.
    pub(crate) depth: u32,
}

/// Facts that settings depend on.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Classes in the order of their names.
    pub(crate) classes: Vec<Class>,
    /// Short sides of the images, in pixels.
    pub(crate) short_sides: Range,
    /// Files and folders that stage `annotate` lists as problems.
    pub(crate) problems: usize,
    /// Whether the images have an existing split.
    pub(crate) has_split: bool,
    pub(crate) weights: Option<Weights>,
    pub(crate) machine: Machine,
    /// Minutes that the study may take, if they were given.
    pub(crate) minutes: Option<f64>,
}

/// A parameter with a value of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Setting {
    /// Dotted key.
    pub(crate) key: String,
    pub(crate) value: Value,
    /// One sentence or two.
    pub(crate) reason: String,
}

impl Setting {
    pub(crate) fn new(key: &str, value: Value, reason: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            value,
            reason: reason.into(),
        }
    }
}

/// Settings of the study of a folder, and the time it takes.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) settings: Vec<Setting>,
    /// Classes that are not studied, with the reason.
    pub(crate) left_out: Vec<(String, String)>,
    /// Questions that only a person can answer, each with the setting.
    pub(crate) undecided: Vec<String>,
    pub(crate) estimate: Estimate,
}

/// Error: too few classes for a study.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooSmall {
    /// Classes that can be studied.
    pub(crate) fit: Vec<String>,
    /// The others, with their images and groups.
    pub(crate) small: Vec<(String, usize, usize)>,
}

/// Selects settings.
///
/// # Errors
/// Fewer than two classes have enough images and authors.
pub(crate) fn plan(facts: &Facts) -> Result<Plan, TooSmall> {
    let (classes, left_out) = studied(facts)?;
    let mut builder = PlanBuilder {
        settings: Vec::new(),
        undecided: Vec::new(),
    };
    builder.collection(facts, &left_out);
    let sizes = builder.split(facts, &classes);
    let training = PlanBuilder::training(facts, sizes);
    builder.network(facts, &classes, &training);
    builder.metric_learning(&classes, &training);
    let work = builder.analysis(sizes, &training);
    Ok(Plan {
        estimate: cost::estimate(facts.machine, sizes, &work),
        settings: builder.settings,
        undecided: builder.undecided,
        left_out,
    })
}

/// Classes that are studied and classes that are left out, with reasons.
#[expect(clippy::type_complexity, reason = "two lists of one function")]
fn studied(facts: &Facts) -> Result<(Vec<&Class>, Vec<(String, String)>), TooSmall> {
    let is_fit = |class: &&Class| {
        let in_split = !facts.has_split || class.subset(Subset::Train) > 0;
        class.groups >= MIN_GROUPS && in_split
    };
    let (fit, small): (Vec<&Class>, Vec<&Class>) = facts.classes.iter().partition(is_fit);
    if fit.len() < 2 {
        return Err(TooSmall {
            fit: fit.iter().map(|class| class.label.clone()).collect(),
            small: small
                .iter()
                .map(|class| (class.label.clone(), class.images, class.groups))
                .collect(),
        });
    }
    let reason = |class: &Class| {
        if facts.has_split && class.subset(Subset::Train) == 0 {
            "the existing split has no image of it to train on".to_owned()
        } else if class.authors > 0 {
            format!(
                "{} by {}, at least {MIN_GROUPS} needed",
                images(class.images),
                authors(class.groups)
            )
        } else {
            format!("{}, at least {MIN_GROUPS} needed", images(class.images))
        }
    };
    let left_out = small
        .into_iter()
        .map(|class| (class.label.clone(), reason(class)));
    Ok((fit, left_out.collect()))
}

fn images(n: usize) -> String {
    counted(n, "image", "images")
}

fn authors(n: usize) -> String {
    counted(n, "author", "authors")
}

/// A number with its noun.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count below a thousand"
)]
fn whole(number: f64) -> usize {
    let bounded = number.clamp(0.0, 1000.0).floor();
    bounded as usize
}

struct PlanBuilder {
    settings: Vec<Setting>,
    undecided: Vec<String>,
}

impl PlanBuilder {
    fn set(&mut self, key: &str, value: Value, reason: impl Into<String>) {
        self.settings.push(Setting::new(key, value, reason));
    }

    /// Classes left out, and the limit of problems.
    fn collection(&mut self, facts: &Facts, left_out: &[(String, String)]) {
        if !left_out.is_empty() {
            let names: Vec<&str> = left_out.iter().map(|(label, _)| label.as_str()).collect();
            let reasons: Vec<String> = left_out
                .iter()
                .map(|(label, why)| format!("`{label}`: {why}"))
                .collect();
            self.set("annotate.leave_out", json!(names), reasons.join("; "));
        }
        if facts.problems > 20 {
            let limit = facts.problems + facts.problems / 10;
            let reason = format!(
                "{} files cannot be used, and a tenth more may come",
                facts.problems
            );
            self.set("annotate.max_problems", json!(limit), reason);
        }
    }

    /// Folds and the test set.
    fn split(&mut self, facts: &Facts, classes: &[&Class]) -> Sizes {
        let all: usize = classes.iter().map(|class| class.images).sum();
        let of = |subset| {
            classes
                .iter()
                .map(|class| class.subset(subset))
                .sum::<usize>()
        };
        let fewest = classes
            .iter()
            .min_by_key(|class| (class.groups, &class.label));
        let (groups, label) = fewest.map_or((MIN_GROUPS, ""), |class| (class.groups, &class.label));
        let least = classes.iter().map(|class| class.images).min().unwrap_or(0);
        if facts.has_split && of(Subset::Validation) > 0 {
            let reason =
                "the collection has a split of its own: one network, trained on its `train`";
            self.set("split.folds", json!(1), reason);
            return Sizes {
                all,
                train: of(Subset::Train),
                folds: 1,
                classes: classes.len(),
            };
        }
        let is_slow = all >= MANY && !facts.machine.device.is_gpu();
        let possible = groups.saturating_sub(1).clamp(2, FOLDS);
        let folds = if is_slow { 2 } else { possible };
        let reason = if is_slow {
            format!(
                "with {all} images a half validates precisely enough, and {FOLDS} folds take twice the time"
            )
        } else {
            format!(
                "`{label}` has {groups} groups (authors, and images without one): one for the test set, one a fold"
            )
        };
        self.set("split.folds", json!(folds), reason);
        let share = held_out_share(least);
        let test = if facts.has_split {
            of(Subset::Test)
        } else {
            whole_share(all, share)
        };
        if !facts.has_split {
            let reason = format!(
                "the smallest class has {least} images, and two of each class are needed to test on"
            );
            self.set("split.test", json!(share), reason);
        }
        let train = all.saturating_sub(test) * (folds - 1) / folds;
        Sizes {
            all,
            train,
            folds,
            classes: classes.len(),
        }
    }
}

/// Share of a class that is held out: two images of the smallest class, from 5 % to 20 %.
fn held_out_share(least: usize) -> f64 {
    let steps = whole((40.0 / least.max(1) as f64).ceil()).clamp(1, 4);
    // In steps of a twentieth, as people write it.
    [0.05, 0.1, 0.15, 0.2][steps - 1]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count"
)]
fn whole_share(n: usize, share: f64) -> usize {
    (n as f64 * share).round() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::training::held_out;
    use super::*;
    use crate::cost::Device;

    fn class(label: &str, images: usize, authors: usize) -> Class {
        let groups = if authors == 0 { images } else { authors };
        Class {
            label: label.to_owned(),
            images,
            authors,
            groups,
            subsets: BTreeMap::new(),
        }
    }

    fn facts(classes: Vec<Class>, side: u32) -> Facts {
        Facts {
            classes,
            short_sides: Range {
                min: side,
                median: side,
                max: side,
            },
            problems: 0,
            has_split: false,
            weights: None,
            machine: Machine {
                device: Device::Cpu,
                cores: 2,
            },
            minutes: None,
        }
    }

    /// `n` classes `c00`, `c01`, … of the same size.
    fn classes(n: usize, images: usize, authors: usize) -> Vec<Class> {
        (0..n)
            .map(|at| class(&format!("c{at:02}"), images, authors))
            .collect()
    }

    fn value(plan: &Plan, key: &str) -> Value {
        let setting = plan.settings.iter().find(|setting| setting.key == key);
        setting.map_or(Value::Null, |setting| setting.value.clone())
    }

    #[test]
    fn a_small_folder_takes_minutes() {
        let plan = plan(&facts(classes(2, 60, 20), 96)).unwrap();
        assert_eq!(value(&plan, "train.side_px"), 96);
        assert_eq!(value(&plan, "split.folds"), 4);
        assert_eq!(value(&plan, "train.selection_k"), 1);
        assert_eq!(value(&plan, "metric-learning.held_out"), json!([]));
        assert!(value(&plan, "train.epochs").as_u64().unwrap() >= 15);
        assert!(
            (3.0..10.0).contains(&plan.estimate.minutes()),
            "{:?}",
            plan.estimate
        );
    }

    #[test]
    fn a_large_folder_stays_within_its_time() {
        let plan = plan(&facts(classes(10, 2000, 200), 28)).unwrap();
        assert_eq!(value(&plan, "train.side_px"), 32);
        assert_eq!(value(&plan, "split.folds"), 2);
        assert!(value(&plan, "train.epochs").as_u64().unwrap() >= 2);
        assert!(
            (10.0..26.0).contains(&plan.estimate.minutes()),
            "{:?}",
            plan.estimate
        );
    }

    #[test]
    fn photographs_get_a_larger_side_with_weights_time_and_a_gpu() {
        let mut with = facts(classes(8, 180, 30), 320);
        let side = |facts: &Facts| {
            value(&plan(facts).unwrap(), "train.side_px")
                .as_u64()
                .unwrap()
        };
        let nothing = side(&with);
        with.weights = Some(Weights {
            path: "data/weights/resnet18.safetensors".into(),
            depth: 18,
        });
        let pretrained = side(&with);
        with.minutes = Some(240.0);
        let slow = side(&with);
        with.minutes = None;
        with.machine.device = Device::Cuda;
        let gpu = side(&with);
        assert!(
            nothing < pretrained && pretrained < slow,
            "{nothing} {pretrained} {slow}"
        );
        assert_eq!((slow, gpu), (224, 224));
        assert_eq!(
            value(&plan(&with).unwrap(), "model.weights"),
            "data/weights/resnet18.safetensors"
        );
    }

    #[test]
    fn small_classes_are_left_out_with_the_reason() {
        let mut all = classes(3, 15, 5);
        all.push(class("rare", 2, 1));
        all.push(class("single", 1, 0));
        let plan = plan(&facts(all, 64)).unwrap();
        assert_eq!(
            value(&plan, "annotate.leave_out"),
            json!(["rare", "single"])
        );
        assert_eq!(
            plan.left_out[0].1,
            "2 images by 1 author, at least 3 needed"
        );
        assert_eq!(plan.left_out[1].1, "1 image, at least 3 needed");
        let small = super::plan(&facts(vec![class("a", 9, 2), class("b", 9, 9)], 64)).unwrap_err();
        assert_eq!(small.small, [("a".to_owned(), 9, 2)]);
    }

    #[test]
    fn folds_follow_the_class_with_fewest_groups() {
        let folds = |groups| {
            let mut all = classes(3, 60, 12);
            all[1] = class("few", 60, groups);
            value(&plan(&facts(all, 64)).unwrap(), "split.folds")
        };
        assert_eq!(
            [folds(3), folds(4), folds(5), folds(9)].map(|folds| folds.to_string()),
            ["2", "3", "4", "4"]
        );
    }

    #[test]
    fn an_existing_split_has_one_fold() {
        let mut all = classes(6, 64, 0);
        for class in &mut all {
            class.subsets = [
                (Subset::Train, 40),
                (Subset::Validation, 12),
                (Subset::Test, 12),
            ]
            .into();
        }
        let mut facts = facts(all, 64);
        facts.has_split = true;
        let planned = plan(&facts).unwrap();
        assert_eq!(value(&planned, "split.folds"), 1);
        assert_eq!(value(&planned, "split.test"), Value::Null);
        // Without images for validation, those for training are dealt.
        for class in &mut facts.classes {
            class.subsets.remove(&Subset::Validation);
        }
        assert_eq!(value(&plan(&facts).unwrap(), "split.folds"), 4);
    }

    #[test]
    fn held_out_classes_are_of_middle_size() {
        let sizes = [90, 10, 30, 50, 70];
        let all: Vec<Class> = (0..)
            .zip(sizes)
            .map(|(at, n)| class(&format!("c{at}"), n, 0))
            .collect();
        let all: Vec<&Class> = all.iter().collect();
        assert_eq!(held_out(&all), ["c2", "c4"]);
        assert!(held_out(&all[..4]).is_empty());
        let many = classes(100, 16, 0);
        let many: Vec<&Class> = many.iter().collect();
        assert_eq!(held_out(&many).len(), 5);
    }

    #[test]
    fn sides_that_words_tell_are_not_flipped() {
        let planned = plan(&facts(
            vec![class("left eye", 30, 0), class("right eye", 30, 0)],
            64,
        ))
        .unwrap();
        assert_eq!(value(&planned, "train.augmentation.flip"), false);
        let planned = plan(&facts(vec![class("a", 30, 0), class("b", 30, 0)], 64)).unwrap();
        assert_eq!(value(&planned, "train.augmentation.rotation_deg"), 15.0);
        let planned = plan(&facts(vec![class("cat", 30, 0), class("dog", 30, 0)], 64)).unwrap();
        assert!(planned.undecided[0].contains("`train.augmentation.flip`"));
    }
}
