//! Features of dependencies, the same in every build.
//!
//! Cargo unifies features over the crates that a build selects: a crate that asks more of a dependency of arrow or parquet
//! would have these compiled once more in a build without it. This crate has no code. It asks for the features that any
//! crate of the workspace asks for, and stands below all that read and write tables.
