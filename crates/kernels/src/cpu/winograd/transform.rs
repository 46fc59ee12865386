//! The transforms of tiles, on [`GROUP`] channels at a time.
//!
//! With points ±a and ±b, where ab = 1, one dimension of
//! - the input transform is `Bᵀ`, rows from the polynomials `(x² − a²)(x² − b²)`, `x(x ± a)(x² − b²)`, …;
//! - the output transform is `Aᵀ`, row `i` the points' `i`-th powers;
//! - the weight transform is `G`, rows `(1, x, x²)` over the derivative of the product at the point.

use super::{
    super::buffer::Uninit,
    tiles::{GROUP, TILE, TilePosition, Tiles},
};

/// Channels that are transformed together.
pub(super) type Group = [f32; GROUP];
/// Transformed pixels.
pub(super) type Tile = [[Group; 6]; 6];

pub(super) const ZERO: Group = [0.0; GROUP];

const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
const B: f32 = std::f32::consts::SQRT_2;
const A2: f32 = 0.5;
const B2: f32 = 2.0;
/// a² + b²
const SUM: f32 = 2.5;

/// `G`: the factors of the weight transform, `[6][3]`. f = 2x²(x² − other²) at ±x, −1 at infinity's complement.
pub(super) const G: [[f32; 3]; 6] = {
    // 2a²(a² − b²) = −1.5 and 2b²(b² − a²) = 6
    let at_a = [-1.0 / 1.5, -A / 1.5, -A2 / 1.5];
    let at_b = [1.0 / 6.0, B / 6.0, B2 / 6.0];
    [
        [1.0, 0.0, 0.0],
        at_a,
        [at_a[0], -at_a[1], at_a[2]],
        at_b,
        [at_b[0], -at_b[1], at_b[2]],
        [0.0, 0.0, 1.0],
    ]
};

#[inline(always)]
fn load(numbers: &[f32], offset: usize) -> Group {
    let mut group = ZERO;
    group.copy_from_slice(&numbers[offset..offset + GROUP]);
    group
}

/// `Bᵀ d`
#[inline(always)]
fn input(d: &[Group; 6]) -> [Group; 6] {
    let mut t = [ZERO; 6];
    for i in 0..GROUP {
        let [d0, d1, d2, d3, d4, d5] = [d[0][i], d[1][i], d[2][i], d[3][i], d[4][i], d[5][i]];
        t[0][i] = d2.mul_add(-SUM, d0 + d4);
        let (even, odd) = (d2.mul_add(-B2, d4), A * d1.mul_add(-B2, d3));
        (t[1][i], t[2][i]) = (even + odd, even - odd);
        let (even, odd) = (d2.mul_add(-A2, d4), B * d1.mul_add(-A2, d3));
        (t[3][i], t[4][i]) = (even + odd, even - odd);
        t[5][i] = d3.mul_add(-SUM, d1 + d5);
    }
    t
}

/// `Aᵀ m`
#[inline(always)]
fn output(m: &[Group; 6]) -> [Group; TILE] {
    let mut y = [ZERO; TILE];
    for i in 0..GROUP {
        let (sum_a, difference_a) = (m[1][i] + m[2][i], m[1][i] - m[2][i]);
        let (sum_b, difference_b) = (m[3][i] + m[4][i], m[3][i] - m[4][i]);
        y[0][i] = m[0][i] + sum_a + sum_b;
        y[1][i] = difference_b.mul_add(B, A * difference_a);
        y[2][i] = sum_b.mul_add(B2, A2 * sum_a);
        y[3][i] = difference_b.mul_add(B2 * B, difference_a.mul_add(A2 * A, m[5][i]));
    }
    y
}

/// `A y`, the adjoint of the output transform
#[inline(always)]
fn output_adjoint(y: &[Group; TILE]) -> [Group; 6] {
    let mut t = [ZERO; 6];
    for i in 0..GROUP {
        let [y0, y1, y2, y3] = [y[0][i], y[1][i], y[2][i], y[3][i]];
        t[0][i] = y0;
        let (even, odd) = (y2.mul_add(A2, y0), A * y3.mul_add(A2, y1));
        (t[1][i], t[2][i]) = (even + odd, even - odd);
        let (even, odd) = (y2.mul_add(B2, y0), B * y3.mul_add(B2, y1));
        (t[3][i], t[4][i]) = (even + odd, even - odd);
        t[5][i] = y3;
    }
    t
}

