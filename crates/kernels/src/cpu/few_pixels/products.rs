//! Products over the pixels that a tap joins, read where they lie.
#![expect(
    unsafe_code,
    reason = "the inner loops read and write registers without bounds checks"
)]

use std::ops::Range;

use pulp::Simd;

use crate::cpu::{
    buffer::Uninit,
    gemm::MOST_LANES,
    simd::{Tiled, by_tiles},
};

/// Channels of a product, and of a job: whole pairs of registers, whatever the instruction set.
pub(super) const BLOCK: usize = 2 * MOST_LANES;

/// A pixel of the one side of a convolution, and the pixel of the other that a tap takes it to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Activations `[pixels, channels]`.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) channels: usize,
}

impl Pixels<'_> {
    fn check(self, mut pixels: impl Iterator<Item = usize>) {
        let count = self.numbers.len() / self.channels;
        assert!(pixels.all(|pixel| pixel < count), "pixels within {count}");
    }
}

/// Adds to the sums `[pixels, BLOCK]`, for each pair, the numbers of pixel `from` by the weights `[channels, BLOCK]`, at
/// pixel `to`. No two pairs have the same `to`.
pub(super) fn add_products(from: Pixels<'_>, pairs: &[Pair], weights: &[f32], sums: &mut [f32]) {
    from.check(pairs.iter().map(|pair| pair.from));
    assert!(pairs.iter().all(|pair| pair.to < sums.len() / BLOCK));
    assert_eq!(weights.len(), from.channels * BLOCK, "weights of a tap");
    let work = Products {
        from,
        pairs,
        weights,
        sums,
    };
    // SAFETY: the operands were checked.
    unsafe { by_tiles(work) };
}

struct Products<'a> {
    from: Pixels<'a>,
    pairs: &'a [Pair],
    weights: &'a [f32],
    sums: &'a mut [f32],
}

impl Tiled for Products<'_> {
    /// # Safety
    /// Pixels are within the operands, and the weights are those of their channels.
    #[inline(always)]
    unsafe fn sweep<S: Simd, const ROWS: usize>(self, simd: S) {
        let sums = self.sums.as_mut_ptr();
        for column in (0..BLOCK).step_by(2 * S::F32_LANES) {
            let mut pairs = self.pairs;
            while !pairs.is_empty() {
                let n = match pairs.len() {
                    n if n >= ROWS => ROWS,
                    4.. => 4,
                    2.. => 2,
                    _ => 1,
                };
                let (tile, rest) = pairs.split_at(n);
                // SAFETY: passed on.
                unsafe {
                    match n {
                        4 if ROWS != 4 => self.add::<S, 4>(simd, tile, column, sums),
                        2 => self.add::<S, 2>(simd, tile, column, sums),
                        1 => self.add::<S, 1>(simd, tile, column, sums),
                        _ => self.add::<S, ROWS>(simd, tile, column, sums),
                    }
                }
                pairs = rest;
            }
        }
    }
}

impl Products<'_> {
    /// Adds the products of `ROWS` pairs, in two registers of columns.
    ///
    /// # Safety
    /// As above, and `sums` are those of the pixels.
    #[inline(always)]
    unsafe fn add<S: Simd, const ROWS: usize>(
        &self,
        simd: S,
        pairs: &[Pair],
        column: usize,
        sums: *mut f32,
    ) {
        let (channels, lanes) = (self.from.channels, S::F32_LANES);
        let mut rows = [self.from.numbers.as_ptr(); ROWS];
        for (row, pair) in rows.iter_mut().zip(pairs) {
            *row = row.wrapping_add(pair.from * channels);
        }
        // SAFETY: passed on.
        unsafe {
            let products = products(simd, &rows, channels, self.weights.as_ptr().add(column));
            for (product, pair) in products.iter().zip(pairs) {
                let target = sums.add(pair.to * BLOCK + column);
                for (i, &value) in product.iter().enumerate() {
                    let target = target.add(i * lanes).cast::<S::f32s>();
                    target.write_unaligned(simd.add_f32s(target.read_unaligned(), value));
                }
            }
        }
    }
}

