//! Coverage of the intervals on simulated collections whose true metrics are known.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use metrics::{Metric, Pairing, Sample, ScoredPrediction, differences, intervals};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

const COLLECTIONS: u64 = 300;
const REPLICATES: u64 = 80;

/// A kind of collection.
#[derive(Clone, Copy)]
struct Case {
    n_classes: usize,
    authors: usize,
    /// Mean number of an author's images.
    images: f64,
    /// Mean probability of a right image; the classes' are around it.
    accuracy: f64,
    /// Correlation of right and wrong within an author: this share of the authors is all right or all wrong.
    correlation: f64,
    /// Accuracy of the last class, if it is a rare one: with a sixth of the others' authors.
    rare: Option<f64>,
}

/// Share of the second model's images whose result is the first's.
const SHARED: f64 = 0.6;
/// Relative loss of accuracy of its other images.
const WORSE: f64 = 0.1;
/// Mean losses of right and wrong images.
const LOSSES: [f64; 2] = [0.2, 2.0];

/// Results of two models for images, with their authors and the images' probabilities to be right.
struct Collection {
    case: Case,
    units: Vec<usize>,
    first: Vec<ScoredPrediction>,
    second: Vec<ScoredPrediction>,
}

impl Case {
    fn is_rare(&self, class: usize) -> bool {
        self.rare.is_some() && class + 1 == self.n_classes
    }

    fn class_authors(&self, class: usize) -> usize {
        if self.is_rare(class) {
            self.authors / 6
        } else {
            self.authors
        }
    }

    fn class_accuracy(&self, class: usize) -> f64 {
        if let Some(accuracy) = self.rare.filter(|_| self.is_rare(class)) {
            return accuracy;
        }
        let place = 2.0 * class as f64 / (self.n_classes - 1) as f64 - 1.0;
        self.accuracy + place * (0.9 * (1.0 - self.accuracy)).min(0.1)
    }

    /// The author's probability of a right image.
    fn author_accuracy(&self, class: usize, rng: &mut ChaCha8Rng) -> f64 {
        let mean = self.class_accuracy(class);
        if rng.random::<f64>() >= self.correlation {
            return mean;
        }
        f64::from(u8::from(rng.random::<f64>() < mean))
    }

    /// A geometric number, at least 1.
    fn author_images(&self, rng: &mut ChaCha8Rng) -> usize {
        let mut n = 1;
        while rng.random::<f64>() >= 1.0 / self.images {
            n += 1;
        }
        n
    }

    fn result(&self, class: usize, probability: f64, rng: &mut ChaCha8Rng) -> ScoredPrediction {
        let exponential = |rng: &mut ChaCha8Rng| -(1.0 - rng.random::<f64>()).ln();
        if rng.random::<f64>() < probability {
            return ScoredPrediction {
                actual: class,
                predicted: class,
                rank: 0,
                loss: LOSSES[0] * exponential(rng),
            };
        }
        // Three of four errors are for the next class, the others for the one behind it.
        let step = if rng.random::<f64>() < 0.75 { 1 } else { 2 };
        ScoredPrediction {
            actual: class,
            predicted: (class + step) % self.n_classes,
            rank: 1,
            loss: 1.0 + (LOSSES[1] - 1.0) * exponential(rng),
        }
    }

    /// A collection; `is_paired`: the second model's images are the first's, else others of the same authors.
    fn collection(self, is_paired: bool, rng: &mut ChaCha8Rng) -> [Collection; 2] {
        let empty = || Collection {
            case: self,
            units: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
        };
        let mut sets = [empty(), empty()];
        for class in 0..self.n_classes {
            for author in 0..self.class_authors(class) {
                let probability = self.author_accuracy(class, rng);
                for set in &mut sets[..if is_paired { 1 } else { 2 }] {
                    for _ in 0..self.author_images(rng) {
                        let first = self.result(class, probability, rng);
                        let other = self.result(class, probability * (1.0 - WORSE), rng);
                        let is_shared = rng.random::<f64>() < SHARED;
                        let loss = first.loss * (0.9 + 0.2 * rng.random::<f64>());
                        let same = ScoredPrediction { loss, ..first };
                        set.units.push(class * self.authors + author);
                        set.first.push(first);
                        set.second.push(if is_shared { same } else { other });
                    }
                }
            }
        }
        sets
    }
}

