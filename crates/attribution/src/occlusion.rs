//! Occlusion maps: change of a class's probability if parts of the image are blanked.

use std::ops::Range;

use candle_core::Tensor;
use model::Network;

use crate::AttributionError;
use crate::probability::{check_class, of_class};

/// Blanked images in a batch.
const BATCH_SIZE: usize = 32;

/// Windows that are blanked, one at a time: they move cell by cell over a grid.
///
/// Windows of one cell lie side by side. Larger ones overlap, which gives a finer map than their own size; a cell then
/// has the mean of all windows that cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcclusionWindows {
    cells: usize,
    window: usize,
}

impl OcclusionWindows {
    /// Windows of `window` × `window` cells on a grid of `cells` × `cells`.
    ///
    /// # Errors
    /// The window is larger than the grid, or 0.
    pub fn new(cells: usize, window: usize) -> Result<Self, AttributionError> {
        if (1..=cells).contains(&window) {
            Ok(Self { cells, window })
        } else {
            Err(AttributionError::Window { window, cells })
        }
    }

    /// `G`, the number of cells along each side of the map.
    #[must_use]
    pub fn cells(self) -> usize {
        self.cells
    }

    /// Number of cells along each side of a window.
    #[must_use]
    pub fn window(self) -> usize {
        self.window
    }

    /// Number of windows.
    #[must_use]
    pub fn count(self) -> usize {
        (self.cells - self.window + 1).pow(2)
    }

    /// Row and column of each window's upper left cell, by rows.
    fn corners(self) -> Vec<[usize; 2]> {
        let positions = self.cells - self.window + 1;
        (0..positions)
            .flat_map(|row| (0..positions).map(move |column| [row, column]))
            .collect()
    }

    /// Pixels of a window along a side of `length_px`. Where the cells don't divide the side, they differ by a pixel.
    fn span(self, first: usize, length_px: usize) -> Range<usize> {
        let edge = |cell: usize| cell * length_px / self.cells;
        edge(first)..edge(first + self.window)
    }

    /// From a value a window, by rows, to a value a cell, `[G, G]`: the mean of the windows that cover it.
    fn by_cell(self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.cells.pow(2)];
        let mut counts = vec![0_u32; self.cells.pow(2)];
        for (value, [top, left]) in values.iter().zip(self.corners()) {
            for row in top..top + self.window {
                for column in left..left + self.window {
                    sums[row * self.cells + column] += value;
                    counts[row * self.cells + column] += 1;
                }
            }
        }
        let means = sums.iter().zip(&counts);
        means.map(|(sum, &n)| sum / f64::from(n)).collect()
    }
}

/// Probability drops: the decrease of the probability of `class` if a part of the image is blanked (Zeiler & Fergus
/// 2014, section 4.2): `[G, G]`, by rows, in `[-1, 1]`. Above 0 the part is evidence for the class, below 0 against it.
///
/// `image` is `[H, W, 3]`, normalized. Blank is 0, which is the mean color of the images of the pretraining. The
/// network is in eval mode.
///
/// # Errors
/// The class does not exist, the image is no such tensor, has fewer pixels than the grid has cells, or lies on another
/// device.
pub fn occlusion(
    network: &Network,
    image: &Tensor,
    class: usize,
    windows: OcclusionWindows,
) -> Result<Vec<f64>, AttributionError> {
    check_class(network, class)?;
    let (height, width, _) = image.dims3()?;
    if windows.cells > height.min(width) {
        return Err(AttributionError::Cells {
            cells: windows.cells,
            height,
            width,
        });
    }
    let unblanked = of_class(network, &image.unsqueeze(0)?, class)?;
    let values: Vec<f32> = image.flatten_all()?.to_vec1()?;
    let mut probability_drops = Vec::with_capacity(windows.count());
    for corners in windows.corners().chunks(BATCH_SIZE) {
        let mut batch = values.repeat(corners.len());
        for (blanked, [top, left]) in batch.chunks_exact_mut(values.len()).zip(corners) {
            let (rows, columns) = (windows.span(*top, height), windows.span(*left, width));
            blank(blanked, width, rows, columns);
        }
        let shape = (corners.len(), height, width, 3);
        let batch = Tensor::from_vec(batch, shape, image.device())?;
        let probabilities = of_class(network, &batch, class)?;
        probability_drops.extend(
            probabilities
                .iter()
                .map(|probability| unblanked[0] - probability),
        );
    }
    Ok(windows.by_cell(&probability_drops))
}

