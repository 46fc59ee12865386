use std::collections::BTreeMap;

/// Numbers clusters by their first appearance: the first point's cluster is 0.
///
/// The numbers depend on the partition alone, and not on the start of a method.
pub(crate) fn by_first_appearance<T: Ord>(raw: impl IntoIterator<Item = T>) -> Vec<u32> {
    let mut numbers = BTreeMap::new();
    let mut next = 0;
    raw.into_iter()
        .map(|cluster| {
            *numbers.entry(cluster).or_insert_with(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::by_first_appearance;

    #[test]
    fn renaming_clusters_changes_nothing() {
        assert_eq!(by_first_appearance([7, 7, 3, 9, 3]), [0, 0, 1, 2, 1]);
        assert_eq!(
            by_first_appearance(["b", "b", "a", "c", "a"]),
            [0, 0, 1, 2, 1]
        );
        assert!(by_first_appearance([0_u32; 0]).is_empty());
    }
}
