//! The kernels against plain loops in f64.

use rayon::ThreadPoolBuilder;

use super::{
    batch_norm::{self, Affine, Epilogue, GradientMask, Moments},
    buffer::{Uninit, write_vec},
    conv::{self, Forms},
    few_pixels, im2col, pack,
    pool::{self, PoolShape},
    shape::ConvShape,
    simd, winograd,
};

/// Largest difference of a kernel from f64, as a relative L2 norm.
const TOLERANCE: f64 = 1e-5;

/// Reproducible numbers in `[−1, 1)`.
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 32768.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn relative_error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let difference: f64 = found
        .iter()
        .zip(expected)
        .map(|(&f, e)| (f64::from(f) - e).powi(2))
        .sum();
    (difference / expected.iter().map(|e| e * e).sum::<f64>()).sqrt()
}

fn check(name: &str, found: &[f32], expected: &[f64]) {
    let error = relative_error(found, expected);
    assert!(error <= TOLERANCE, "{name}: relative error {error:.1e}");
}

fn conv_shape(
    batch: usize,
    side: [usize; 2],
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
) -> ConvShape {
    let [height, width] = side;
    let [inputs, outputs] = channels;
    ConvShape::new(
        &[batch, height, width, inputs],
        &[outputs, inputs, kernel, kernel],
        stride,
        kernel / 2,
    )
    .unwrap()
}

/// Output, gradient of the input and gradient of the weights.
struct Reference {
    y: Vec<f64>,
    dx: Vec<f64>,
    dw: Vec<f64>,
}

fn reference(x: &[f32], w: &[f32], dy: &[f32], s: &ConvShape) -> Reference {
    let (channels, taps) = (s.in_channels, s.kernel * s.kernel);
    let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
    let (x, dy) = (wide(x), wide(dy));
    // By tap, so that the inner loops are over channels.
    let at = |o: usize, tap: usize| (o * taps + tap) * channels;
    let mut by_tap = vec![0.0; w.len()];
    for (i, &value) in w.iter().enumerate() {
        by_tap[at(i / taps / channels, i % taps) + i / taps % channels] = f64::from(value);
    }
    let (mut y, mut dx, mut dw_by_tap) = (
        vec![0.0; s.out_len()],
        vec![0.0; s.in_len()],
        vec![0.0; w.len()],
    );
    for pixel in 0..s.out_pixels() {
        let (image, rest) = (pixel / s.out_area(), pixel % s.out_area());
        let (row, column) = (
            rest / s.out_width() * s.stride,
            rest % s.out_width() * s.stride,
        );
        for tap in 0..taps {
            let (i, j) = (row + tap / s.kernel, column + tap % s.kernel);
            let inside = (s.padding..s.padding + s.height).contains(&i)
                && (s.padding..s.padding + s.width).contains(&j);
            if !inside {
                continue;
            }
            let start = ((image * s.height + i - s.padding) * s.width + j - s.padding) * channels;
            let source = &x[start..start + channels];
            let target = &mut dx[start..start + channels];
            for o in 0..s.out_channels {
                let gradient = dy[pixel * s.out_channels + o];
                let weights = &by_tap[at(o, tap)..at(o, tap) + channels];
                let gradients = &mut dw_by_tap[at(o, tap)..at(o, tap) + channels];
                let mut sum = 0.0;
                for c in 0..channels {
                    sum += weights[c] * source[c];
                    gradients[c] += gradient * source[c];
                    target[c] += gradient * weights[c];
                }
                y[pixel * s.out_channels + o] += sum;
            }
        }
    }
    let dw = (0..w.len())
        .map(|i| dw_by_tap[at(i / taps / channels, i % taps) + i / taps % channels])
        .collect();
    Reference { y, dx, dw }
}

