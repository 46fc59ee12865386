//! The crates that the keys of this repository's own stages cover.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use store::Index;
use workflow::declaration::{Action, Declaration};

use super::Closures;
use crate::cargo::Packages;
use crate::manifest::Section;

/// Crates that the key of every stage covers.
const OF_EVERY_STAGE: [&str; 5] = ["protocol", "stage", "table-io", "tables", "unified"];

/// For each binary of the repository's `pipeline.toml` its stages, and the crates of its key beside those of every
/// stage; crates of tables, without `table-`, come last.
fn keys() -> BTreeMap<String, Key> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = fs_err::canonicalize(root).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut index = Index::open(folder.path().join("index")).unwrap();
    let cache = folder.path().join("cargo.json");
    let (packages, _) = Packages::load(&root, &cache, &mut index).unwrap();
    let mut closures = Closures::default();
    let declaration = Declaration::load(&root).unwrap();
    let mut keys: BTreeMap<String, Key> = BTreeMap::new();
    for stage in &declaration.stages {
        let Action::Run(run) = &stage.action else {
            continue;
        };
        let run = run.value.as_str();
        let manifest = closures.manifest(&root, &packages, &mut index, run);
        let crates = manifest.unwrap().section(&Section::Crate);
        let key = keys.entry(run.to_owned()).or_default();
        key.stages.push(stage.name.clone());
        key.crates = crates.into_keys().collect();
    }
    keys
}

#[derive(Default)]
struct Key {
    stages: Vec<String>,
    crates: BTreeSet<String>,
}

impl Key {
    /// One line, for a table of expected crates.
    fn line(&self, run: &str) -> String {
        let own = run.split('/').next().unwrap();
        let others = { self.crates.iter() }
            .map(String::as_str)
            .filter(|name| !OF_EVERY_STAGE.contains(name) && *name != own);
        let (tables, others): (Vec<_>, Vec<_>) =
            others.partition(|name| name.starts_with("table-"));
        let tables = tables.iter().map(|name| &name["table-".len()..]);
        let tables: Vec<&str> = tables.collect();
        format!("{run}: {} | {}\n", others.join(" "), tables.join(" "))
    }
}

#[test]
fn each_stage_has_the_crates_that_it_needs() {
    let keys = keys();
    for (run, key) in &keys {
        for name in OF_EVERY_STAGE {
            assert!(key.crates.contains(name), "{run} lacks {name}");
        }
    }
    let lines: String = keys.iter().map(|(run, key)| key.line(run)).collect();
    expect_test::expect![[r#"
        attribution/attribution: images kernels model numeric random | attributions folds predictions
        backbones/backbone-features: images inference kernels model nearest-name numeric random trainer | annotations epoch-outputs features folds history predictions selection timings
        clustering/cluster: cluster-validity numeric random | annotations cluster-scores clusters embedding-evolution embedding-evolution-quality epoch-outputs folds predictions selection silhouettes
        clustering/embedding-evolution: cluster-validity numeric random | annotations cluster-scores clusters embedding-evolution embedding-evolution-quality epoch-outputs folds predictions selection silhouettes
        collection/annotate: images nearest-name thumbnails walk | annotations attributes folds images problems
        collection/decode: images nearest-name thumbnails walk | annotations attributes folds images problems
        export/export: images numeric | annotations folds
        fold-design/leakage: random | annotations balance folds leakage near-duplicates
        fold-design/split: random | annotations balance folds leakage near-duplicates
        forest/forest: numeric random search | folds forest-predictions forest-trials predictions
        forest/forest-search: numeric random search | folds forest-predictions forest-trials predictions
        inference/features: images kernels model numeric random trainer | annotations epoch-outputs features folds history predictions selection timings
        inference/predict: images kernels model numeric random trainer | annotations epoch-outputs features folds history predictions selection timings
        inference/select: images kernels model numeric random trainer | annotations epoch-outputs features folds history predictions selection timings
        linear-probe/linear-probe: forest numeric random search | features folds forest-predictions forest-trials linear-probes out-of-fold predictions
        metric-learning/metric-learning: collection images kernels model nearest-name numeric random thumbnails trainer walk | annotations attributes epoch-outputs folds history images metric-embeddings problems timings
        metrics/calibrate: cluster-validity numeric random | calibrations class-reports comparisons confusion cross-validation epoch-outputs epoch-scores fold-scores folds forest-predictions history leakage leakage-effect metric-embeddings metric-learning-scores optimism out-of-fold predictions reliabilities scores selection
        metrics/cross-validation: cluster-validity numeric random | calibrations class-reports comparisons confusion cross-validation epoch-outputs epoch-scores fold-scores folds forest-predictions history leakage leakage-effect metric-embeddings metric-learning-scores optimism out-of-fold predictions reliabilities scores selection
        metrics/leakage-effect: cluster-validity numeric random | calibrations class-reports comparisons confusion cross-validation epoch-outputs epoch-scores fold-scores folds forest-predictions history leakage leakage-effect metric-embeddings metric-learning-scores optimism out-of-fold predictions reliabilities scores selection
        metrics/metric-learning-scores: cluster-validity numeric random | calibrations class-reports comparisons confusion cross-validation epoch-outputs epoch-scores fold-scores folds forest-predictions history leakage leakage-effect metric-embeddings metric-learning-scores optimism out-of-fold predictions reliabilities scores selection
        metrics/score: cluster-validity numeric random | calibrations class-reports comparisons confusion cross-validation epoch-outputs epoch-scores fold-scores folds forest-predictions history leakage leakage-effect metric-embeddings metric-learning-scores optimism out-of-fold predictions reliabilities scores selection
        model-card/model-card: digests export images numeric | annotations calibrations comparisons cross-validation folds near-duplicates optimism selection
        near-duplicates/near-duplicates: images thumbnails | annotations folds images near-duplicates
        painter/paint: random | folds
        preflight/preflight: forest kernels model nearest-name numeric random search | annotations folds forest-predictions forest-trials predictions
        report/report: digests images numeric random search | annotations attributions balance calibrations class-reports cluster-scores clusters comparisons confusion cross-validation embedding-evolution embedding-evolution-quality epoch-scores fold-scores folds forest-trials history leakage leakage-effect linear-probes metric-embeddings metric-learning-scores near-duplicates optimism predictions problems reliabilities scores search-trials selection silhouettes timings
        trainer/train: images kernels model numeric random | annotations epoch-outputs folds history timings
    "#]].assert_eq(&lines);
}

#[test]
fn a_fold_is_not_trained_again_for_unused_code() {
    let keys = keys();
    let train = &keys["trainer/train"];
    assert!(train.stages.contains(&"train".to_owned()));
    let unused = [
        "attribution",
        "backbones",
        "checks",
        "cli",
        "clustering",
        "collection",
        "device-check",
        "digests",
        "executor",
        "experiments",
        "export",
        "fold-design",
        "forest",
        "inference",
        "keys",
        "ledger",
        "linear-probe",
        "metric-learning",
        "metrics",
        "model-card",
        "near-duplicates",
        "nearest-name",
        "painter",
        "preflight",
        "report",
        "runner",
        "search",
        "store",
        "table-images",
        "table-leakage",
        "table-metric-embeddings",
        "table-scores",
        "table-selection",
        "thumbnails",
        "walk",
        "workflow",
    ];
    for name in unused {
        assert!(!train.crates.contains(name), "{name} retrains each fold");
    }
}
