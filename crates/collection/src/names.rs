//! Names of classes and authors, in one form.

use std::collections::BTreeSet;

use nearest_name::nearest;
use unicode_normalization::UnicodeNormalization as _;

/// The form in which names are compared: Unicode's NFC, lower case, without white space at the ends and with one space
/// for any within. Two names that look the same are one name.
pub fn normalized(name: &str) -> String {
    let lower: String = name.nfc().collect::<String>().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

/// A message for each of `names`, the value of `setting`, that is no class of `labels`.
pub fn unknown_classes<'n>(
    setting: &str,
    names: impl IntoIterator<Item = &'n str>,
    labels: &BTreeSet<String>,
) -> Vec<String> {
    let all: Vec<&str> = labels.iter().map(String::as_str).collect();
    let unknown = names
        .into_iter()
        .filter(|name| !labels.contains(&normalized(name)));
    unknown
        .map(|name| {
            let nearest = nearest(&normalized(name), all.iter().copied()).unwrap_or_default();
            format!(
                "`{setting}` names `{name}`, which is no class; did you mean `{nearest}`? The classes are {}",
                listed(&all)
            )
        })
        .collect()
}

/// At most twenty names, for a message.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A name without separators and marks, by which `N/A`, `n-a` and `n.a.` are one.
pub(crate) fn letters(name: &str) -> String {
    normalized(name)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one() {
        for (a, b) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{c5}ngstr\u{f6}m", "A\u{30a}ngstro\u{308}m"),
            ("\u{212b}", "\u{e5}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("Art  Deco ", "art deco"),
            ("art\u{a0}deco", "art deco"),
        ] {
            assert_eq!(normalized(a), normalized(b), "{a} {b}");
        }
        assert_ne!(normalized("cafe"), normalized("caf\u{e9}"));
    }

    #[test]
    fn unknown_classes_are_named_with_the_nearest() {
        let labels: BTreeSet<String> = ["caf\u{e9}", "dog"].map(str::to_owned).into();
        let known = unknown_classes("leave_out", ["Cafe\u{301}"], &labels);
        assert!(known.is_empty(), "{known:?}");
        assert_eq!(
            unknown_classes("leave_out", ["dgo"], &labels),
            [
                "`leave_out` names `dgo`, which is no class; did you mean `dog`? The classes are café, dog"
            ]
        );
    }
}
