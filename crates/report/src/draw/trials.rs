//! Trials of a search: figures of their history and of each parameter, and a table of the best.

use std::collections::BTreeSet;

use crate::draw::figure::Figure;
use crate::draw::format::{NONE, count, counted, value};
use crate::draw::plot::{Margins, Plot};

/// The trials of a search, in their order.
pub(crate) struct Trials {
    /// Name of the search in figures.
    pub(crate) name: &'static str,
    /// Name of the score.
    pub(crate) score: String,
    /// The parameters.
    pub(crate) params: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Index of the best complete trial; none if no trial has a score.
    pub(crate) best: Option<usize>,
}

/// A trial.
pub(crate) struct Row {
    /// None if it failed.
    pub(crate) score: Option<f64>,
    /// True if it is complete; otherwise it was pruned or failed.
    pub(crate) is_complete: bool,
    /// `[parameters]`; none where the parameter was no part of the trial.
    pub(crate) values: Vec<Option<Setting>>,
}

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// A number on a scale.
    Number(f64),
    /// A choice.
    Name(String),
}

impl Setting {
    /// The value as text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Number(number) => short(*number),
            Self::Name(name) => name.clone(),
        }
    }
}

const SIZE: (f64, f64) = (400.0, 250.0);
const MARGINS: Margins = Margins {
    left: 60.0,
    right: 14.0,
    top: 24.0,
    bottom: 38.0,
};

/// Number of best trials in the table.
const SHOWN: usize = 5;

/// Number of best trials in captions.
const LEADERS: usize = 10;

/// Complete trials from which on the values of the best are shown: with fewer, the ten best are most of all.
const MANY: usize = 50;

/// Caption of a parameter's figure with few trials.
const FEW: &str = "These are too few trials to distinguish a parameter's effect from chance.";

/// Room on either side of the values, as a share of their range.
const ROOM: f64 = 0.03;

/// Values this far apart are shown on a logarithmic scale.
const WIDE: f64 = 20.0;

/// Index of the complete trial of the highest score; of equal scores, the first.
pub(crate) fn highest(rows: &[Row]) -> Option<usize> {
    let complete = rows.iter().enumerate().filter(|(_, row)| row.is_complete);
    let scored = complete.filter_map(|(idx, row)| Some((idx, row.score?)));
    let best = scored.rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|(idx, _)| idx)
}

