//! Findings: faults with their remedies.

use std::fmt::{self, Write as _};

/// A fault that would fail in a later stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Value found and value expected, with the setting's name.
    pub problem: String,
    /// Remedy: a setting or an action.
    pub remedy: String,
}

impl Finding {
    /// A finding.
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem, self.remedy)
    }
}

/// All findings as a numbered list.
pub fn listed(findings: &[Finding]) -> String {
    let mut text = match findings.len() {
        1 => "the study would fail, for 1 reason:".to_owned(),
        n => format!("the study would fail, for {n} reasons:"),
    };
    for (number, finding) in (1..).zip(findings) {
        let _ = write!(text, "\n{number}. {finding}");
    }
    text
}

/// The name nearest to `name`, as a phrase for a message.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest_name::nearest(name, names) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_a_numbered_list() {
        let findings = [
            Finding::new("a is 1, expected 2", "set a = 2"),
            Finding::new("b", "c"),
        ];
        let expected =
            "the study would fail, for 2 reasons:\n1. a is 1, expected 2: set a = 2\n2. b: c";
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn the_nearest_name_has_the_fewest_edits() {
        assert_eq!(nearest("ow", ["cat", "owl"]), "did you mean `owl`?");
        assert_eq!(nearest("ow", []), "");
    }
}
