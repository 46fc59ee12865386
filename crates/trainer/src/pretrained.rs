//! Pretrained weights at the start of a training.

use std::path::Path;

use anyhow::Context;
use model::weights::Classifier;
use model::{Freeze, Network};
use tracing::{info, warn};

/// Loads the ResNet of a file of pretrained weights into a network that will be frozen so, and logs how the file was
/// understood.
///
/// # Errors
/// The file cannot be read or doesn't suit the network.
pub fn load_pretrained(network: &mut Network, path: &Path, freeze: Freeze) -> anyhow::Result<()> {
    let summary = { network.load_backbone(path) }.context("cannot load the pretrained weights")?;
    summary.check(network.config().depth, freeze)?;
    match summary.classifier {
        Classifier::Pretrained => info!("weights: {summary}"),
        Classifier::Absent | Classifier::Other { .. } => warn!("weights: {summary}"),
    }
    Ok(())
}
