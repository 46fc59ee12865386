//! Spaces: parameters with their domains.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SearchError;

/// Default of the number of values that a grid takes of a parameter.
const POINTS: usize = 5;

/// Significant digits of a float that is drawn.
const DIGITS: usize = 4;

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A name.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Int(number) => write!(f, "{number}"),
            // Short, and still a float: `1e-5`, `16.0`.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Text(text) => write!(f, "{text}"),
        }
    }
}

/// The parameters of a trial, by name, without those whose conditions don't hold.
pub type Assignment = BTreeMap<String, Value>;

/// The values that a parameter may have.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A number in `[low, high]`.
    Float {
        /// Minimum.
        low: f64,
        /// Maximum, more than `low`.
        high: f64,
        /// True if it is drawn evenly on a logarithmic scale; then `low` is positive.
        log: bool,
    },
    /// `low`, `low + step`, …, up to `high`.
    Int {
        /// Minimum.
        low: i64,
        /// Maximum, a number of steps above `low`.
        high: i64,
        /// From one to the next, at least 1.
        step: i64,
        /// True if it is drawn evenly on a logarithmic scale; then `low` is positive and `step` 1.
        log: bool,
    },
    /// One of these, in no order; at least one.
    Choice(Vec<Value>),
}

impl Domain {
    /// The value at `unit` of `[0, 1]`: equal shares give equally probable values.
    pub(crate) fn at(&self, unit: f64) -> Value {
        match (self, self.scale()) {
            (Self::Choice(values), _) => values[cell(unit, values.len())].clone(),
            (_, Some(scale)) => scale.value(scale.low + unit * (scale.high - scale.low)),
            (_, None) => unreachable!("numbers have a scale"),
        }
    }

    /// The scale of numbers; none for a choice.
    pub(crate) fn scale(&self) -> Option<Scale> {
        let (low, high, step, log) = match *self {
            Self::Float { low, high, log } => (low, high, 0.0, log),
            Self::Int {
                low,
                high,
                step,
                log,
            } => (low as f64, high as f64, step as f64, log),
            Self::Choice(_) => return None,
        };
        // A whole number stands for all that is rounded to it.
        let along = |x: f64| if log { x.ln() } else { x };
        Some(Scale {
            low: along(low - 0.5 * step),
            high: along(high + 0.5 * step),
            ends: (low, high),
            step,
            log,
        })
    }

    /// Evenly spread values, at most `points` unless it is a choice.
    pub(crate) fn levels(&self, points: usize) -> Vec<Value> {
        let (scale, all) = match self {
            Self::Choice(values) => return values.clone(),
            Self::Float { .. } => (self.scale(), points),
            Self::Int {
                low, high, step, ..
            } => {
                let all = usize::try_from((high - low) / step).map_or(points, |n| n + 1);
                (self.scale(), all.min(points))
            }
        };
        let Some(scale) = scale else {
            return Vec::new();
        };
        let (low, high) = (scale.place(scale.ends.0), scale.place(scale.ends.1));
        let share = |i: usize| i as f64 / (all.max(2) - 1) as f64;
        let mut levels: Vec<Value> = (0..all)
            .map(|i| scale.value(low + share(i) * (high - low)))
            .collect();
        // Near the low end of a logarithmic scale whole numbers lie far apart.
        levels.dedup();
        levels
    }
}

/// Index of the one of `n` equal cells of `[0, 1]` that holds `unit`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product lies between 0 and n"
)]
fn cell(unit: f64, n: usize) -> usize {
    ((unit.clamp(0.0, 1.0) * n as f64) as usize).min(n - 1)
}

/// A line on which a number's values are equally probable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Start of the line.
    pub(crate) low: f64,
    /// End of the line.
    pub(crate) high: f64,
    /// Minimum and maximum.
    ends: (f64, f64),
    /// From one value to the next; 0 where there is no gap.
    step: f64,
    log: bool,
}

impl Scale {
    /// The place of `x` on the line.
    pub(crate) fn place(&self, x: f64) -> f64 {
        if self.log { x.ln() } else { x }
    }

    /// The places that are rounded to `x`; none where values have no gap.
    pub(crate) fn cell(&self, x: f64) -> Option<(f64, f64)> {
        let half = 0.5 * self.step;
        (half > 0.0).then(|| (self.place(x - half), self.place(x + half)))
    }

    /// The value at `place`.
    pub(crate) fn value(&self, place: f64) -> Value {
        let x = if self.log { place.exp() } else { place };
        let (low, high) = self.ends;
        if self.step > 0.0 {
            let steps = ((x.clamp(low, high) - low) / self.step).round();
            return Value::Int(whole(low + steps * self.step));
        }
        Value::Float(rounded(x).clamp(low, high))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a whole number between the ends of an integer's domain"
)]
fn whole(x: f64) -> i64 {
    x.round() as i64
}

/// `x` with few significant digits.
fn rounded(x: f64) -> f64 {
    let text = format!("{x:.digits$e}", digits = DIGITS - 1);
    text.parse().unwrap_or(x)
}

