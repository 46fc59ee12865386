//! Places in the stored image that a network's input is read at.

use super::sampler::{Cubic, Tent};
use crate::resample::{Axis, Window, resample};
use crate::{NetworkSize, ResizedImage, center_offset};

/// From a place in the input to a place in the upright crop, both relative to their centers in pixels of the input:
/// `(a·x + b·y + shift[0], c·x + d·y + shift[1])` with `matrix` `[[a, b], [c, d]]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) matrix: [[f32; 2]; 2],
    pub(super) shift: [f32; 2],
}

impl Affine {
    pub(super) const IDENTITY: Self = Self {
        matrix: [[1.0, 0.0], [0.0, 1.0]],
        shift: [0.0; 2],
    };

    /// A rotation about the center.
    pub(super) fn rotation(degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self {
            matrix: [[cos, -sin], [sin, cos]],
            ..Self::IDENTITY
        }
    }

    /// The same for a mirrored input: rotated first, mirrored then.
    pub(super) fn mirrored_after(self) -> Self {
        let [[a, b], [c, d]] = self.matrix;
        Self {
            matrix: [[-a, b], [-c, d]],
            ..self
        }
    }

    /// The same with a crop that is mirrored before all else.
    pub(super) fn mirrored_before(self) -> Self {
        let ([[a, b], below], [x, y]) = (self.matrix, self.shift);
        Self {
            matrix: [[-a, -b], below],
            shift: [-x, y],
        }
    }
}

/// The upright crop of a stored image that fills a network's input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Pixels that may be read; beyond them is black.
    window: Window,
    /// The center in the stored image, in pixels from its edge.
    center: [f32; 2],
    /// The first pixel's center relative to the center, in pixels of the input.
    start: [f32; 2],
    /// Pixels of the stored image for one of the input.
    scale: [f32; 2],
    side: usize,
}

impl Frame {
    /// The center crop; all of the image may be read.
    pub(super) fn center(image: &ResizedImage<'_>, size: NetworkSize) -> Self {
        let (width, height) = size.whole;
        let start =
            |whole: u32| center_offset(whole, size.side_px) as f32 + 0.5 - whole as f32 / 2.0;
        Self {
            window: Window::whole(image),
            center: [image.width as f32 / 2.0, image.height as f32 / 2.0],
            start: [start(width), start(height)],
            scale: size.scale(image),
            side: size.side_px as usize,
        }
    }

    /// A part of the image, which alone may be read.
    pub(super) fn part(window: Window, side_px: u32) -> Self {
        let side = side_px as f32;
        let center = |start: usize, length: usize| start as f32 + length as f32 / 2.0;
        Self {
            window,
            center: [
                center(window.left, window.width),
                center(window.top, window.height),
            ],
            start: [0.5 - side / 2.0; 2],
            scale: [window.width as f32 / side, window.height as f32 / side],
            side: side_px as usize,
        }
    }

    /// The same, where all of `window` may be read.
    pub(super) fn reading(self, window: Window) -> Self {
        Self { window, ..self }
    }
}

/// Places of the input's pixels: `at(column, row) = origin + column · right + row · down`, in pixels of the window, with a
/// pixel's center at its index.
pub(super) struct Transform {
    window: Window,
    side: usize,
    origin: [f32; 2],
    right: [f32; 2],
    down: [f32; 2],
}

/// Scale up to which an image isn't taken to shrink: rounding moves that of a rotation.
const UNIT_SCALE: f32 = 1.001;

impl Transform {
    pub(super) fn new(frame: Frame, affine: Affine) -> Self {
        let ([[a, b], [c, d]], [x, y]) = (affine.matrix, frame.start);
        let [across, along] = frame.scale;
        let first = [
            across * (a * x + b * y + affine.shift[0]),
            along * (c * x + d * y + affine.shift[1]),
        ];
        Self {
            window: frame.window,
            side: frame.side,
            origin: [
                first[0] + frame.center[0] - frame.window.left as f32 - 0.5,
                first[1] + frame.center[1] - frame.window.top as f32 - 0.5,
            ],
            right: [across * a, along * c],
            down: [across * b, along * d],
        }
    }

    /// Samples the image; values in `[0, 255]`, black beyond the window.
    ///
    /// Along the axes of the image at another scale: as [`resample`]. Else by a cubic kernel, or by a tent that is as wide
    /// as the image shrinks.
    pub(super) fn sample(&self, image: &ResizedImage<'_>, out: &mut [f32]) {
        let is_upright = self.right[1].abs() <= 0.0 && self.down[0].abs() <= 0.0;
        let has_scale = |step: f32| (step.abs() - 1.0).abs() > 0.0;
        if is_upright && (has_scale(self.right[0]) || has_scale(self.down[1])) {
            let axis = |at: usize, step| Axis {
                start: self.origin[at],
                step,
            };
            let (across, along) = (axis(0, self.right[0]), axis(1, self.down[1]));
            resample(image, self.window, across, along, self.side, out);
        } else if self.largest_scale() > UNIT_SCALE {
            let tent = Tent::new(image, self.window, self.right, self.down);
            self.each_place(out, |x, y| tent.at(x, y));
        } else {
            let cubic = Cubic::new(image, self.window);
            self.each_place(out, |x, y| cubic.at(x, y));
        }
    }

    fn each_place(&self, out: &mut [f32], value: impl Fn(f32, f32) -> [f32; 3]) {
        for (row, line) in out.chunks_exact_mut(self.side * 3).enumerate() {
            let row = row as f32;
            let x = self.origin[0] + row * self.down[0];
            let y = self.origin[1] + row * self.down[1];
            for (column, target) in line.chunks_exact_mut(3).enumerate() {
                let column = column as f32;
                let value = value(x + column * self.right[0], y + column * self.right[1]);
                target.copy_from_slice(&value);
            }
        }
    }

    /// The largest distance of two places that are a pixel apart in the input: the greater singular value of the matrix
    /// with the columns `right` and `down`.
    fn largest_scale(&self) -> f32 {
        let [a, c] = self.right;
        let [b, d] = self.down;
        let squares = a * a + b * b + c * c + d * d;
        let determinant = a * d - b * c;
        let root = (squares * squares - 4.0 * determinant * determinant).max(0.0);
        ((squares + root.sqrt()) / 2.0).sqrt()
    }
}
