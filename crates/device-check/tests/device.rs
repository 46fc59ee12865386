//! A step on the GPU against the CPU. It needs one: `.ci/device cuda`.

#![cfg(any(feature = "cuda", feature = "metal"))]
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use device_check::parity;

#[cfg(feature = "cuda")]
const CLASS: &str = "cuda";
#[cfg(not(feature = "cuda"))]
const CLASS: &str = "metal";

#[test]
fn a_step_has_the_results_of_the_cpu() {
    let device = model::device(CLASS).unwrap();
    let parity = parity(&device).unwrap();
    println!("{CLASS}: {} differs by {:.1e}", parity.worst, parity.error);
    assert!(parity.is_sound(), "{parity:?}");
}

#[test]
fn the_device_reports_its_memory() {
    let device = model::device(CLASS).unwrap();
    let bytes = kernels::memory_bytes(&device).unwrap();
    assert!(bytes.is_some_and(|bytes| bytes > 1 << 30), "{bytes:?}");
}
