//! The ensemble of the folds' networks.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use candle_core::{Device, Tensor};
use export::ModelConfig;
use metrics::cross_validation::{FoldEpochs, fold_epochs};
use model::{Mode, Network};
use numeric::ranking;
use serde::Serialize;
use stage::InputPath;
use table_history::{EpochSelection, History};

use crate::network;

/// The saved networks of all folds.
pub(crate) struct Ensemble {
    networks: Vec<Network>,
    pub(crate) description: Description,
}

/// Networks of an ensemble, as the output has them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Description {
    /// In the order of [`Votes::predicted`].
    pub(crate) networks: Vec<Member>,
    /// `true` if each network has the epoch that stage `cross-validation` takes for its fold.
    pub(crate) has_cross_validation_epochs: bool,
}

/// A network of an ensemble. Epochs are numbered from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Member {
    /// The fold left out of its training.
    pub(crate) fold: u32,
    /// Epoch of the network, which stage `train` saved.
    pub(crate) epoch: u32,
    /// Epoch that stage `cross-validation` takes for the fold: the other folds select it.
    pub(crate) cross_validation_epoch: u32,
}

/// Predictions of the networks of an ensemble for an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Votes {
    /// Share of the networks whose most probable class is that of the ensemble.
    pub(crate) agreement: f64,
    /// The most probable class of each network.
    pub(crate) predicted: Vec<String>,
}

impl Ensemble {
    /// The networks in `models`, each with the history of its training.
    ///
    /// # Errors
    /// There is not one history for each model, a history is not of one training, or a model cannot be loaded.
    pub(crate) fn open(
        config: &ModelConfig,
        device: &Device,
        models: &[InputPath],
        histories: &[Vec<History>],
        selection: EpochSelection,
    ) -> anyhow::Result<Self> {
        ensure!(
            models.len() == histories.len(),
            "found {} models and {} histories, expected one of each for every fold",
            models.len(),
            histories.len()
        );
        let networks = models
            .iter()
            .map(|model| network::open(config, device, model));
        Ok(Self {
            description: Description::of(histories, selection)?,
            networks: networks.collect::<anyhow::Result<_>>()?,
        })
    }

    /// An ensemble of `networks` without a description of them.
    #[cfg(test)]
    pub(crate) fn of(networks: Vec<Network>) -> Self {
        Self {
            networks,
            description: Description {
                networks: Vec::new(),
                has_cross_validation_epochs: true,
            },
        }
    }

    /// Logits `[F, K]` of the networks for the views `[V, S, S, 3]` of an image: the means over the views.
    pub(crate) fn logits(&self, views: &Tensor) -> anyhow::Result<Vec<Vec<f32>>> {
        let logits = self.networks.iter().map(|network| {
            let output = network.forward(views, Mode::Eval)?;
            Ok(output.logits.mean(0)?.to_vec1()?)
        });
        logits.collect()
    }
}

impl Description {
    /// The networks of these trainings, whose epochs `selection` saved.
    fn of(histories: &[Vec<History>], selection: EpochSelection) -> anyhow::Result<Self> {
        let epochs = fold_epochs(&histories.concat(), selection)?;
        let members = histories.iter().map(|rows| member(rows, &epochs));
        let networks: Vec<Member> = members.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            has_cross_validation_epochs: networks
                .iter()
                .all(|member| member.epoch == member.cross_validation_epoch),
            networks,
        })
    }
}

/// The network of a training with the history `rows`.
fn member(rows: &[History], epochs: &[FoldEpochs]) -> anyhow::Result<Member> {
    let fold = rows.first().context("a fold has an empty history")?.fold;
    ensure!(
        rows.iter().all(|row| row.fold == fold),
        "a history has several folds, expected one: run `cargo xtask repro train`"
    );
    let of_fold = epochs.iter().find(|row| row.fold == fold);
    let of_fold = of_fold.with_context(|| format!("fold {fold} has no epochs"))?;
    Ok(Member {
        fold,
        epoch: of_fold.own,
        cross_validation_epoch: of_fold.scored,
    })
}

