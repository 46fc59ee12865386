use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::{Geometry, Preprocess};

const STILL: Augmentation = Augmentation {
    rotation_deg: 0.0,
    flip: false,
    brightness: 0.0,
    contrast: 0.0,
    saturation: 0.0,
    erase_probability: 0.0,
};

fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..width * height * 3).map(|_| rng.random()).collect()
}

fn image(width: u32, height: u32, pixels: &[u8]) -> ResizedImage<'_> {
    ResizedImage {
        width,
        height,
        full_width: width,
        full_height: height,
        pixels,
    }
}

fn augmented(image: &ResizedImage<'_>, how: &Augmentation, side: u32, seed: u64) -> Vec<f32> {
    let mut out = vec![f32::NAN; (side * side * 3) as usize];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    augment(image, how, side, &mut rng, &mut out);
    out
}

fn assert_close(a: &[f32], b: &[f32], off: f32) {
    let largest = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(largest <= off, "off by {largest}");
}

#[test]
fn nothing_changed_is_the_center() {
    for (width, height) in [(16, 16), (21, 17), (18, 29)] {
        let pixels = noise(width, height);
        let image = image(width, height, &pixels);
        let expected = Preprocess::new(Geometry::new(16).unwrap()).image(&image);
        assert_close(&augmented(&image, &STILL, 16, 1), &expected, 2e-5);
    }
}

#[test]
fn a_quarter_turn_moves_whole_pixels() {
    // 0 1
    // 2 3
    let pixels: Vec<u8> = (0..4_u8).flat_map(|value| [value * 50; 3]).collect();
    let image = image(2, 2, &pixels);
    let mut out = [0.0; 12];
    Transform::new(&image, 2, 90.0, false).sample(&image, &mut out);
    let red = |out: &[f32]| -> Vec<f32> { out.chunks(3).map(|p| p[0].round()).collect() };
    // The right column becomes the upper row.
    assert_eq!(red(&out), [50.0, 150.0, 0.0, 100.0]);
    Transform::new(&image, 2, 0.0, true).sample(&image, &mut out);
    assert_eq!(red(&out), [50.0, 0.0, 150.0, 100.0]);
}

#[test]
fn cubic_weights_are_those_of_onnx() {
    // Weights of four pixels, a quarter behind the second one, by `Resize` of onnx 1.23 with `cubic_coeff_a = -1`.
    assert_close(
        &cubic(0.25),
        &[-0.140_625, 0.890_625, 0.296_875, -0.046_875],
        1e-7,
    );
    assert_close(&cubic(0.0), &[0.0, 1.0, 0.0, 0.0], 0.0);
    for t in [0.1, 0.5, 0.9] {
        assert_close(&[cubic(t).iter().sum()], &[1.0], 1e-6);
    }
}

#[test]
fn fine_detail_outlives_a_turn() {
    let (width, height, side) = (90, 90, 60);
    // Noise whose single pixels differ, smoothed once as a resize with antialiasing does it.
    let raw = noise(width, height);
    let mean = |at: usize| {
        let taps = [
            at,
            at + 3,
            at + 3 * width as usize,
            at + 3 * width as usize + 3,
        ];
        let sum: u32 = taps
            .map(|tap| u32::from(raw[tap.min(raw.len() - 1)]))
            .iter()
            .sum();
        u8::try_from(sum / 4).expect("a mean of bytes")
    };
    let pixels: Vec<u8> = (0..raw.len()).map(mean).collect();
    let image = image(width, height, &pixels);
    let detail = |degrees: f32| {
        let mut out = vec![0.0; (side * side * 3) as usize];
        Transform::new(&image, side, degrees, false).sample(&image, &mut out);
        let stride = side as usize * 3;
        let laplacian = |at: usize| {
            4.0 * out[at] - out[at - 3] - out[at + 3] - out[at - stride] - out[at + stride]
        };
        let inner = stride + 3..out.len() - stride - 3;
        inner.map(|at| laplacian(at).abs()).sum::<f32>()
    };
    let kept = detail(31.0) / detail(0.0);
    assert!(kept > 0.8, "{kept} of the detail is left");
}

#[test]
fn a_turned_square_has_black_corners() {
    let pixels = vec![255; 16 * 16 * 3];
    let image = image(16, 16, &pixels);
    let mut out = [0.0; 16 * 16 * 3];
    Transform::new(&image, 16, 45.0, false).sample(&image, &mut out);
    let at = |x: usize, y: usize| out[(y * 16 + x) * 3];
    assert_close(
        &[at(0, 0), at(15, 0), at(0, 15), at(15, 15)],
        &[0.0; 4],
        0.0,
    );
    assert_close(&[at(8, 8), at(8, 1), at(1, 8)], &[255.0; 3], 1e-3);
}

