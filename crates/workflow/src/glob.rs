//! Path patterns: `*` is any run of characters within a part of a path, `?` is
//! one, `**` as a whole part is any number of parts.

use std::path::{Path, PathBuf};

/// Returns whether `text` has a wildcard.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Returns whether `path`, parts separated by `/`, matches `pattern` as a whole.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    match_parts(&pattern, &path)
}

fn match_parts(pattern: &[&str], path: &[&str]) -> bool {
    match_run(
        pattern,
        path,
        |part| *part == "**",
        |part, name| match_part(part, name),
    )
}

/// Whether something below the folder `path` could match. A pattern that begins with `**` names no folder, and so
/// none that a stage makes.
pub fn may_match_below(pattern: &str, path: &str) -> bool {
    let mut pattern = pattern.split('/');
    for (depth, name) in path.split('/').enumerate() {
        match pattern.next() {
            Some("**") => return depth > 0,
            Some(part) if match_part(part, name) => {}
            _ => return false,
        }
    }
    pattern.next().is_some()
}

fn match_part(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    match_run(&pattern, &name, |c| *c == '*', |p, c| *p == '?' || p == c)
}

/// Whether `pattern`, in which a star is any run, fits all of `text`. On a mismatch the last star takes one more, so that
/// the time grows with the product of the lengths at worst, however many stars there are.
fn match_run<T>(
    pattern: &[T],
    text: &[T],
    is_star: impl Fn(&T) -> bool,
    fits: impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some(part) if is_star(part) => {
                star = Some((at, next));
                at += 1;
            }
            Some(part) if fits(part, &text[next]) => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                next = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(is_star)
}

/// The leading parts of `pattern` without wildcards.
pub fn fixed_prefix(pattern: &str) -> PathBuf {
    let fixed = Path::new(pattern)
        .components()
        .take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy()));
    fixed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_part() {
        assert!(matches(
            "artifacts/train/*/history.parquet",
            "artifacts/train/0/history.parquet"
        ));
        assert!(!matches(
            "artifacts/*/history.parquet",
            "artifacts/train/0/history.parquet"
        ));
        assert!(matches(
            "artifacts/**/history.parquet",
            "artifacts/train/0/history.parquet"
        ));
    }

    #[test]
    fn a_star_takes_any_run() {
        assert!(matches("a*b*c", "axxbyybzc"));
        assert!(matches("*", ""));
        assert!(!matches("a?c", "ac"));
        assert!(matches("a?c", "aüc"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let (folders, stars) = ("a/".repeat(200), "**/a/".repeat(50));
        assert!(matches(&format!("{stars}**"), &format!("{folders}b")));
        assert!(!matches(&format!("{stars}c"), &format!("{folders}b")));
        assert!(!matches(&format!("{}b", "*a".repeat(50)), &"a".repeat(200)));
        assert!(matches("**/x", "x") && matches("a/**", "a") && matches("a/**/**/b", "a/b"));
    }

    #[test]
    fn folders_that_may_hold_a_match_are_known() {
        for (pattern, path, expected) in [
            ("data/in/*.csv", "data", true),
            ("data/in/*.csv", "data/in", true),
            ("data/in/*.csv", "data/in/a.csv", false),
            ("o*/x", "o1", true),
            ("o*/x", "p1", false),
            ("data/**/x", "data/a/b", true),
            ("data/**/x", "other/a", false),
            ("**/x", "data", false),
        ] {
            let may = may_match_below(pattern, path);
            assert_eq!(may, expected, "{pattern} below {path}");
        }
    }

    #[test]
    fn the_prefix_has_no_wildcard() {
        assert_eq!(fixed_prefix("/data/in/*.csv"), Path::new("/data/in"));
        assert_eq!(fixed_prefix("*.csv"), Path::new(""));
    }
}