impl Collection {
    /// True accuracy, macro F1, top-1 and log-loss for the collection's numbers of images, if images are right by
    /// `probability` of their class.
    fn truth(&self, probability: impl Fn(usize) -> f64) -> [f64; 4] {
        let n_classes = self.case.n_classes;
        let mut sizes = vec![0.0; n_classes];
        for image in &self.first {
            sizes[image.actual] += 1.0;
        }
        let total: f64 = sizes.iter().sum();
        let mut predicted = vec![0.0; n_classes];
        let (mut right, mut top1, mut loss) = (0.0, 0.0, 0.0);
        for (class, size) in sizes.iter().enumerate() {
            let p = probability(class);
            predicted[class] += size * p;
            predicted[(class + 1) % n_classes] += size * (1.0 - p) * 0.75;
            predicted[(class + 2) % n_classes] += size * (1.0 - p) * 0.25;
            right += size * p;
            top1 += p / n_classes as f64;
            loss += size * (p * LOSSES[0] + (1.0 - p) * LOSSES[1]);
        }
        let f1 = |class: usize| {
            2.0 * sizes[class] * probability(class) / (sizes[class] + predicted[class])
        };
        let f1_macro = (0..n_classes).map(f1).sum::<f64>() / n_classes as f64;
        [right / total, f1_macro, top1, loss / total]
    }

    fn first_truth(&self) -> [f64; 4] {
        self.truth(|class| self.case.class_accuracy(class))
    }

    fn second_truth(&self) -> [f64; 4] {
        self.truth(|class| self.case.class_accuracy(class) * (1.0 - WORSE * (1.0 - SHARED)))
    }
}

/// The metrics of a truth.
const METRICS: [Metric; 4] = [
    Metric::Accuracy,
    Metric::F1Macro,
    Metric::Top1,
    Metric::LogLoss,
];

/// Coverage of [`METRICS`]: of their values, of the paired differences, and of those of other images of the same authors.
fn coverage(case: Case) -> [[f64; 4]; 3] {
    let collection = |seed: u64| {
        let rng_of = |replicate| ChaCha8Rng::seed_from_u64(replicate);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let place = |metric: Metric| Metric::ALL.iter().position(|m| *m == metric).unwrap();
        let [set, _] = case.collection(true, &mut rng);
        let found = intervals(case.n_classes, &set.first, &set.units, REPLICATES, rng_of);
        let found = found.unwrap().unwrap();
        let truth = set.first_truth();
        let contains = |low: f64, high: f64, value: f64| u32::from(low <= value && value <= high);
        let values: [u32; 4] = std::array::from_fn(|i| {
            let interval = found[place(METRICS[i])];
            assert!(interval.low < interval.high);
            contains(interval.low, interval.high, truth[i])
        });
        let of_difference = |samples, pairing, truth: [[f64; 4]; 2]| -> [u32; 4] {
            let found = differences(case.n_classes, samples, pairing, REPLICATES, rng_of);
            let found = found.unwrap().unwrap();
            std::array::from_fn(|i| {
                let difference = found[place(METRICS[i])];
                assert!(difference.low < difference.high);
                contains(difference.low, difference.high, truth[0][i] - truth[1][i])
            })
        };
        let sample = |predictions, units| Sample { predictions, units };
        let paired = of_difference(
            [&set.first, &set.second].map(|predictions| sample(predictions, &set.units)),
            Pairing::Images,
            [truth, set.second_truth()],
        );
        let [a, b] = case.collection(false, &mut rng);
        let shared = of_difference(
            [sample(&a.first, &a.units), sample(&b.second, &b.units)],
            Pairing::Authors,
            [a.first_truth(), b.second_truth()],
        );
        [values, paired, shared]
    };
    let all: Vec<[[u32; 4]; 3]> = (0..COLLECTIONS).into_par_iter().map(collection).collect();
    std::array::from_fn(|kind| {
        std::array::from_fn(|metric| {
            let covered: u32 = all.iter().map(|found| found[kind][metric]).sum();
            f64::from(covered) / COLLECTIONS as f64
        })
    })
}

/// Coverage of many authors, and of few or of rare errors: at least, and at most.
const MANY: [f64; 2] = [0.92, 0.99];
const FEW: [f64; 2] = [0.90, 1.0];
/// Coverage where a class of ten authors is much worse than the others.
const WEAK: [f64; 2] = [0.90, 0.99];

