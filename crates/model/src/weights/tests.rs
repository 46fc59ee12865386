//! Files of PyTorch, written by `tests/golden/state_dict.py` and `tests/golden/checkpoints.py`.

use std::path::PathBuf;

use super::*;

fn golden(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    PathBuf::from(format!("{folder}/{name}"))
}

fn values(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_dtype(candle_core::DType::F32).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn counted(first: u8, n: usize) -> Vec<f32> {
    (first..).take(n).map(f32::from).collect()
}

fn same(found: &[f32], expected: &[f32]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(a, b)| a.total_cmp(b).is_eq())
}

/// Key path and prefix of the ResNet in a checkpoint, and its tensors.
fn found(name: &str) -> (String, String, BTreeMap<String, Tensor>) {
    let mut file = File::open(&golden(&format!("checkpoints/{name}.pth"))).unwrap();
    let found = names::find(&file.dicts).unwrap();
    let read = |(name, (original, entry)): (String, (String, entry::Entry))| {
        let tensor = file.read(&original, &entry).unwrap();
        (name, tensor)
    };
    let tensors = found.tensors.into_iter().map(read).collect();
    (found.key_path, found.prefix, tensors)
}

#[test]
fn a_state_dict_of_pytorch_is_read() {
    let state = read(&golden("state_dict.pth")).unwrap();
    let shapes: Vec<(&str, &[usize])> = { state.iter() }
        .map(|(name, tensor)| (name.as_str(), tensor.dims()))
        .collect();
    let expected: [(&str, &[usize]); 3] = [
        ("bn1.num_batches_tracked", &[]),
        ("bn1.running_var", &[2]),
        ("conv1.weight", &[2, 3, 2, 2]),
    ];
    assert_eq!(shapes, expected);
    assert_eq!(
        state["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap(),
        7
    );
    assert!(same(&values(&state["conv1.weight"]), &counted(0, 24)));
}

#[test]
fn checkpoints_are_understood() {
    for (name, key_path, prefix) in [
        ("plain", "", ""),
        ("protocol3", "", ""),
        ("protocol4", "", ""),
        ("protocol5", "", ""),
        ("before_1_6", "", ""),
        ("before_1_6_protocol4", "net", ""),
        ("lightning", "state_dict", "backbone."),
        ("data_parallel", "model_state_dict", "module."),
        ("module", "", "backbone."),
        ("bfloat16", "", ""),
        ("float64", "", ""),
        ("views", "", ""),
    ] {
        let (found_place, found_prefix, tensors) = found(name);
        assert_eq!(
            (found_place.as_str(), found_prefix.as_str()),
            (key_path, prefix),
            "{name}"
        );
        let expected = if name == "views" {
            vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0]
        } else {
            counted(0, 6)
        };
        assert!(same(&values(&tensors["conv1.weight"]), &expected), "{name}");
        assert!(
            same(&values(&tensors["bn1.running_var"]), &counted(6, 2)),
            "{name}"
        );
        let block = &tensors["layer1.0.conv1.weight"];
        assert_eq!(block.dims(), [2, 2, 1, 1], "{name}");
        assert!(same(&values(block), &counted(8, 4)), "{name}");
    }
}

#[test]
fn the_moving_average_of_a_checkpoint_is_used() {
    let (key_path, prefix, tensors) = found("reference");
    assert_eq!(
        (key_path.as_str(), prefix.as_str()),
        ("model_ema", "module.")
    );
    assert!(same(&values(&tensors["bn1.running_var"]), &counted(106, 2)));
}

#[test]
fn parameters_without_buffers_are_found() {
    let (_, _, tensors) = found("parameters");
    assert!(same(&values(&tensors["conv1.weight"]), &counted(0, 6)));
    assert!(!tensors.contains_key("bn1.running_var"));
}

#[test]
fn views_are_read_in_row_major_order() {
    let state = read(&golden("checkpoints/views.pth")).unwrap();
    assert_eq!(state["transposed"].dims(), [3, 2]);
    assert!(same(
        &values(&state["transposed"]),
        &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    ));
    assert!(same(
        &values(&state["every_second"]),
        &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    ));
}

#[test]
fn tensors_that_are_no_weights_are_refused_with_a_cure() {
    let refused = |name| {
        inspect(&golden(&format!("checkpoints/{name}.pth")))
            .unwrap_err()
            .to_string()
    };
    let reason = refused("script");
    assert!(
        reason.contains("it is a TorchScript archive, a program; save the weights alone"),
        "{reason}"
    );
    let quantized = read(&golden("checkpoints/quantized.pth"))
        .unwrap_err()
        .to_string();
    assert!(
        quantized.contains("its tensor `conv1.weight` is quantized: expected float32"),
        "{quantized}"
    );
    let int8 = read(&golden("checkpoints/int8.pth"))
        .unwrap_err()
        .to_string();
    assert!(int8.contains("`bn1.bias` is int8: expected"), "{int8}");
    // Shapes come before types: this is no ResNet's first convolution.
    let reason = refused("plain");
    assert!(
        reason.contains("its first convolution is 1×1 and not 7×7"),
        "{reason}"
    );
}

#[test]
fn truncated_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    for name in ["plain", "before_1_6", "module"] {
        let whole = fs_err::read(golden(&format!("checkpoints/{name}.pth"))).unwrap();
        for end in (1..whole.len()).step_by(61) {
            fs_err::write(&path, &whole[..end]).unwrap();
            assert!(
                read(&path).is_err(),
                "{name} cut at {end} of {}",
                whole.len()
            );
        }
    }
}

#[test]
fn a_damaged_storage_is_detected_by_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pth");
    let mut bytes = fs_err::read(golden("checkpoints/plain.pth")).unwrap();
    let number = 11_f32.to_le_bytes();
    let at = bytes
        .windows(4)
        .position(|window| window == number)
        .unwrap();
    bytes[at] ^= 1;
    fs_err::write(&path, &bytes).unwrap();
    let reason = read(&path).unwrap_err().to_string();
    assert!(
        reason.contains("the file is truncated or damaged"),
        "{reason}"
    );
}
