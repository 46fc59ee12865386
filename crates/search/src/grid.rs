//! All combinations, counted through as an odometer does.

use crate::{Assignment, Space, Value};

/// The combination with this number, from 0; none past the last.
pub(crate) fn nth(space: &Space, number: usize) -> Option<Assignment> {
    let params = space.params().iter();
    let levels: Vec<Vec<Value>> = params
        .map(|param| param.domain.levels(param.points))
        .collect();
    let mut digits = vec![0; levels.len()];
    for _ in 0..number {
        digits = successor(space, &levels, digits)?;
    }
    Some(reading(space, &levels, &digits))
}

fn reading(space: &Space, levels: &[Vec<Value>], digits: &[usize]) -> Assignment {
    space.fill(|idx, _| levels[idx][digits[idx]].clone())
}

/// The next digits: the last that can turn does, and those after it begin again. One that isn't active stands still.
fn successor(space: &Space, levels: &[Vec<Value>], mut digits: Vec<usize>) -> Option<Vec<usize>> {
    let now = reading(space, levels, &digits);
    let can_turn = |&idx: &usize| {
        now.contains_key(&space.params()[idx].name) && digits[idx] + 1 < levels[idx].len()
    };
    let turned = (0..digits.len()).rev().find(can_turn)?;
    digits[turned] += 1;
    digits[turned + 1..].fill(0);
    Some(digits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_combinations_come_once() {
        let space: Space = serde_json::from_value(json!({
            "a": { "choice": [false, true] },
            "b": { "int": [1, 3], "when": { "a": true } },
            "c": { "float": [0, 1], "points": 2 },
        }))
        .unwrap();
        let all: Vec<String> = (0..)
            .map_while(|number| nth(&space, number))
            .map(|given| {
                let texts: Vec<String> = given.values().map(ToString::to_string).collect();
                texts.join(" ")
            })
            .collect();
        assert_eq!(
            all,
            [
                "false 0.0",
                "false 1.0",
                "true 1 0.0",
                "true 1 1.0",
                "true 2 0.0",
                "true 2 1.0",
                "true 3 0.0",
                "true 3 1.0",
            ]
        );
    }
}
