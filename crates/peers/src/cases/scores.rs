//! Scores of a training, with intervals and calibration.

use std::hint::black_box;
use std::num::NonZeroUsize;

use cluster_validity::{calinski_harabasz, davies_bouldin, silhouette};
use metrics::calibration::{
    CalibrationMetrics, Curve, Forecasts, Isotonic, OneAgainstRest, Sigmoid, Temperature,
};
use metrics::{ConfusionCounts, Metric, ScoredPrediction, intervals};
use numeric::{Matrix, softmax};
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::workbench::{CLASSES, Points, Workbench, normal, rng, seed};

const N: usize = 1421;
const EPOCHS: usize = 50;
const DIMENSIONS: usize = 16;
const AUTHORS: usize = 120;
const REPLICATES: u64 = 1000;
const BINS: NonZeroUsize = NonZeroUsize::new(15).expect("15 is not 0");

/// First image of each subset: training, validation and test images, and the end.
const SUBSETS: [usize; 4] = [0, 1066, 1350, N];

/// All scores of a training: of each epoch and subset nine metrics of the predictions and, by true and by predicted
/// classes, three of the embedding; of the last epoch intervals by 1000 replicates of the bootstrap by author within
/// classes; its temperature, Platt scaling and isotonic regression, fitted to validation images and measured on test
/// images.
///
/// The same: logits, embeddings, metrics, replicates and their weights, calibrators, bins. Different: the draws of the
/// replicates, which scikit-learn's side spreads over processes, as many as threads; ours also has the intervals' closed
/// forms; temperatures are found by other minimizers.
pub(crate) const CASE: Case = Case {
    name: "scores",
    peers: &[Peer {
        name: "scikit-learn",
        function: "scores",
        goal: 0.3,
    }],
    quality: Some(Quality {
        name: "mean metric",
        tolerance: Some(1e-3),
    }),
    by_name_only: false,
    prepare,
};

/// Outputs of a network, by epoch.
struct Training {
    logits: Vec<Vec<Vec<f32>>>,     // [E][N][K]
    embeddings: Vec<Vec<Vec<f32>>>, // [E][N][D]
    labels: Vec<usize>,
    authors: Vec<usize>,
}

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let training = Training::draw();
    let flat = |values: &[Vec<Vec<f32>>]| -> Vec<f32> {
        values.iter().flatten().flatten().copied().collect()
    };
    let request = json!({
        "logits": bench.floats("logits", &[EPOCHS, N, CLASSES], &flat(&training.logits))?,
        "embeddings": bench.floats(
            "embeddings",
            &[EPOCHS, N, DIMENSIONS],
            &flat(&training.embeddings),
        )?,
        "labels": bench.integers("score labels", &training.labels)?,
        "authors": bench.integers("authors", &training.authors)?,
        "subsets": SUBSETS,
        "replicates": REPLICATES,
        "bins": BINS,
    });
    Ok(vec![Work {
        size: format!("{EPOCHS} epochs × {N} images, {REPLICATES} replicates"),
        request,
        ours: Box::new(move || {
            let (measured, mean) = Measurement::of(|| score(&training))?;
            Ok(measured.with(mean))
        }),
        warm_up: true,
    }])
}

impl Training {
    /// Outputs in which classes come apart from epoch to epoch.
    fn draw() -> Self {
        let points = Points::draw("scores", N, DIMENSIONS);
        let mut rng = rng("outputs");
        let mut logits = Vec::with_capacity(EPOCHS);
        let mut embeddings = Vec::with_capacity(EPOCHS);
        for epoch in 0..EPOCHS {
            let strength = 3.0 * (epoch + 1) as f32 / EPOCHS as f32;
            let outputs = points.labels.iter().map(|&label| {
                let mut row = normal(&mut rng, CLASSES);
                row[label] += strength;
                row
            });
            logits.push(outputs.collect());
            let scaled = points.rows.iter().map(|row| {
                let noise = normal(&mut rng, DIMENSIONS);
                row.iter()
                    .zip(noise)
                    .map(|(value, noise)| value * strength + noise)
                    .collect()
            });
            embeddings.push(scaled.collect());
        }
        Self {
            logits,
            embeddings,
            authors: (0..N).map(|image| image % AUTHORS).collect(),
            labels: points.labels,
        }
    }
}

