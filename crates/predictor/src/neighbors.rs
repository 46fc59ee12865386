//! Images of the collection nearest to a new one.

use serde::Serialize;
use table_clusters::Cluster;
use table_predictions::Prediction;
use tables::Subset;

/// Number of neighbors.
const N_NEIGHBORS: usize = 5;

/// An image of the collection near a new one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Neighbor {
    /// Path, as in `annotations`.
    pub(crate) path: String,
    /// True class.
    pub(crate) label: String,
    /// Subset, as in `predictions`.
    pub(crate) subset: Subset,
    /// Euclidean distance in the embedding.
    pub(crate) distance: f64,
}

/// The images nearest to `embedding` `[D]`, nearest first; of equals the first by path.
pub(crate) fn nearest(embedding: &[f32], predictions: &[Prediction]) -> Vec<Neighbor> {
    let distances = predictions.iter();
    let mut order: Vec<(f64, &Prediction)> = distances
        .map(|row| (distance(embedding, &row.embedding), row))
        .collect();
    let nearer = |a: &(f64, &Prediction), b: &(f64, &Prediction)| {
        a.0.total_cmp(&b.0).then(a.1.path.cmp(&b.1.path))
    };
    // Of a large collection only the nearest are sorted.
    if order.len() > N_NEIGHBORS {
        order.select_nth_unstable_by(N_NEIGHBORS, nearer);
        order.truncate(N_NEIGHBORS);
    }
    order.sort_by(nearer);
    let neighbor = |(distance, row): (f64, &Prediction)| Neighbor {
        path: row.path.clone(),
        label: row.label.clone(),
        subset: row.subset,
        distance,
    };
    order.into_iter().map(neighbor).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>().sqrt()
}

/// Approximate coordinates of an image with these neighbors in the UMAP embedding of stage `cluster`: the mean of
/// theirs, weighted by the inverse of the distance. None if the table has none of them.
pub(crate) fn coordinates(neighbors: &[Neighbor], clusters: &[Cluster]) -> Option<[f64; 2]> {
    let mut sum = [0.0, 0.0];
    let mut weights = 0.0;
    for neighbor in neighbors {
        let Some(row) = clusters.iter().find(|row| row.path == neighbor.path) else {
            continue;
        };
        // An image of the collection has its own coordinates.
        let weight = 1.0 / neighbor.distance.max(1e-9);
        sum[0] += weight * f64::from(row.umap_x);
        sum[1] += weight * f64::from(row.umap_y);
        weights += weight;
    }
    (weights > 0.0).then(|| sum.map(|value| value / weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(path: &str, embedding: [f32; 2]) -> Prediction {
        Prediction {
            path: path.to_owned(),
            label: "a".to_owned(),
            subset: Subset::Train,
            logits: Vec::new(),
            probabilities: Vec::new(),
            embedding: embedding.to_vec(),
            predicted: "a".to_owned(),
        }
    }

    fn cluster(path: &str, [x, y]: [f32; 2]) -> Cluster {
        Cluster {
            path: path.to_owned(),
            label: "a".to_owned(),
            subset: Subset::Train,
            kmeans: 0,
            ward: 0,
            umap_x: x,
            umap_y: y,
            umap3_x: 0.0,
            umap3_y: 0.0,
            umap3_z: 0.0,
        }
    }

    #[test]
    fn the_nearest_come_first_and_the_coordinates_are_between_them() {
        let predictions = [
            prediction("far", [9.0, 0.0]),
            prediction("b", [0.0, 3.0]),
            prediction("a", [1.0, 0.0]),
        ];
        let neighbors = nearest(&[0.0, 0.0], &predictions);
        let paths: Vec<&str> = neighbors.iter().map(|n| n.path.as_str()).collect();
        assert_eq!(paths, ["a", "b", "far"]);
        let clusters = [cluster("a", [0.0, 8.0]), cluster("b", [4.0, 0.0])];
        // A quarter is that of `b`, which is three times as far; `far` has no coordinates.
        let [x, y] = coordinates(&neighbors, &clusters).unwrap();
        assert!((x - 1.0).abs() < 1e-9 && (y - 6.0).abs() < 1e-9, "{x} {y}");
        assert_eq!(coordinates(&neighbors[2..], &clusters), None);
    }

    #[test]
    fn an_image_of_the_collection_has_its_own_coordinates() {
        let predictions = [prediction("a", [1.0, 0.0]), prediction("b", [0.0, 3.0])];
        let neighbors = nearest(&[1.0, 0.0], &predictions);
        let clusters = [cluster("a", [0.0, 8.0]), cluster("b", [4.0, 0.0])];
        let [x, y] = coordinates(&neighbors, &clusters).unwrap();
        assert!(x.abs() < 1e-6 && (y - 8.0).abs() < 1e-6, "{x} {y}");
    }
}
