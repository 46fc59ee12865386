//! K-means, agglomerative clusters, their validity, UMAP projection.