impl Votes {
    /// Predictions of `networks` `[F, K]` beside the ensemble's `logits` `[K]`, which have the `classes` `[K]`.
    pub(crate) fn of(networks: &[Vec<f32>], logits: &[f32], classes: &[String]) -> Self {
        let first = |logits: &[f32]| ranking(logits)[0];
        let predicted: Vec<usize> = networks.iter().map(|logits| first(logits)).collect();
        let agreeing = predicted.iter().filter(|&&class| class == first(logits));
        Self {
            agreement: agreeing.count() as f64 / networks.len().max(1) as f64,
            predicted: predicted
                .into_iter()
                .map(|class| classes[class].clone())
                .collect(),
        }
    }

    /// The votes beside the ensemble's class `top`, as text: `3 of 5 networks agree (others: photo 2)`.
    pub(crate) fn text(&self, top: &str) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for class in &self.predicted {
            *counts.entry(class).or_default() += 1;
        }
        let agreeing = counts.remove(top).unwrap_or(0);
        let others = counts.iter().map(|(class, n)| format!("{class} {n}"));
        let others: Vec<String> = others.collect();
        let agree = format!("{agreeing} of {} networks agree", self.predicted.len());
        match others.is_empty() {
            true => agree,
            false => format!("{agree} (others: {})", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// History of a fold with these scores by epoch; the best is saved.
    fn history(fold: u32, scores: &[f64], saved: usize) -> Vec<History> {
        let row = |(at, &score)| History {
            fold,
            epoch: u32::try_from(at).unwrap(),
            learning_rate: 1e-4,
            train_loss: 1.0,
            validation_loss: 1.0,
            test_loss: None,
            score,
            best: at == saved,
        };
        scores.iter().enumerate().map(row).collect()
    }

    fn epochs(description: &Description) -> Vec<(u32, u32, u32)> {
        let members = description.networks.iter();
        members
            .map(|it| (it.fold, it.epoch, it.cross_validation_epoch))
            .collect()
    }

    #[test]
    fn saved_epochs_stand_beside_those_that_other_folds_select() {
        // In the order of the models, which need not be that of the folds.
        let histories = [history(1, &[0.9, 0.5], 0), history(0, &[0.6, 0.8], 1)];
        let best = Description::of(&histories, EpochSelection::Best).unwrap();
        assert_eq!(epochs(&best), [(1, 0, 1), (0, 1, 0)]);
        assert!(!best.has_cross_validation_epochs);
        let agreed = [history(0, &[0.6, 0.8], 1), history(1, &[0.5, 0.9], 1)];
        let agreed = Description::of(&agreed, EpochSelection::Best).unwrap();
        assert!(agreed.has_cross_validation_epochs);
    }

    #[test]
    fn last_epochs_are_those_of_the_cross_validation() {
        let histories = [history(0, &[0.9, 0.5], 1), history(1, &[0.6, 0.8], 1)];
        let last = Description::of(&histories, EpochSelection::Last).unwrap();
        assert_eq!(epochs(&last), [(0, 1, 1), (1, 1, 1)]);
        assert!(last.has_cross_validation_epochs);
    }

    #[test]
    fn a_history_of_several_folds_is_an_error() {
        let both = [history(0, &[0.9], 0), history(1, &[0.6], 0)].concat();
        let error = Description::of(&[both], EpochSelection::Best).unwrap_err();
        assert!(error.to_string().contains("a history has several folds"));
    }

    #[test]
    fn agreement_is_the_share_of_networks_that_predict_the_class_of_the_ensemble() {
        let logits = |probabilities: [f32; 2]| probabilities.map(f32::ln).to_vec();
        let classes = ["cubism", "photo"].map(str::to_owned);
        // Two of three networks predict `photo`, the ensemble `cubism`: its probability is (0.9 + 2 · 0.45) / 3 = 0.6.
        let networks = [[0.9, 0.1], [0.45, 0.55], [0.45, 0.55]].map(logits);
        let of_all = metrics::ensemble(&networks.each_ref().map(Vec::as_slice));
        let probabilities = numeric::softmax(&of_all, 1.0);
        assert!((probabilities[0] - 0.6).abs() < 1e-6, "{probabilities:?}");
        let votes = Votes::of(&networks, &of_all, &classes);
        assert!((votes.agreement - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(votes.predicted, ["cubism", "photo", "photo"]);
        let text = votes.text("cubism");
        assert_eq!(text, "1 of 3 networks agree (others: photo 2)");
        let agreed = Votes::of(&networks[1..], &networks[1], &classes);
        assert_eq!(agreed.text("photo"), "2 of 2 networks agree");
    }
}
