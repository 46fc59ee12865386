//! Maps on the GPU against those on the CPU: `.ci/device cuda`.

#![cfg(any(feature = "cuda", feature = "metal"))]
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use attribution::{OcclusionWindows, cam_layer, grad_cam, occlusion};
use candle_core::{Device, Tensor};
use model::{Config, Depth, Network, ResnetLayer};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

#[cfg(feature = "cuda")]
const CLASS: &str = "cuda";
#[cfg(not(feature = "cuda"))]
const CLASS: &str = "metal";

const SIDE_PX: usize = 64;

/// Probability drops of one image, and its Grad-CAM on an earlier and on the last layer.
fn maps(device: &Device) -> [Vec<f64>; 3] {
    let config = Config {
        depth: Depth::D18,
        classifier: true,
        embedding_size: 4,
        n_classes: 3,
    };
    let network = Network::new(&config, device, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let n = SIDE_PX * SIDE_PX * 3;
    let values: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
    let image = Tensor::from_vec(values, (SIDE_PX, SIDE_PX, 3), device).unwrap();
    let probability_drops =
        occlusion(&network, &image, 1, OcclusionWindows::new(4, 2).unwrap()).unwrap();
    let cam = |layer| {
        let cam = grad_cam(&network, &image, 1, layer).unwrap();
        let cam: Vec<f32> = cam.flatten_all().unwrap().to_vec1().unwrap();
        cam.into_iter().map(f64::from).collect()
    };
    let earlier = cam(cam_layer(SIDE_PX, SIDE_PX));
    [probability_drops, earlier, cam(ResnetLayer::Layer4)]
}

#[test]
fn maps_are_those_of_the_cpu() {
    let found = maps(&model::device(CLASS).unwrap());
    let expected = maps(&Device::Cpu);
    for (found, expected) in found.iter().zip(&expected) {
        let largest = expected
            .iter()
            .fold(0.0_f64, |max, value| max.max(value.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let error = (found - expected).abs();
            assert!(error <= 1e-2 * largest, "{found}, expected {expected}");
        }
    }
}
