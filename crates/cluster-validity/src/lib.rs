//! Cluster validity: separation of the points of each label from those of the others, and agreement of two partitions.
//!
//! The three indices of separation are defined for at least two labels and fewer labels than points; they are `None`
//! otherwise, where scikit-learn (1.9) raises an error. Distances are Euclidean and computed in 64 bits. Letters of
//! shapes: `N` points, `D` dimensions.

mod agreement;
mod indices;

pub use agreement::{adjusted_rand_index, normalized_mutual_information};
pub use indices::{LabelCountError, calinski_harabasz, davies_bouldin, silhouette, silhouettes};

#[cfg(test)]
mod tests;
