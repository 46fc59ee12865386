//! Shape of a network.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of layers of a ResNet (He et al. 2015, table 1).
///
/// In files it is the bare number, `18`, `34`, `50`, `101` or `152`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum Depth {
    /// ResNet-18: basic blocks, 2 + 2 + 2 + 2.
    D18,
    /// ResNet-34: basic blocks, 3 + 4 + 6 + 3.
    D34,
    /// ResNet-50: bottlenecks, 3 + 4 + 6 + 3.
    D50,
    /// ResNet-101: bottlenecks, 3 + 4 + 23 + 3.
    D101,
    /// ResNet-152: bottlenecks, 3 + 8 + 36 + 3.
    D152,
}

impl Depth {
    /// Every depth, in ascending order.
    pub const ALL: [Self; 5] = [Self::D18, Self::D34, Self::D50, Self::D101, Self::D152];

    /// The number of layers.
    #[must_use]
    pub fn layers(self) -> u64 {
        match self {
            Self::D18 => 18,
            Self::D34 => 34,
            Self::D50 => 50,
            Self::D101 => 101,
            Self::D152 => 152,
        }
    }

    /// Blocks in each of the four stages.
    pub(crate) fn blocks(self) -> [usize; 4] {
        match self {
            Self::D18 => [2, 2, 2, 2],
            Self::D34 | Self::D50 => [3, 4, 6, 3],
            Self::D101 => [3, 4, 23, 3],
            Self::D152 => [3, 8, 36, 3],
        }
    }

    /// Returns `true` if blocks are bottlenecks (1×1, 3×3, 1×1) and not pairs of 3×3.
    pub(crate) fn bottleneck(self) -> bool {
        self >= Self::D50
    }

    /// Channels of the last block's output.
    pub(crate) fn features(self) -> usize {
        if self.bottleneck() { 2048 } else { 512 }
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResNet-{}", self.layers())
    }
}

/// The error of a number of layers that no ResNet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{layers}` is not a ResNet depth: expected 18, 34, 50, 101 or 152")]
pub struct UnknownDepth {
    /// The number given.
    pub layers: u64,
}

impl TryFrom<u64> for Depth {
    type Error = UnknownDepth;

    fn try_from(layers: u64) -> Result<Self, UnknownDepth> {
        Self::ALL
            .into_iter()
            .find(|depth| depth.layers() == layers)
            .ok_or(UnknownDepth { layers })
    }
}

impl From<Depth> for u64 {
    fn from(depth: Depth) -> Self {
        depth.layers()
    }
}

/// The shape of a [`Network`](crate::Network).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Layers of the ResNet.
    pub depth: Depth,
    /// `true` if the ResNet's classifier of 1000 classes is kept, between its features and the embedder.
    pub classifier: bool,
    /// `D`, at least 1.
    pub embedding_size: usize,
    /// `K`, at least 1.
    pub n_classes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depth_is_read_from_its_number() {
        for depth in Depth::ALL {
            let text = serde_json::to_string(&depth).unwrap();
            assert_eq!(text, depth.layers().to_string());
            assert_eq!(serde_json::from_str::<Depth>(&text).unwrap(), depth);
        }
    }

    #[test]
    fn another_number_is_refused_with_those_allowed() {
        let error = serde_json::from_str::<Depth>("19").unwrap_err().to_string();
        assert!(
            error.contains("`19` is not a ResNet depth: expected 18, 34, 50, 101 or 152"),
            "{error}"
        );
    }

    #[test]
    fn the_layers_add_up() {
        for depth in Depth::ALL {
            let convolutions = if depth.bottleneck() { 3 } else { 2 };
            let blocks: usize = depth.blocks().into_iter().sum();
            // The stem's convolution and the classifier count too.
            assert_eq!((blocks * convolutions + 2) as u64, depth.layers());
        }
    }
}