impl Value {
    /// The value as a number; none for flags and names.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// A parameter of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name, unique in the space.
    pub name: String,
    /// Its values.
    pub domain: Domain,
    /// Number of values that a grid takes of it, if it isn't a choice.
    pub points: usize,
    /// Other parameters and the values that they must have; else this one is no part of a trial.
    pub when: Vec<(String, Value)>,
}

impl Param {
    /// Returns whether the conditions hold in `given`.
    pub(crate) fn is_active(&self, given: &Assignment) -> bool {
        let mut conditions = self.when.iter();
        conditions.all(|(name, value)| given.get(name) == Some(value))
    }
}

/// Parameters that vary. Each stands after those that its conditions name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Declared>")]
pub struct Space {
    params: Vec<Param>,
}

impl Space {
    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The space with its parameters in the order of `names`, in which samplers draw. Others follow by name, and each
    /// parameter still stands after those that its conditions name.
    #[must_use]
    pub fn in_order_of(mut self, names: &[&str]) -> Self {
        let rank = |param: &Param| names.iter().position(|name| *name == param.name);
        self.params
            .sort_by_key(|param| rank(param).unwrap_or(names.len()));
        let params = in_order(self.params).expect("conditions have no cycle, by `try_from`");
        Self { params }
    }

    /// An assignment whose values come from `draw`, which is called for active parameters alone.
    pub(crate) fn fill(&self, mut draw: impl FnMut(usize, &Param) -> Value) -> Assignment {
        let mut filled = Assignment::new();
        for (idx, param) in self.params.iter().enumerate() {
            if param.is_active(&filled) {
                filled.insert(param.name.clone(), draw(idx, param));
            }
        }
        filled
    }
}

/// Declaration of a parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    float: Option<[f64; 2]>,
    int: Option<[i64; 2]>,
    choice: Option<Vec<Value>>,
    #[serde(default)]
    log: bool,
    step: Option<i64>,
    points: Option<usize>,
    #[serde(default)]
    when: BTreeMap<String, Value>,
}

impl Declared {
    /// The domain, or its mistake.
    fn domain(&self) -> Result<Domain, String> {
        let log = self.log;
        match (self.float, self.int, &self.choice) {
            (Some([low, high]), None, None) => {
                check_ends(low, high, low < high, log)?;
                if self.step.is_some() {
                    return Err("has a `step`, which only an `int` can have".to_owned());
                }
                Ok(Domain::Float { low, high, log })
            }
            (None, Some([low, high]), None) => {
                check_ends(low as f64, high as f64, low <= high, log)?;
                let step = self.step.unwrap_or(1);
                if step < 1 || (log && step != 1) {
                    return Err(format!(
                        "has a `step` of {step}, expected at least 1, and none with `log`"
                    ));
                }
                Ok(Domain::Int {
                    low,
                    // The last that a step leads to.
                    high: high - (high - low) % step,
                    step,
                    log,
                })
            }
            (None, None, Some(values)) => self.choice(values),
            _ => Err("needs one of `float`, `int` and `choice`".to_owned()),
        }
    }

    fn choice(&self, values: &[Value]) -> Result<Domain, String> {
        let has_twin = |idx: usize| values[..idx].contains(&values[idx]);
        match () {
            () if self.log || self.step.is_some() || self.points.is_some() => {
                Err("is a `choice`, which has no `log`, `step` or `points`".to_owned())
            }
            () if values.is_empty() => Err("has no value to choose".to_owned()),
            () => match (1..values.len()).find(|&idx| has_twin(idx)) {
                Some(idx) => Err(format!("has the value `{}` twice", values[idx])),
                None => Ok(Domain::Choice(values.to_vec())),
            },
        }
    }
}

fn check_ends(low: f64, high: f64, in_order: bool, log: bool) -> Result<(), String> {
    if !(in_order && low.is_finite() && high.is_finite()) {
        return Err(format!(
            "goes from {low} to {high}, expected a range of finite numbers"
        ));
    }
    if log && low <= 0.0 {
        return Err(format!(
            "begins at {low}, expected more than 0 for a logarithmic scale"
        ));
    }
    Ok(())
}

impl TryFrom<BTreeMap<String, Declared>> for Space {
    type Error = SearchError;

    fn try_from(declared: BTreeMap<String, Declared>) -> Result<Self, SearchError> {
        if declared.is_empty() {
            return Err(SearchError::Empty);
        }
        let params = declared.into_iter().map(|(name, declared)| {
            let wrong = |what| SearchError::Declared {
                param: name.clone(),
                what,
            };
            let points = declared.points.unwrap_or(POINTS);
            if points == 0 {
                return Err(wrong("has 0 `points`, expected at least 1".to_owned()));
            }
            let domain = declared.domain().map_err(wrong)?;
            Ok(Param {
                name,
                domain,
                points,
                when: declared.when.into_iter().collect(),
            })
        });
        let params: Vec<Param> = params.collect::<Result<_, _>>()?;
        check_conditions(&params)?;
        Ok(Self {
            params: in_order(params)?,
        })
    }
}