/// The 6×6 input pixels of a tile, transformed; pixels outside the image are zero.
#[inline(always)]
pub(super) fn input_tile(
    x: &[f32],
    tiles: &Tiles,
    position: TilePosition,
    channels: usize,
    channel: usize,
) -> Tile {
    let mut columns = [[ZERO; 6]; 6];
    for (i, transformed) in columns.iter_mut().enumerate() {
        // The tile begins one pixel up and left of its output.
        let column = position.column + i;
        if column == 0 || column > tiles.width {
            continue;
        }
        let mut pixels = [ZERO; 6];
        for (j, pixel) in pixels.iter_mut().enumerate() {
            let row = position.row + j;
            if row > 0 && row <= tiles.height {
                let index = position.image + (row - 1) * tiles.width + column - 1;
                *pixel = load(x, index * channels + channel);
            }
        }
        *transformed = input(&pixels);
    }
    let mut tile = [[ZERO; 6]; 6];
    for (i, line) in tile.iter_mut().enumerate() {
        let mut row = [ZERO; 6];
        for (value, column) in row.iter_mut().zip(&columns) {
            *value = column[i];
        }
        *line = input(&row);
    }
    tile
}

/// The 4×4 gradients of a tile's output, transformed; pixels outside the image are zero.
#[inline(always)]
pub(super) fn gradient_tile(
    dy: &[f32],
    tiles: &Tiles,
    position: TilePosition,
    channels: usize,
    channel: usize,
) -> Tile {
    let mut columns = [[ZERO; 6]; TILE];
    for (column, transformed) in (position.column..tiles.width).zip(&mut columns) {
        let mut pixels = [ZERO; TILE];
        for (row, pixel) in (position.row..tiles.height).zip(&mut pixels) {
            let index = position.image + row * tiles.width + column;
            *pixel = load(dy, index * channels + channel);
        }
        *transformed = output_adjoint(&pixels);
    }
    let mut tile = [[ZERO; 6]; 6];
    for (i, line) in tile.iter_mut().enumerate() {
        let mut row = [ZERO; TILE];
        for (value, column) in row.iter_mut().zip(&columns) {
            *value = column[i];
        }
        *line = output_adjoint(&row);
    }
    tile
}

/// The output pixels `[row][column]` of transformed products, read at `offset` of each plane.
#[inline(always)]
pub(super) fn output_tile(products: &[f32], plane: usize, offset: usize) -> [[Group; TILE]; TILE] {
    let mut columns = [[ZERO; TILE]; 6];
    for (j, column) in columns.iter_mut().enumerate() {
        let mut values = [ZERO; 6];
        for (i, value) in values.iter_mut().enumerate() {
            *value = load(products, (i * 6 + j) * plane + offset);
        }
        *column = output(&values);
    }
    let mut pixels = [[ZERO; TILE]; TILE];
    for (i, line) in pixels.iter_mut().enumerate() {
        let mut row = [ZERO; 6];
        for (value, column) in row.iter_mut().zip(&columns) {
            *value = column[i];
        }
        *line = output(&row);
    }
    pixels
}

/// Copies a group, or as many of its first channels as `target` holds.
#[inline(always)]
pub(super) fn copy(target: &mut [f32], group: &[f32]) {
    if target.len() == GROUP {
        // A length that the compiler sees makes this one register's store.
        target.copy_from_slice(&group[..GROUP]);
    } else {
        target.copy_from_slice(&group[..target.len()]);
    }
}

/// Writes one group of channels.
#[inline(always)]
pub(super) fn store(elements: &mut [Uninit], group: &Group) {
    for (element, &value) in elements.iter_mut().zip(group) {
        element.write(value);
    }
}
