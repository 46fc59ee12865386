//! Grad-CAM: parts of the last block that a class depends on.

use candle_core::{Tensor, Var};
use model::Network;

use crate::AttributionError;
use crate::probability::check_class;

/// Heat map of `class` on the last block, `[⌈H/32⌉, ⌈W/32⌉]`, not negative, before any upsampling.
///
/// A channel's weight is the mean over all positions of the gradient of the class's logit; the map is the weighted sum
/// of the channels, and 0 where that is negative (Selvaraju et al. 2017, equations 1 and 2). Its scale is that of the
/// logits, so that only maps of one network can be compared.
///
/// `image` is `[H, W, 3]`, normalized. The network is in eval mode.
///
/// # Errors
/// The class does not exist, or the image is no such tensor or lies on another device.
pub fn grad_cam(
    network: &Network,
    image: &Tensor,
    class: usize,
) -> Result<Tensor, AttributionError> {
    check_class(network, class)?;
    let activations = Var::from_tensor(&network.activations(&image.unsqueeze(0)?)?)?;
    let logit = network.classify(&activations)?.logits.get(0)?.get(class)?;
    let gradients = logit.backward()?;
    let gradient = gradients
        .get(&activations)
        .ok_or(AttributionError::NoGradient)?;
    let weights = gradient.mean_keepdim((1, 2))?; // [1, 1, 1, C]
    let map = activations
        .as_detached_tensor()
        .broadcast_mul(&weights)?
        .sum(3)?;
    Ok(kernels::relu(&map)?.squeeze(0)?)
}
