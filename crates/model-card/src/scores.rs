//! Scores of the exported network, of its recipe, and of what it has to beat.

use table_calibrations::Calibration;
use table_comparisons::Comparison;
use table_cross_validation::CrossValidation;
use table_optimism::Optimism;
use table_selection::Selection;
use tables::Subset;

use crate::markdown::{count, escaped, table, with_interval};

/// The folds' networks, as in table `cross_validation`.
const NETWORK: &str = "network";
/// The exported network, likewise.
const SELECTED: &str = "selected network";

/// Metrics that are shown, with their names.
const METRICS: [(&str, &str); 5] = [
    ("top1", "top-1"),
    ("top2", "top-2"),
    ("accuracy", "accuracy"),
    ("f1_macro", "macro F1"),
    ("log_loss", "log-loss"),
];

/// Tables of scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The exported network's fold and epoch.
    pub selection: Selection,
    /// Table `cross_validation`.
    pub cross_validation: Vec<CrossValidation>,
    /// Table `comparisons` of the same stage.
    pub comparisons: Vec<Comparison>,
    /// Table `optimism`.
    pub optimism: Vec<Optimism>,
    /// Table `calibrations`.
    pub calibrations: Vec<Calibration>,
}

impl Scores {
    /// Scores of the exported network's recipe, or of the exported network on test images, by metric.
    pub(crate) fn of(&self, subset: Subset, metric: &str) -> Option<&CrossValidation> {
        let model = if subset == Subset::Test {
            SELECTED
        } else {
            NETWORK
        };
        self.row(model, None, subset, metric)
    }

    fn row(
        &self,
        model: &str,
        features: Option<&str>,
        subset: Subset,
        metric: &str,
    ) -> Option<&CrossValidation> {
        self.cross_validation.iter().find(|row| {
            row.model == model
                && row.features.as_deref() == features
                && row.subset == subset
                && row.metric == metric
        })
    }

    /// Section of the card.
    pub(crate) fn section(&self) -> String {
        let mut text = "## Scores\n\nTop-1 and top-2 weigh classes equally, accuracy weighs images equally; log-loss is in \
                        nats, lower is better. In parentheses are 95 % intervals, whose units are the authors of \
                        a class.\n\n### The recipe, cross-validated\n\n"
            .to_owned();
        text += &self.cross_validated();
        text += &self.table(Subset::Validation, &[SELECTED]);
        text += &self.optimism();
        if self.of(Subset::Test, "accuracy").is_some() {
            text += "\n### Test images\n\n`network` is the mean of all folds' networks, `selected network` the exported one. \
                     No test image had a part in any fit or selection.\n\n";
            text += &self.table(Subset::Test, &[]);
        }
        text + &self.compared()
    }

    /// What was selected, and what the cross-validated scores are of.
    fn cross_validated(&self) -> String {
        let Selection {
            rule, fold, epoch, ..
        } = &self.selection;
        let row = self.of(Subset::Validation, "top1");
        let mut text = format!(
            "The exported network was trained without fold {fold} and is that of epoch {epoch}, from 0, by the rule \
             `{rule}` of stage `select`. The scores below are not its own but those of the recipe: each image is predicted \
             by the network of the fold that was trained without it, {}.\n\n",
            match row.map(|row| row.folds) {
                Some(1) => "in its saved epoch",
                _ => "in an epoch that its fold did not select",
            }
        );
        if let Some((row, (mean, sd))) =
            row.and_then(|row| Some((row, row.fold_mean.zip(row.fold_sd)?)))
        {
            text += &format!(
                "Top-1 is {} over {}, by {}; by fold {mean:.3} ± {sd:.3} (mean and standard deviation of {}).\n\n",
                with_interval(row.value, row.low, row.high),
                count(row.images as usize, "image"),
                count(row.authors as usize, "author"),
                count(row.folds as usize, "fold"),
            );
        }
        text
    }

