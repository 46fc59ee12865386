//! Comparison with Optuna's samplers, whose scores are made by `golden/make.py`.
//!
//! A sampler passes if the median over the seeds of its best scores is not below the first quartile of Optuna's best
//! scores on the same function.

#![expect(clippy::unwrap_used, reason = "a failing test names the place")]

use std::collections::BTreeMap;
use std::f64::consts::PI;

use search::{Assignment, Method, Search, Trial};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Golden {
    seeds: u64,
    trials: usize,
    /// By function and sampler.
    quartiles: BTreeMap<String, BTreeMap<String, [f64; 3]>>,
}

fn number(params: &Assignment, name: &str) -> f64 {
    params[name].as_f64().unwrap()
}

fn rate(params: &Assignment) -> f64 {
    let (lr, share) = (number(params, "lr"), number(params, "share"));
    -(lr.log10() + 3.0).powi(2) - 4.0 * (share - 0.3).powi(2)
}

fn branin(params: &Assignment) -> f64 {
    let (x, y) = (number(params, "x"), number(params, "y"));
    let bent = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    -(bent * bent + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0)
}

fn mixed(params: &Assignment) -> f64 {
    let score = -(number(params, "size").log2() - 4.0).abs();
    match params.get("drop") {
        Some(drop) => score - (drop.as_f64().unwrap() - 0.5).powi(2) * 10.0,
        None => score - 1.0,
    }
}

fn best(search: &Search, score: fn(&Assignment) -> f64, trials: usize) -> f64 {
    let mut completed: Vec<Trial> = Vec::new();
    while completed.len() < trials {
        for params in search.ask(&completed, 1).unwrap() {
            let score = score(&params);
            completed.push(Trial::complete(params, score));
        }
    }
    let scores = completed.iter().filter_map(|trial| trial.score);
    scores.fold(f64::NEG_INFINITY, f64::max)
}

fn check(name: &str, space: serde_json::Value, score: fn(&Assignment) -> f64) {
    let golden: Golden = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    for (method, sampler) in [(Method::Tpe, "tpe"), (Method::Random, "random")] {
        let search = |seed| Search {
            space: serde_json::from_value(space.clone()).unwrap(),
            method,
            seed,
        };
        let mut found: Vec<f64> = (0..golden.seeds)
            .map(|seed| best(&search(seed), score, golden.trials))
            .collect();
        found.sort_by(f64::total_cmp);
        let median = found[found.len() / 2];
        let [low, theirs, _] = golden.quartiles[name][sampler];
        println!("{name} {sampler}: ours {median:.5}, Optuna's {theirs:.5}, at least {low:.5}");
        assert!(median >= low, "{name}, {sampler}: {median} is below {low}");
    }
}

#[test]
fn one_hill() {
    let space = json!({
        "lr": { "float": [1e-5, 1e-1], "log": true },
        "share": { "float": [0, 1] },
    });
    check("rate", space, rate);
}

#[test]
fn three_bent_hills() {
    let space = json!({ "x": { "float": [-5, 10] }, "y": { "float": [0, 15] } });
    check("branin", space, branin);
}

#[test]
fn a_choice_with_a_parameter_of_its_own() {
    let space = json!({
        "size": { "int": [2, 64], "log": true },
        "frozen": { "choice": [false, true] },
        "drop": { "float": [0, 0.9], "when": { "frozen": false } },
    });
    check("mixed", space, mixed);
}
