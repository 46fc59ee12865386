//! Images that both recipes predict.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use metrics::{Collection, ScoredPrediction};
use table_out_of_fold::OutOfFold;
use tables::Subset;

/// The model that is compared.
const MODEL: &str = "network";

/// Images that both predict, by subset.
pub(crate) struct Pairs {
    pub(crate) subsets: BTreeMap<Subset, Images>,
    /// Number of images of one of them alone.
    pub(crate) left_out: usize,
}

/// Images with both predictions and their units.
#[derive(Default)]
pub(crate) struct Images {
    pub(crate) predictions: [Vec<ScoredPrediction>; 2],
    pub(crate) units: Vec<usize>,
}

impl Pairs {
    /// Images that both recipes, given by name and predictions, have in the same fold.
    pub(crate) fn of(
        [(a, rows_a), (b, rows_b)]: [(&str, Vec<OutOfFold>); 2],
        collection: &Collection,
    ) -> anyhow::Result<Self> {
        let (rows_a, rows_b) = (by_path(a, rows_a)?, by_path(b, rows_b)?);
        let mut subsets: BTreeMap<Subset, Images> = BTreeMap::new();
        let mut n_common = 0;
        for (path, row_a) in &rows_a {
            let Some(row_b) = rows_b.get(path) else {
                continue;
            };
            n_common += 1;
            ensure!(
                (row_a.subset, row_a.fold) == (row_b.subset, row_b.fold),
                "the splits of `{a}` and `{b}` differ: the image `{path}` is in {} of `{a}` and in {} of `{b}`, and a \
                 difference would be that of the folds, too; run both with the same `split` parameters and `seed`",
                place(row_a),
                place(row_b)
            );
            ensure!(
                row_a.label == row_b.label,
                "the image `{path}` is `{}` in `{a}` and `{}` in `{b}`: run both with the same classes and labels",
                row_a.label,
                row_b.label
            );
            let images = subsets.entry(row_a.subset).or_default();
            for (predictions, (name, row)) in
                { images.predictions.iter_mut() }.zip([(a, row_a), (b, row_b)])
            {
                predictions.push(scored(name, row, collection)?);
            }
            let unit = collection.unit(path);
            images.units.push(unit.with_context(|| {
                format!("cannot find the author of an image of `{a}` and `{b}`: the current state has another collection")
            })?);
        }
        if n_common == 0 {
            bail!(
                "`{a}` and `{b}` have no image in common ({} and {} images): compare experiments of one collection",
                rows_a.len(),
                rows_b.len()
            );
        }
        Ok(Self {
            subsets,
            left_out: rows_a.len() + rows_b.len() - 2 * n_common,
        })
    }
}

/// Predictions of the network by path.
fn by_path(name: &str, rows: Vec<OutOfFold>) -> anyhow::Result<BTreeMap<String, OutOfFold>> {
    let rows = rows.into_iter().filter(|row| row.model == MODEL);
    let rows: BTreeMap<String, OutOfFold> = rows.map(|row| (row.path.clone(), row)).collect();
    ensure!(
        !rows.is_empty(),
        "`out_of_fold` of `{name}` has no row of the model `{MODEL}`: run stage `cross-validation`"
    );
    Ok(rows)
}

fn scored(
    name: &str,
    row: &OutOfFold,
    collection: &Collection,
) -> anyhow::Result<ScoredPrediction> {
    let expected = collection.labels().len();
    ensure!(
        row.probabilities.len() == expected,
        "the image `{}` has probabilities of {} classes in `{name}`, the collection has {expected}: compare \
         experiments of the same classes",
        row.path,
        row.probabilities.len()
    );
    let class = collection.class_index(&row.label)?;
    ScoredPrediction::of_probabilities(&row.probabilities, class)
        .with_context(|| format!("cannot score the image `{}` of `{name}`", row.path))
}

/// The place of an image in the split, for a message.
fn place(row: &OutOfFold) -> String {
    row.fold.map_or_else(
        || format!("the subset `{}`", row.subset),
        |fold| format!("fold {fold}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, fold: Option<u32>) -> OutOfFold {
        OutOfFold {
            model: MODEL.to_owned(),
            features: None,
            path: path.to_owned(),
            label: path[..1].to_owned(),
            subset: if fold.is_some() {
                Subset::Validation
            } else {
                Subset::Test
            },
            fold,
            epoch: fold.map(|_| 3),
            probabilities: vec![0.75, 0.25],
            predicted: "a".to_owned(),
        }
    }

    fn pairs(a: Vec<OutOfFold>, b: Vec<OutOfFold>) -> anyhow::Result<Pairs> {
        let images = ["a/1", "a/2", "b/1", "b/2"].map(|path| (path, &path[..1], Some("Ada")));
        Pairs::of([("wide", a), ("deep", b)], &Collection::of(images))
    }

    fn error(a: Vec<OutOfFold>, b: Vec<OutOfFold>) -> String {
        pairs(a, b).err().unwrap().to_string()
    }

    #[test]
    fn images_of_one_alone_are_left_out() {
        let a = vec![row("a/1", Some(0)), row("b/1", Some(1)), row("b/2", None)];
        let b = vec![row("a/1", Some(0)), row("a/2", Some(1)), row("b/2", None)];
        let found = pairs(a, b).unwrap();
        assert_eq!(found.left_out, 2);
        let sizes: Vec<usize> = found
            .subsets
            .values()
            .map(|images| images.units.len())
            .collect();
        assert_eq!(sizes, [1, 1]);
        assert_eq!(found.subsets[&Subset::Test].predictions[1][0].actual, 1);
    }

    #[test]
    fn other_splits_and_collections_are_refused() {
        let found = error(vec![row("a/1", Some(0))], vec![row("a/1", Some(2))]);
        let expected = "the splits of `wide` and `deep` differ: the image `a/1` is in fold 0 of `wide` and in fold 2 of \
                        `deep`, and a difference would be that of the folds, too; run both with the same `split` \
                        parameters and `seed`";
        assert_eq!(found, expected);
        let found = error(vec![row("a/1", Some(0))], vec![row("a/2", Some(0))]);
        assert_eq!(
            found,
            "`wide` and `deep` have no image in common (1 and 1 images): compare experiments of one collection"
        );
        let found = error(vec![row("a/1", Some(0))], Vec::new());
        assert!(
            found.starts_with("`out_of_fold` of `deep` has no row of the model `network`"),
            "{found}"
        );
    }
}
