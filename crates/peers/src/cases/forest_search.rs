//! A search for a forest's parameters.

use std::collections::BTreeMap;

use anyhow::Context;
use forest::{Criterion, Forest, SelectionScore, Shape, streams};
use numeric::Matrix;
use rayon::prelude::*;
use search::{Assignment, Method, Search, Space, Trial};
use serde_json::{Value, json};

use crate::answer::Measurement;
use crate::case::{Case, Peer, Quality, Work};
use crate::workbench::{CLASSES, Points, Workbench, seed};

const N: usize = 1421;
const TRAIN: usize = 1066;
const DIMENSIONS: usize = 16;
const TRIALS: usize = 100;

/// Trials in parallel, by default of stage `forest-search`.
const PARALLEL: usize = 4;

/// A search of 100 trials for the parameters of a forest, by tree-structured Parzen estimators.
///
/// The same: points, space, trials, the score (top-2 accuracy on the other images). Different: random numbers, hence the
/// forests that are tried; ours proposes four trials at a time, which share the threads, as stage `forest-search`;
/// Optuna proposes one at a time, whose forest has all threads.
pub(crate) const CASE: Case = Case {
    name: "forest-search",
    peers: &[Peer {
        name: "Optuna, scikit-learn",
        function: "forest_search",
        goal: 0.5,
    }],
    quality: Some(Quality {
        name: "best top-2 accuracy",
        tolerance: Some(0.02),
    }),
    by_name_only: false,
    prepare,
};

/// Parameters of the forests that don't vary: all vary.
const BASE: Shape = Shape {
    n_trees: 300,
    max_depth: 0,
    min_samples_leaf: 2,
    min_samples_split: 2,
    max_features: 0,
    criterion: Criterion::Gini,
    bootstrap: true,
};

/// Embeddings with labels, the training images first.
struct Images {
    train: Matrix,
    others: Matrix,
    labels: Vec<usize>,
}

fn prepare(bench: &Workbench) -> anyhow::Result<Vec<Work>> {
    let points = Points::draw("forest", N, DIMENSIONS);
    let space = space();
    let request = json!({
        "points": bench.floats("search points", &[N, DIMENSIONS], &points.flat())?,
        "labels": bench.integers("search labels", &points.labels)?,
        "train": TRAIN,
        "trials": TRIALS,
        "space": &space,
    });
    let space: Space = serde_json::from_value(space)?;
    let search = Search {
        space: space.in_order_of(&streams::SEARCH_ORDER),
        method: Method::Tpe,
        seed: seed().stream("trials").number(),
    };
    let images = Images {
        train: Matrix::from_rows(&points.rows[..TRAIN])?,
        others: Matrix::from_rows(&points.rows[TRAIN..])?,
        labels: points.labels,
    };
    Ok(vec![Work {
        size: format!("{TRIALS} trials, {TRAIN} × {DIMENSIONS}, {CLASSES} classes"),
        request,
        ours: Box::new(move || {
            let (measured, best) = Measurement::of(|| best(&search, &images))?;
            Ok(measured.with(best))
        }),
        warm_up: true,
    }])
}

/// The space of `params.toml`.
fn space() -> Value {
    json!({
        "n_trees": { "int": [10, 1000], "log": true },
        "max_depth": { "int": [2, 32] },
        "min_samples_leaf": { "int": [1, 32], "log": true },
        "min_samples_split": { "int": [2, 64], "log": true },
        "max_features": { "int": [1, 16] },
        "criterion": { "choice": ["gini", "entropy"] },
        "bootstrap": { "choice": [true, false] },
    })
}

/// The best score of all trials.
fn best(search: &Search, images: &Images) -> anyhow::Result<f64> {
    let mut completed: Vec<Trial> = Vec::new();
    while completed.len() < TRIALS {
        let round = PARALLEL.min(TRIALS - completed.len());
        let proposed = search.ask(&completed, round)?;
        let scored = proposed.into_par_iter().map(|values| {
            let score = images.score(&values)?;
            Ok(Trial::complete(values, score))
        });
        completed.extend(scored.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let scores = completed.iter().filter_map(|trial| trial.score);
    scores
        .max_by(f64::total_cmp)
        .context("no trial has a score")
}

impl Images {
    /// Top-2 accuracy of the forest with these parameters on the other images.
    fn score(&self, values: &Assignment) -> anyhow::Result<f64> {
        let (train, others) = self.labels.split_at(self.train.n_rows());
        let seed = seed().stream(streams::FOREST).number();
        let params = shape(values)?.into();
        let forest = Forest::fit(&self.train, train, CLASSES, &params, seed, || ())?;
        let probabilities = forest.probabilities(&self.others)?;
        Ok(SelectionScore::of(&probabilities, others, CLASSES).top_k)
    }
}

fn shape(values: &Assignment) -> anyhow::Result<Shape> {
    let mut fields: BTreeMap<String, Value> = serde_json::from_value(serde_json::to_value(BASE)?)?;
    for (name, value) in values {
        fields.insert(name.clone(), serde_json::to_value(value)?);
    }
    Ok(serde_json::from_value(serde_json::to_value(fields)?)?)
}
