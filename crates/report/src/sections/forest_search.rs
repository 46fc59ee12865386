//! The search for the forest's parameters.

use maud::html;
use tables::forest_trial::ForestTrial;
use tables::subset::Subset;

use crate::draw::figure::row;
use crate::draw::format::{counted, score_with_interval, value};
use crate::draw::trials::{Row, Setting, Trials};
use crate::page::section::Section;
use crate::page::tables::{Lead, Study};

/// The section; none where there was no search.
pub(crate) fn section(study: &Study) -> Option<Section> {
    let lead = study.lead();
    let trials = trials(&study.forest_trials, lead);
    let best = &trials.rows[trials.best()?];
    let figures = trials.figures();
    let body = html! {
        p {
            (counted(trials.rows.len(), "forest")) " were fitted to the embeddings of training images and scored on validation images. "
            "The best reaches a " (lead.name) " of " strong { (value(best.score)) } ". "
            "It was selected by this score, which is therefore too high for new images"
            @if let Some(test) = study.score("tuned forest", Subset::Test, lead.metric) {
                ": on test images, which had no part in the choice, it has "
                strong { (score_with_interval(Some(test))) }
                @if let Some(default) = study.score("forest", Subset::Test, lead.metric) {
                    "; the forest as it was before the search has " (score_with_interval(Some(default)))
                }
            }
            ". A figure for each parameter shows all forests by it."
        }
        (row(&figures))
        (trials.table())
    };
    Some(Section {
        id: "forest-search",
        title: "A search for a better forest",
        body,
        figures,
    })
}

fn trials(rows: &[ForestTrial], lead: Lead) -> Trials {
    let names = [
        "trees",
        "greatest depth",
        "least pictures in a leaf",
        "least pictures to split",
        "dimensions per split",
        "criterion",
        "bootstrap",
    ];
    Trials {
        name: "forest",
        score: format!("{} on validation images", lead.name),
        params: names.map(str::to_owned).to_vec(),
        rows: rows.iter().map(one).collect(),
    }
}

fn one(trial: &ForestTrial) -> Row {
    let numbers = [
        trial.n_trees,
        trial.max_depth,
        trial.min_samples_leaf,
        trial.min_samples_split,
        trial.features_per_split,
    ];
    let bootstrap = if trial.bootstrap { "on" } else { "off" };
    let names = [trial.criterion.as_str(), bootstrap].map(|name| Setting::Name(name.to_owned()));
    let numbers = numbers.map(|number| Setting::Number(f64::from(number)));
    Row {
        score: Some(trial.score),
        is_complete: true,
        values: numbers.into_iter().chain(names).map(Some).collect(),
    }
}
