//! Models that the network has to beat.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use metrics::cross_validation::FoldEpochs;
use metrics::{Collection, ScoredPrediction, chance, largest_class};
use table_folds::Fold;
use table_out_of_fold::OutOfFold;
use tables::{Assignment, Subset};

use crate::predictions::{ImagePrediction, Model, class_of};

/// Name of the linear layers on frozen features.
pub(crate) const LINEAR_PROBE: &str = "linear probe";
/// Names of the classifiers on frozen features.
pub(crate) const PROBES: [&str; 2] = [LINEAR_PROBE, "forest"];

/// Classifiers on frozen features, by their predictions out of fold. Where they read another backbone's features than
/// those of `backbone`, `comparisons` has its name, too.
pub(crate) fn probes(
    rows: Vec<OutOfFold>,
    epochs: &[FoldEpochs],
    backbone: &str,
    collection: &Collection,
) -> anyhow::Result<Vec<Model>> {
    let mut models: BTreeMap<(&'static str, Option<String>), Model> = BTreeMap::new();
    for row in rows {
        let name = PROBES.into_iter().find(|name| *name == row.model);
        let name = name.with_context(|| {
            let known = PROBES.join("`, `");
            format!("`probes` has the model `{}`, expected `{known}`", row.model)
        })?;
        let model = models
            .entry((name, row.features.clone()))
            .or_insert_with(|| Model {
                name,
                features: row.features.clone(),
                compared_as: match &row.features {
                    Some(features) if features != backbone => format!("{name} on {features}"),
                    _ => name.to_owned(),
                },
                n_models: epochs.len(),
                is_cross_validated: true,
                depends_on_images: true,
                validation: Vec::new(),
                test: Vec::new(),
            });
        let subset = match row.subset {
            Subset::Validation => &mut model.validation,
            Subset::Test => &mut model.test,
            other => bail!("`probes` has the subset `{other}`, expected `validation` or `test`"),
        };
        subset.push(prediction(row, collection)?);
    }
    ensure!(
        !models.is_empty(),
        "`probes` has no rows, expected predictions of `{}`",
        PROBES.join("`, `")
    );
    Ok(models.into_values().collect())
}

fn prediction(row: OutOfFold, collection: &Collection) -> anyhow::Result<ImagePrediction> {
    let n_scores = row.probabilities.len();
    let actual = class_of(&row.path, &row.label, n_scores, collection)?;
    let scored = ScoredPrediction::of_probabilities(&row.probabilities, actual)
        .with_context(|| format!("cannot score the image `{}`", row.path))?;
    Ok(ImagePrediction {
        unit: collection.unit(&row.path)?,
        path: row.path,
        fold: row.fold,
        probabilities: row.probabilities,
        scored: vec![scored],
    })
}

/// The largest class and chance.
pub(crate) fn without_images(
    folds: &[Fold],
    epochs: &[FoldEpochs],
    collection: &Collection,
) -> anyhow::Result<Vec<Model>> {
    let n_classes = collection.labels().len();
    let by_fold = { epochs.iter() }
        .map(|row| Ok((row.fold, frequencies(folds, row.fold, collection)?)))
        .collect::<anyhow::Result<BTreeMap<u32, Vec<f64>>>>()?;
    // The ensemble has the mean of the folds' frequencies.
    let n_folds = by_fold.len() as f64;
    let of_all: Vec<f64> = (0..n_classes)
        .map(|class| by_fold.values().map(|fold| fold[class]).sum::<f64>() / n_folds)
        .collect();
    let by_frequency = |row: &Fold, actual: usize| {
        let frequencies = match row.fold {
            Assignment::Fold(fold) => by_fold.get(&fold),
            Assignment::Train | Assignment::Test => None,
        };
        vec![largest_class(frequencies.unwrap_or(&of_all), actual)]
    };
    let by_chance = |_: &Fold, actual: usize| chance(n_classes, actual).collect();
    Ok(vec![
        model(
            "largest class",
            epochs.len(),
            folds,
            collection,
            by_frequency,
        )?,
        model("chance", epochs.len(), folds, collection, by_chance)?,
    ])
}

/// `[K]`, share of each class among the training images of `fold`.
fn frequencies(folds: &[Fold], fold: u32, collection: &Collection) -> anyhow::Result<Vec<f64>> {
    let mut counts = vec![0_u32; collection.labels().len()];
    let mut total = 0_u32;
    for row in folds {
        if row.fold.subset(fold) == Subset::Train {
            counts[collection.class_index(&row.label)?] += 1;
            total += 1;
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(total.max(1));
    Ok(counts.into_iter().map(share).collect())
}

/// A model that predicts each image by its true class and its fold alone.
fn model(
    name: &'static str,
    n_models: usize,
    folds: &[Fold],
    collection: &Collection,
    predict: impl Fn(&Fold, usize) -> Vec<ScoredPrediction>,
) -> anyhow::Result<Model> {
    let (mut validation, mut test) = (Vec::new(), Vec::new());
    for row in folds {
        let (images, fold) = match row.fold {
            Assignment::Fold(fold) => (&mut validation, Some(fold)),
            Assignment::Test => (&mut test, None),
            Assignment::Train => continue,
        };
        images.push(ImagePrediction {
            path: row.path.clone(),
            fold,
            unit: collection.unit(&row.path)?,
            probabilities: Vec::new(),
            scored: predict(row, collection.class_index(&row.label)?),
        });
    }
    Ok(Model {
        name,
        features: None,
        compared_as: name.to_owned(),
        n_models,
        is_cross_validated: true,
        depends_on_images: false,
        validation,
        test,
    })
}