impl Trials {
    /// The history, then a figure for each parameter that took more than one value.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let params = 0..self.params.len();
        let effects = params.filter_map(|param| self.effect(param));
        std::iter::once(self.history()).chain(effects).collect()
    }

    /// The lowest and the highest score, with some room.
    fn range(&self) -> (f64, f64) {
        let scores = || self.rows.iter().filter_map(|row| row.score);
        let low = scores().fold(f64::INFINITY, f64::min);
        let high = scores().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return (0.0, 1.0);
        }
        let room = 0.06 * (high - low).max(0.01);
        (low - room, high + room)
    }

    fn history(&self) -> Figure {
        let last = self.rows.len().saturating_sub(1) as f64;
        let mut plot = Plot::new(SIZE, MARGINS, roomy(0.0, last.max(1.0)), self.range());
        plot.draw_y_axis();
        plot.draw_x_axis("trial", 1.0, false);
        plot.name_y_axis(&self.score);
        let mut best = f64::NEG_INFINITY;
        let mut steps = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            if let Some(score) = row.score.filter(|score| row.is_complete && *score > best) {
                if best.is_finite() {
                    steps.push(plot.at((number as f64, best)));
                }
                best = score;
                steps.push(plot.at((number as f64, best)));
            }
        }
        if best.is_finite() {
            steps.push(plot.at((last, best)));
            plot.canvas.polyline("curve stroke-1", &steps);
        }
        let places: Vec<f64> = (0..self.rows.len()).map(|number| number as f64).collect();
        self.draw(&mut plot, &places);
        Figure {
            name: format!("search-{}", self.name),
            title: format!("Trials of the {}", self.name),
            caption: format!(
                "Each dot is a trial, by {}; the line is the highest score so far, the ring the best trial.{}",
                self.score,
                self.stopped()
            ),
            canvas: plot.canvas,
        }
    }

    /// Complete trials with their scores.
    fn scored(&self) -> impl Iterator<Item = f64> {
        let complete = self.rows.iter().filter(|row| row.is_complete);
        complete.filter_map(|row| row.score)
    }

    /// Sentence on the number of different scores, and of trials that share the highest.
    pub(crate) fn distinct(&self) -> String {
        let mut scores: Vec<f64> = self.scored().collect();
        scores.sort_by(f64::total_cmp);
        let n = scores.len();
        let highest = scores.last().copied().unwrap_or(f64::NEG_INFINITY);
        let n_highest = scores
            .iter()
            .filter(|score| score.total_cmp(&highest).is_eq())
            .count();
        scores.dedup_by(|a, b| a.total_cmp(b).is_eq());
        format!(
            "The {} have {}, and {} the highest.",
            counted(n, "complete trial"),
            counted(scores.len(), "different score"),
            match n_highest {
                1 => "one has".to_owned(),
                n => format!("{} have", count(n)),
            }
        )
    }

    /// True if there are enough trials to look at single parameters.
    pub(crate) fn are_many(&self) -> bool {
        self.scored().count() >= MANY
    }

    /// Sentence on pruned trials.
    fn stopped(&self) -> String {
        let is_stopped = |row: &&Row| !row.is_complete && row.score.is_some();
        match self.rows.iter().filter(is_stopped).count() {
            0 => String::new(),
            n => format!(" Gray: {} pruned.", counted(n, "trial")),
        }
    }

    /// A dot for each trial with a score and a finite coordinate.
    fn draw(&self, plot: &mut Plot, places: &[f64]) {
        for (idx, (row, place)) in self.rows.iter().zip(places).enumerate() {
            let Some(score) = row.score.filter(|_| place.is_finite()) else {
                continue;
            };
            let at = plot.at((*place, score));
            let fill = if row.is_complete { "fill-0" } else { "fill-7" };
            plot.canvas.circle(&format!("dot {fill}"), at, 3.6);
            if self.best == Some(idx) {
                plot.canvas.circle("ring stroke-1", at, 6.5);
            }
        }
    }

    fn effect(&self, param: usize) -> Option<Figure> {
        let values: Vec<Option<&Setting>> = { self.rows.iter() }
            .map(|row| row.values[param].as_ref())
            .collect();
        let axis = Axis::of(values.iter().flatten().copied())?;
        let mut plot = Plot::new(SIZE, MARGINS, axis.domain(), self.range());
        plot.draw_y_axis();
        plot.name_y_axis(&self.score);
        axis.draw(&mut plot, &self.params[param]);
        let places = values.iter().enumerate().map(|(number, setting)| {
            setting.map_or(f64::NAN, |setting| axis.place(setting, number))
        });
        self.draw(&mut plot, &places.collect::<Vec<_>>());
        let dashed = self.params[param].replace(['.', '_', ' '], "-");
        Some(Figure {
            name: format!("search-{}-{dashed}", self.name),
            title: format!("{} by {}", self.score_name(), self.params[param]),
            caption: if self.are_many() {
                self.leading(param) + axis.advice()
            } else {
                format!("{}{FEW}", self.leading(param))
            },
            canvas: plot.canvas,
        })
    }

    /// Sentence on the values of the best trials; empty if the best has none.
    fn leading(&self, param: usize) -> String {
        let leaders = self.leaders(LEADERS);
        let values: Vec<&Setting> = { leaders.iter() }
            .filter_map(|(_, row)| row.values[param].as_ref())
            .collect();
        let best = self
            .best
            .and_then(|best| self.rows[best].values[param].as_ref());
        let Some(best) = best else {
            return String::new();
        };
        let n = leaders.len();
        let among = match best {
            _ if !self.are_many() => String::new(),
            Setting::Number(_) => {
                let (low, high) = extremes(&values);
                format!(
                    ", and the {n} best lie between {} and {}",
                    short(low),
                    short(high)
                )
            }
            Setting::Name(_) => {
                let same = values.iter().filter(|value| **value == best).count();
                let same = if same == n {
                    "all".to_owned()
                } else {
                    same.to_string()
                };
                format!(", and so have {same} of the {n} best")
            }
        };
        format!("The best trial has {}{among}. ", best.text())
    }

    fn score_name(&self) -> String {
        let mut name = self.score.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        name
    }

    /// `parameter value` of a trial, joined.
    pub(crate) fn settings(&self, row: &Row) -> String {
        let given = self.params.iter().zip(&row.values);
        let texts: Vec<String> = given
            .filter_map(|(param, setting)| Some(format!("{param} {}", setting.as_ref()?.text())))
            .collect();
        texts.join(", ")
    }

    /// The best complete trials, best first, at most `n`.
    pub(crate) fn leaders(&self, n: usize) -> Vec<(usize, &Row)> {
        let rows = self.rows.iter().enumerate();
        let mut rows: Vec<(usize, &Row)> = rows
            .filter(|(_, row)| row.is_complete && row.score.is_some())
            .collect();
        let key = |(idx, row): &(usize, &Row)| (row.score.unwrap_or(0.0), self.best == Some(*idx));
        rows.sort_by(|a, b| {
            let (a, b) = (key(a), key(b));
            b.0.total_cmp(&a.0).then(b.1.cmp(&a.1))
        });
        rows.truncate(n);
        rows
    }

    /// A table of the best trials.
    pub(crate) fn table(&self) -> maud::Markup {
        let head = maud::html! {
            tr { th scope="col" { "trial" } th scope="col" { "score" } @for param in &self.params { th scope="col" { (param) } } }
        };
        let body = maud::html! {
            @for (number, row) in self.leaders(SHOWN) {
                tr {
                    th scope="row" { (number) }
                    td { (value(row.score)) }
                    @for setting in &row.values {
                        td { (setting.as_ref().map_or_else(|| NONE.to_owned(), Setting::text)) }
                    }
                }
            }
        };
        crate::draw::table::table("The best trials, best first", &head, &body)
    }
}

