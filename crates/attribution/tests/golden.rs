//! Maps against PyTorch, on weights by a formula: `golden/make.py` documents how the values were made.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "../../model/tests/formula/mod.rs"]
#[expect(dead_code, reason = "batches and norms serve the tests of `model`")]
mod formula;

use std::collections::BTreeMap;

use attribution::{OcclusionWindows, grad_cam, occlusion};
use candle_core::Tensor;
use formula::{network, values, weight};
use kernels::Backend;
use model::{Depth, ResnetLayer};
use serde::Deserialize;

const IMAGES: usize = 2;
const SIDE: usize = 96;

#[derive(Deserialize)]
struct Case {
    image: usize,
    label: usize,
    probability_drops: Vec<f64>,
    /// On the last layer.
    cam: Vec<f64>,
    /// On earlier layers, by name; of some cases.
    earlier: BTreeMap<String, Vec<f64>>,
}

fn check(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error <= tolerance, "{name}: {found}, expected {expected}");
    }
}

fn check_backend(backend: Backend) {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden/golden.json")).unwrap();
    let network = network(Depth::D18, backend);
    let images: Tensor = (weight("images", &[IMAGES, SIDE, SIDE, 3]) * 5.0).unwrap();
    let windows = OcclusionWindows::new(4, 2).unwrap();
    let mut n_earlier = 0;
    for case in cases {
        let image = images.get(case.image).unwrap();
        let probability_drops = occlusion(&network, &image, case.label, windows).unwrap();
        check(
            "probability_drops",
            &probability_drops,
            &case.probability_drops,
            1e-5,
        );
        let check_cam = |layer: ResnetLayer, expected: &[f64]| {
            let cam = grad_cam(&network, &image, case.label, layer).unwrap();
            assert_eq!(cam.dims(), [layer.cells(SIDE); 2]);
            let largest = expected.iter().copied().fold(0.0, f64::max);
            check(layer.name(), &values(&cam), expected, 2e-4 * largest);
        };
        check_cam(ResnetLayer::Layer4, &case.cam);
        for layer in ResnetLayer::ALL {
            if let Some(expected) = case.earlier.get(layer.name()) {
                check_cam(layer, expected);
                n_earlier += 1;
            }
        }
    }
    assert_eq!(n_earlier, 4);
}

#[test]
fn maps_of_the_cpu_backend_are_those_of_pytorch() {
    check_backend(Backend::Cpu);
}

#[test]
fn maps_of_the_reference_backend_are_those_of_pytorch() {
    check_backend(Backend::Reference);
}

#[test]
fn blanking_a_blank_image_has_no_effect() {
    let network = network(Depth::D18, Backend::Cpu);
    let image = weight("images", &[32, 32, 3]).zeros_like().unwrap();
    let probability_drops =
        occlusion(&network, &image, 2, OcclusionWindows::new(7, 3).unwrap()).unwrap();
    check("probability_drops", &probability_drops, &[0.0; 49], 1e-6);
}

#[test]
fn mismatched_classes_and_images_are_refused() {
    let network = network(Depth::D18, Backend::Cpu);
    let image = weight("images", &[32, 32, 3]);
    let message = |class, cells| {
        let windows = OcclusionWindows::new(cells, 1).unwrap();
        let error = occlusion(&network, &image, class, windows).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        message(8, 4),
        "class 8 does not exist: expected an index below 8"
    );
    assert_eq!(
        message(0, 33),
        "33 cells a side on an image of 32×32 pixels: expected no more cells than pixels"
    );
}