type Forward = fn(&[f32], &[f32], &ConvShape, Option<Epilogue<'_>>, &mut [Uninit]);
type Gradient = fn(&[f32], &[f32], &ConvShape, &mut [Uninit]);

/// An output of `len` numbers, all of which a kernel writes.
fn output_of(len: usize, kernel: impl FnOnce(&mut [Uninit])) -> Vec<f32> {
    #[expect(unsafe_code, reason = "a kernel writes its whole output")]
    // SAFETY: the kernel writes its whole output.
    unsafe {
        write_vec(len, kernel)
    }
}

/// Checks all algorithms that can compute the convolution.
fn check_convolution(s: &ConvShape) {
    let (x, w, dy) = (
        numbers(s.in_len(), 1),
        numbers(s.weight_len(), 2),
        numbers(s.out_len(), 3),
    );
    let expected = reference(&x, &w, &dy, s);
    let name = |algorithm: &str, result: &str| format!("{result} by {algorithm} of {s:?}");
    let mut algorithms: Vec<(&str, Forward, [Gradient; 2])> = vec![(
        "im2col",
        |x, w, s, epilogue, y| {
            im2col::forward(x, &pack::weights_by_patch(w, s), s, epilogue, y);
        },
        [im2col::input_gradient, im2col::weight_gradient],
    )];
    if few_pixels::has_form(s) {
        let gradients: [Gradient; 2] = [few_pixels::input_gradient, few_pixels::weight_gradient];
        algorithms.push((
            "few pixels",
            |x, w, s, epilogue, y| few_pixels::forward(x, w, None, s, epilogue, y),
            gradients,
        ));
        algorithms.push((
            "few pixels with kept weights",
            |x, w, s, epilogue, y| {
                few_pixels::forward(x, w, Some(&few_pixels::weights(w, s)), s, epilogue, y);
            },
            gradients,
        ));
    }
    if winograd::has_form(s) {
        algorithms.push((
            "winograd",
            |x, w, s, epilogue, y| {
                winograd::forward(x, &winograd::weights(w, s), s, epilogue, y);
            },
            [winograd::input_gradient, winograd::weight_gradient],
        ));
    }
    for (algorithm, forward, [input_gradient, weight_gradient]) in algorithms {
        let y = output_of(s.out_len(), |y| forward(&x, &w, s, None, y));
        check(&name(algorithm, "output"), &y, &expected.y);
        check_epilogue(&name(algorithm, "epilogue"), &y, s, |epilogue, y| {
            forward(&x, &w, s, Some(epilogue), y);
        });
        check(
            &name(algorithm, "input gradient"),
            &output_of(s.in_len(), |dx| input_gradient(&dy, &w, s, dx)),
            &expected.dx,
        );
        check(
            &name(algorithm, "weight gradient"),
            &output_of(s.weight_len(), |dw| weight_gradient(&x, &dy, s, dw)),
            &expected.dw,
        );
    }
}

/// Checks the output after an epilogue against the normalization of the output `y`, to the bit.
fn check_epilogue(
    name: &str,
    y: &[f32],
    s: &ConvShape,
    convolution: impl Fn(Epilogue<'_>, &mut [Uninit]),
) {
    let channels = s.out_channels;
    let moments = Moments::of(y, channels);
    let affine = Affine::new(&moments, &numbers(channels, 4), &numbers(channels, 5), 1e-5);
    let other = numbers(y.len(), 6);
    for (residual, relu) in [
        (None, false),
        (None, true),
        (Some(&other[..]), false),
        (Some(&other[..]), true),
    ] {
        let epilogue = Epilogue {
            affine: &affine,
            residual,
            relu,
        };
        let found = output_of(y.len(), |y| convolution(epilogue, y));
        let expected = batch_norm::forward(y, &affine, residual, relu);
        let is_same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
        assert!(
            found.iter().zip(&expected).all(is_same),
            "{name}: the bits of a normalization by itself"
        );
    }
}

#[test]
fn convolutions_of_resnet_18() {
    check_convolution(&conv_shape(1, [224, 224], [3, 64], 7, 2));
    check_convolution(&conv_shape(1, [56, 56], [64, 64], 3, 1));
    for (inputs, side) in [(64, 56), (128, 28), (256, 14)] {
        check_convolution(&conv_shape(1, [side, side], [inputs, 2 * inputs], 3, 2));
        check_convolution(&conv_shape(1, [side, side], [inputs, 2 * inputs], 1, 2));
        check_convolution(&conv_shape(
            1,
            [side / 2, side / 2],
            [2 * inputs, 2 * inputs],
            3,
            1,
        ));
    }
}

#[test]
fn convolutions_of_resnet_50() {
    check_convolution(&conv_shape(1, [56, 56], [64, 64], 1, 1));
    for (inner, side) in [(64, 56), (128, 28), (256, 14), (512, 7)] {
        check_convolution(&conv_shape(1, [side, side], [inner, 4 * inner], 1, 1));
        check_convolution(&conv_shape(1, [side, side], [4 * inner, inner], 1, 1));
    }
    for (inner, side) in [(128, 56), (256, 28), (512, 14)] {
        check_convolution(&conv_shape(1, [side, side], [2 * inner, inner], 1, 1));
        check_convolution(&conv_shape(1, [side, side], [inner, inner], 3, 2));
        check_convolution(&conv_shape(1, [side, side], [2 * inner, 4 * inner], 1, 2));
    }
}

#[test]
fn convolutions_of_odd_sizes() {
    for batch in [1, 3] {
        for [height, width] in [[1, 1], [1, 9], [5, 3], [7, 10], [13, 6]] {
            for channels in [
                [16, 32],
                [64, 32],
                [48, 16],
                [64, 50],
                [5, 7],
                [1, 1],
                [17, 33],
            ] {
                for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 3)] {
                    check_convolution(&conv_shape(
                        batch,
                        [height, width],
                        channels,
                        kernel,
                        stride,
                    ));
                }
            }
        }
    }
}

