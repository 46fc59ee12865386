use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::sampler::cubic;
use super::*;
use crate::{Geometry, Preprocess, View};

const STILL: Augmentation = Augmentation {
    crop_area: 1.0,
    trivial: false,
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

fn size(image: &ResizedImage<'_>, side_px: u32) -> NetworkSize {
    NetworkSize {
        side_px,
        whole: (image.full_width, image.full_height),
    }
}

/// Samples the center crop, rotated and then mirrored.
fn sample(image: &ResizedImage<'_>, side: u32, degrees: f32, flip: bool, out: &mut [f32]) {
    let rotation = Affine::rotation(degrees);
    let affine = if flip {
        rotation.mirrored_after()
    } else {
        rotation
    };
    Transform::new(Frame::center(image, size(image, side)), affine).sample(image, out);
}

fn augmented(image: &ResizedImage<'_>, how: &Augmentation, side: u32, seed: u64) -> Vec<f32> {
    let mut out = vec![f32::NAN; (side * side * 3) as usize];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    augment(image, how, size(image, side), &mut rng, &mut out);
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
        let expected = Preprocess::new(Geometry::new(16).unwrap()).image(&image, View::CENTER);
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
    sample(&image, 2, 90.0, false, &mut out);
    let red = |out: &[f32]| -> Vec<f32> { out.chunks(3).map(|p| p[0].round()).collect() };
    // The right column becomes the upper row.
    assert_eq!(red(&out), [50.0, 150.0, 0.0, 100.0]);
    sample(&image, 2, 0.0, true, &mut out);
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
        sample(&image, side, degrees, false, &mut out);
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
    sample(&image, 16, 45.0, false, &mut out);
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
        sample(&image, 32, f32::from(degrees), degrees % 2 == 0, &mut out);
        assert_close(&out, &[255.0; 32 * 32 * 3], 1e-3);
    }
}

