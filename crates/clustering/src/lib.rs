//! K-means, agglomerative clusters, their validity, UMAP projection.
//!
//! Letters of shapes: `N` points, `D` dimensions of a point, `C` dimensions of a UMAP embedding, `K` clusters. Points
//! are the rows of an `[N, D]` array. Every result depends on the points, the parameters and the seed alone: not on the
//! number of threads.

mod agglomerative;
mod error;
mod kmeans;
mod labels;
mod points;
mod random;
mod sample;
mod selection;
pub mod streams;
mod trustworthiness;
mod umap;

pub use agglomerative::Dendrogram;
pub use error::ClusterError;
pub use kmeans::{KMeansFit, KMeansParams, kmeans};
pub use points::{count_distinct, points_from_rows};
pub use sample::Sample;
pub use selection::{Candidate, Silhouettes, agglomerative_candidates, best, kmeans_candidates};
pub use trustworthiness::trustworthiness;
pub use umap::{
    Curve, FittedUmap, Neighbors, Umap, UmapParams, memberships, nearest_among, nearest_neighbors,
};
