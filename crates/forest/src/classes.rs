/// The classes of labeled rows: a class's code is its place among the sorted names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes(Vec<String>);

impl Classes {
    /// The classes that occur in `labels`.
    pub fn of<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// The names, in the order of the codes.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The code of a class; none if it isn't one of these.
    #[must_use]
    pub fn code(&self, label: &str) -> Option<u32> {
        let place = self.0.binary_search_by(|name| name.as_str().cmp(label));
        u32::try_from(place.ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_places_among_the_sorted_names() {
        let classes = Classes::of(["rococo", "cubism", "rococo"]);
        assert_eq!(classes.names(), ["cubism", "rococo"]);
        assert_eq!(classes.code("rococo"), Some(1));
        assert_eq!(classes.code("photo"), None);
    }
}