    /// A row for each model, but for those of `without`.
    fn table(&self, subset: Subset, without: &[&str]) -> String {
        let mut models: Vec<(&str, Option<&str>)> = Vec::new();
        for row in self
            .cross_validation
            .iter()
            .filter(|row| row.subset == subset)
        {
            let model = (row.model.as_str(), row.features.as_deref());
            if !models.contains(&model) && !without.contains(&model.0) {
                models.push(model);
            }
        }
        // The networks come before what they are compared with.
        models.sort_by_key(|(model, _)| ![NETWORK, SELECTED].contains(model));
        let shown = METRICS.iter().filter(|(metric, _)| {
            let mut rows = self.cross_validation.iter();
            rows.any(|row| row.subset == subset && row.metric == *metric)
        });
        let shown: Vec<&(&str, &str)> = shown.collect();
        let rows: Vec<Vec<String>> = { models.into_iter() }
            .map(|(model, features)| {
                let name = match features {
                    Some(features) => format!("{model} on features of {features}"),
                    None => model.to_owned(),
                };
                let values = shown.iter().map(|(metric, _)| {
                    let row = self.row(model, features, subset, metric);
                    row.map_or_else(
                        || "–".to_owned(),
                        |row| with_interval(row.value, row.low, row.high),
                    )
                });
                [escaped(&name)].into_iter().chain(values).collect()
            })
            .collect();
        let head: Vec<&str> = ["model"]
            .into_iter()
            .chain(shown.iter().map(|(_, name)| *name))
            .collect();
        table(&head, 1, &rows)
    }

    /// Optimism of the exported network's own validation score.
    fn optimism(&self) -> String {
        let own = self.row(SELECTED, None, Subset::Validation, "top1");
        let total =
            { self.optimism.iter() }.find(|row| row.metric == "top1" && row.part == "total");
        match own.zip(total) {
            Some((own, total)) => format!(
                "\nOn its own validation images, the exported network has a top-1 of {:.3}, which \
                 differs from the mean of the folds by {:+.3}. Scores on images that selected a network are optimistic.\n",
                own.value, total.value
            ),
            None => String::new(),
        }
    }

    /// Differences of the network and its baselines.
    fn compared(&self) -> String {
        let rows: Vec<Vec<String>> = { self.comparisons.iter() }
            .filter(|row| {
                row.model == NETWORK && row.other != SELECTED && row.subset == Subset::Validation
            })
            .filter_map(|row| {
                let (_, name) = METRICS.iter().find(|(metric, _)| *metric == row.metric)?;
                let verdict = match row.low.zip(row.high) {
                    Some((low, high)) if low > 0.0 || high < 0.0 => {
                        let is_better = (row.difference > 0.0) == (row.metric != "log_loss");
                        if is_better { "better" } else { "worse" }
                    }
                    Some(_) => "not significantly different",
                    None => "unknown",
                };
                Some(vec![
                    escaped(&row.other),
                    (*name).to_owned(),
                    verdict.to_owned(),
                    with_interval(row.difference, row.low, row.high),
                ])
            })
            .collect();
        if rows.is_empty() {
            return String::new();
        }
        format!(
            "\n### The network against its baselines\n\nDifferences on the same validation images, paired; where an interval \
             contains 0, the difference is not significant. With so many intervals, one in twenty misses by chance.\n\n{}",
            table(
                &["baseline", "metric", "the network is", "difference"],
                3,
                &rows
            )
        )
    }

    /// Section on calibration of the exported network.
    pub(crate) fn calibration(&self, temperature: f64) -> String {
        let rows: Vec<Vec<String>> = { self.calibrations.iter() }
            .filter(|row| row.model == NETWORK)
            .map(|row| {
                let chance = row.ece_by_chance;
                vec![
                    escaped(&row.method),
                    row.subset.to_string(),
                    row.n.to_string(),
                    format!("{:.3}", row.ece),
                    chance.map_or_else(|| "–".to_owned(), |chance| format!("{chance:.3}")),
                    format!("{:.3}", row.log_loss),
                ]
            })
            .collect();
        let head = [
            "method",
            "images",
            "number",
            "ECE",
            "ECE by chance",
            "log-loss",
        ];
        format!(
            "## Calibration\n\nProbabilities are the softmax of the logits over a temperature of {temperature:.3} \
             (`temperature` in `config.json`). The expected calibration error (ECE) of few images is above 0 even for a \
             perfectly calibrated model: by chance it would be as high as stated.\n\n{}",
            table(&head, 2, &rows)
        )
    }
}
