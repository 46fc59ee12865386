//! Even classes: rows of the smaller ones are repeated.

/// Indices of rows such that each class that occurs has as many as the largest, in the order of the classes.
///
/// A class's rows are repeated in turn, so they differ in their number of copies by one at most.
pub(crate) fn balanced_rows(labels: &[u32], n_classes: usize) -> Vec<usize> {
    let mut by_class = vec![Vec::new(); n_classes];
    for (row, &label) in labels.iter().enumerate() {
        by_class[label as usize].push(row);
    }
    let largest = by_class.iter().map(Vec::len).max().unwrap_or(0);
    by_class
        .into_iter()
        .flat_map(|rows| rows.into_iter().cycle().take(largest).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::balanced_rows;

    #[test]
    fn smaller_classes_are_repeated_in_turn() {
        assert_eq!(
            balanced_rows(&[1, 0, 1, 1, 1, 1, 0], 3),
            [1, 6, 1, 6, 1, 0, 2, 3, 4, 5]
        );
        assert_eq!(balanced_rows(&[0, 1, 2], 3), [0, 1, 2]);
        assert!(balanced_rows(&[], 2).is_empty());
    }
}
