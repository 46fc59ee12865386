//! Predictions of a backbone's classifiers for images that they were not fitted to.

use anyhow::Context;
use numeric::argmax;
use table_out_of_fold::OutOfFold;
use tables::Subset;

use crate::fold_fit::FoldFit;
use crate::fold_split::FoldSplit;
use crate::selection::{ValidationScore, best_c_for};

/// Rows of the linear probe and of the forest on the features of `backbone`, from the classifiers fitted to these.
///
/// Validation images are predicted by the classifier of their fold, whose `C` the other folds select; test images by the
/// mean of the probabilities of these classifiers.
pub(crate) fn out_of_fold(
    backbone: &str,
    split: &FoldSplit,
    fits: &[FoldFit<'_>],
    scores: &[ValidationScore],
) -> anyhow::Result<Vec<OutOfFold>> {
    let fit = |fold: u32, c: Option<f64>| {
        let mut fits = fits.iter();
        fits.find(|fit| fit.fold == fold && fit.classifier.c() == c)
            .with_context(|| format!("no classifier was fitted in fold {fold}"))
    };
    let folds = || split.folds().iter();
    let linear = folds().map(|&fold| fit(fold, best_c_for(fold, scores)));
    let forests = folds().map(|&fold| fit(fold, None));
    let models = [
        ("linear probe", linear.collect::<anyhow::Result<Vec<_>>>()?),
        ("forest", forests.collect::<anyhow::Result<Vec<_>>>()?),
    ];
    let log = |fit: &&FoldFit<'_>| fit.classifier.c().unwrap_or_default().to_string();
    tracing::info!(
        "out of fold, the linear layers on `{backbone}` have `C` = {} in the folds",
        models[0].1.iter().map(log).collect::<Vec<_>>().join(", ")
    );
    let rows = models.into_iter().map(|(model, fits)| {
        let rows = Rows {
            model,
            backbone,
            split,
        };
        rows.of(&fits)
    });
    Ok(rows.collect::<anyhow::Result<Vec<_>>>()?.concat())
}

/// Rows of one model.
struct Rows<'a> {
    model: &'a str,
    backbone: &'a str,
    split: &'a FoldSplit,
}

impl Rows<'_> {
    /// Rows of the classifiers of all folds.
    fn of(&self, fits: &[&FoldFit<'_>]) -> anyhow::Result<Vec<OutOfFold>> {
        let mut rows = Vec::new();
        for fit in fits {
            let images = self.split.images(Subset::Validation, fit.fold);
            for (image, probabilities) in images.into_iter().zip(&fit.validation) {
                rows.push(self.row(image, Some(fit.fold), probabilities.clone())?);
            }
        }
        let first = fits.first().context("the split has no fold")?;
        let images = self.split.images(Subset::Test, first.fold);
        for (idx, image) in images.into_iter().enumerate() {
            let of_folds: Vec<&[f32]> = fits.iter().map(|fit| fit.test[idx].as_slice()).collect();
            rows.push(self.row(image, None, mean(&of_folds))?);
        }
        Ok(rows)
    }

    fn row(
        &self,
        image: usize,
        fold: Option<u32>,
        probabilities: Vec<f32>,
    ) -> anyhow::Result<OutOfFold> {
        let predicted = argmax(&probabilities).context("there are no classes")?;
        Ok(OutOfFold {
            model: self.model.to_owned(),
            features: Some(self.backbone.to_owned()),
            path: self.split.path(image).to_owned(),
            label: self.split.label(image).to_owned(),
            subset: match fold {
                Some(_) => Subset::Validation,
                None => Subset::Test,
            },
            fold,
            epoch: None,
            predicted: self.split.class_names()[predicted].clone(),
            probabilities,
        })
    }
}

/// `[K]`, the mean of `probabilities`, `[K]` of each fold.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the table holds probabilities in single precision"
)]
fn mean(probabilities: &[&[f32]]) -> Vec<f32> {
    let n_classes = probabilities.first().map_or(0, |row| row.len());
    let of_class = |class: usize| {
        let values = probabilities.iter().map(|row| f64::from(row[class]));
        (values.sum::<f64>() / probabilities.len() as f64) as f32
    };
    (0..n_classes).map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ensemble_has_the_mean_of_the_probabilities() {
        let found = mean(&[&[0.5, 0.5], &[0.25, 0.75], &[0.0, 1.0]]);
        assert_eq!(found, [0.25, 0.75]);
    }
}
