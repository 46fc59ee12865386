//! Grad-CAM: parts of an image that a class depends on, in the activations of a layer.

use candle_core::Tensor;
use model::{ModelError, Network, Output, ResnetLayer};
use table_attributions::MIN_CAM_SIDE;

use crate::AttributionError;
use crate::probability::check_class;

/// Layer for the heat map of an image of `height` by `width` pixels: the last one whose map has [`MIN_CAM_SIDE`] cells
/// a side, or else the first.
///
/// The last layer has high-level semantics and still spatial detail (Selvaraju et al. 2017, §3): 7 cells a side at 224
/// pixels. At 48 pixels it has 2, too few to localize a part. Cells of an earlier layer respond to smaller parts:
/// edges, textures and shapes.
#[must_use]
pub fn cam_layer(height: usize, width: usize) -> ResnetLayer {
    let side = height.min(width);
    let has_cells = |layer: &ResnetLayer| layer.cells(side) >= MIN_CAM_SIDE as usize;
    let mut layers = ResnetLayer::ALL.into_iter().rev();
    layers.find(has_cells).unwrap_or(ResnetLayer::Layer1)
}

/// Heat map of `class` on the last block of `layer`: [`ResnetLayer::cells`] of `H` by those of `W`, not negative,
/// before any upsampling.
///
/// A channel's weight is the mean over all positions of the gradient of the class's logit; the map is the weighted sum
/// of the channels, and 0 where that is negative (Selvaraju et al. 2017, equations 1 and 2). Its scale is that of the
/// logits, so that only maps of one layer of one network can be compared.
///
/// `image` is `[H, W, 3]`, normalized. The network is in eval mode.
///
/// # Errors
/// The class does not exist, or the image is no such tensor or lies on another device.
pub fn grad_cam(
    network: &Network,
    image: &Tensor,
    class: usize,
    layer: ResnetLayer,
) -> Result<Tensor, AttributionError> {
    check_class(network, class)?;
    let activations = network.activations(&image.unsqueeze(0)?, layer)?;
    let logit = |output: &Output| Ok::<_, ModelError>(output.logits.get(0)?.get(class)?);
    let gradient = network.activation_gradient(&activations, layer, logit)?;
    let weights = gradient.mean_keepdim((1, 2))?; // [1, 1, 1, C]
    let map = activations.broadcast_mul(&weights)?.sum(3)?;
    Ok(kernels::relu(&map)?.squeeze(0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_layer_with_enough_cells_is_taken() {
        let name = |side| cam_layer(side, side).name();
        assert_eq!(
            [448, 224, 192, 160, 96, 64, 48, 32].map(name),
            [
                "layer4", "layer4", "layer4", "layer3", "layer3", "layer2", "layer2", "layer1"
            ]
        );
        // The shorter side decides, and no image is too small.
        assert_eq!(cam_layer(48, 224).name(), "layer2");
        assert_eq!(name(8), "layer1");
    }
}
