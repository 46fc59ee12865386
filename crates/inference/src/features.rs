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

/// The rows of table `features` for the images of `annotations`, which `source` has by their rows: the means over the
/// views of `source`. `done` receives the size of each finished batch of the last view.
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
    let views = source.views();
    let mut sums: Vec<Vec<f32>> = vec![Vec::new(); images.len()];
    for (number, &view) in (1..).zip(views) {
        for_each_batch(
            source,
            &images,
            Transform::View(view),
            EVALUATION_BATCH_SIZE,
            network.device,
            |batch| {
                let features: Vec<Vec<f32>> = (network.features)(&batch.values)?.to_vec2()?;
                for (&image, features) in batch.images.iter().zip(features) {
                    add(&mut sums[image], features);
                }
                if number == views.len() {
                    done(batch.images.len());
                }
                Ok::<_, InferenceError>(())
            },
        )?;
    }
    let images = annotations.iter().zip(sums);
    let rows = images.map(|(image, mut features)| {
        features
            .iter_mut()
            .for_each(|sum| *sum /= views.len() as f32);
        row(network, &image.path, features)
    });
    rows.collect()
}

/// Adds `values` to `sums`, which is empty at first.
fn add(sums: &mut Vec<f32>, values: Vec<f32>) {
    if sums.is_empty() {
        *sums = values;
        return;
    }
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
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

#[cfg(test)]
mod tests {
    use images::View;
    use trainer::TrainError;

    use super::*;

    /// Images of one pixel, whose value is twice their number, and one more in the mirror.
    struct Numbers([View; 2]);

    impl ImageSource for Numbers {
        fn side_px(&self, _: Transform) -> usize {
            1
        }

        fn views(&self) -> &[View] {
            &self.0
        }

        fn prepare(
            &self,
            image: usize,
            transform: Transform,
            _: &mut Vec<u8>,
            values: &mut [f32],
        ) -> Result<(), TrainError> {
            let is_mirrored = transform == Transform::View(self.0[1]);
            values.fill(2.0 * image as f32 + f32::from(u8::from(is_mirrored)));
            Ok(())
        }
    }

    fn annotation(path: &str) -> Annotation {
        Annotation {
            path: path.to_owned(),
            label: "drawn".to_owned(),
            author: None,
            title: path.to_owned(),
            class_index: 0,
            split: None,
            width: 1,
            height: 1,
            orientation: 1,
            format: "png".to_owned(),
            bytes: 1,
            content_hash: String::new(),
        }
    }

    #[test]
    fn features_are_means_over_the_views() {
        let mirrored = View {
            flip: true,
            ..View::CENTER
        };
        let network = FrozenNetwork {
            backbone: "pixels",
            pretrained: true,
            device: &Device::Cpu,
            features: &|images| Ok(images.flatten_from(1)?),
        };
        let annotations = ["a", "b", "c"].map(annotation);
        let source = Numbers([View::CENTER, mirrored]);
        let mut n_done = 0;
        let rows = extract_features(&network, &source, &annotations, |n| n_done += n).unwrap();
        let features: Vec<Vec<f32>> = rows.into_iter().map(|row| row.features).collect();
        assert_eq!(features, [[0.5; 3], [2.5; 3], [4.5; 3]]);
        assert_eq!(n_done, 3);
    }
}
