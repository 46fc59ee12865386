//! Author-disjoint, balanced folds.
