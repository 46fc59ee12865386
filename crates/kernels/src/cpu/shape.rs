//! The sizes of a convolution.

use candle_core::{Result, bail};

/// Sizes of a square 2-d convolution without groups or dilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvShape {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl ConvShape {
    /// Checks `x` `[B, H, W, C]` against `weight` `[O, C, K, K]`.
    pub(crate) fn new(
        x: &[usize],
        weight: &[usize],
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let (&[batch, height, width, channels], &[out_channels, in_channels, kernel, kernel_width]) =
            (x, weight)
        else {
            bail!(
                "conv2d expects activations of rank 4 and weights [O, C, K, K], found {x:?} and {weight:?}"
            )
        };
        if kernel != kernel_width || kernel == 0 || stride == 0 {
            bail!(
                "conv2d expects a square kernel and a positive stride, found weights {weight:?}, stride {stride}"
            );
        }
        if channels != in_channels {
            bail!(
                "conv2d: activations {x:?} have {channels} channels, weights {weight:?} expect {in_channels}"
            );
        }
        if height + 2 * padding < kernel || width + 2 * padding < kernel {
            bail!(
                "conv2d: kernel of weights {weight:?} exceeds activations {x:?} with padding {padding}"
            );
        }
        if padding >= kernel {
            bail!("conv2d: padding {padding} is not smaller than the kernel of weights {weight:?}");
        }
        if x.contains(&0) || weight.contains(&0) {
            bail!("conv2d of nothing: activations {x:?}, weights {weight:?}");
        }
        Ok(Self {
            batch,
            height,
            width,
            in_channels,
            out_channels,
            kernel,
            stride,
            padding,
        })
    }

    /// Rows of the output, `P`.
    pub(crate) fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Columns of the output, `Q`.
    pub(crate) fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// `[B, P, Q, O]`.
    pub(crate) fn out_dims(&self) -> [usize; 4] {
        [
            self.batch,
            self.out_height(),
            self.out_width(),
            self.out_channels,
        ]
    }

    /// Pixels of one output image.
    pub(crate) fn out_area(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Pixels of the whole output.
    pub(crate) fn out_pixels(&self) -> usize {
        self.batch * self.out_area()
    }

    /// Numbers of the activations.
    pub(crate) fn in_len(&self) -> usize {
        self.batch * self.height * self.width * self.in_channels
    }

    /// Numbers of the output.
    pub(crate) fn out_len(&self) -> usize {
        self.out_pixels() * self.out_channels
    }

    /// Pixels of a patch, `K · K`.
    pub(crate) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Numbers of one output channel's weights, and of one patch: `K · K · C`.
    pub(crate) fn patch_len(&self) -> usize {
        self.taps() * self.in_channels
    }

    /// Numbers of the weights.
    pub(crate) fn weight_len(&self) -> usize {
        self.patch_len() * self.out_channels
    }

    /// Returns `true` if a patch is one pixel, so that the activations are the matrix of patches.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }
}
