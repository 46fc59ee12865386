//! The architectures, by timm's names.

use candle_core::Result;
use candle_nn::{Func, VarBuilder};
use candle_transformers::models::{convnext, hiera, mobilenetv4, repvgg};

use Family::{ConvNext, ConvNextV2, Hiera, MobileNetV4, RepVgg};

/// A network's layers and their sizes; its inputs are normalized by ImageNet's mean and deviation.
#[derive(Clone, Copy, Debug)]
pub struct Architecture {
    name: &'static str,
    family: Family,
}

/// A family of architectures, with the sizes of one of them.
#[derive(Clone, Copy, Debug)]
enum Family {
    /// Liu et al. 2022.
    ConvNext(fn() -> convnext::Config),
    /// Woo et al. 2023.
    ConvNextV2(fn() -> convnext::Config),
    /// Ryali et al. 2023.
    Hiera(fn() -> hiera::Config),
    /// Qin et al. 2024.
    MobileNetV4(fn() -> mobilenetv4::Config),
    /// Ding et al. 2021.
    RepVgg(fn() -> repvgg::Config),
}

/// All supported architectures.
const ARCHITECTURES: [Architecture; 38] = [
    new("convnext_atto", ConvNext(convnext::Config::atto)),
    new("convnext_femto", ConvNext(convnext::Config::femto)),
    new("convnext_pico", ConvNext(convnext::Config::pico)),
    new("convnext_nano", ConvNext(convnext::Config::nano)),
    new("convnext_tiny", ConvNext(convnext::Config::tiny)),
    new("convnext_small", ConvNext(convnext::Config::small)),
    new("convnext_base", ConvNext(convnext::Config::base)),
    new("convnext_large", ConvNext(convnext::Config::large)),
    new("convnext_xlarge", ConvNext(convnext::Config::xlarge)),
    new("convnextv2_atto", ConvNextV2(convnext::Config::atto)),
    new("convnextv2_femto", ConvNextV2(convnext::Config::femto)),
    new("convnextv2_pico", ConvNextV2(convnext::Config::pico)),
    new("convnextv2_nano", ConvNextV2(convnext::Config::nano)),
    new("convnextv2_tiny", ConvNextV2(convnext::Config::tiny)),
    new("convnextv2_base", ConvNextV2(convnext::Config::base)),
    new("convnextv2_large", ConvNextV2(convnext::Config::large)),
    new("convnextv2_huge", ConvNextV2(convnext::Config::huge)),
    new("hiera_tiny_224", Hiera(hiera::Config::tiny)),
    new("hiera_small_224", Hiera(hiera::Config::small)),
    new("hiera_base_224", Hiera(hiera::Config::base)),
    new("hiera_base_plus_224", Hiera(hiera::Config::base_plus)),
    new("hiera_large_224", Hiera(hiera::Config::large)),
    new("hiera_huge_224", Hiera(hiera::Config::huge)),
    new(
        "mobilenetv4_conv_small",
        MobileNetV4(mobilenetv4::Config::small),
    ),
    new(
        "mobilenetv4_conv_medium",
        MobileNetV4(mobilenetv4::Config::medium),
    ),
    new(
        "mobilenetv4_conv_large",
        MobileNetV4(mobilenetv4::Config::large),
    ),
    new(
        "mobilenetv4_hybrid_medium",
        MobileNetV4(mobilenetv4::Config::hybrid_medium),
    ),
    new(
        "mobilenetv4_hybrid_large",
        MobileNetV4(mobilenetv4::Config::hybrid_large),
    ),
    new("repvgg_a0", RepVgg(repvgg::Config::a0)),
    new("repvgg_a1", RepVgg(repvgg::Config::a1)),
    new("repvgg_a2", RepVgg(repvgg::Config::a2)),
    new("repvgg_b0", RepVgg(repvgg::Config::b0)),
    new("repvgg_b1", RepVgg(repvgg::Config::b1)),
    new("repvgg_b1g4", RepVgg(repvgg::Config::b1g4)),
    new("repvgg_b2", RepVgg(repvgg::Config::b2)),
    new("repvgg_b2g4", RepVgg(repvgg::Config::b2g4)),
    new("repvgg_b3", RepVgg(repvgg::Config::b3)),
    new("repvgg_b3g4", RepVgg(repvgg::Config::b3g4)),
];

const fn new(name: &'static str, family: Family) -> Architecture {
    Architecture { name, family }
}

impl Architecture {
    /// Every architecture.
    pub fn all() -> impl Iterator<Item = Self> {
        ARCHITECTURES.into_iter()
    }

    /// timm's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The only supported side of images, in pixels; none if all are.
    #[must_use]
    pub fn side_px(self) -> Option<u32> {
        match self.family {
            Hiera(_) => Some(224),
            _ => None,
        }
    }

    /// Returns `true` if batches are supported: candle-transformers' Hiera takes one image at a time.
    pub(crate) fn supports_batches(self) -> bool {
        !matches!(self.family, Hiera(_))
    }

    /// Builds the function from images `[B, 3, H, W]` to `[B, C]`, or `[B, C, 1, 1]`.
    pub(crate) fn build(self, weights: VarBuilder<'_>) -> Result<Func<'static>> {
        match self.family {
            ConvNext(config) | ConvNextV2(config) => {
                convnext::convnext_no_final_layer(&config(), weights)
            }
            Hiera(config) => hiera::hiera_no_final_layer(&config(), weights),
            MobileNetV4(config) => mobilenetv4::mobilenetv4_no_final_layer(&config(), weights),
            RepVgg(config) => repvgg::repvgg_no_final_layer(&config(), weights),
        }
    }

    /// Returns `true` if the layer with the first tensor `tensor` may be missing: candle-transformers requests more layers
    /// than these architectures have, and continues without them.
    pub(crate) fn may_lack(self, tensor: &str) -> bool {
        let ends = |endings: &[&str]| endings.iter().any(|ending| tensor.ends_with(ending));
        match self.family {
            ConvNext(_) => ends(&["mlp.grn.weight"]),
            ConvNextV2(_) => ends(&[".gamma"]),
            Hiera(_) => ends(&[".proj.weight"]),
            MobileNetV4(_) => ends(&[
                ".dw_start.bn.running_mean",
                ".dw_mid.bn.running_mean",
                ".layer_scale.gamma",
                ".key.down_conv.weight",
                ".key.norm.running_mean",
                ".value.down_conv.weight",
                ".value.norm.running_mean",
            ]),
            RepVgg(_) => false,
        }
    }
}