/// Many tiles and pixels: several blocks, parts and jobs in each algorithm.
#[test]
fn convolutions_of_batches() {
    for (batch, side, channels) in [(2, 56, [64, 64]), (6, 14, [192, 256]), (5, 28, [16, 144])] {
        check_convolution(&conv_shape(batch, [side, side], channels, 3, 1));
    }
}

/// All results of a step, as bits.
fn bits_of_a_step() -> Vec<Vec<u32>> {
    let mut results = Vec::new();
    for s in [
        conv_shape(2, [56, 56], [64, 64], 3, 1),
        conv_shape(6, [14, 14], [256, 256], 3, 1),
        conv_shape(3, [28, 28], [64, 128], 3, 2),
        conv_shape(2, [20, 20], [64, 256], 1, 1),
        conv_shape(2, [64, 64], [3, 64], 7, 2),
        conv_shape(7, [3, 5], [128, 320], 3, 1),
        conv_shape(16, [7, 6], [64, 96], 3, 2),
    ] {
        let (x, w, dy) = (
            numbers(s.in_len(), 1),
            numbers(s.weight_len(), 2),
            numbers(s.out_len(), 3),
        );
        results.push(conv::forward(&x, &w, None, &s, None));
        results.push(conv::forward(&x, &w, Some(&Forms::default()), &s, None));
        results.push(conv::input_gradient(&dy, &w, &s));
        results.push(conv::weight_gradient(&x, &dy, &s));
    }
    let (x, dy) = (numbers(40_000 * 24, 4), numbers(40_000 * 24, 5));
    let moments = Moments::of(&x, 24);
    let affine = Affine::new(&moments, &numbers(24, 6), &numbers(24, 7), 1e-5);
    results.push(batch_norm::forward(&x, &affine, Some(&dy), true));
    let gradients = batch_norm::backward(&x, &dy, &affine, GradientMask::Positive, true);
    results.extend([
        moments.mean,
        moments.variance,
        gradients.x,
        gradients.gamma,
        gradients.beta,
    ]);
    let shape = PoolShape {
        batch: 3,
        height: 25,
        width: 40,
        channels: 24,
    };
    let (y, taps) = pool::forward(&x[..3 * 25 * 40 * 24], &shape);
    results.push(pool::backward(&y, &taps, &shape));
    results.push(y);
    let means = pool::average(&x[..3 * 25 * 40 * 24], &shape);
    results.push(pool::average_backward(&means, &shape));
    results.push(means);
    results
        .into_iter()
        .map(|values| values.into_iter().map(f32::to_bits).collect())
        .collect()
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let with_threads = |n| {
        ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap()
            .install(bits_of_a_step)
    };
    let expected = with_threads(1);
    for n_threads in [2, 3, 4] {
        assert!(
            with_threads(n_threads) == expected,
            "bits with {n_threads} threads are those with one"
        );
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn bits_do_not_depend_on_the_instruction_set() {
    let avx2 = pulp::x86::V3::try_new();
    if skip::unless(avx2.is_some(), "avx2") {
        return;
    }
    let avx2 = avx2.unwrap();
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .start_handler(move |_| simd::OVERRIDE.set(Some(pulp::Arch::V3(avx2))))
        .build()
        .unwrap();
    assert!(
        pool.install(bits_of_a_step) == bits_of_a_step(),
        "bits with AVX2 are those of the widest set"
    );
}

/// The scalar fallback and its narrow panels.
#[test]
fn convolutions_without_vectors() {
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .start_handler(|_| simd::OVERRIDE.set(Some(pulp::Arch::Scalar)))
        .build()
        .unwrap();
    pool.install(|| {
        for (kernel, stride) in [(1, 1), (3, 1), (3, 2)] {
            check_convolution(&conv_shape(2, [6, 9], [32, 48], kernel, stride));
            check_convolution(&conv_shape(2, [6, 9], [32, 96], kernel, stride));
        }
    });
}

#[test]
fn batch_norm_of_two_pixels() {
    // Channel 0 holds 1 and 3: mean 2, variance 1, normalized −1 and 1. Channel 1 is constant.
    let x = [1.0, 5.0, 3.0, 5.0];
    let moments = Moments::of(&x, 2);
    assert_eq!(
        (&moments.mean[..], &moments.variance[..]),
        (&[2.0, 5.0][..], &[1.0, 0.0][..])
    );
    assert_eq!(moments.unbiased_variance(), [2.0, 0.0]);
    let affine = Affine::new(&moments, &[10.0, 1.0], &[1.0, -2.0], 1e-30);
    let y = batch_norm::forward(&x, &affine, None, false);
    assert_eq!(y, [-9.0, -2.0, 11.0, -2.0]);
}

#[test]
fn batch_norm_against_f64() {
    let (rows, channels, epsilon) = (5000, 37, 1e-3);
    let x: Vec<f32> = numbers(rows * channels, 1)
        .iter()
        .map(|v| 3.0 * v + 20.0)
        .collect();
    let (dy, residual) = (numbers(rows * channels, 2), numbers(rows * channels, 3));
    let (gamma, beta) = (numbers(channels, 4), numbers(channels, 5));
    let moments = Moments::of(&x, channels);
    let affine = Affine::new(&moments, &gamma, &beta, epsilon);
    for (of_batch, relu) in [(true, true), (true, false), (false, true), (false, false)] {
        let n = rows as f64;
        let column = |values: &[f32], j: usize| -> Vec<f64> {
            values
                .iter()
                .skip(j)
                .step_by(channels)
                .map(|&v| f64::from(v))
                .collect()
        };
        let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let (mut d_gamma, mut d_beta) = (vec![0.0; channels], vec![0.0; channels]);
        for j in 0..channels {
            let (x, dy, residual) = (column(&x, j), column(&dy, j), column(&residual, j));
            let mean = x.iter().sum::<f64>() / n;
            let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let inverse = (variance + epsilon).sqrt().recip();
            let normal: Vec<f64> = x.iter().map(|v| (v - mean) * inverse).collect();
            let (g, b) = (f64::from(gamma[j]), f64::from(beta[j]));
            let before: Vec<f64> = normal.iter().map(|v| g * v + b).collect();
            let dy: Vec<f64> = dy
                .iter()
                .zip(&before)
                .map(|(&dy, &v)| if relu && v <= 0.0 { 0.0 } else { dy })
                .collect();
            d_beta[j] = dy.iter().sum();
            d_gamma[j] = dy.iter().zip(&normal).map(|(dy, v)| dy * v).sum();
            for i in 0..rows {
                let sum = before[i] + residual[i];
                y[i * channels + j] = if relu { sum.max(0.0) } else { sum };
                let by_moments = if of_batch {
                    (d_beta[j] + normal[i] * d_gamma[j]) / n
                } else {
                    0.0
                };
                dx[i * channels + j] = g * inverse * (dy[i] - by_moments);
            }
        }
        check(
            "output",
            &batch_norm::forward(&x, &affine, Some(&residual), relu),
            &y,
        );
        let mask = if relu {
            GradientMask::Positive
        } else {
            GradientMask::All
        };
        let gradients = batch_norm::backward(&x, &dy, &affine, mask, of_batch);
        check("gradient of x", &gradients.x, &dx);
        check("gradient of gamma", &gradients.gamma, &d_gamma);
        check("gradient of beta", &gradients.beta, &d_beta);
    }
}

#[test]
fn max_pool_of_a_row() {
    // Windows {3, 1}, {1, 2, 2}, {2, 0}: the tie goes to the first.
    let shape = PoolShape {
        batch: 1,
        height: 1,
        width: 5,
        channels: 1,
    };
    let (y, taps) = pool::forward(&[3.0, 1.0, 2.0, 2.0, 0.0], &shape);
    assert_eq!(y, [3.0, 2.0, 2.0]);
    assert_eq!(
        pool::backward(&[1.0, 10.0, 100.0], &taps, &shape),
        [1.0, 0.0, 10.0, 100.0, 0.0]
    );
}

#[test]
fn max_pool_against_loops() {
    for (height, width) in [(1, 1), (2, 2), (7, 4), (8, 9)] {
        let shape = PoolShape {
            batch: 2,
            height,
            width,
            channels: 5,
        };
        // Few different values, so that there are ties.
        let x: Vec<f32> = numbers(2 * height * width * 5, 1)
            .iter()
            .map(|v| (3.0 * v).round())
            .collect();
        let (rows, columns) = (shape.out_height(), shape.out_width());
        let dy = numbers(2 * rows * columns * 5, 2);
        let (mut y, mut dx) = (vec![], vec![0.0_f32; x.len()]);
        for (i, gradient) in dy.iter().enumerate() {
            let (channel, column, row, image) = (
                i % 5,
                i / 5 % columns,
                i / 5 / columns % rows,
                i / 5 / columns / rows,
            );
            let (mut best, mut best_index) = (f32::NEG_INFINITY, 0);
            for r in (2 * row).saturating_sub(1)..(2 * row + 2).min(height) {
                for c in (2 * column).saturating_sub(1)..(2 * column + 2).min(width) {
                    let index = ((image * height + r) * width + c) * 5 + channel;
                    if x[index] > best {
                        (best, best_index) = (x[index], index);
                    }
                }
            }
            y.push(best);
            dx[best_index] += gradient;
        }
        let (found, taps) = pool::forward(&x, &shape);
        assert_eq!(found, y);
        let expected: Vec<f64> = dx.iter().map(|&v| f64::from(v)).collect();
        check(
            "gradient of max-pool",
            &pool::backward(&dy, &taps, &shape),
            &expected,
        );
    }
}
