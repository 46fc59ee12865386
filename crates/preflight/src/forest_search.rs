//! Check of the forest's search space: names and values that a forest accepts.

use forest::Shape;
use serde_json::{Map, Value};

use crate::finding::nearest;
use crate::{Finding, Settings};

/// Checks `[forest]` and `[forest-search]`.
pub fn check_forest(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.forest_search.trials == 0 || settings.forest_search.parallel == 0 {
        findings.push(Finding::new(
            format!(
                "`forest-search.trials` and `forest-search.parallel` are {} and {}, expected at least 1",
                settings.forest_search.trials, settings.forest_search.parallel
            ),
            "set `forest-search.trials = 12` and `forest-search.parallel = 4`",
        ));
    }
    let base = match serde_json::from_value::<Shape>(settings.forest.clone()) {
        Ok(_) => settings.forest.as_object().cloned().unwrap_or_default(),
        Err(error) => {
            findings.push(Finding::new(
                format!("`[forest]` is no forest: {error}"),
                "compare it with the `[forest]` of `params.toml`",
            ));
            return;
        }
    };
    for (name, range) in &settings.forest_search.space {
        if !base.contains_key(name) {
            findings.push(Finding::new(
                format!("`forest-search.space.{name}` is no parameter of `[forest]`"),
                nearest(name, base.keys().map(String::as_str)),
            ));
            continue;
        }
        let wrong = ends(range)
            .into_iter()
            .find_map(|value| refused(&base, name, value));
        if let Some((value, reason)) = wrong {
            findings.push(Finding::new(
                format!(
                    "`forest-search.space.{name}` has {value}, which a forest cannot take: {reason}"
                ),
                format!("narrow `forest-search.space.{name}`"),
            ));
        }
    }
}

/// The ends of a range, or all of its choices.
fn ends(range: &Value) -> Vec<Value> {
    let lists = ["int", "float", "choice"].into_iter();
    let values = lists.filter_map(|key| range.get(key)?.as_array().cloned());
    values.flatten().collect()
}

/// The value and the reason, if a forest doesn't accept it.
fn refused(base: &Map<String, Value>, name: &str, value: Value) -> Option<(Value, String)> {
    let mut fields = base.clone();
    fields.insert(name.to_owned(), value.clone());
    let reason = match serde_json::from_value::<Shape>(Value::Object(fields)) {
        Ok(shape) => least(&shape)?,
        Err(error) => error.to_string(),
    };
    Some((value, reason))
}

fn least(shape: &Shape) -> Option<String> {
    let bounds = [
        ("n_trees", shape.n_trees, 1),
        ("min_samples_leaf", shape.min_samples_leaf, 1),
        ("min_samples_split", shape.min_samples_split, 2),
    ];
    let low = bounds.into_iter().find(|(_, value, least)| value < least);
    low.map(|(name, _, least)| format!("expected a `{name}` of at least {least}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn check(name: &str, range: &str) -> Vec<String> {
        let mut settings = settings();
        let range = serde_json::from_str(range).unwrap();
        settings.forest_search.space = [(name.to_owned(), range)].into();
        let mut findings = Vec::new();
        check_forest(&settings, &mut findings);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_space_within_a_forest_s_parameters_is_accepted() {
        assert_eq!(
            check("n_trees", r#"{"int": [10, 300], "log": true}"#),
            [""; 0]
        );
        assert_eq!(
            check("criterion", r#"{"choice": ["gini", "entropy"]}"#),
            [""; 0]
        );
    }

    #[test]
    fn names_and_values_of_no_forest_are_found() {
        let found = check("n_tree", r#"{"int": [10, 300]}"#);
        assert_eq!(
            found,
            ["`forest-search.space.n_tree` is no parameter of `[forest]`: did you mean `n_trees`?"]
        );
        assert!(check("criterion", r#"{"choice": ["gini", "log"]}"#)[0].contains("has \"log\""));
        assert!(check("min_samples_split", r#"{"int": [1, 9]}"#)[0].contains("of at least 2"));
        assert!(check("max_depth", r#"{"int": [2, 70000]}"#)[0].contains("has 70000"));
    }
}