/// Sets a rectangle of `values` `[H, W, 3]` to 0.
fn blank(values: &mut [f32], width: usize, rows: Range<usize>, columns: Range<usize>) {
    for row in rows {
        let start = row * width;
        values[(start + columns.start) * 3..(start + columns.end) * 3].fill(0.0);
    }
}

/// Range of a map: its largest value less its smallest, 0 for an empty one.
#[must_use]
pub fn range(map: &[f64]) -> f64 {
    let ends = map.iter().fold(None, |ends: Option<(f64, f64)>, &value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    ends.map_or(0.0, |(low, high)| high - low)
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn windows_of_a_cell_lie_side_by_side() {
        let windows = OcclusionWindows::new(2, 1).unwrap();
        assert_eq!(windows.corners(), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(windows.by_cell(&[1.0, 2.0, 3.0, 4.0]), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_cell_is_the_mean_of_the_windows_over_it() {
        let windows = OcclusionWindows::new(3, 2).unwrap();
        assert_eq!(windows.count(), 4);
        // Corner cells are covered once, edges twice, the center four times.
        assert_eq!(
            windows.by_cell(&[1.0, 2.0, 3.0, 6.0]),
            [1.0, 1.5, 2.0, 2.0, 3.0, 4.0, 3.0, 4.5, 6.0]
        );
    }

    #[test]
    fn equal_windows_give_a_constant_map() {
        for (cells, window) in [(1, 1), (4, 1), (5, 2), (7, 7), (9, 4)] {
            let windows = OcclusionWindows::new(cells, window).unwrap();
            let map = windows.by_cell(&vec![0.25; windows.count()]);
            assert_eq!(map.len(), cells * cells);
            assert_abs_diff_eq!(range(&map), 0.0);
            assert_abs_diff_eq!(map[0], 0.25);
        }
    }

    #[test]
    fn cells_cover_every_pixel_once() {
        for (cells, length_px) in [(4, 48), (5, 48), (7, 224), (3, 3)] {
            let windows = OcclusionWindows::new(cells, 1).unwrap();
            let pixels: Vec<usize> = (0..cells)
                .flat_map(|cell| windows.span(cell, length_px))
                .collect();
            assert!(pixels.into_iter().eq(0..length_px));
        }
    }

    #[test]
    fn blanking_stays_in_its_rectangle() {
        let mut values = vec![1.0; 3 * 4 * 3];
        blank(&mut values, 4, 1..3, 2..4);
        let blanked: Vec<usize> = (0..12).filter(|pixel| values[pixel * 3] < 0.5).collect();
        assert_eq!(blanked, [6, 7, 10, 11]);
    }

    #[test]
    fn a_window_larger_than_the_grid_is_refused() {
        let message = |window| OcclusionWindows::new(4, window).unwrap_err().to_string();
        assert_eq!(
            message(5),
            "a window of 5 cells on a grid of 4: expected 1 to 4"
        );
        assert_eq!(
            message(0),
            "a window of 0 cells on a grid of 4: expected 1 to 4"
        );
    }

    #[test]
    fn the_range_is_from_the_lowest_to_the_highest() {
        assert_abs_diff_eq!(range(&[0.25, -0.5, 0.0]), 0.75);
        assert_abs_diff_eq!(range(&[]), 0.0);
    }
}
