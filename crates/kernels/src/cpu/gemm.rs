//! Matrix product of a strided left matrix and a packed right one.
//!
//! The right matrix is cut into panels of [`panel_width`] columns, stored row by row; the kernel keeps a tile of
//! the result in registers (12 rows × 2 registers with AVX-512, 6 × 2 with AVX2, 8 × 2 with NEON) and goes down
//! a panel with one broadcast and two multiply-adds a row. Each element of the result is one chain of fused
//! multiply-adds in the order of `depth`, cut every [`DEPTH_BLOCK`] terms, whatever the instruction set.
#![expect(
    unsafe_code,
    reason = "the inner loop reads and writes registers without bounds checks"
)]

use pulp::Simd;

use super::{
    buffer::{Uninit, assume_written},
    simd::{Tiled, by_tiles, lanes},
};

/// Terms summed in registers before they are added to the result: a panel's block stays in the cache.
const DEPTH_BLOCK: usize = 512;

/// Largest number of lanes of any instruction set.
pub(crate) const MOST_LANES: usize = 16;

/// Columns of a panel of the right matrix.
pub(crate) fn panel_width() -> usize {
    2 * lanes()
}

/// Length of a packed matrix of `depth` rows and `columns` columns.
pub(crate) fn packed_len(depth: usize, columns: usize) -> usize {
    columns.next_multiple_of(panel_width()) * depth
}

/// A product: left `[rows, depth]` by right `[depth, columns]`.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    /// Rows of the left matrix and of the result.
    pub(crate) rows: usize,
    /// Columns of the right matrix and of the result.
    pub(crate) columns: usize,
    /// Columns of the left matrix, rows of the right one.
    pub(crate) depth: usize,
    /// The left matrix: element `(i, k)` is at `i * row_stride + k * depth_stride`.
    pub(crate) left: &'a [f32],
    /// Distance between rows of the left matrix.
    pub(crate) row_stride: usize,
    /// Distance between columns of the left matrix.
    pub(crate) depth_stride: usize,
    /// The right matrix in panels, of [`packed_len`] numbers.
    pub(crate) right: &'a [f32],
}

impl Product<'_> {
    /// Writes the product to `result`, whose rows are `stride` apart.
    pub(crate) fn store(self, result: &mut [Uninit], stride: usize) {
        self.check_result(result.len(), stride);
        // SAFETY: the result fits the slice, which is borrowed mutably.
        unsafe { self.run(result.as_mut_ptr().cast(), stride, false) }
    }

    /// Writes the product to `result`, whose rows follow each other, and returns it as numbers.
    pub(crate) fn fill(self, result: &mut [Uninit]) -> &mut [f32] {
        let columns = self.columns;
        assert_eq!(result.len(), self.rows * columns, "numbers of a product");
        self.store(result, columns);
        // SAFETY: a product writes `columns` numbers of each of its rows, which are the whole result.
        unsafe { assume_written(result) }
    }

    /// Adds the product to `result`, whose rows are `stride` apart.
    pub(crate) fn add(self, result: &mut [f32], stride: usize) {
        self.check_result(result.len(), stride);
        // SAFETY: the result fits the slice, which is borrowed mutably and initialized.
        unsafe { self.run(result.as_mut_ptr(), stride, true) }
    }

    /// Writes the product to, or adds it to, the matrix at `result`, whose rows are `stride` apart.
    ///
    /// # Safety
    /// The elements of the result are within one allocation, no other thread uses them, and they are
    /// initialized if `add` is set.
    pub(crate) unsafe fn run(self, result: *mut f32, stride: usize, add: bool) {
        let Self {
            rows,
            columns,
            depth,
            ..
        } = self;
        if rows == 0 || columns == 0 {
            return;
        }
        let last = (rows - 1) * self.row_stride + depth.saturating_sub(1) * self.depth_stride;
        assert!(
            last < self.left.len(),
            "left matrix {rows}×{depth} within its {} numbers",
            self.left.len()
        );
        assert!(
            packed_len(depth, columns) <= self.right.len(),
            "right matrix {depth}×{columns} within its {} numbers",
            self.right.len()
        );
        let work = Kernel {
            product: self,
            result,
            stride,
            add,
        };
        // SAFETY: the operands were checked, and the caller promises the result.
        unsafe { by_tiles(work) };
    }

    fn check_result(&self, len: usize, stride: usize) {
        let Self { rows, columns, .. } = *self;
        let fits = columns <= stride && rows.saturating_sub(1) * stride + columns <= len;
        assert!(
            rows == 0 || fits,
            "result {rows}×{columns}, rows {stride} apart, within its {len} numbers"
        );
    }
}

struct Kernel<'a> {
    product: Product<'a>,
    result: *mut f32,
    stride: usize,
    add: bool,
}

/// One tile of the result: addresses of its operands and of the tile.
#[derive(Clone, Copy)]
struct Tile {
    depth: usize,
    left: *const f32,
    row_stride: usize,
    depth_stride: usize,
    right: *const f32,
    result: *mut f32,
    stride: usize,
    columns: usize,
    add: bool,
}

