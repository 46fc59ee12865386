//! Classes by name and by index.

use std::collections::BTreeSet;

/// The classes of labeled rows, as scikit-learn's `LabelEncoder`: a class index is a place among the sorted names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes(Vec<String>);

/// A label that is no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the label `{0}` is none of the classes")]
pub struct UnknownLabel(pub String);

impl Classes {
    /// The classes that occur in `labels`.
    pub fn of<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let distinct: BTreeSet<&str> = labels.into_iter().collect();
        Self(distinct.into_iter().map(str::to_owned).collect())
    }

    /// `[K]`, the names, sorted by bytes: in the order of the class indices.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// `K`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class index of `label`; none if it is no class.
    #[must_use]
    pub fn index(&self, label: &str) -> Option<usize> {
        let found = self.0.binary_search_by(|name| name.as_str().cmp(label));
        found.ok()
    }

    /// `[N]`, the class index of each of `labels`.
    ///
    /// # Errors
    /// A label is no class.
    pub fn encode<'a>(
        &self,
        labels: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<usize>, UnknownLabel> {
        let index = |label: &str| {
            let index = self.index(label);
            index.ok_or_else(|| UnknownLabel(label.to_owned()))
        };
        labels.into_iter().map(index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_a_place_among_the_sorted_names() {
        let classes = Classes::of(["rococo", "cubism", "rococo"]);
        assert_eq!(classes.names(), ["cubism", "rococo"]);
        assert_eq!((classes.len(), classes.is_empty()), (2, false));
        assert_eq!(classes.index("rococo"), Some(1));
        assert_eq!(classes.index("photo"), None);
    }

    #[test]
    fn encoded_labels_have_the_names_that_they_came_from() {
        let labels = ["b", "Ä", "a", "b", "Z"];
        let classes = Classes::of(labels);
        let encoded = classes.encode(labels).unwrap();
        assert_eq!(encoded, [2, 3, 1, 2, 0]);
        let names: Vec<&String> = encoded.iter().map(|&idx| &classes.names()[idx]).collect();
        assert_eq!(names, labels.each_ref());
        assert_eq!(
            classes.encode(["a", "c"]).unwrap_err().to_string(),
            "the label `c` is none of the classes"
        );
    }
}
