//! Networks of model files.

use std::path::Path;

use anyhow::{Context, ensure};
use candle_core::Device;
use export::ModelConfig;
use model::{Config, Depth, Network};

/// The network of a model file.
pub(crate) fn open(config: &ModelConfig, device: &Device, model: &Path) -> anyhow::Result<Network> {
    let shape = Config {
        depth: Depth::try_from(config.depth as u64)?,
        classifier: config.has_classifier(),
        embedding_size: config.embedding_size,
        n_classes: config.classes.len(),
    };
    ensure!(
        shape.n_classes > 1,
        "the model's configuration has fewer than two classes"
    );
    Network::open(&shape, device, model)
        .with_context(|| format!("cannot load the model `{}`", model.display()))
}