#[test]
fn colors_follow_torchvision() {
    // blend(image, other, factor) = factor · image + (1 - factor) · other, cut to bytes.
    let start = [200.0, 100.0, 0.0, 0.0, 100.0, 200.0];
    let applied = |change: Change| {
        let mut values = start;
        change.apply(1, &mut values);
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
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..500 {
        let erased = BlankRectangle::draw((60, 40), &mut rng).expect("ten tries are enough here");
        assert!(erased.left + erased.width <= 60 && erased.top + erased.height <= 40);
        let share = (erased.width * erased.height) as f32 / (60.0 * 40.0);
        // Rounding to whole pixels moves small rectangles a little.
        assert!((0.015..0.36).contains(&share), "{share} of the image");
    }
}

#[test]
fn erasing_keeps_to_the_crop() {
    let erased = BlankRectangle {
        left: 0,
        top: 3,
        width: 4,
        height: 100,
    };
    let mut out = [1.0; 8 * 8 * 3];
    erased.apply((12, 10), 8, &mut out);
    // The crop starts at column 2 and row 1: columns 0 and 1 of it are erased from row 2 on.
    let black = out.chunks(3).filter(|pixel| pixel[0] < 0.5).count();
    assert_eq!(black, 2 * 6);
    assert!(out[(2 * 8) * 3] < 0.5 && out[(2 * 8 + 1) * 3] < 0.5);
}

#[test]
fn the_same_seed_gives_the_same_image() {
    let how: Augmentation = serde_json::from_value(json!({
        "crop_area": 1.0, "trivial": false, "rotation_deg": 45, "flip": true, "brightness": 0.25, "contrast": 0.25, "saturation": 0.25,
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
            "crop_area": 1.0, "trivial": false, "rotation_deg": 45, "flip": true, "brightness": 0.25, "contrast": 0.25,
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

/// Values of torchvision, by `tests/golden/augment.py`.
#[derive(Deserialize)]
struct Golden {
    crops: Vec<GoldenCrop>,
    operations: Vec<GoldenOperation>,
}

#[derive(Deserialize)]
struct GoldenCrop {
    /// Left, top, width, height.
    window: [usize; 4],
    side: u32,
    flip: bool,
    pixels: Vec<f32>,
}

#[derive(Deserialize)]
struct GoldenOperation {
    number: u8,
    magnitude: u8,
    sign: f32,
    pixels: Vec<f32>,
}

fn golden() -> Golden {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/augment.json");
    serde_json::from_str(&fs_err::read_to_string(file).unwrap()).unwrap()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let byte =
        |x: u32, y: u32, c: u32| u8::try_from((7 * x + 13 * y + 29 * c + x * y) % 251).unwrap();
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [0, 1, 2].map(|c| byte(x, y, c))))
        .collect()
}

#[test]
fn random_crops_are_resized_as_by_torchvision() {
    let pixels = picture(37, 29);
    let image = image(37, 29, &pixels);
    for golden in golden().crops {
        let [left, top, width, height] = golden.window;
        let window = Window {
            left,
            top,
            width,
            height,
        };
        let affine = match golden.flip {
            true => Affine::IDENTITY.mirrored_before(),
            false => Affine::IDENTITY,
        };
        let mut out = vec![0.0; golden.pixels.len()];
        Transform::new(Frame::part(window, golden.side), affine).sample(&image, &mut out);
        assert_close(&out, &golden.pixels, 0.02);
    }
}

#[test]
fn operations_are_those_of_torchvision() {
    for golden in golden().operations {
        let operation = |side| Operation::of(golden.number, golden.magnitude, golden.sign, side);
        match operation(64) {
            Operation::Geometric(affine) => check_places(affine, &golden),
            Operation::Color(_) => {
                let mut out: Vec<f32> = picture(16, 16).into_iter().map(f32::from).collect();
                let Operation::Color(change) = operation(16) else {
                    panic!("the side changes no color");
                };
                change.apply(16, &mut out);
                assert_close(&out, &golden.pixels, 0.02);
            }
        }
    }
}

/// Checks the places that an operation reads on every fifth pixel of 64 × 64.
fn check_places(affine: Affine, golden: &GoldenOperation) {
    let pixels: Vec<u8> = (0..64_u8)
        .flat_map(|y| (0..64_u8).flat_map(move |x| [3 * x, 3 * y, 3 * ((x + y) / 2)]))
        .collect();
    let image = image(64, 64, &pixels);
    let mut out = vec![0.0; pixels.len()];
    Transform::new(Frame::center(&image, size(&image, 64)), affine).sample(&image, &mut out);
    let mut compared = 0;
    for (at, expected) in golden.pixels.chunks_exact(3).enumerate() {
        let (row, column) = (at / 13 * 5, at % 13 * 5);
        let found = &out[(row * 64 + column) * 3..][..2];
        // The place that is read; at the border of the image, torchvision mixes in what is beyond.
        let (x, y) = (column as f32 + 0.5 - 32.0, row as f32 + 0.5 - 32.0);
        let place = [0, 1].map(|axis| {
            let [a, b] = affine.matrix[axis];
            a * x + b * y + affine.shift[axis] + 31.5
        });
        if place.iter().all(|at| (2.0..=61.0).contains(at)) {
            assert_close(found, &expected[..2], 0.6);
            compared += 1;
        } else if place.iter().any(|at| !(-3.0..=66.0).contains(at)) {
            assert_eq!(found, [0.0; 2]);
            assert!(expected[0] <= -1.0);
        }
    }
    assert!(
        compared > 60,
        "{compared} places of operation {}",
        golden.number
    );
}

#[test]
fn a_shrunk_turned_image_is_that_of_a_turned_shrunk_one() {
    // A wave of 24 pixels is one of 12 in an image of half the side.
    let wave = |at: f32| (127.0 + 100.0 * (at * std::f32::consts::TAU / 24.0).sin()).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a byte"
    )]
    let stored: Vec<u8> = (0..128_u8)
        .flat_map(|y| {
            (0..128_u8).flat_map(move |x| [wave(x.into()) as u8, wave(y.into()) as u8, 9])
        })
        .collect();
    let stored = image(128, 128, &stored);
    let half = NetworkSize {
        side_px: 32,
        whole: (64, 64),
    };
    for degrees in [0.0, 20.0, 90.0] {
        let rotation = Affine::rotation(degrees);
        let mut found = vec![0.0; 32 * 32 * 3];
        Transform::new(Frame::center(&stored, half), rotation).sample(&stored, &mut found);
        for (at, pixel) in found.chunks_exact(3).enumerate() {
            // The place in the stored image, from its edge.
            let offset = |at: usize| at as f32 + 0.5 - 16.0;
            let ([[a, b], [c, d]], x, y) = (rotation.matrix, offset(at % 32), offset(at / 32));
            let expected = [
                wave(64.0 + 2.0 * (a * x + b * y) - 0.5),
                wave(64.0 + 2.0 * (c * x + d * y) - 0.5),
            ];
            // The tent takes a tenth of the amplitude.
            assert_close(&pixel[..2], &expected, 14.0);
        }
    }
}

#[test]
fn today_s_recipe_fills_the_input_and_depends_on_its_draws() {
    let how: Augmentation = serde_json::from_value(json!({
        "crop_area": 0.25, "trivial": true, "rotation_deg": 45, "flip": true, "brightness": 0.25, "contrast": 0.25,
        "saturation": 0.25, "erase_probability": 0.0
    }))
    .unwrap();
    let pixels = noise(60, 41);
    let image = image(60, 41, &pixels);
    let inputs: Vec<Vec<f32>> = (0..60)
        .map(|seed| augmented(&image, &how, 32, seed))
        .collect();
    assert_eq!(inputs[7], augmented(&image, &how, 32, 7));
    for (at, input) in inputs.iter().enumerate() {
        assert!(input.iter().all(|value| (-2.2..=2.7).contains(value)));
        assert!(!inputs[..at].contains(input));
    }
    // A different setting of what TrivialAugment replaces changes nothing.
    let other = Augmentation {
        rotation_deg: 10.0,
        brightness: 0.0,
        ..how
    };
    assert_eq!(inputs[7], augmented(&image, &other, 32, 7));
}

#[test]
fn a_crop_area_is_a_share() {
    let read = |area: f32| {
        serde_json::from_value::<Augmentation>(json!({
            "crop_area": area, "trivial": false, "rotation_deg": 45, "flip": true, "brightness": 0.25,
            "contrast": 0.25, "saturation": 0.25, "erase_probability": 0.5
        }))
    };
    assert!(read(0.35).unwrap().needs_whole_image());
    assert!(!read(1.0).unwrap().needs_whole_image());
    assert_eq!(
        read(0.0).unwrap_err().to_string(),
        "`crop_area` is 0: expected a share above 0, up to 1 for the center crop"
    );
    assert!(read(1.5).is_err());
}