impl Tiled for Kernel<'_> {
    /// Goes over panels, and over the rows of the left matrix while a panel is in the cache.
    ///
    /// # Safety
    /// The extents of all three matrices are right.
    #[inline(always)]
    unsafe fn sweep<S: Simd, const ROWS: usize>(self, simd: S) {
        let Product {
            rows,
            columns,
            depth,
            left,
            row_stride,
            depth_stride,
            right,
        } = self.product;
        let width = 2 * S::F32_LANES;
        for first in (0..depth.max(1)).step_by(DEPTH_BLOCK) {
            for panel in 0..columns.div_ceil(width) {
                // SAFETY: every offset below is within the extents, by the loops' bounds.
                unsafe {
                    let tile = |row: usize| Tile {
                        depth: (depth - first).min(DEPTH_BLOCK),
                        left: left.as_ptr().add(row * row_stride + first * depth_stride),
                        row_stride,
                        depth_stride,
                        right: right.as_ptr().add((panel * depth + first) * width),
                        result: self.result.add(row * self.stride + panel * width),
                        stride: self.stride,
                        columns: (columns - panel * width).min(width),
                        add: self.add || first > 0,
                    };
                    let mut row = 0;
                    while row + ROWS <= rows {
                        multiply::<S, ROWS>(simd, tile(row));
                        row += ROWS;
                    }
                    while row < rows {
                        match rows - row {
                            8.. => multiply::<S, 8>(simd, tile(row)),
                            4.. => multiply::<S, 4>(simd, tile(row)),
                            2.. => multiply::<S, 2>(simd, tile(row)),
                            _ => multiply::<S, 1>(simd, tile(row)),
                        }
                        row += match rows - row {
                            8.. => 8,
                            4.. => 4,
                            2.. => 2,
                            _ => 1,
                        };
                    }
                }
            }
        }
    }
}

/// The numbers of a tile: two registers a row.
type Sums<S, const ROWS: usize> = [[<S as Simd>::f32s; 2]; ROWS];

/// Sums of one tile of `ROWS` rows and two registers of columns, over the tile's depth.
///
/// The sums are a value of their own, apart from what is done with them later, so that they stay in registers.
///
/// # Safety
/// `tile` points to `ROWS` rows of `depth` numbers, and to `depth` rows of a panel.
#[inline(always)]
unsafe fn sum<S: Simd, const ROWS: usize>(simd: S, tile: &Tile) -> Sums<S, ROWS> {
    let lanes = S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
    // SAFETY: the caller promises the extents of the operands; loads need no alignment.
    unsafe {
        let (mut left, mut right) = (tile.left, tile.right);
        for _ in 0..tile.depth {
            let first = right.cast::<S::f32s>().read_unaligned();
            let second = right.add(lanes).cast::<S::f32s>().read_unaligned();
            for (row, sum) in sums.iter_mut().enumerate() {
                let factor = simd.splat_f32s(*left.add(row * tile.row_stride));
                sum[0] = simd.mul_add_f32s(factor, first, sum[0]);
                sum[1] = simd.mul_add_f32s(factor, second, sum[1]);
            }
            right = right.wrapping_add(2 * lanes);
            left = left.wrapping_add(tile.depth_stride);
        }
    }
    sums
}

/// One tile of `ROWS` rows and two registers of columns.
///
/// # Safety
/// `tile` points to `ROWS` rows of `depth` numbers, `depth` rows of a panel, and `ROWS` rows of the result.
#[inline(always)]
unsafe fn multiply<S: Simd, const ROWS: usize>(simd: S, tile: Tile) {
    let lanes = S::F32_LANES;
    // SAFETY: the caller promises the extents of the operands.
    let sums = unsafe { sum::<S, ROWS>(simd, &tile) };
    // SAFETY: as above, for the result.
    unsafe {
        if tile.columns == 2 * lanes {
            for (row, sum) in sums.iter().enumerate() {
                let target = tile.result.add(row * tile.stride).cast::<S::f32s>();
                let old = |i: usize| target.add(i).read_unaligned();
                let new = |i: usize| {
                    if tile.add {
                        simd.add_f32s(sum[i], old(i))
                    } else {
                        sum[i]
                    }
                };
                let (first, second) = (new(0), new(1));
                target.write_unaligned(first);
                target.add(1).write_unaligned(second);
            }
        } else {
            for (row, sum) in sums.iter().enumerate() {
                let mut line = [0.0_f32; 2 * MOST_LANES];
                line.as_mut_ptr().cast::<S::f32s>().write_unaligned(sum[0]);
                line.as_mut_ptr()
                    .add(lanes)
                    .cast::<S::f32s>()
                    .write_unaligned(sum[1]);
                for (column, &sum) in line[..tile.columns].iter().enumerate() {
                    let target = tile.result.add(row * tile.stride + column);
                    target.write(if tile.add { sum + target.read() } else { sum });
                }
            }
        }
    }
}