fn check_conditions(params: &[Param]) -> Result<(), SearchError> {
    for param in params {
        for (name, value) in &param.when {
            let wrong = |what: String| SearchError::Declared {
                param: param.name.clone(),
                what,
            };
            let Some(other) = params.iter().find(|other| other.name == *name) else {
                return Err(wrong(format!(
                    "depends on `{name}`, which the space doesn't have"
                )));
            };
            let can_be = match &other.domain {
                Domain::Choice(values) => values.contains(value),
                Domain::Int {
                    low, high, step, ..
                } => {
                    matches!(value, Value::Int(n) if (low..=high).contains(&n) && (n - low) % step == 0)
                }
                // Equality of floats is no condition.
                Domain::Float { .. } => false,
            };
            if !can_be {
                return Err(wrong(format!(
                    "depends on `{name}` being `{value}`, which it never is"
                )));
            }
        }
    }
    Ok(())
}

/// Each parameter after those that it depends on, otherwise in the given order.
fn in_order(mut waiting: Vec<Param>) -> Result<Vec<Param>, SearchError> {
    let mut placed: Vec<Param> = Vec::new();
    while !waiting.is_empty() {
        let is_placed = |name: &String| placed.iter().any(|param| param.name == *name);
        let ready = |param: &Param| param.when.iter().all(|(name, _)| is_placed(name));
        let Some(next) = waiting.iter().position(ready) else {
            return Err(SearchError::Cycle(waiting.remove(0).name));
        };
        placed.push(waiting.remove(next));
    }
    Ok(placed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn space(value: serde_json::Value) -> Result<Space, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn domain(value: serde_json::Value) -> Domain {
        space(json!({ "x": value })).unwrap().params[0]
            .domain
            .clone()
    }

    #[test]
    fn shares_of_the_unit_are_values() {
        let lr = domain(json!({ "float": [1e-4, 1e-2], "log": true }));
        assert_eq!(
            [0.0, 0.5, 1.0].map(|unit| lr.at(unit)),
            [1e-4, 1e-3, 1e-2].map(Value::Float)
        );
        let leaf = domain(json!({ "int": [1, 10], "step": 4 }));
        assert_eq!(
            [0.0, 0.4, 0.5, 0.9, 1.0].map(|unit| leaf.at(unit)),
            [1, 5, 5, 9, 9].map(Value::Int)
        );
        let names = domain(json!({ "choice": ["gini", "entropy"] }));
        assert_eq!(names.at(0.49), Value::Text("gini".to_owned()));
        assert_eq!(names.at(1.0), Value::Text("entropy".to_owned()));
    }

    #[test]
    fn floats_are_short() {
        let share = domain(json!({ "float": [0, 1] }));
        assert_eq!(share.at(1.0 / 3.0), Value::Float(0.3333));
        assert_eq!(share.at(1.0 / 3.0).to_string(), "0.3333");
    }

    #[test]
    fn levels_include_the_ends() {
        let size = domain(json!({ "int": [2, 64], "log": true }));
        assert_eq!(size.levels(6), [2, 4, 8, 16, 32, 64].map(Value::Int));
        let few = domain(json!({ "int": [1, 3] }));
        assert_eq!(few.levels(5), [1, 2, 3].map(Value::Int));
    }

    #[test]
    fn parameters_follow_what_they_depend_on() {
        let space = space(json!({
            "a": { "choice": [1, 2], "when": { "b": true } },
            "b": { "choice": [true, false] },
        }))
        .unwrap();
        let names: Vec<&str> = space.params.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        let without = space.fill(|_, param| param.domain.at(1.0));
        assert_eq!(
            without,
            Assignment::from([("b".to_owned(), Value::Bool(false))])
        );
        assert_eq!(space.fill(|_, param| param.domain.at(0.0)).len(), 2);
    }

    #[test]
    fn errors_name_the_expected_value() {
        let cases = [
            (
                json!({ "x": { "float": [1, 0] } }),
                "`x` goes from 1 to 0, expected a range of finite numbers",
            ),
            (
                json!({ "x": { "int": [0, 9], "log": true } }),
                "`x` begins at 0, expected more than 0",
            ),
            (json!({ "x": {} }), "`x` needs one of"),
            (
                json!({ "x": { "choice": [1, 1] } }),
                "`x` has the value `1` twice",
            ),
            (
                json!({ "x": { "choice": [1], "when": { "y": 1 } } }),
                "`x` depends on `y`, which the space doesn't have",
            ),
            (
                json!({ "x": { "choice": [1], "when": { "y": 3 } }, "y": { "int": [1, 2] } }),
                "`x` depends on `y` being `3`, which it never is",
            ),
            (
                json!({ "x": { "choice": [1], "when": { "x": 1 } } }),
                "the conditions of `x` form a cycle",
            ),
            (json!({}), "the space has no parameter"),
        ];
        for (value, expected) in cases {
            let message = space(value).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