#[test]
fn the_cut_of_a_long_side_is_never_seen() {
    // White where a cut keeps the image, black beyond: any black would have been sampled from beyond the cut.
    let geometry = Geometry::new(32).unwrap();
    let (width, height) = (200, 200);
    let (kept_width, kept_height) = geometry.kept(width, height);
    let white = vec![255; (kept_width * kept_height * 3) as usize];
    let image = ResizedImage {
        full_width: width,
        full_height: height,
        ..image(kept_width, kept_height, &white)
    };
    let mut out = [0.0; 32 * 32 * 3];
    for degrees in 0..180_u8 {
        Transform::new(&image, 32, f32::from(degrees), degrees % 2 == 0).sample(&image, &mut out);
        assert_close(&out, &[255.0; 32 * 32 * 3], 1e-3);
    }
}

#[test]
fn colors_follow_torchvision() {
    // blend(image, other, factor) = factor · image + (1 - factor) · other, cut to bytes.
    let start = [200.0, 100.0, 0.0, 0.0, 100.0, 200.0];
    let applied = |change: Change| {
        let mut values = start;
        change.apply(&mut values);
        values
    };
    assert_close(
        &applied(Change::Brightness(1.5)),
        &[255.0, 150.0, 0.0, 0.0, 150.0, 255.0],
        1e-3,
    );
    let grays = [118.48, 81.5]; // 0.2989 · 200 + 0.587 · 100; 0.587 · 100 + 0.114 · 200
    let mean = (grays[0] + grays[1]) / 2.0;
    assert_close(
        &applied(Change::Contrast(0.5)),
        &start.map(|value| 0.5 * value + 0.5 * mean),
        1e-3,
    );
    let saturated = applied(Change::Saturation(0.0));
    assert_close(
        &saturated,
        &[grays[0], grays[0], grays[0], grays[1], grays[1], grays[1]],
        1e-3,
    );
}

#[test]
fn erased_parts_have_the_drawn_size() {
    let pixels = vec![255; 60 * 40 * 3];
    let image = image(60, 40, &pixels);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..500 {
        let erased = BlankRectangle::draw(&image, &mut rng).expect("ten tries are enough here");
        assert!(erased.left + erased.width <= 60 && erased.top + erased.height <= 40);
        let share = (erased.width * erased.height) as f32 / (60.0 * 40.0);
        // Rounding to whole pixels moves small rectangles a little.
        assert!((0.015..0.36).contains(&share), "{share} of the image");
    }
}

#[test]
fn erasing_keeps_to_the_crop() {
    let pixels = vec![255; 12 * 10 * 3];
    let image = image(12, 10, &pixels);
    let erased = BlankRectangle {
        left: 0,
        top: 3,
        width: 4,
        height: 100,
    };
    let mut out = [1.0; 8 * 8 * 3];
    erased.apply(&image, 8, &mut out);
    // The crop starts at column 2 and row 1: columns 0 and 1 of it are erased from row 2 on.
    let black = out.chunks(3).filter(|pixel| pixel[0] < 0.5).count();
    assert_eq!(black, 2 * 6);
    assert!(out[(2 * 8) * 3] < 0.5 && out[(2 * 8 + 1) * 3] < 0.5);
}

#[test]
fn the_same_seed_gives_the_same_image() {
    let how: Augmentation = serde_json::from_value(json!({
        "rotation_deg": 45, "flip": true, "brightness": 0.25, "contrast": 0.25, "saturation": 0.25,
        "erase_probability": 0.5
    }))
    .unwrap();
    let pixels = noise(40, 37);
    let image = image(40, 37, &pixels);
    let first = augmented(&image, &how, 32, 5);
    assert_eq!(first, augmented(&image, &how, 32, 5));
    assert_ne!(first, augmented(&image, &how, 32, 6));
    // Black and white on the network's scale.
    assert!(first.iter().all(|value| (-2.2..=2.7).contains(value)));
}

#[test]
fn ranges_are_checked() {
    let error = |key: &str, value: f32| {
        let mut fields = json!({
            "rotation_deg": 45, "flip": true, "brightness": 0.25, "contrast": 0.25,
            "saturation": 0.25, "erase_probability": 0.5
        });
        fields[key] = json!(value);
        serde_json::from_value::<Augmentation>(fields)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("rotation_deg", -1.0),
        "`rotation_deg` is -1: expected degrees from 0 to 180"
    );
    assert_eq!(
        error("contrast", 1.5),
        "`contrast` is 1.5: expected a number from 0 to 1"
    );
    assert!(error("sharpness", 0.5).contains("unknown field `sharpness`"));
}
