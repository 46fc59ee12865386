//! The common part of the stages that train: inputs, and the training with its checkpoints.

use std::path::Path;

use model::Network;
use serde::{Deserialize, Serialize};
use stage::{Input, InputPath};
use table_annotations::Annotation;
use table_folds::Fold;

use crate::checkpoint::{Checkpoints, Identity};
use crate::settings::Settings;
use crate::train::train;
use crate::{
    DecodedImages, FoldSplit, ImageSource, Loss, ProgressReporter, TrainError, TrainingHistory,
};

/// Inputs of a stage that trains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingInputs {
    /// The images.
    pub annotations: Input<Annotation>,
    /// Their folds.
    pub folds: Input<Fold>,
    /// Their decoded pixels.
    pub pixels: InputPath,
    /// Pretrained weights; without them, the initial weights are random.
    pub weights: Option<InputPath>,
}

/// Content of the inputs of a stage that trains.
pub struct TrainingData {
    /// The images.
    pub annotations: Vec<Annotation>,
    /// Their classes and subsets.
    pub split: FoldSplit,
    /// Their pixels.
    pub images: DecodedImages,
}

impl TrainingInputs {
    /// Reads the tables for the fold number `fold` and opens the images for inputs of `side_px`.
    ///
    /// # Errors
    /// A file cannot be read, or the files do not fit each other, the fold or the side.
    pub fn read(&self, fold: u32, side_px: u32) -> anyhow::Result<TrainingData> {
        let annotations = self.annotations.read()?;
        Ok(TrainingData {
            split: FoldSplit::new(&annotations, &self.folds.read()?, fold)?,
            images: DecodedImages::open(&self.pixels, &annotations, side_px)?,
            annotations,
        })
    }
}

/// The training of a stage, with everything that its results depend on.
pub struct StageRun<'a, P> {
    /// Parameters of the stage.
    pub params: &'a P,
    /// Classes and subsets of the images.
    pub split: &'a FoldSplit,
    /// Settings of the training.
    pub settings: &'a Settings,
    /// The loss.
    pub loss: &'a dyn Loss,
}

impl<P: Serialize> StageRun<'_, P> {
    /// Trains `network`, with checkpoints in a folder of `scratch` and progress in the log; `clock` returns seconds since
    /// a fixed moment. Returns the history, and the checkpoints with the best model and all outputs.
    ///
    /// # Errors
    /// As [`train()`].
    pub fn train(
        &self,
        network: &mut Network,
        images: &dyn ImageSource,
        scratch: &Path,
        clock: impl Fn() -> f64,
    ) -> Result<(TrainingHistory, Checkpoints), TrainError> {
        let identity = Identity {
            params: self.params,
            split: self.split,
        };
        let mut checkpoints = Checkpoints::open(&scratch.join("checkpoint"), &identity)?;
        let history = train(
            network,
            images,
            self.split,
            self.settings,
            self.loss,
            &mut checkpoints,
            &mut ProgressReporter::new(self.settings.epochs, clock),
        )?;
        Ok((history, checkpoints))
    }
}
