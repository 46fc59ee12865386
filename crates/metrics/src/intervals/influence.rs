//! Linearized metrics: what each image adds.

use crate::{ConfusionCounts, Metric, ScoredPrediction};

/// Derivative of `metric` by the number of times that each image counts, `[N]`, up to a constant within each class, as
/// the classes' numbers of images are fixed. A sum over a unit's images, centered by class, is the unit's influence
/// (Woodruff 1971).
pub(super) fn influences(
    metric: Metric,
    n_classes: usize,
    predictions: &[ScoredPrediction],
) -> Vec<f64> {
    let n_images = predictions.len() as f64;
    if metric == Metric::LogLoss {
        return predictions
            .iter()
            .map(|prediction| prediction.loss / n_images)
            .collect();
    }
    let counts = ConfusionCounts::of(n_classes, predictions);
    let report = counts.report();
    let n_occurring = report
        .iter()
        .filter(|class| class.support + class.predicted > 0)
        .count() as f64;
    // The derivative of a class's metric by a true positive, and by any prediction of the class.
    let derivatives: Vec<[f64; 2]> = (0..n_classes)
        .map(|class| {
            let [right, support, predicted] = [
                counts.count(class, class),
                report[class].support,
                report[class].predicted,
            ]
            .map(|n| n as f64);
            if predicted <= 0.0 {
                return [0.0; 2];
            }
            let by_support = support / n_images;
            let f1 = support + predicted;
            match metric {
                Metric::Precision => [
                    by_support / predicted,
                    -by_support * right / predicted.powi(2),
                ],
                Metric::F1 => [
                    by_support * 2.0 / f1,
                    -by_support * 2.0 * right / f1.powi(2),
                ],
                _ => [
                    2.0 / f1 / n_occurring,
                    -2.0 * right / f1.powi(2) / n_occurring,
                ],
            }
        })
        .collect();
    { predictions.iter() }
        .map(|prediction| {
            let [hit, any] = derivatives[prediction.predicted];
            any + if prediction.predicted == prediction.actual {
                hit
            } else {
                0.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::weighted_counts::WeightedCounts;

    #[test]
    fn influences_are_derivatives() {
        let predictions: Vec<ScoredPrediction> = (0..24)
            .map(|i| ScoredPrediction {
                actual: i % 3,
                predicted: (i + usize::from(i % 4 == 0) + usize::from(i % 7 == 0)) % 3,
                rank: i % 2,
                loss: 0.1 * i as f64,
            })
            .collect();
        // Weight moves from an image to another of its class.
        let (from, to, step) = (6, 12, 1e-6);
        let scores = |step: f64| {
            let mut counts = WeightedCounts::new(3);
            for (i, prediction) in predictions.iter().enumerate() {
                let change = f64::from(u8::from(i == to)) - f64::from(u8::from(i == from));
                counts.add(prediction, 1.0 + step * change);
            }
            counts.scores()
        };
        let (more, less) = (scores(step), scores(-step));
        let metrics = Metric::ALL.into_iter().zip(more.into_iter().zip(less));
        for (metric, (more, less)) in metrics {
            if !matches!(
                metric,
                Metric::Precision | Metric::F1 | Metric::F1Macro | Metric::LogLoss
            ) {
                continue;
            }
            let influences = influences(metric, 3, &predictions);
            let slope = (more - less) / (2.0 * step);
            assert_abs_diff_eq!(influences[to] - influences[from], slope, epsilon = 1e-8);
            assert!(slope.abs() > 1e-3, "{metric:?}");
        }
    }
}
