//! Assignment of tensors to a network's state.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::layer::{Role, StateEntry};
use crate::{Depth, ModelError, ParameterGroup};

/// Number of problems that a message lists before it counts the rest.
const LISTED: usize = 6;

/// Tensors of the state that are assigned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    All,
    /// The ResNet's own.
    Backbone,
    /// The ResNet's own but its classifier, which is unchanged.
    BeforeClassifier,
}

impl Scope {
    fn holds(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Backbone => ParameterGroup::of(name) == ParameterGroup::Backbone,
            Self::BeforeClassifier => Self::Backbone.holds(name) && !name.starts_with("fc."),
        }
    }
}

/// Sets the entries in scope to the tensors found, if all of them fit.
pub(crate) fn assign(
    entries: &[StateEntry],
    scope: Scope,
    depth: Depth,
    found: &BTreeMap<String, Tensor>,
    origin: &str,
) -> Result<(), ModelError> {
    let problems = problems(entries, scope, found);
    if !problems.is_empty() {
        return Err(mismatch(problems, depth, found, origin));
    }
    for entry in entries.iter().filter(|entry| scope.holds(&entry.name)) {
        match found.get(&entry.name) {
            Some(tensor) => {
                let tensor = tensor.to_dtype(entry.var.dtype())?;
                entry
                    .var
                    .set(&tensor.to_device(entry.var.device())?.contiguous()?)?;
            }
            None => entry.var.set(&entry.var.zeros_like()?)?,
        }
    }
    Ok(())
}

/// All reasons why the tensors found do not fit the entries in scope.
fn problems(entries: &[StateEntry], scope: Scope, found: &BTreeMap<String, Tensor>) -> Vec<String> {
    let expected: BTreeMap<&str, &StateEntry> = entries
        .iter()
        .filter(|entry| scope.holds(&entry.name))
        .map(|entry| (entry.name.as_str(), entry))
        .collect();
    let mut problems = Vec::new();
    for (name, entry) in &expected {
        match found.get(*name) {
            None if entry.role == Role::Count => {}
            None => problems.push(format!("`{name}` is missing")),
            Some(tensor) if tensor.dims() != entry.var.dims() => problems.push(format!(
                "`{name}` is {:?}, expected {:?}",
                tensor.dims(),
                entry.var.dims()
            )),
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| scope.holds(name)) {
        if !expected.contains_key(name.as_str()) {
            problems.push(format!("`{name}` is unexpected"));
        }
    }
    problems
}

/// The first problems, and the number of the others.
pub(super) fn listed_problems(mut problems: Vec<String>) -> String {
    let n_more = problems.len().saturating_sub(LISTED);
    problems.truncate(LISTED);
    if n_more > 0 {
        problems.push(format!("and {n_more} more"));
    }
    problems.join("; ")
}

fn mismatch(
    problems: Vec<String>,
    expected: Depth,
    found: &BTreeMap<String, Tensor>,
    origin: &str,
) -> ModelError {
    let origin = origin.to_owned();
    match recognize(|name| found.contains_key(name)) {
        Some(found) if found != expected => ModelError::WrongDepth {
            origin,
            expected,
            found,
        },
        _ => ModelError::Mismatch {
            origin,
            expected,
            problems: listed_problems(problems),
        },
    }
}

/// The depth whose blocks the tensors have, if any.
pub(super) fn recognize(contains: impl Fn(&str) -> bool) -> Option<Depth> {
    let has =
        |layer: &str, convolution: usize| contains(&format!("{layer}.conv{convolution}.weight"));
    let blocks = [1, 2, 3, 4].map(|stage| {
        (0..)
            .take_while(|i| has(&format!("layer{stage}.{i}"), 1))
            .count()
    });
    Depth::ALL
        .into_iter()
        .find(|depth| depth.blocks() == blocks && depth.bottleneck() == has("layer1.0", 3))
}
