//! Page of a search over the pipeline's parameters.

use std::collections::BTreeSet;

use maud::html;
use search::{State, Trial, Value};

use crate::Report;
use crate::draw::figure::row;
use crate::draw::format::{counted, list, value};
use crate::draw::trials::{Row, Setting, Trials, highest, short};
use crate::page::report;
use crate::page::section::Content;

/// The page of the search `name`. `score` is the name of the score, `choices` the parameters with a list of values in
/// place of a range.
#[must_use]
pub fn search_page(
    name: &str,
    score: &str,
    choices: &BTreeSet<String>,
    recorded: &[Trial],
) -> Report {
    let trials = trials(score, choices, recorded);
    let figures = trials.figures();
    let body = html! {
        p {
            "A trial is a run of the pipeline with its own parameters. " (states(recorded)) " "
            @if let Some(best) = trials.best {
                "The best is trial " strong { (best) } " with " strong { (value(trials.rows[best].score)) } ": "
                (trials.settings(&trials.rows[best])) "."
            } @else { "None has a score." }
        }
        (row(&figures))
        (trials.table())
    };
    let section = Content {
        id: "trials",
        heading: "Trials",
        body,
        figures,
    };
    let summary = format!("{name}: {}\n", states(recorded));
    let footer = html! { "The figures of this page are SVG files beside it; all numbers are in the tables of the run." };
    report(&format!("Search {name}"), &[section], &footer, summary)
}

/// Sentence on the states of the trials.
fn states(recorded: &[Trial]) -> String {
    let states = [State::Complete, State::Pruned, State::Failed];
    let counts = states.map(|state| {
        (
            state,
            recorded.iter().filter(|trial| trial.state == state).count(),
        )
    });
    let parts = counts.iter().filter(|(_, n)| *n > 0);
    let parts: Vec<String> = parts
        .map(|(state, n)| match state {
            State::Pruned => format!("{n} pruned"),
            other => format!("{n} {}", other.name()),
        })
        .collect();
    format!("Of {}, {}.", counted(recorded.len(), "trial"), list(&parts))
}

fn trials(score: &str, choices: &BTreeSet<String>, recorded: &[Trial]) -> Trials {
    let params: BTreeSet<&String> = recorded
        .iter()
        .flat_map(|trial| trial.params.keys())
        .collect();
    let rows: Vec<Row> = { recorded.iter() }
        .map(|trial| Row {
            score: trial.score,
            is_complete: trial.state == State::Complete,
            values: { params.iter() }
                .map(|param| Some(setting(trial.params.get(*param)?, choices.contains(*param))))
                .collect(),
        })
        .collect();
    Trials {
        name: "pipeline",
        score: score.to_owned(),
        best: highest(&rows),
        rows,
        params: params.iter().map(|param| (*param).clone()).collect(),
    }
}

fn setting(value: &Value, is_choice: bool) -> Setting {
    match value.as_f64() {
        Some(number) if is_choice => Setting::Name(short(number)),
        Some(number) => Setting::Number(number),
        None => Setting::Name(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_a_page() {
        let params = |lr: f64| [("train.lr".to_owned(), Value::Float(lr))].into();
        let mut recorded = vec![
            Trial::complete(params(1e-3), 0.5),
            Trial::complete(params(1e-4), 0.6),
        ];
        recorded.push(Trial {
            state: State::Failed,
            score: None,
            ..Trial::complete(params(1e-2), 0.0)
        });
        let report = search_page("depth", "median top-2", &BTreeSet::new(), &recorded);
        assert!(report.page.contains("The best is trial <strong>1</strong>"));
        assert_eq!(
            report.summary,
            "depth: Of 3 trials, 2 complete and 1 failed.\n"
        );
        assert_eq!(report.figures.len(), 2);
        assert!(
            search_page("none", "top-2", &BTreeSet::new(), &[])
                .page
                .contains("None has a score.")
        );
    }

    #[test]
    fn a_choice_of_numbers_has_columns_in_their_order() {
        let params = |depth: i64| [("model.resnet".to_owned(), Value::Int(depth))].into();
        let recorded = [101, 18, 50].map(|depth| Trial::complete(params(depth), 0.5));
        let choices = ["model.resnet".to_owned()].into();
        let report = search_page("depth", "median top-2", &choices, &recorded);
        let figure = &report.figures[1].svg;
        let at = |name| figure.find(&format!(">{name}</text>")).unwrap();
        assert!(at("18") < at("50") && at("50") < at("101"));
        assert!(
            report.page.contains(
                "These are too few trials to distinguish a parameter's effect from chance."
            )
        );
    }
}