/// The scale of a parameter.
enum Axis {
    /// Lowest and highest, on a logarithmic scale or not.
    Numbers { low: f64, high: f64, log: bool },
    /// The values that occur, side by side.
    Names(Vec<String>),
}

impl Axis {
    /// None where there are fewer than two values.
    fn of<'a>(settings: impl Iterator<Item = &'a Setting>) -> Option<Self> {
        let (mut numbers, mut names) = (Vec::new(), BTreeSet::new());
        for setting in settings {
            match setting {
                Setting::Number(number) => numbers.push(*number),
                Setting::Name(name) => drop(names.insert(name.clone())),
            }
        }
        if !names.is_empty() {
            let mut names: Vec<String> = names.into_iter().collect();
            // Numbers in their order, others by the alphabet after them.
            let number = |name: &String| name.parse().unwrap_or(f64::INFINITY);
            names.sort_by(|a, b| number(a).total_cmp(&number(b)));
            return (names.len() > 1).then_some(Self::Names(names));
        }
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = low > 0.0 && high / low >= WIDE;
        (low < high).then_some(Self::Numbers { low, high, log })
    }

    fn domain(&self) -> (f64, f64) {
        match self {
            Self::Numbers {
                low,
                high,
                log: true,
            } => roomy(low.log10(), high.log10()),
            Self::Numbers { low, high, .. } => roomy(*low, *high),
            Self::Names(names) => (-0.5, names.len() as f64 - 0.5),
        }
    }

    /// Sentence on the reading of the figure.
    fn advice(&self) -> &'static str {
        match self {
            Self::Numbers { .. } => {
                "Other parameters vary as well, so that a trend is a hint and no effect."
            }
            Self::Names(_) => {
                "Other parameters vary as well, so that a difference is a hint and no effect. Within a column, dots are spread to \
                 be visible."
            }
        }
    }

    /// Coordinate of a trial's value; dots of one choice are spread by the trial's number.
    fn place(&self, setting: &Setting, number: usize) -> f64 {
        match (self, setting) {
            (Self::Numbers { log: true, .. }, Setting::Number(number)) => number.log10(),
            (Self::Numbers { .. }, Setting::Number(number)) => *number,
            (Self::Names(names), Setting::Name(name)) => {
                let spread = (number as f64 * 0.618_034).fract() - 0.5;
                let at = names.iter().position(|known| known == name);
                at.map_or(f64::NAN, |at| at as f64 + 0.5 * spread)
            }
            _ => f64::NAN,
        }
    }

    fn draw(&self, plot: &mut Plot, name: &str) {
        let (low, high) = self.domain();
        let ticks: Vec<(f64, String)> = match self {
            Self::Numbers { log: false, .. } => return plot.draw_x_axis(name, 0.0, false),
            Self::Numbers { .. } => decades(low, high),
            Self::Names(names) => (0..).map(f64::from).zip(names.iter().cloned()).collect(),
        };
        plot.draw_named_x_axis(name, &ticks);
    }
}

/// A range with some room, so that no dot lies on the axis.
fn roomy(low: f64, high: f64) -> (f64, f64) {
    let room = ROOM * (high - low);
    (low - room, high + room)
}

/// The lowest and the highest number.
fn extremes(settings: &[&Setting]) -> (f64, f64) {
    let numbers = settings.iter().filter_map(|setting| match setting {
        Setting::Number(number) => Some(*number),
        Setting::Name(_) => None,
    });
    numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
        (low.min(number), high.max(number))
    })
}

/// A number to four digits: `300`, `0.05172`, `1.448e-4`.
pub(crate) fn short(number: f64) -> String {
    let whole = number.abs() >= 1.0 && number.fract().abs() < f64::EPSILON;
    let rounded = format!("{number:.3e}").parse().unwrap_or(number);
    match rounded {
        _ if whole => format!("{number}"),
        small if small != 0.0 && small.abs() < 1e-3 => format!("{small:e}"),
        rounded => format!("{rounded}"),
    }
}

