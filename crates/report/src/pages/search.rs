//! The page of a search over the pipeline's parameters.

use std::collections::BTreeSet;

use maud::html;
use search::{State, Trial, Value};

use crate::Report;
use crate::draw::figure::row;
use crate::draw::format::{counted, list, value};
use crate::draw::trials::{Row, Setting, Trials, short};
use crate::page::report;
use crate::page::section::Content;

/// The page of the study `name`; `score` says what its trials were scored by, `choices` which parameters have a list of
/// values and no scale.
#[must_use]
pub fn searched(name: &str, score: &str, choices: &BTreeSet<String>, told: &[Trial]) -> Report {
    let trials = trials(score, choices, told);
    let figures = trials.figures();
    let body = html! {
        p {
            "A trial is a run of the pipeline with other parameters. " (words(told)) " "
            @if let Some(best) = trials.best() {
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
    let summary = format!("{name}: {}\n", words(told));
    report(&format!("Study {name}"), &[section], summary)
}

/// How the trials ended.
fn words(told: &[Trial]) -> String {
    let states = [State::Complete, State::Pruned, State::Failed];
    let counts = states.map(|state| {
        (
            state,
            told.iter().filter(|trial| trial.state == state).count(),
        )
    });
    let parts = counts.iter().filter(|(_, n)| *n > 0);
    let parts: Vec<String> = parts
        .map(|(state, n)| match state {
            State::Pruned => format!("{n} stopped as hopeless"),
            other => format!("{n} {}", other.name()),
        })
        .collect();
    format!("Of {}, {}.", counted(told.len(), "trial"), list(&parts))
}

fn trials(score: &str, choices: &BTreeSet<String>, told: &[Trial]) -> Trials {
    let params: BTreeSet<&String> = told.iter().flat_map(|trial| trial.params.keys()).collect();
    let rows = told.iter().map(|trial| Row {
        score: trial.score,
        is_complete: trial.state == State::Complete,
        values: { params.iter() }
            .map(|param| Some(setting(trial.params.get(*param)?, choices.contains(*param))))
            .collect(),
    });
    Trials {
        name: "study",
        score: score.to_owned(),
        rows: rows.collect(),
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
    fn a_study_has_a_page() {
        let params = |lr: f64| [("train.lr".to_owned(), Value::Float(lr))].into();
        let mut told = vec![
            Trial::complete(params(1e-3), 0.5),
            Trial::complete(params(1e-4), 0.6),
        ];
        told.push(Trial {
            state: State::Failed,
            score: None,
            ..Trial::complete(params(1e-2), 0.0)
        });
        let report = searched("depth", "median top-2", &BTreeSet::new(), &told);
        assert!(report.page.contains("The best is trial <strong>1</strong>"));
        assert_eq!(
            report.summary,
            "depth: Of 3 trials, 2 complete and 1 failed.\n"
        );
        assert_eq!(report.figures.len(), 2);
        assert!(
            searched("none", "top-2", &BTreeSet::new(), &[])
                .page
                .contains("None has a score.")
        );
    }

    #[test]
    fn a_choice_of_numbers_has_columns_in_their_order() {
        let params = |depth: i64| [("model.resnet".to_owned(), Value::Int(depth))].into();
        let told = [101, 18, 50].map(|depth| Trial::complete(params(depth), 0.5));
        let choices = ["model.resnet".to_owned()].into();
        let report = searched("depth", "median top-2", &choices, &told);
        let figure = &report.figures[1].svg;
        let at = |name| figure.find(&format!(">{name}</text>")).unwrap();
        assert!(at("18") < at("50") && at("50") < at("101"));
        assert!(
            report
                .page
                .contains("Compare the upper ends of the columns")
        );
    }
}
