//! Layers of a ResNet whose activations have a size in common.

/// A group of a ResNet's residual blocks between two halvings of the image, in the order of the network. The later, the
/// larger the part of an image that one of its cells depends on, and the fewer the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResnetLayer {
    /// Behind the stem.
    Layer1,
    /// The second.
    Layer2,
    /// The third.
    Layer3,
    /// The last, whose activations are pooled.
    Layer4,
}

impl ResnetLayer {
    /// Every layer, in the order of the network.
    pub const ALL: [Self; 4] = [Self::Layer1, Self::Layer2, Self::Layer3, Self::Layer4];

    /// Name, as torchvision has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Layer1 => "layer1",
            Self::Layer2 => "layer2",
            Self::Layer3 => "layer3",
            Self::Layer4 => "layer4",
        }
    }

    /// Cells of the activations along a side of an image of `pixels`: `⌈pixels / s⌉`, with `s` 4, 8, 16 or 32.
    #[must_use]
    pub fn cells(self, pixels: usize) -> usize {
        pixels.div_ceil(4 << self.index())
    }

    /// Position among [`ResnetLayer::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Layer1 => 0,
            Self::Layer2 => 1,
            Self::Layer3 => 2,
            Self::Layer4 => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_halves_the_cells_of_the_one_before() {
        let cells = |pixels| ResnetLayer::ALL.map(|layer| layer.cells(pixels));
        assert_eq!(cells(224), [56, 28, 14, 7]);
        assert_eq!(cells(48), [12, 6, 3, 2]);
        assert_eq!(cells(1), [1; 4]);
    }
}
