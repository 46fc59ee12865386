//! A step on the GPU against the CPU. It needs one: `.ci/device cuda`.

#![cfg(any(feature = "cuda", feature = "metal"))]

use device_check::{Side, operations, parity, row, text};

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
fn each_operation_has_the_results_of_the_cpu() {
    let side = Side::of(&model::device(CLASS).unwrap());
    let rows: Vec<_> = { operations().into_iter() }
        .map(|operation| row(&operation, &side))
        .collect();
    print!("{}", rows.iter().map(text::row).collect::<String>());
    for row in rows {
        assert!(row.check.is_sound, "{row:?}");
    }
}

#[test]
fn the_device_reports_its_memory() {
    let device = model::device(CLASS).unwrap();
    let bytes = kernels::memory_bytes(&device).unwrap();
    assert!(bytes.is_some_and(|bytes| bytes > 1 << 30), "{bytes:?}");
}
