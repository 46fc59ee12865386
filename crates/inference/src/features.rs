//! Features of images from a frozen network.

use candle_core::{Device, Tensor};
use table_annotations::Annotation;
use table_features::Feature;
use trainer::{EVALUATION_BATCH_SIZE, ImageSource, Transform, for_each_batch};

use crate::InferenceError;

/// A frozen network as a source of features.
pub struct FrozenNetwork<'a> {
    /// Name in tables.
    pub backbone: &'a str,
    /// The weights were trained on other images.
    pub pretrained: bool,
    /// Device of the weights.
    pub device: &'a Device,
    /// Function from images `[B, side, side, 3]` to features `[B, C]`.
    pub features: &'a dyn Fn(&Tensor) -> Result<Tensor, InferenceError>,
}

/// The rows of table `features` for the images of `annotations`, which `source` has by their rows; without augmentation.
/// `done` receives the size of each finished batch.
///
/// # Errors
/// An image cannot be read, the network fails, or a feature is not finite.
pub fn extract_features(
    network: &FrozenNetwork<'_>,
    source: &dyn ImageSource,
    annotations: &[Annotation],
    mut done: impl FnMut(usize),
) -> Result<Vec<Feature>, InferenceError> {
    let images: Vec<usize> = (0..annotations.len()).collect();
    let mut rows = Vec::with_capacity(images.len());
    for_each_batch(
        source,
        &images,
        Transform::PLAIN,
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

fn row(
    network: &FrozenNetwork<'_>,
    path: &str,
    features: Vec<f32>,
) -> Result<Feature, InferenceError> {
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