/// Products of rows of `depth` numbers and two registers of columns of the weights, `BLOCK` a row.
///
/// # Safety
/// There are so many numbers.
#[inline(always)]
unsafe fn products<S: Simd, const ROWS: usize>(
    simd: S,
    rows: &[*const f32; ROWS],
    depth: usize,
    weights: *const f32,
) -> [[S::f32s; 2]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
    let mut weights = weights;
    for k in 0..depth {
        // SAFETY: the caller promises the numbers; loads need no alignment.
        unsafe {
            let first = weights.cast::<S::f32s>().read_unaligned();
            let second = weights.add(S::F32_LANES).cast::<S::f32s>().read_unaligned();
            for (row, sum) in rows.iter().zip(&mut sums) {
                let factor = simd.splat_f32s(*row.add(k));
                sum[0] = simd.mul_add_f32s(factor, first, sum[0]);
                sum[1] = simd.mul_add_f32s(factor, second, sum[1]);
            }
        }
        weights = weights.wrapping_add(BLOCK);
    }
    sums
}

/// Writes sums over pairs, `[outputs, BLOCK]`: numbers of pixel `to`, in the channels of `outputs`, by those of pixel
/// `from`, in a block of channels from `first` on.
pub(super) fn sum_over_pairs(
    [from, to]: [Pixels<'_>; 2],
    pairs: &[Pair],
    first: usize,
    outputs: Range<usize>,
    sums: &mut [Uninit],
) {
    from.check(pairs.iter().map(|pair| pair.from));
    to.check(pairs.iter().map(|pair| pair.to));
    assert!(first + BLOCK <= from.channels && outputs.end <= to.channels);
    assert_eq!(sums.len(), outputs.len() * BLOCK, "sums of a tap");
    let work = OverPairs {
        operands: [from, to],
        pairs,
        first,
        outputs,
        sums,
    };
    // SAFETY: the operands were checked.
    unsafe { by_tiles(work) };
}

struct OverPairs<'a> {
    operands: [Pixels<'a>; 2],
    pairs: &'a [Pair],
    first: usize,
    outputs: Range<usize>,
    sums: &'a mut [Uninit],
}

impl Tiled for OverPairs<'_> {
    /// # Safety
    /// Pixels and channels are within the operands, and the sums are as many as outputs by `BLOCK`.
    #[inline(always)]
    unsafe fn sweep<S: Simd, const ROWS: usize>(self, simd: S) {
        let sums = self.sums.as_mut_ptr().cast::<f32>();
        for column in (0..BLOCK).step_by(2 * S::F32_LANES) {
            let mut row = 0;
            while row < self.outputs.len() {
                // SAFETY: passed on.
                unsafe {
                    let target = sums.add(row * BLOCK + column);
                    row += match self.outputs.len() - row {
                        n if n >= ROWS => self.write::<S, ROWS>(simd, row, column, target),
                        4.. => self.write::<S, 4>(simd, row, column, target),
                        2.. => self.write::<S, 2>(simd, row, column, target),
                        _ => self.write::<S, 1>(simd, row, column, target),
                    };
                }
            }
        }
    }
}

impl OverPairs<'_> {
    /// Writes `ROWS` rows of sums, in two registers of columns, and returns their number.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn write<S: Simd, const ROWS: usize>(
        &self,
        simd: S,
        row: usize,
        column: usize,
        target: *mut f32,
    ) -> usize {
        let [from, to] = self.operands;
        let lanes = S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
        // SAFETY: passed on; loads and stores need no alignment.
        unsafe {
            let right = from.numbers.as_ptr().add(self.first + column);
            let left = to.numbers.as_ptr().add(self.outputs.start + row);
            for pair in self.pairs {
                let right = right.add(pair.from * from.channels).cast::<S::f32s>();
                let left = left.add(pair.to * to.channels);
                let (first, second) = (right.read_unaligned(), right.add(1).read_unaligned());
                for (i, sum) in sums.iter_mut().enumerate() {
                    let factor = simd.splat_f32s(*left.add(i));
                    sum[0] = simd.mul_add_f32s(factor, first, sum[0]);
                    sum[1] = simd.mul_add_f32s(factor, second, sum[1]);
                }
            }
            for (i, sum) in sums.iter().enumerate() {
                let target = target.add(i * BLOCK);
                target.cast::<S::f32s>().write_unaligned(sum[0]);
                target.add(lanes).cast::<S::f32s>().write_unaligned(sum[1]);
            }
        }
        ROWS
    }
}
