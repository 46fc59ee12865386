//! Convolution and its gradients.

use candle_core::{Result, Tensor};

use super::custom_gradient;
use crate::cpu::shape::ConvShape;

/// Output `[B, O, P, Q]` of `x` `[B, C, H, W]` and `weight` `[O, C, K, K]`.
pub(crate) fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let shape = ConvShape::new(
        &[batch, height, width, channels],
        weight.dims(),
        stride,
        padding,
    )?;
    let (x_needs_gradient, weight_needs_gradient) = (x.track_op(), weight.track_op());
    let (input, filters) = (x.detach().contiguous()?, weight.detach().contiguous()?);
    let y = input.conv2d(&filters, padding, stride, 1, 1)?;
    custom_gradient::binary([x, weight], &y, move |dy| {
        let dx = x_needs_gradient.then(|| input_gradient(dy, &filters, &shape));
        let dw = weight_needs_gradient.then(|| weight_gradient(&input, dy, &shape));
        Ok([dx.transpose()?, dw.transpose()?])
    })
}

/// `[O, C, K, K]`: the output's gradient `[O, B·PQ]` times the matrix of patches `[B·PQ, KKC]`, one product for the batch.
fn weight_gradient(x: &Tensor, dy: &Tensor, s: &ConvShape) -> Result<Tensor> {
    let taps = s.taps();
    let patches = patches(x, s)?.transpose(1, 2)?.contiguous()?;
    let patches = patches.reshape((s.out_pixels(), s.patch_len()))?;
    let dy = dy.transpose(0, 1)?.contiguous()?;
    dy.reshape((s.out_channels, s.out_pixels()))?
        .matmul(&patches)?
        .reshape((s.out_channels, taps, s.in_channels))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((s.out_channels, s.in_channels, s.kernel, s.kernel))
}

/// The patches `[B, K·K·C, P·Q]`: every stride-th pixel from each tap's offset on.
fn patches(x: &Tensor, s: &ConvShape) -> Result<Tensor> {
    let (batch, channels, area) = (s.batch, s.in_channels, s.out_area());
    if s.is_pointwise() {
        return x.reshape((batch, channels, area));
    }
    // The padded image in blocks of `stride` pixels, so that a strided slice is a plain one.
    let blocks = |out: usize| out + (s.kernel - 1) / s.stride;
    let (rows, columns) = (blocks(s.out_height()), blocks(s.out_width()));
    let x = resized(x, 2, s.padding, rows * s.stride)?;
    let x = resized(&x, 3, s.padding, columns * s.stride)?.contiguous()?;
    let x = x.reshape(vec![batch, channels, rows, s.stride, columns, s.stride])?;
    let mut taps = Vec::with_capacity(s.taps());
    for i in 0..s.kernel {
        for j in 0..s.kernel {
            let phase = x
                .narrow(3, i % s.stride, 1)?
                .narrow(5, j % s.stride, 1)?
                .squeeze(5)?
                .squeeze(3)?;
            let rows = phase.narrow(2, i / s.stride, s.out_height())?;
            let tap = rows.narrow(3, j / s.stride, s.out_width())?;
            taps.push(tap.contiguous()?.reshape((batch, channels, area))?);
        }
    }
    Tensor::cat(&taps, 1)
}

/// `[B, C, H, W]`: convolution of the output's gradient, spread out by the stride, with the turned kernel.
fn input_gradient(dy: &Tensor, weight: &Tensor, s: &ConvShape) -> Result<Tensor> {
    let last = u32::try_from(s.kernel).map_err(candle_core::Error::wrap)?;
    let reversed = Tensor::from_vec(
        (0..last).rev().collect::<Vec<_>>(),
        s.kernel,
        weight.device(),
    )?;
    let turned = weight
        .index_select(&reversed, 2)?
        .index_select(&reversed, 3)?;
    let turned = turned.transpose(0, 1)?.contiguous()?; // [C, O, K, K]
    let spread = if s.stride == 1 {
        dy.clone()
    } else {
        let cells = dy.reshape(vec![
            s.batch,
            s.out_channels,
            s.out_height(),
            1,
            s.out_width(),
            1,
        ])?;
        let cells = cells
            .pad_with_zeros(5, 0, s.stride - 1)?
            .pad_with_zeros(3, 0, s.stride - 1)?
            .contiguous()?;
        cells.reshape((
            s.batch,
            s.out_channels,
            s.out_height() * s.stride,
            s.out_width() * s.stride,
        ))?
    };
    // The convolution pads both ends; what the stride adds beyond the last pixel is cut off, and is nothing at a stride of 1.
    let lead = s.kernel - 1 - s.padding;
    let len = |side: usize| side + s.kernel - 1 - 2 * lead;
    let spread = spread
        .narrow(2, 0, len(s.height))?
        .narrow(3, 0, len(s.width))?;
    spread.contiguous()?.conv2d(&turned, lead, 1, 1, 1)
}

/// `x` with `lead` zeros before dimension `dim`, then cut or filled with zeros to `len`.
fn resized(x: &Tensor, dim: usize, lead: usize, len: usize) -> Result<Tensor> {
    let x = x.pad_with_zeros(dim, lead, 0)?;
    let found = x.dim(dim)?;
    if found < len {
        x.pad_with_zeros(dim, 0, len - found)
    } else {
        x.narrow(dim, 0, len)
    }
}
