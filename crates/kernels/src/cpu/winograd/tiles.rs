//! Tiles of a batch, and sizes of the transforms.

use crate::cpu::shape::ConvShape;

/// Frequencies of a tile.
pub(super) const PLANES: usize = 36;
/// Output pixels on a side of a tile.
pub(super) const TILE: usize = 4;
/// Channels which are transformed together.
pub(super) const GROUP: usize = 16;
/// Numbers between planes: distances of a multiple of 4 KiB would share the same few lines of the cache.
pub(super) const PLANE_GAP: usize = 48;

/// The tiles of a batch, in the order image, row, column.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) per_column: usize,
    pub(super) per_row: usize,
    pub(super) count: usize,
}

/// Position of a tile.
#[derive(Clone, Copy)]
pub(super) struct TilePosition {
    /// Index of the image's first pixel.
    pub(super) image: usize,
    /// First row of the output tile.
    pub(super) row: usize,
    /// First column of the output tile.
    pub(super) column: usize,
}

impl Tiles {
    pub(super) fn new(shape: &ConvShape) -> Self {
        let (per_column, per_row) = (shape.height.div_ceil(TILE), shape.width.div_ceil(TILE));
        let count = shape.batch * per_column * per_row;
        Self {
            height: shape.height,
            width: shape.width,
            per_column,
            per_row,
            count,
        }
    }

    #[inline(always)]
    pub(super) fn position(&self, tile: usize) -> TilePosition {
        let per_image = self.per_column * self.per_row;
        let (image, tile) = (tile / per_image, tile % per_image);
        TilePosition {
            image: image * self.height * self.width,
            row: tile / self.per_row * TILE,
            column: tile % self.per_row * TILE,
        }
    }
}