fn check(case: Case, [least, most]: [f64; 2]) {
    let found = coverage(case);
    for (kind, found) in ["value", "paired", "shared authors"].iter().zip(found) {
        for (metric, covered) in METRICS.iter().zip(found) {
            let (name, authors) = (metric.name(), case.authors);
            let text = format!(
                "{covered} of {kind} {name}, {authors} authors, {} right",
                case.accuracy
            );
            println!("{text}");
            assert!((least..=most).contains(&covered), "{text}");
        }
    }
}

/// A case of classes, authors a class, images an author, accuracy and correlation.
fn case(n_classes: usize, authors: usize, images: f64, accuracy: f64, correlation: f64) -> Case {
    Case {
        n_classes,
        authors,
        images,
        accuracy,
        correlation,
        rare: None,
    }
}

#[test]
fn intervals_of_many_authors_cover_95_percent() {
    check(case(3, 20, 4.0, 0.6, 0.5), MANY);
    check(case(3, 20, 4.0, 0.9, 0.15), MANY);
    check(case(8, 20, 4.0, 0.6, 0.0), MANY);
    check(case(8, 20, 1.0, 0.9, 0.0), MANY);
    check(case(8, 20, 4.0, 0.9, 0.5), MANY);
}

#[test]
fn intervals_cover_where_a_class_is_rare_and_weak() {
    let weak = |case: Case| Case {
        rare: Some(0.5),
        ..case
    };
    check(weak(case(4, 60, 1.0, 0.95, 0.0)), WEAK);
    check(weak(case(4, 60, 3.0, 0.95, 0.15)), WEAK);
}

#[test]
fn intervals_of_few_authors_or_rare_errors_are_wider() {
    check(case(3, 2, 4.0, 0.6, 0.15), FEW);
    check(case(3, 3, 4.0, 0.98, 0.5), FEW);
    check(case(8, 2, 4.0, 0.9, 0.5), FEW);
    check(case(8, 3, 4.0, 0.6, 0.5), FEW);
    check(case(8, 5, 1.0, 0.98, 0.0), FEW);
    check(case(8, 5, 4.0, 0.9, 0.15), FEW);
    check(case(8, 20, 4.0, 0.98, 0.5), FEW);
}

/// Coverage of the difference of two models of equal accuracy, which err on the same `authors` of each of three classes: on
/// a fifth of the authors, one of the two is wrong on nine of ten images, else on one of fifty.
fn coverage_of_hard_authors(authors: usize) -> f64 {
    let misses = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut predictions = [Vec::new(), Vec::new()];
        let mut units = Vec::new();
        for (class, author) in (0..3).flat_map(|class| (0..authors).map(move |it| (class, it))) {
            let is_hard = rng.random::<f64>() < 0.2;
            for _ in 0..5 {
                let differs = rng.random::<f64>() < if is_hard { 0.9 } else { 0.02 };
                let wrong = differs.then(|| rng.random_range(0..2));
                for (model, predictions) in predictions.iter_mut().enumerate() {
                    let is_wrong = wrong == Some(model);
                    predictions.push(ScoredPrediction {
                        actual: class,
                        predicted: (class + usize::from(is_wrong)) % 3,
                        rank: usize::from(is_wrong),
                        loss: 1.0,
                    });
                }
                units.push(class * authors + author);
            }
        }
        let samples = [0, 1].map(|model| Sample {
            predictions: &predictions[model],
            units: &units,
        });
        // Intervals of shares take nothing of the replicates.
        let rng_of = |replicate| ChaCha8Rng::seed_from_u64(replicate);
        let found = differences(3, samples, Pairing::Images, 1, rng_of);
        found.unwrap().unwrap()[0].excludes_zero()
    };
    let missed = (0..3 * COLLECTIONS)
        .into_par_iter()
        .filter(|seed| misses(*seed));
    1.0 - missed.count() as f64 / (3 * COLLECTIONS) as f64
}

#[test]
fn differences_cover_where_few_authors_are_hard_for_both_models() {
    for authors in [3, 5] {
        let covered = coverage_of_hard_authors(authors);
        println!("{covered} of the paired accuracy, {authors} authors, some of them hard");
        assert!(
            (0.93..=1.0).contains(&covered),
            "{covered}, {authors} authors"
        );
    }
}
