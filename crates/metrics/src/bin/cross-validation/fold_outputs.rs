//! The outputs of each fold's network that cross-validation needs.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use metrics::cross_validation::FoldEpochs;
use stage::{Input, Progress};
use table_epoch_outputs::EpochOutput;
use tables::Subset;

/// Logits by image.
pub(crate) type Logits = BTreeMap<String, Vec<f32>>;

/// Logits of a fold's network.
#[derive(Default)]
pub(crate) struct FoldOutputs {
    /// The fold left out.
    pub(crate) fold: u32,
    /// Validation images in the scored epoch.
    pub(crate) validation: Logits,
    /// Test images in the scored epoch.
    pub(crate) test: Logits,
    /// Validation images in the fold's own epoch.
    pub(crate) own: Logits,
}

/// Outputs of the folds in their scored and own `epochs`, in their order. One epoch is in memory at a time, beside what is
/// kept.
pub(crate) fn read(
    tables: &[Input<EpochOutput>],
    epochs: &[FoldEpochs],
) -> anyhow::Result<Vec<FoldOutputs>> {
    let progress = Progress::start("folds", tables.len());
    let mut folds: BTreeMap<u32, FoldOutputs> = BTreeMap::new();
    for table in tables {
        if let Some(outputs) = read_fold(table, epochs)? {
            folds.insert(outputs.fold, outputs);
        }
        progress.advance(1);
    }
    let in_order = epochs.iter().map(|epochs| {
        let outputs = folds.remove(&epochs.fold);
        outputs.with_context(|| format!("fold {} has a history and no outputs", epochs.fold))
    });
    let in_order = in_order.collect::<Result<_, _>>()?;
    ensure!(
        folds.is_empty(),
        "folds {:?} have outputs and no history",
        folds.into_keys().collect::<Vec<_>>()
    );
    Ok(in_order)
}

/// Outputs of one fold; `None` of an empty table.
fn read_fold(
    table: &Input<EpochOutput>,
    epochs: &[FoldEpochs],
) -> anyhow::Result<Option<FoldOutputs>> {
    let mut outputs: Option<FoldOutputs> = None;
    let mut last = 0;
    for rows in table.batches()? {
        let rows = rows?;
        let Some((fold, epoch)) = rows.first().map(|row| (row.fold, row.epoch)) else {
            continue;
        };
        let of_fold = epochs.iter().find(|row| row.fold == fold);
        let of_fold = of_fold.with_context(|| format!("fold {fold} has outputs and no history"))?;
        let outputs = outputs.get_or_insert_with(|| FoldOutputs {
            fold,
            ..FoldOutputs::default()
        });
        if epoch == of_fold.own {
            outputs.own = logits(&rows, Subset::Validation);
        }
        if epoch == of_fold.scored {
            outputs.validation = logits(&rows, Subset::Validation);
            outputs.test = logits(&rows, Subset::Test);
        }
        last = epoch;
        if last >= of_fold.own.max(of_fold.scored) {
            break;
        }
    }
    if let Some(outputs) = &outputs {
        let missing = outputs.own.is_empty() || outputs.validation.is_empty();
        ensure!(
            !missing,
            "the outputs of fold {} end with epoch {last} or lack one before it, expected all epochs of its history with \
             validation images",
            outputs.fold
        );
    }
    Ok(outputs)
}

fn logits(rows: &[EpochOutput], subset: Subset) -> Logits {
    let rows = rows.iter().filter(|row| row.subset == subset);
    rows.map(|row| (row.path.clone(), row.logits.clone()))
        .collect()
}
