//! Hyperparameter search of the random forest.

use maud::html;
use table_forest_trials::ForestTrial;
use tables::Subset;

use crate::ReportError;
use crate::draw::figure::row;
use crate::draw::format::{counted, score_with_interval, value};
use crate::draw::trials::{Row, Setting, Trials};
use crate::page::annotations::{Annotations, TopK};
use crate::page::scores::Scores;
use crate::page::section::{Content, Context, Section};
use crate::page::tables::{Rows, reads};

reads! {
    /// Tables of the section.
    pub(crate) struct ForestSearch {
        annotations: Annotations,
        scores: Scores,
        forest_trials: Rows<ForestTrial>,
    }
}

impl Section for ForestSearch {
    fn draw(&self, _: &Context<'_>) -> Result<Option<Content>, ReportError> {
        let metric = self.annotations.headline_metric();
        let trials = trials(&self.forest_trials, metric);
        let Some(best) = trials.best else {
            return Ok(None);
        };
        let best = &trials.rows[best];
        let figures = trials.figures();
        let body = html! {
            p {
                (counted(trials.rows.len(), "forest")) " were fitted to the embeddings of training images and scored on validation images. "
                "The best reaches a " (metric.name) " of " strong { (value(best.score)) } ". "
                "It was selected by this score, which is therefore too high for new images"
                @if let Some(test) = self.scores.find("tuned forest", Subset::Test, metric.metric) {
                    ": on test images, which selected nothing, it has "
                    strong { (score_with_interval(Some(test))) }
                    @if let Some(default) = self.scores.find("forest", Subset::Test, metric.metric) {
                        "; the forest before the search has " (score_with_interval(Some(default)))
                    }
                }
                ". " (trials.distinct())
            }
            @let (history, effects) = figures.split_at(1);
            (row(history))
            (trials.table())
            @if !effects.is_empty() {
                details { summary { "Scores by parameter" } (row(effects)) }
            }
        };
        Ok(Some(Content {
            id: "forest-search",
            heading: "Hyperparameter search of the forest",
            body,
            figures,
        }))
    }
}

fn trials(rows: &[ForestTrial], metric: TopK) -> Trials {
    let names = [
        "trees",
        "maximum depth",
        "minimum images in a leaf",
        "minimum images to split",
        "features per split",
        "criterion",
        "bootstrap",
    ];
    Trials {
        name: "forest",
        score: format!("{} on validation images", metric.name),
        params: names.map(str::to_owned).to_vec(),
        best: rows.iter().position(|row| row.best),
        rows: rows.iter().map(one).collect(),
    }
}

fn one(trial: &ForestTrial) -> Row {
    // 0 stands for no limit, or for a number that depends on the embedding: it has no place on the scale.
    let given = |number: u32| (number > 0).then_some(number);
    let numbers = [
        Some(trial.n_trees),
        given(trial.max_depth),
        Some(trial.min_samples_leaf),
        Some(trial.min_samples_split),
        given(trial.max_features),
    ];
    let bootstrap = if trial.bootstrap { "on" } else { "off" };
    let names = [trial.criterion.as_str(), bootstrap].map(|name| Setting::Name(name.to_owned()));
    let numbers = numbers.map(|number| Some(Setting::Number(f64::from(number?))));
    Row {
        score: Some(trial.score),
        is_complete: true,
        values: numbers.into_iter().chain(names.map(Some)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::fixture::{report, study};

    #[test]
    fn the_search_shows_parameters_that_varied() {
        let report = report(&study());
        assert!(report.page.contains("6 forests were fitted"));
        let figures = report.figures.iter();
        let names: Vec<&str> = figures
            .map(|figure| figure.name.as_str())
            .filter(|name| name.starts_with("search-"))
            .collect();
        assert_eq!(
            names,
            [
                "search-forest.svg",
                "search-forest-trees.svg",
                "search-forest-minimum-images-in-a-leaf.svg",
                "search-forest-criterion.svg"
            ]
        );
    }
}
