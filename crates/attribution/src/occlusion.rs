//! Occlusion maps: what it costs a class when parts of the image are blanked.

use std::ops::Range;

use candle_core::Tensor;
use model::Network;

use crate::ExplainError;
use crate::probability::{check_class, of_class};

/// How many blanked images go through the network at once.
const BATCH_SIZE: usize = 32;

/// The squares that are blanked, one at a time: they move cell by cell over a grid.
///
/// With squares of one cell they lie side by side. Larger ones overlap, which gives a finer map than their own size; a
/// cell then stands for the mean of all squares that cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squares {
    cells: usize,
    square: usize,
}

impl Squares {
    /// Squares of `square` × `square` cells on a grid of `cells` × `cells`.
    ///
    /// # Errors
    /// A square is larger than the grid, or 0.
    pub fn new(cells: usize, square: usize) -> Result<Self, ExplainError> {
        if (1..=cells).contains(&square) {
            Ok(Self { cells, square })
        } else {
            Err(ExplainError::Square { square, cells })
        }
    }

    /// `G`, the cells along each side of the map.
    #[must_use]
    pub fn cells(self) -> usize {
        self.cells
    }

    /// Cells along each side of a square.
    #[must_use]
    pub fn square(self) -> usize {
        self.square
    }

    /// Number of squares.
    #[must_use]
    pub fn count(self) -> usize {
        (self.cells - self.square + 1).pow(2)
    }

    /// Row and column of each square's upper left cell, by rows.
    fn corners(self) -> Vec<[usize; 2]> {
        let places = self.cells - self.square + 1;
        (0..places)
            .flat_map(|row| (0..places).map(move |column| [row, column]))
            .collect()
    }

    /// The pixels that a square covers along a side of `length_px`. Where the cells don't divide the side, they differ by
    /// a pixel.
    fn span(self, first: usize, length_px: usize) -> Range<usize> {
        let edge = |cell: usize| cell * length_px / self.cells;
        edge(first)..edge(first + self.square)
    }

    /// From a value a square, by rows, to a value a cell, `[G, G]`: the mean of the squares that cover it.
    fn by_cell(self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.cells.pow(2)];
        let mut counts = vec![0_u32; self.cells.pow(2)];
        for (value, [top, left]) in values.iter().zip(self.corners()) {
            for row in top..top + self.square {
                for column in left..left + self.square {
                    sums[row * self.cells + column] += value;
                    counts[row * self.cells + column] += 1;
                }
            }
        }
        let means = sums.iter().zip(&counts);
        means.map(|(sum, &n)| sum / f64::from(n)).collect()
    }
}

/// By how much the probability of `class` falls when a part of the image is blanked (Zeiler & Fergus 2014, section
/// 4.2): `[G, G]`, by rows, in `[-1, 1]`. Above 0 the network saw something that speaks for the class, below 0 something
/// that speaks against it.
///
/// `image` is `[H, W, 3]`, normalized. Blank is 0, which is the mean color of the images that the weights come from.
/// The network works in eval mode.
///
/// # Errors
/// The class does not exist, the image is no such tensor, has fewer pixels than the grid has cells, or lies on another
/// device.
pub fn occlusion(
    network: &Network,
    image: &Tensor,
    class: usize,
    squares: Squares,
) -> Result<Vec<f64>, ExplainError> {
    check_class(network, class)?;
    let (height, width, _) = image.dims3()?;
    if squares.cells > height.min(width) {
        return Err(ExplainError::Cells {
            cells: squares.cells,
            height,
            width,
        });
    }
    let whole = of_class(network, &image.unsqueeze(0)?, class)?;
    let values: Vec<f32> = image.flatten_all()?.to_vec1()?;
    let mut drops = Vec::with_capacity(squares.count());
    for corners in squares.corners().chunks(BATCH_SIZE) {
        let mut batch = values.repeat(corners.len());
        for (blanked, [top, left]) in batch.chunks_exact_mut(values.len()).zip(corners) {
            let (rows, columns) = (squares.span(*top, height), squares.span(*left, width));
            blank(blanked, width, rows, columns);
        }
        let shape = (corners.len(), height, width, 3);
        let batch = Tensor::from_vec(batch, shape, image.device())?;
        let left_over = of_class(network, &batch, class)?;
        drops.extend(left_over.iter().map(|probability| whole[0] - probability));
    }
    Ok(squares.by_cell(&drops))
}

/// Sets a rectangle of `values` `[H, W, 3]` to 0.
fn blank(values: &mut [f32], width: usize, rows: Range<usize>, columns: Range<usize>) {
    for row in rows {
        let start = row * width;
        values[(start + columns.start) * 3..(start + columns.end) * 3].fill(0.0);
    }
}

/// How far a map reaches: its largest value less its smallest, 0 for an empty one.
#[must_use]
pub fn amplitude(map: &[f64]) -> f64 {
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
    fn squares_of_a_cell_lie_side_by_side() {
        let squares = Squares::new(2, 1).unwrap();
        assert_eq!(squares.corners(), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(squares.by_cell(&[1.0, 2.0, 3.0, 4.0]), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_cell_is_the_mean_of_the_squares_over_it() {
        let squares = Squares::new(3, 2).unwrap();
        assert_eq!(squares.count(), 4);
        // Corners are covered once, edges twice, the center four times.
        assert_eq!(
            squares.by_cell(&[1.0, 2.0, 3.0, 6.0]),
            [1.0, 1.5, 2.0, 2.0, 3.0, 4.0, 3.0, 4.5, 6.0]
        );
    }

    #[test]
    fn equal_squares_make_a_flat_map() {
        for (cells, square) in [(1, 1), (4, 1), (5, 2), (7, 7), (9, 4)] {
            let squares = Squares::new(cells, square).unwrap();
            let map = squares.by_cell(&vec![0.25; squares.count()]);
            assert_eq!(map.len(), cells * cells);
            assert_abs_diff_eq!(amplitude(&map), 0.0);
            assert_abs_diff_eq!(map[0], 0.25);
        }
    }

    #[test]
    fn cells_cover_every_pixel_once() {
        for (cells, length_px) in [(4, 48), (5, 48), (7, 224), (3, 3)] {
            let squares = Squares::new(cells, 1).unwrap();
            let pixels: Vec<usize> = (0..cells)
                .flat_map(|cell| squares.span(cell, length_px))
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
    fn a_square_that_does_not_fit_is_refused() {
        let message = |square| Squares::new(4, square).unwrap_err().to_string();
        assert_eq!(
            message(5),
            "a square of 5 cells on a grid of 4: expected 1 to 4"
        );
        assert_eq!(
            message(0),
            "a square of 0 cells on a grid of 4: expected 1 to 4"
        );
    }

    #[test]
    fn amplitude_is_from_the_lowest_to_the_highest() {
        assert_abs_diff_eq!(amplitude(&[0.25, -0.5, 0.0]), 0.75);
        assert_abs_diff_eq!(amplitude(&[]), 0.0);
    }
}
