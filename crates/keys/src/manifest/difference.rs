//! Lines that differ between two manifests.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::section::{Lines, Section};

/// Section and name of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Entry {
    /// Section of the line.
    pub section: Section,
    /// Name in the section.
    pub name: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.section.name())?;
        match self.name.as_str() {
            "" => Ok(()),
            name => write!(f, " {name}"),
        }
    }
}

impl From<Entry> for String {
    fn from(entry: Entry) -> Self {
        entry.to_string()
    }
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        let (section, name) = text.split_once(' ').unwrap_or((&text, ""));
        Entry {
            section: Section::named(section),
            name: name.to_owned(),
        }
    }
}

/// A line that differs between two manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Values", from = "Values")]
pub enum Difference {
    /// The line is new.
    Added {
        /// Section and name.
        entry: Entry,
        /// Value now.
        new: String,
    },
    /// The line is gone.
    Removed {
        /// Section and name.
        entry: Entry,
        /// Value of the last run.
        old: String,
    },
    /// The line has another value.
    Changed {
        /// Section and name.
        entry: Entry,
        /// Value of the last run.
        old: String,
        /// Value now.
        new: String,
    },
    /// The line is new, and a run still to come decides on its value.
    Pending {
        /// Section and name.
        entry: Entry,
    },
}

/// A difference as JSON.
#[derive(Serialize, Deserialize)]
struct Values {
    entry: Entry,
    old: Option<String>,
    new: Option<String>,
}

impl From<Difference> for Values {
    fn from(difference: Difference) -> Self {
        Values {
            old: difference.old().map(str::to_owned),
            new: difference.new_value().map(str::to_owned),
            entry: difference.entry().clone(),
        }
    }
}

impl From<Values> for Difference {
    fn from(Values { entry, old, new }: Values) -> Self {
        match (old, new) {
            (None, None) => Difference::Pending { entry },
            (None, Some(new)) => Difference::Added { entry, new },
            (Some(old), None) => Difference::Removed { entry, old },
            (Some(old), Some(new)) => Difference::Changed { entry, old, new },
        }
    }
}

impl Difference {
    /// Section and name of the line.
    pub fn entry(&self) -> &Entry {
        match self {
            Difference::Added { entry, .. }
            | Difference::Removed { entry, .. }
            | Difference::Changed { entry, .. }
            | Difference::Pending { entry } => entry,
        }
    }

    /// Returns whether the line is one of sources or compilation of a binary alone. Of files in the folders of crates,
    /// Rust sources are: the running stage may read others.
    pub fn is_of_compilation(&self) -> bool {
        let Entry { section, name } = self.entry();
        section.is_of_code() && (*section != Section::Code || name.ends_with(".rs"))
    }

    /// Value of the last run; none where the line is new.
    pub fn old(&self) -> Option<&str> {
        match self {
            Difference::Removed { old, .. } | Difference::Changed { old, .. } => Some(old),
            Difference::Added { .. } | Difference::Pending { .. } => None,
        }
    }

    /// Value now; none where the line is gone, or a run still to come decides.
    pub fn new_value(&self) -> Option<&str> {
        match self {
            Difference::Added { new, .. } | Difference::Changed { new, .. } => Some(new),
            Difference::Removed { .. } | Difference::Pending { .. } => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry();
        match self {
            Difference::Changed { old, new, .. } if is_short(old) && is_short(new) => {
                write!(f, "{entry} {old} → {new}")
            }
            Difference::Changed { .. } => write!(f, "{entry} changed"),
            Difference::Added { new, .. } if is_short(new) => write!(f, "{entry} {new} added"),
            Difference::Added { .. } | Difference::Pending { .. } => write!(f, "{entry} added"),
            Difference::Removed { .. } => write!(f, "{entry} removed"),
        }
    }
}

/// Returns whether a value is shown: digests and long texts aren't.
fn is_short(value: &str) -> bool {
    value.chars().count() <= 24 && !value.is_empty()
}

/// Differences between two versions of a section, by name. Inputs that are `pending` have no line in `new`.
pub(super) fn of_section(
    section: &Section,
    old: &Lines,
    new: &Lines,
    pending: &BTreeSet<&str>,
) -> Vec<Difference> {
    let mut names: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    names.extend(pending);
    let differences = names.into_iter().filter_map(|name| {
        let entry = || Entry {
            section: section.clone(),
            name: name.to_owned(),
        };
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old == new => None,
            (Some(old), Some(new)) => Some(Difference::Changed {
                entry: entry(),
                old: old.clone(),
                new: new.clone(),
            }),
            (None, Some(new)) => Some(Difference::Added {
                entry: entry(),
                new: new.clone(),
            }),
            (Some(_), None) if pending.contains(name) => None,
            (None, None) => Some(Difference::Pending { entry: entry() }),
            (Some(old), None) => Some(Difference::Removed {
                entry: entry(),
                old: old.clone(),
            }),
        }
    });
    differences.collect()
}
