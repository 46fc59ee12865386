//! Changes of color, on values in `[0, 255]`: those of torchvision's `adjust_brightness`, `adjust_contrast`,
//! `adjust_saturation`, `adjust_sharpness`, `posterize`, `solarize`, `autocontrast` and `equalize`. Values are rounded to
//! bytes for `posterize` and `equalize` alone.

/// A change of color. The first three, and the sharpness, are `value · factor + other · (1 - factor)`, cut to `[0, 255]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// The other is black.
    Brightness(f32),
    /// The other is the mean gray.
    Contrast(f32),
    /// The other is the pixel's gray.
    Saturation(f32),
    /// The other is the mean of the pixel's neighborhood; pixels at the border stay.
    Sharpness(f32),
    /// Values keep this many bits of 8, the upper ones.
    Posterize(u32),
    /// Values from this on are subtracted from 255.
    Solarize(f32),
    /// Each color's least value becomes 0, its greatest 255.
    AutoContrast,
    /// Each color's values become equally frequent.
    Equalize,
}

impl Change {
    /// Changes `out`, `[side, side, 3]`.
    pub(super) fn apply(self, side: usize, out: &mut [f32]) {
        match self {
            Self::Brightness(factor) => blend(out, factor, 0.0),
            Self::Contrast(factor) => blend(out, factor, mean_gray(out)),
            Self::Saturation(factor) => {
                for pixel in out.chunks_exact_mut(3) {
                    let gray = gray(pixel);
                    blend(pixel, factor, gray);
                }
            }
            Self::Sharpness(factor) => sharpen(side, out, factor),
            Self::Posterize(bits) => {
                let mask = 255 << 8_u32.saturating_sub(bits);
                each(out, |value| f32::from(byte(value) & low_byte(mask)));
            }
            Self::Solarize(threshold) => each(out, |value| match value >= threshold {
                true => 255.0 - value,
                false => value,
            }),
            Self::AutoContrast => auto_contrast(out),
            Self::Equalize => equalize(out),
        }
    }
}

fn each(out: &mut [f32], change: impl Fn(f32) -> f32) {
    for value in out {
        *value = change(*value);
    }
}

fn blend(out: &mut [f32], factor: f32, other: f32) {
    let other = other * (1.0 - factor);
    each(out, |value| (value * factor + other).clamp(0.0, 255.0));
}

fn low_byte(mask: i32) -> u8 {
    mask.to_le_bytes()[0]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest byte there is"
)]
fn byte(value: f32) -> u8 {
    value.round() as u8
}

/// The other is the mean of 3 × 3 pixels of which that in the middle has the weight 5, and the others 1.
fn sharpen(side: usize, out: &mut [f32], factor: f32) {
    let before = out.to_vec();
    let stride = side * 3;
    for row in 1..side.saturating_sub(1) {
        for at in row * stride + 3..(row + 1) * stride - 3 {
            let around = |center: usize| before[center - 3] + before[center] + before[center + 3];
            let sum = around(at - stride) + around(at) + around(at + stride) + 4.0 * before[at];
            let blended = before[at] * factor + sum / 13.0 * (1.0 - factor);
            out[at] = blended.clamp(0.0, 255.0);
        }
    }
}

fn auto_contrast(out: &mut [f32]) {
    for channel in 0..3 {
        let values = || out[channel..].iter().step_by(3).copied();
        let least = values().fold(f32::INFINITY, f32::min);
        let range = values().fold(f32::NEG_INFINITY, f32::max) - least;
        if range > 0.0 {
            for value in out[channel..].iter_mut().step_by(3) {
                *value = (*value - least) * (255.0 / range);
            }
        }
    }
}

/// The new value of a byte is the number of values below it, in units of a 255th of all values but the greatest.
fn equalize(out: &mut [f32]) {
    for channel in 0..3 {
        let mut counts = [0_usize; 256];
        for &value in out[channel..].iter().step_by(3) {
            counts[usize::from(byte(value))] += 1;
        }
        let greatest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let step = counts[..greatest].iter().sum::<usize>() / 255;
        if step == 0 {
            continue;
        }
        let mut table = [0.0; 256];
        let mut below = step / 2;
        for (value, count) in table.iter_mut().zip(counts) {
            *value = (below / step).min(255) as f32;
            below += count;
        }
        for value in out[channel..].iter_mut().step_by(3) {
            *value = table[usize::from(byte(*value))];
        }
    }
}

/// Luma of ITU-R BT.601, with torchvision's digits.
#[inline]
fn gray(pixel: &[f32]) -> f32 {
    0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
}

/// Mean of the pixels' gray: row-wise sums keep `f32` exact enough and the loop short.
fn mean_gray(out: &[f32]) -> f32 {
    let mut sum = 0.0;
    for chunk in out.chunks(3 * 256) {
        let mut channels = [0.0; 3];
        for pixel in chunk.chunks_exact(3) {
            for channel in 0..3 {
                channels[channel] += pixel[channel];
            }
        }
        sum += gray(&channels);
    }
    sum / (out.len() / 3).max(1) as f32
}
