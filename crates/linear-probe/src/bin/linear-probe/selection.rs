//! Selection of `C`.

use forest::SelectionScore;

/// Score of a linear layer on the validation images of a fold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValidationScore {
    pub(crate) c: f64,
    pub(crate) fold: u32,
    pub(crate) score: SelectionScore,
}

/// The `C` with the best mean score over all folds, of equals the lowest. None without scores.
pub(crate) fn best_c(scores: &[ValidationScore]) -> Option<f64> {
    best_c_of(scores, |_| true)
}

/// The same for the classifier of `fold` by the other folds, so that the fold's images have no part in the selection.
/// With a single fold, its own images select.
pub(crate) fn best_c_for(fold: u32, scores: &[ValidationScore]) -> Option<f64> {
    best_c_of(scores, |other| other != fold).or_else(|| best_c(scores))
}

fn best_c_of(scores: &[ValidationScore], selects: impl Fn(u32) -> bool) -> Option<f64> {
    let selecting: Vec<&ValidationScore> = { scores.iter() }
        .filter(|score| selects(score.fold))
        .collect();
    let mut values: Vec<f64> = selecting.iter().map(|score| score.c).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mean = |c: f64| {
        let of_c = { selecting.iter() }.filter(|score| score.c.total_cmp(&c).is_eq());
        SelectionScore::mean(&of_c.map(|score| score.score).collect::<Vec<_>>())
    };
    let means = values.into_iter().map(|c| (c, mean(c)));
    // The last of equals is the maximum: the lowest `C` comes last.
    let best = means.rev().max_by(|(_, a), (_, b)| a.compare(b));
    best.map(|(c, _)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `C`: top-`k` accuracy and log-loss of three folds.
    fn scores(by_c: &[(f64, [f64; 3], [f64; 3])]) -> Vec<ValidationScore> {
        let of_c = |&(c, top_k, losses): &(f64, [f64; 3], [f64; 3])| {
            let folds = (0..3).zip(top_k.into_iter().zip(losses));
            folds.map(move |(fold, (top_k, log_loss))| ValidationScore {
                c,
                fold,
                score: SelectionScore { top_k, log_loss },
            })
        };
        by_c.iter().flat_map(of_c).collect()
    }

    #[test]
    fn the_c_of_the_highest_mean_is_selected() {
        let scores = scores(&[
            (0.1, [0.5, 0.6, 0.7], [1.0; 3]),
            (1.0, [0.6, 0.7, 0.7], [2.0; 3]),
            (10.0, [0.5, 0.5, 0.9], [0.1; 3]),
        ]);
        assert_eq!(best_c(&scores), Some(1.0));
        assert_eq!(best_c(&[]), None);
    }

    #[test]
    fn of_equals_the_log_loss_decides_then_the_lowest_c() {
        let equal = [0.5, 0.6, 0.7];
        let reordered = [0.7, 0.6, 0.5];
        let losses = [[0.9, 0.8, 0.7], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3]];
        let scores = scores(&[
            (0.1, equal, losses[0]),
            (10.0, equal, losses[2]),
            (1.0, reordered, losses[1]),
        ]);
        assert_eq!(best_c(&scores), Some(1.0));
    }

    #[test]
    fn a_fold_has_no_part_in_the_selection_of_its_own_c() {
        // Fold 2 alone prefers 10: with its own images it would have it.
        let scores = scores(&[
            (0.1, [0.8, 0.8, 0.1], [1.0; 3]),
            (10.0, [0.7, 0.7, 0.9], [1.0; 3]),
        ]);
        assert_eq!(best_c(&scores), Some(10.0));
        let selected = [0, 1, 2].map(|fold| best_c_for(fold, &scores));
        assert_eq!(selected, [Some(10.0), Some(10.0), Some(0.1)]);
        let single: Vec<ValidationScore> =
            scores.into_iter().filter(|score| score.fold == 2).collect();
        assert_eq!(best_c_for(2, &single), Some(10.0));
    }
}