/// Ones, twos and fives of the decades between `low` and `high`, which are logarithms; ones alone where these are many.
fn decades(low: f64, high: f64) -> Vec<(f64, String)> {
    let digits: &[f64] = if high - low > 2.5 {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let powers = (-9..=9).flat_map(|power| digits.iter().map(move |digit| (power, *digit)));
    powers
        .map(|(power, digit)| digit * 10_f64.powi(power))
        .filter(|tick| (low - 1e-9..=high + 1e-9).contains(&tick.log10()))
        .map(|tick| (tick.log10(), tick_text(tick)))
        .collect()
}

/// Few digits: `0.005`, `20`, `1e-5`.
fn tick_text(tick: f64) -> String {
    if tick < 1e-3 {
        format!("{tick:e}")
    } else {
        format!("{tick:.3}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials() -> Trials {
        let row = |score, size, kind: &str| Row {
            score: Some(score),
            is_complete: score > 0.1,
            values: vec![
                Some(Setting::Number(size)),
                Some(Setting::Name(kind.to_owned())),
                None,
            ],
        };
        Trials {
            name: "forest",
            score: "top-2".to_owned(),
            params: vec!["size".to_owned(), "kind".to_owned(), "other".to_owned()],
            best: Some(3),
            rows: vec![
                row(0.5, 2.0, "a"),
                row(0.05, 64.0, "b<"),
                row(0.7, 8.0, "a"),
                row(0.7, 16.0, "a"),
            ],
        }
    }

    #[test]
    fn of_equal_trials_the_best_comes_first() {
        let trials = trials();
        assert_eq!(highest(&trials.rows), Some(2));
        let leaders: Vec<usize> = trials
            .leaders(2)
            .iter()
            .map(|(number, _)| *number)
            .collect();
        assert_eq!(leaders, [3, 2]);
        assert_eq!(trials.settings(&trials.rows[0]), "size 2, kind a");
    }

    #[test]
    fn parameters_that_vary_have_figures() {
        let trials = trials();
        let figures = trials.figures();
        let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(
            names,
            ["search-forest", "search-forest-size", "search-forest-kind"]
        );
        assert!(figures[0].caption.contains("Gray: 1 trial pruned"));
        assert_eq!(
            trials.distinct(),
            "The 3 complete trials have 2 different scores, and 2 have the highest."
        );
        let kind = figures[2].file();
        assert!(kind.contains("b&lt;") && !kind.contains("NaN"), "{kind}");
    }

    #[test]
    fn captions_have_the_values_of_the_best() {
        let mut trials = trials();
        let caption = |trials: &Trials, param: usize| trials.effect(param).unwrap().caption;
        // Four trials are too few to speak of the ten best.
        assert!(caption(&trials, 0).starts_with("The best trial has 16. These are too few trials"));
        let more = (0..50).map(|number| Row {
            score: Some(0.6),
            is_complete: true,
            values: vec![
                Some(Setting::Number(20.0 + f64::from(number))),
                Some(Setting::Name(if number < 3 { "a" } else { "c" }.to_owned())),
                None,
            ],
        });
        trials.rows.extend(more);
        // The two of 0.7, with 8 and 16, and eight of those of 0.6.
        let size = caption(&trials, 0);
        assert!(size.starts_with("The best trial has 16, and the 10 best lie between 8 and 27."));
        let kind = caption(&trials, 1);
        assert!(kind.starts_with("The best trial has a, and so have 5 of the 10 best."));
    }

    #[test]
    fn numbers_are_short() {
        let texts = [300.0, 1e6, 0.000_144_812_3, 0.051_723, 12.345_67, 0.0, -0.5].map(short);
        assert_eq!(
            texts,
            [
                "300", "1000000", "1.448e-4", "0.05172", "12.35", "0", "-0.5"
            ]
        );
    }

    #[test]
    fn a_search_without_scores_has_a_figure() {
        let mut trials = trials();
        trials.rows.iter_mut().for_each(|row| row.score = None);
        trials.best = highest(&trials.rows);
        assert_eq!(trials.best, None);
        assert!(!trials.figures()[0].file().contains("NaN"));
    }

    #[test]
    fn ticks_of_decades_are_round() {
        let texts = |low: f64, high: f64| -> Vec<String> {
            let ticks = decades(low.log10(), high.log10());
            ticks.into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts(2.0, 64.0), ["2", "5", "10", "20", "50"]);
        assert_eq!(
            texts(1e-4, 1e-2),
            ["1e-4", "2e-4", "5e-4", "0.001", "0.002", "0.005", "0.01"]
        );
        assert_eq!(
            texts(1e-5, 1.0),
            ["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]
        );
    }
}
