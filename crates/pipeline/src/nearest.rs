//! The nearest valid name, for messages about a wrong one.

/// A clause to end a message with: the nearest of `valid` to `name`, else all
/// of `valid` when they are few, else nothing.
#[must_use]
pub fn hint<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(best) = nearest(name, &valid) {
        return format!("; did you mean `{best}`?");
    }
    match valid.len() {
        0 | 13.. => String::new(),
        _ => format!("; expected one of `{}`", valid.join("`, `")),
    }
}

/// The candidate with the fewest edits, if these are at most a third of the
/// name, or one whose last dotted part is the name.
fn nearest<'a>(name: &str, valid: &[&'a str]) -> Option<&'a str> {
    let by_edits = valid
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, candidate)| *edits <= name.len().max(candidate.len()).div_ceil(3));
    let last = |dotted: &'a str| dotted.rsplit('.').next().unwrap_or(dotted);
    let by_part = || {
        valid
            .iter()
            .copied()
            .find(|candidate| last(candidate) == name)
    };
    by_edits.map(|(_, candidate)| candidate).or_else(by_part)
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn names_the_nearest() {
        assert_eq!(hint("trian", ["train", "split"]), "; did you mean `train`?");
        assert_eq!(
            hint("lr", ["seed", "train.lr", "train.epochs"]),
            "; did you mean `train.lr`?"
        );
    }

    #[test]
    fn lists_a_few_when_none_is_near() {
        assert_eq!(
            hint("zebra", ["in", "out"]),
            "; expected one of `in`, `out`"
        );
        assert_eq!(hint("zebra", []), "");
    }
}
