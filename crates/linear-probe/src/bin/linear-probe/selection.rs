//! Selection of `C`.

use numeric::median;
use table_linear_probes::LinearProbe;
use tables::Subset;

/// Marks the rows of a backbone's selected classifiers: the forest, and the linear layers of the `C` with the highest
/// median top-2 over the folds' validation images, of equals the one with the highest top-1, then the lowest. With two
/// classes, and so no top-2, top-1 decides alone.
pub(crate) fn mark(probes: &mut [LinearProbe]) {
    let mut values: Vec<f64> = probes.iter().filter_map(|row| row.c).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let score = |c: &f64, metric| median_of(probes, *c, metric);
    // The last of equals is selected: the lowest `C` comes last.
    let best = values.into_iter().rev().max_by(|a, b| {
        let by_top2 = score(a, "top2").total_cmp(&score(b, "top2"));
        by_top2.then(score(a, "top1").total_cmp(&score(b, "top1")))
    });
    for row in probes {
        row.selected = row.c.is_none() || row.c == best;
    }
}

/// Median of a metric over the folds' validation images; the same for all `C` if there is none.
fn median_of(probes: &[LinearProbe], c: f64, metric: &str) -> f64 {
    let rows = probes
        .iter()
        .filter(|row| row.c == Some(c) && row.subset == Subset::Validation && row.metric == metric);
    median(&rows.map(|row| row.value).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(c: Option<f64>, fold: u32, subset: Subset, metric: &str, value: f64) -> LinearProbe {
        LinearProbe {
            backbone: "resnet18".to_owned(),
            pretrained: false,
            features: 4,
            classifier: "linear".to_owned(),
            c,
            selected: false,
            fold,
            subset,
            metric: metric.to_owned(),
            value,
        }
    }

    /// By `C`, the top-2 of three folds and one top-1.
    fn chosen(scores: &[(f64, [f64; 3], f64)]) -> Vec<Option<f64>> {
        let mut probes = vec![probe(None, 0, Subset::Validation, "top2", 0.0)];
        for &(strength, top2, top1) in scores {
            let strength = Some(strength);
            let top2 = (0..3).zip(top2);
            probes.extend(
                top2.map(|(fold, value)| probe(strength, fold, Subset::Validation, "top2", value)),
            );
            probes.push(probe(strength, 0, Subset::Validation, "top1", top1));
            // Only validation images count.
            probes.push(probe(strength, 0, Subset::Test, "top2", 1.0));
        }
        mark(&mut probes);
        let mut chosen: Vec<Option<f64>> = probes
            .into_iter()
            .filter(|row| row.selected)
            .map(|row| row.c)
            .collect();
        chosen.dedup();
        chosen
    }

    #[test]
    fn the_c_of_the_highest_median_is_selected() {
        let scores = [
            (0.1, [0.5, 0.6, 0.7], 0.9),
            (1.0, [0.1, 0.7, 0.7], 0.1),
            (10.0, [0.6, 0.6, 0.9], 0.9),
        ];
        assert_eq!(chosen(&scores), [None, Some(1.0)]);
    }

    #[test]
    fn without_top_2_top_1_decides() {
        let mut probes = vec![
            probe(Some(0.1), 0, Subset::Validation, "top1", 0.6),
            probe(Some(1.0), 0, Subset::Validation, "top1", 0.8),
            probe(Some(10.0), 0, Subset::Validation, "top1", 0.7),
        ];
        mark(&mut probes);
        let chosen: Vec<bool> = probes.iter().map(|row| row.selected).collect();
        assert_eq!(chosen, [false, true, false]);
    }

    #[test]
    fn of_equals_top_1_decides_then_the_lowest_c() {
        let scores = [
            (0.1, [0.5; 3], 0.3),
            (1.0, [0.5; 3], 0.4),
            (10.0, [0.5; 3], 0.4),
        ];
        assert_eq!(chosen(&scores), [None, Some(1.0)]);
    }
}
