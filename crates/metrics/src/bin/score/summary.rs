//! The main metrics as text.

use std::fmt::Write as _;

use numeric::interval_text;
use table_scores::Score;
use tables::Subset;

const METRICS: [&str; 3] = ["top1", "top2", "f1"];
const MODELS: [&str; 3] = ["network", "forest", "tuned forest"];
/// Width of a model's column.
const COLUMN: usize = 22;

/// A line for each subset and each metric that is defined, a column for each model that was scored: the value and its 95 %
/// interval.
pub(crate) fn text(scores: &[Score]) -> String {
    let mut models = MODELS.to_vec();
    models.retain(|model| scores.iter().any(|score| score.model == *model));
    let mut text = format!("{:19}", "");
    for model in &models {
        push(&mut text, model);
    }
    for subset in Subset::OF_SPLIT {
        for metric in METRICS {
            let of = |model: &str| {
                let mut scores = scores.iter();
                scores.find(|s| {
                    (s.model.as_str(), s.subset, s.metric.as_str()) == (model, subset, metric)
                })
            };
            let cells: Vec<Option<&Score>> = models.iter().map(|model| of(model)).collect();
            let is_defined = |cell: &&Score| cell.value.is_some();
            if !cells.iter().flatten().any(is_defined) {
                continue;
            }
            end_line(&mut text);
            let _ = write!(text, "{subset:12}{metric:7}");
            for score in cells {
                push(&mut text, &score.map(cell).unwrap_or_default());
            }
        }
    }
    end_line(&mut text);
    text
}

fn cell(score: &Score) -> String {
    match (score.value, score.low, score.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{value:.3} ({})", interval_text(low, high))
        }
        (Some(value), ..) => format!("{value:.3}"),
        _ => "–".to_owned(),
    }
}

fn push(text: &mut String, cell: &str) {
    let _ = write!(text, "{cell:COLUMN$}");
}

/// Ends a line, without the blanks that fill its last column.
fn end_line(text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(model: &str, subset: Subset, value: f64, interval: Option<(f64, f64)>) -> Score {
        Score {
            model: model.to_owned(),
            subset,
            metric: "top2".to_owned(),
            value: Some(value),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            images: 16,
            authors: 12,
            single_author_classes: 0,
        }
    }

    #[test]
    fn models_are_in_columns_side_by_side() {
        let scores = [
            score("network", Subset::Validation, 0.8125, Some((0.7, 0.9))),
            score("network", Subset::Test, 0.75, None),
            score("forest", Subset::Validation, 0.5, Some((0.4, 0.6))),
        ];
        let expected = [
            "                   network               forest",
            "validation  top2   0.812 (0.70–0.90)     0.500 (0.40–0.60)",
            "test        top2   0.750",
            "",
        ];
        assert_eq!(text(&scores), expected.join("\n"));
        let expected = [
            "                   network",
            "validation  top2   0.812 (0.70–0.90)",
            "test        top2   0.750",
            "",
        ];
        assert_eq!(text(&scores[..2]), expected.join("\n"));
    }

    #[test]
    fn an_interval_is_rounded_outwards() {
        let scores = [score("network", Subset::Test, 1.0, Some((0.9963, 1.0)))];
        let line = "test        top2   1.000 (0.996–1.000)\n";
        assert!(text(&scores).ends_with(line), "{}", text(&scores));
    }

    #[test]
    fn a_metric_without_a_value_has_no_line() {
        let mut score = score("network", Subset::Validation, 0.5, None);
        score.value = None;
        assert_eq!(text(&[score]), "                   network\n");
    }
}
