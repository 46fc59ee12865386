//! Pretrained weights at the start of a training.

use std::path::Path;

use anyhow::Context;
use model::weights::Classifier;
use model::{Freeze, Network};
use tracing::{info, warn};

/// Loads the ResNet of a file of pretrained weights, if there is one, logs the summary of the file, and freezes parts of
/// the network.
///
/// # Errors
/// The file cannot be read or doesn't suit the network.
pub fn load_pretrained(
    network: &mut Network,
    path: Option<&Path>,
    freeze: Freeze,
) -> anyhow::Result<()> {
    network.freeze(freeze);
    let Some(path) = path else {
        return Ok(());
    };
    let summary = { network.load_backbone(path) }.context("cannot load the pretrained weights")?;
    summary.check(network.config().depth, freeze)?;
    match summary.classifier {
        Classifier::Absent | Classifier::Other { .. } if network.config().classifier => {
            warn!("weights: {summary}; the network's own classifier starts from random weights");
        }
        _ => info!("weights: {summary}"),
    }
    Ok(())
}
