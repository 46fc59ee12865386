//! What a frozen network makes of pictures.

use candle_core::{Device, Tensor};
use table_annotations::Annotation;
use table_features::Feature;
use trainer::{EVALUATION_BATCH_SIZE, Pictures, View, for_each_batch};

use crate::InferenceError;

/// A network whose features are wanted.
pub struct Frozen<'a> {
    /// Its name in tables.
    pub backbone: &'a str,
    /// Whether its weights were learned from other pictures.
    pub pretrained: bool,
    /// Where its weights live.
    pub device: &'a Device,
    /// From images `[B, side, side, 3]` to features `[B, C]`.
    pub features: &'a dyn Fn(&Tensor) -> Result<Tensor, InferenceError>,
}

/// The rows of table `features` for the pictures of `annotations`, which `pictures` knows by their rows; without
/// augmentation. `done` hears how many pictures were added.
///
/// # Errors
/// A picture cannot be read, the network fails, or a feature is not finite.
pub fn featurize(
    network: &Frozen<'_>,
    pictures: &dyn Pictures,
    annotations: &[Annotation],
    mut done: impl FnMut(usize),
) -> Result<Vec<Feature>, InferenceError> {
    let images: Vec<usize> = (0..annotations.len()).collect();
    let mut rows = Vec::with_capacity(images.len());
    for_each_batch(
        pictures,
        &images,
        View::Plain,
        EVALUATION_BATCH_SIZE,
        network.device,
        |batch| {
            let features = (network.features)(&batch.values)?.to_vec2()?;
            for (&image, features) in batch.images.iter().zip(features) {
                rows.push(row(network, &annotations[image].path, features)?);
            }
            done(batch.images.len());
            Ok::<_, InferenceError>(())
        },
    )?;
    Ok(rows)
}

fn row(network: &Frozen<'_>, path: &str, features: Vec<f32>) -> Result<Feature, InferenceError> {
    if features.iter().any(|value| !value.is_finite()) {
        return Err(InferenceError::FeatureNotFinite {
            backbone: network.backbone.to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(Feature {
        backbone: network.backbone.to_owned(),
        pretrained: network.pretrained,
        path: path.to_owned(),
        features,
    })
}
