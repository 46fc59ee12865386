//! Names of experiments, which are names of folders, too.

use std::collections::BTreeMap;

use store::Digest;

use crate::error::{Error, Result};

/// Maximum number of characters of a name.
const LONGEST: usize = 80;

/// Maximum number of characters of a name that is made here: numbers and values may follow.
const LONGEST_MADE: usize = 60;

/// Words that mean something else where an experiment can be named.
const TAKEN: [&str; 2] = ["workspace", "HEAD"];

/// Fails if `name` cannot be one of an experiment.
///
/// # Errors
/// It has other characters than those of names, or too many, or is the name of another state.
pub fn check(name: &str) -> Result<()> {
    let has_start = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if !has_start || !name.chars().all(is_plain) {
        return Err(Error::Name(name.to_owned()));
    }
    if name.len() > LONGEST {
        return Err(Error::LongName {
            name: name.to_owned(),
            most: LONGEST,
        });
    }
    if TAKEN.contains(&name) {
        return Err(Error::TakenName(name.to_owned()));
    }
    Ok(())
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_+.".contains(c)
}

/// `lr-0.001_resnet-34` for settings of `train.lr` and `model.resnet`: keys and values in a form that can be typed.
#[must_use]
pub fn of_settings(settings: &[(String, String)]) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (key, _) in settings {
        *counts.entry(last(key)).or_default() += 1;
    }
    let parts = settings.iter().map(|(key, value)| {
        let short = last(key);
        let key = if counts[&short] > 1 {
            key.clone()
        } else {
            short
        };
        format!("{}-{}", plain(&key), plain(value))
    });
    let name = parts.collect::<Vec<_>>().join("_");
    let name = match name.trim_start_matches(['-', '.', '+']) {
        "" => "baseline",
        name => name,
    };
    if name.len() <= LONGEST_MADE {
        return name.to_owned();
    }
    // Long names may differ at their ends alone.
    let end = Digest::of_bytes(name.as_bytes()).to_string();
    format!("{}-{}", &name[..LONGEST_MADE - 9], &end[..8])
}

fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(settings: &[(&str, &str)]) -> String {
        let settings = settings.iter();
        let settings: Vec<(String, String)> = settings
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        of_settings(&settings)
    }

    #[test]
    fn names_say_what_was_set() {
        assert_eq!(of(&[]), "baseline");
        assert_eq!(of(&[("train.lr", "0.001")]), "lr-0.001");
        assert_eq!(
            of(&[("train.lr", "1e-3"), ("model.resnet", "34")]),
            "lr-1e-3_resnet-34"
        );
        assert_eq!(of(&[("a.lr", "1"), ("b.lr", "2")]), "a.lr-1_b.lr-2");
        assert_eq!(
            of(&[("images.folder", "\"../../etc\"")]),
            "folder-..-..-etc"
        );
    }

    #[test]
    fn every_such_name_is_safe() {
        let long = "é/".repeat(200);
        for settings in [&[("..", "/")][..], &[("a", long.as_str())], &[("", "")]] {
            let name = of(settings);
            assert!(check(&name).is_ok(), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "-x",
            ".x",
            "a\nb",
            "workspace",
            "ä",
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
