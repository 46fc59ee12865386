//! A random forest on embeddings.

use ::forest::{Forest, ForestParams, SelectionScore};
use numeric::Matrix;
use serde_json::json;

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::workbench::{CLASSES, Points, Workbench, seed};

const N: usize = 1421;
const TRAIN: usize = 1066;
const DIMENSIONS: usize = 16;

/// A forest of 300 trees, fitted to the training images' embeddings, and its probabilities for all images.
///
/// The same: points, trees, balanced classes, leaves of two images at least, the root of the dimensions drawn for a
/// split, threads. Different: random numbers. The quality is that of the other images.
pub(crate) const CASE: Case = Case {
    name: "forest",
    peers: &[Peer {
        name: "scikit-learn",
        function: "forest",
        goal: 1.0,
    }],
    quality: Some(Quality {
        name: "top-2 accuracy",
        tolerance: Some(0.03),
    }),
    by_name_only: false,
    prepare,
};

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let points = Points::draw("forest", N, DIMENSIONS);
    let params = ForestParams {
        n_trees: 300,
        min_samples_leaf: 2,
        ..ForestParams::default()
    };
    let request = json!({
        "points": bench.floats("forest points", &[N, DIMENSIONS], &points.flat())?,
        "labels": bench.integers("forest labels", &points.labels)?,
        "train": TRAIN,
        "n_trees": params.n_trees,
        "min_samples_leaf": params.min_samples_leaf,
    });
    let train = Matrix::from_rows(&points.rows[..TRAIN])?;
    let all = Matrix::from_rows(&points.rows)?;
    let labels = points.labels;
    let seed = seed().stream("trees").number();
    let fit = move || -> anyhow::Result<f64> {
        let forest = Forest::fit(&train, &labels[..TRAIN], CLASSES, &params, seed, || ())?;
        let probabilities = forest.probabilities(&all)?;
        let score = SelectionScore::of(&probabilities[TRAIN..], &labels[TRAIN..], CLASSES);
        Ok(score.top_k)
    };
    Ok(vec![Work {
        size: format!(
            "{} trees, {TRAIN} × {DIMENSIONS}, {CLASSES} classes",
            params.n_trees
        ),
        request,
        ours: Box::new(move || {
            let (measured, score) = Measurement::of(&fit)?;
            Ok(measured.with(score))
        }),
        warm_up: true,
    }])
}
