//! Outputs, loss and gradients of a training step.

use candle_core::Tensor;
use model::{LossGradients, Network, Output};

use crate::batches::{Batch, training_ranges};
use crate::mixing::{Mixture, mean_loss};
use crate::{Loss, TrainError};

/// Outputs, mean loss and gradients of a batch; with a `micro_batch_size`, of so many images at a time, whose gradients are
/// summed.
///
/// The sum is the gradient of the whole batch, but for rounding and batch normalization, whose moments are those of the
/// images that go through the network together.
///
/// # Errors
/// Those of the loss, or the device fails.
pub(crate) fn batch_gradients(
    network: &Network,
    loss: &dyn Loss,
    batch: &Batch<'_>,
    labels: &[u32],
    micro_batch_size: Option<usize>,
) -> Result<LossGradients, TrainError> {
    match micro_batch_size.filter(|&size| size < labels.len()) {
        Some(size) => by_parts(network, loss, batch, labels, size),
        None => network.loss_gradients(&batch.values, |output| {
            mean_loss(loss, output, labels, batch.mixture)
        }),
    }
}

fn by_parts(
    network: &Network,
    loss: &dyn Loss,
    batch: &Batch<'_>,
    labels: &[u32],
    size: usize,
) -> Result<LossGradients, TrainError> {
    let partners: Vec<u32> = labels.iter().rev().copied().collect();
    let total_weight = loss.total_weight(labels);
    let mut sum: Option<LossGradients> = None;
    for range in training_ranges(labels.len(), size) {
        let values = batch.values.narrow(0, range.start, range.len())?;
        let (labels, partners) = (&labels[range.clone()], &partners[range]);
        let part = network.loss_gradients(&values, |output| {
            part_of_mean(
                loss,
                output,
                [labels, partners],
                batch.mixture,
                total_weight,
            )
        })?;
        sum = Some(match sum {
            Some(sum) => self::sum(sum, part)?,
            None => part,
        });
    }
    Ok(sum.expect("a batch with more images than a part has parts"))
}

/// The terms of some images in the mean loss of a batch: `labels` are their own, and those of their partners.
fn part_of_mean(
    loss: &dyn Loss,
    output: &Output,
    [own, partners]: [&[u32]; 2],
    mixture: Option<Mixture>,
    total_weight: f64,
) -> Result<Tensor, TrainError> {
    let term = |labels: &[u32], share: f64| -> Result<Tensor, TrainError> {
        let weight = loss.total_weight(labels) / total_weight;
        Ok((loss.mean(output, labels)? * (share * weight))?)
    };
    match mixture.map(Mixture::share) {
        Some(share) => Ok((term(own, share)? + term(partners, 1.0 - share)?)?),
        None => term(own, 1.0),
    }
}

/// Outputs and gradients for the images of both; the loss is the sum.
fn sum(first: LossGradients, second: LossGradients) -> Result<LossGradients, TrainError> {
    let mut gradients = first.gradients;
    gradients.extend(second.gradients)?;
    let both = |first: &Tensor, second: &Tensor| Tensor::cat(&[first, second], 0);
    Ok(LossGradients {
        output: Output {
            logits: both(&first.output.logits, &second.output.logits)?,
            embedding: both(&first.output.embedding, &second.output.embedding)?,
        },
        loss: (first.loss + second.loss)?,
        gradients,
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use model::{Config, Depth, Freeze};
    use random::Seed;

    use super::*;
    use crate::CrossEntropy;

    /// A network whose batch normalization doesn't depend on the batch.
    fn network() -> Network {
        let config = Config {
            depth: Depth::D18,
            classifier: false,
            embedding_size: 4,
            n_classes: 3,
        };
        let mut rng = Seed::new(1).stream(crate::streams::WEIGHTS).rng();
        let mut network = Network::new(&config, &Device::Cpu, &mut rng).unwrap();
        network.freeze(Freeze {
            batch_norm: true,
            ..Freeze::default()
        });
        network
    }

    fn batch(images: &[usize], mixture: Option<Mixture>) -> Batch<'_> {
        let n = images.len() * 32 * 32 * 3;
        let values =
            (0..n).map(|i| ((i * 7919 % 97) as f32 / 97.0) - 0.5 + (i as f32 * 0.01).sin());
        let values = Tensor::from_iter(values, &Device::Cpu).unwrap();
        Batch {
            images,
            values: values.reshape((images.len(), 32, 32, 3)).unwrap(),
            mixture,
        }
    }

    fn relative_difference(a: &Tensor, b: &Tensor) -> f64 {
        let norm = |t: &Tensor| {
            let squares = t.sqr().unwrap().sum_all().unwrap();
            f64::from(squares.to_scalar::<f32>().unwrap()).sqrt()
        };
        norm(&(a - b).unwrap()) / norm(b).max(1e-12)
    }

    #[test]
    fn gradients_by_parts_are_those_of_the_batch() {
        let network = network();
        let loss = CrossEntropy::new(vec![1.0, 2.0, 0.5], 0.1);
        let images = [0; 7];
        let labels = [0, 1, 2, 2, 1, 0, 2];
        for mixture in [None, Some(Mixture::of_share(0.7))] {
            let batch = batch(&images, mixture);
            let of = |size| batch_gradients(&network, &loss, &batch, &labels, size).unwrap();
            let whole = of(None);
            // Parts of 3 and 4 images, of 2, 2 and 3, and the whole again.
            for size in [3, 2, 7, 100] {
                let parts = of(Some(size));
                assert_eq!(parts.output.logits.dims(), [7, 3]);
                assert!(relative_difference(&parts.output.logits, &whole.output.logits) < 1e-5);
                assert!(relative_difference(&parts.loss, &whole.loss) < 1e-5);
                for (name, parameter) in network.parameters() {
                    let [found, expected] =
                        [&parts, &whole].map(|result| result.gradients.get(&parameter).unwrap());
                    let difference = relative_difference(found, expected);
                    assert!(difference < 1e-4, "{name}: {difference:.1e} by {size}");
                }
            }
        }
    }
}
