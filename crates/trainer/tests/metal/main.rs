//! All operations of GPU runs are implemented by candle's Metal and CUDA backends.
//!
//! candle's backends are chosen at compile time, and a type check can't find that Metal lacks, for instance, a cast to
//! f64. So a copy of candle-core is built in which Metal is a stand-in that computes on the CPU and records every operation with
//! its types and layouts: forward, backward, optimizer, checkpoints, and copies to and from the device. A few steps of
//! each program run on it, and each operation is looked up in a table of what the backends implement.
//!
//! The table is for the version of candle that the workspace pins: each row names a line of candle's source, which a test
//! compares. It covers neither the correctness of a kernel on a GPU nor kernels that candle-metal-kernels lacks by name;
//! the parity check of `device = "auto"` does.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod shadow;
mod table;

use table::{ROWS, look_up};

/// Looks up all operations, and asserts that each of `parts` has some.
fn check(operations: &[String], parts: &[&str]) {
    for part in parts {
        let begins = |operation: &&String| operation.starts_with(&format!("{part}\t"));
        let n = operations.iter().filter(begins).count();
        assert!(n > 5, "{n} operations of `{part}`");
    }
    let missing = operations
        .iter()
        .filter_map(|operation| look_up(operation).err());
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_operation_of_a_gpu_run_is_implemented_by_candle() {
    let parts = [
        "train",
        "metric-learning",
        "predict",
        "features",
        "attribution",
        "predictor",
    ];
    check(&shadow::operations(false), &parts);
}

#[test]
#[ignore = "it compiles candle-transformers anew, which takes minutes: `cargo test -p trainer --test metal -- --ignored`"]
fn every_operation_of_other_backbones_is_implemented_by_candle() {
    check(&shadow::operations(true), &["backbones"]);
}

#[test]
fn rows_are_lines_of_candles_source() {
    for row in ROWS {
        for source_line in [row.metal, row.cuda] {
            let [package, path] = source_line.file;
            let source = shadow::package(package).join("src").join(path);
            let source = fs_err::read_to_string(source).unwrap();
            let line = source.lines().nth(source_line.line - 1).unwrap_or_default();
            assert!(
                line.contains(source_line.text),
                "{}: {source_line:?} is `{line}`",
                row.operation
            );
        }
    }
}

#[test]
fn operations_that_metal_lacks_are_refused() {
    for (operation, reason) in [
        // The loss cast to f64 on the device.
        ("train\tto_dtype\tf32 f64\tcontiguous", "for its types"),
        ("train\tfrom_host\tf64\t", "for its types"),
        (
            "train\tbinary add\tf64 f64\tcontiguous contiguous",
            "for its types",
        ),
        // Metal has no kernel, or one that ignores strides or offsets.
        ("train\tunary recip\tf32\tstrided", "for its layouts"),
        ("train\tunary sign\tf32\tstrided", "no row"),
        (
            "train\tgather\tf32 u32\tstrided contiguous",
            "for its layouts",
        ),
        ("train\tmax_pool2d\tf32\tcontiguous+", "for its layouts"),
        (
            "train\tconv2d\tf32 f32\tcontiguous strided",
            "for its layouts",
        ),
        ("train\tmatmul\tf32 f32\tplain refused", "for its layouts"),
        ("train\tcustom other\tf32\tcontiguous", "no row"),
    ] {
        let message = look_up(operation).unwrap_err();
        assert!(message.contains(reason), "{message}");
    }
    look_up("train\tunary recip\tf32\tcontiguous+").unwrap();
    look_up("train\tmatmul\tf32 f32\tplain transposed").unwrap();
}
