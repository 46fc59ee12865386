//! The nearest valid name, for messages about a wrong one.
//!
//! Distances are Damerau-Levenshtein: insertions, deletions, substitutions and swaps of neighboring characters.

/// Clause for the end of a message: the [`likely`] name, else all valid names if there are at most twelve, else nothing.
#[must_use]
pub fn hint<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    if let Some(best) = likely(name, valid.iter().copied()) {
        return format!("; did you mean `{best}`?");
    }
    match valid.len() {
        0 | 13.. => String::new(),
        _ => format!("; expected one of `{}`", valid.join("`, `")),
    }
}

/// The valid name that was probably meant: the [`nearest`] one if its distance is at most a third of the longer name's
/// length, else the first whose last dotted part is `name`.
#[must_use]
pub fn likely<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let valid: Vec<&str> = valid.into_iter().collect();
    let by_edits = nearest(name, valid.iter().copied()).filter(|candidate| {
        let longer = name.len().max(candidate.len());
        strsim::damerau_levenshtein(name, candidate) <= longer.div_ceil(3)
    });
    let last = |dotted: &str| dotted.rsplit('.').next() == Some(name);
    by_edits.or_else(|| valid.into_iter().find(|candidate| last(candidate)))
}

/// The valid name at the smallest distance, however large that is; the first of equals. None if there are no names.
#[must_use]
pub fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(name, candidate);
    valid.into_iter().min_by_key(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_nearest_may_be_far() {
        assert_eq!(nearest("zebra", ["in", "out"]), Some("in"));
        assert_eq!(likely("zebra", ["in", "out"]), None);
        assert_eq!(nearest("ab", ["ac", "bb", "ba"]), Some("ac"));
        assert_eq!(nearest("zebra", []), None);
    }
}