/// Computes all scores; returns the mean of the nine metrics over epochs and subsets.
fn score(training: &Training) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for (logits, embeddings) in training.logits.iter().zip(&training.embeddings) {
        for bounds in SUBSETS.windows(2) {
            let images = bounds[0]..bounds[1];
            let scored = scored(&logits[images.clone()], &training.labels[images.clone()])?;
            let scores = ConfusionCounts::of(CLASSES, &scored).scores();
            sum += scores.iter().sum::<f64>();
            separations(&embeddings[images], &scored)?;
        }
    }
    let last = &training.logits[EPOCHS - 1];
    for bounds in SUBSETS.windows(2) {
        let images = bounds[0]..bounds[1];
        let scored = scored(&last[images.clone()], &training.labels[images.clone()])?;
        let draws = seed().stream(&format!("replicates {}", images.start));
        let authors = &training.authors[images];
        let rng_of = |replicate| draws.at(replicate, 0);
        black_box(intervals(CLASSES, &scored, authors, REPLICATES, rng_of)?);
    }
    calibrate(last, &training.labels)?;
    let n_scores = EPOCHS * (SUBSETS.len() - 1) * Metric::ALL.len();
    Ok(sum / n_scores as f64)
}

fn scored(logits: &[Vec<f32>], labels: &[usize]) -> anyhow::Result<Vec<ScoredPrediction>> {
    let images = logits.iter().zip(labels);
    let scored = images.map(|(logits, &label)| ScoredPrediction::of_logits(logits, label));
    Ok(scored.collect::<Result<_, _>>()?)
}

/// Separation of the classes in the embedding, by predicted and by true classes.
fn separations(embeddings: &[Vec<f32>], scored: &[ScoredPrediction]) -> anyhow::Result<()> {
    let points = Matrix::from_rows(embeddings)?;
    for class_of in [
        (|image| image.predicted) as fn(&ScoredPrediction) -> usize,
        |image| image.actual,
    ] {
        let classes: Vec<usize> = scored.iter().map(class_of).collect();
        black_box(silhouette(&points, &classes)?);
        black_box(davies_bouldin(&points, &classes)?);
        black_box(calinski_harabasz(&points, &classes)?);
    }
    Ok(())
}

/// Fits the calibrators to validation images and measures them on test images.
fn calibrate(logits: &[Vec<f32>], labels: &[usize]) -> anyhow::Result<()> {
    let [_, validation, test, end] = SUBSETS;
    let rows: Vec<&[f32]> = logits[validation..test].iter().map(Vec::as_slice).collect();
    let temperature = Temperature::fit(&rows, &labels[validation..test])?;
    let plain = |from: usize, to: usize| {
        let rows = logits[from..to].iter().zip(&labels[from..to]);
        Forecasts::of(rows.map(|(logits, &label)| (softmax(logits, 1.0), label)))
    };
    let fitted = plain(validation, test)?;
    let scaled = logits[test..end].iter().zip(&labels[test..end]);
    let scaled = scaled.map(|(logits, &label)| (temperature.apply(logits), label));
    black_box(CalibrationMetrics::of(&plain(test, end)?, BINS));
    black_box(CalibrationMetrics::of(&Forecasts::of(scaled)?, BINS));
    by_curves::<Sigmoid>(&fitted, &logits[test..end], &labels[test..end])?;
    by_curves::<Isotonic>(&fitted, &logits[test..end], &labels[test..end])
}

fn by_curves<C: Curve>(
    fitted: &Forecasts,
    logits: &[Vec<f32>],
    labels: &[usize],
) -> anyhow::Result<()> {
    let curves = OneAgainstRest::<C>::fit(fitted);
    let rows = logits.iter().zip(labels);
    let rows = rows.map(|(logits, &label)| Ok((curves.apply(&softmax(logits, 1.0))?, label)));
    let rows: Vec<(Vec<f64>, usize)> = rows.collect::<anyhow::Result<_>>()?;
    black_box(CalibrationMetrics::of(&Forecasts::of(rows)?, BINS));
    Ok(())
}
