//! Weights in files and states.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[expect(dead_code, reason = "`relative` serves the other tests")]
mod formula;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use formula::{images, network, values};
use kernels::Backend;
use model::{Config, Depth, Freeze, Mode, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn fresh(depth: Depth, seed: u64) -> Network {
    let config = Config {
        depth,
        embedding_size: 16,
        n_classes: 8,
    };
    Network::new(&config, &Device::Cpu, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
}

fn write(path: &Path, state: &BTreeMap<String, Tensor>) {
    fs_err::write(path, safetensors::serialize(state, None).unwrap()).unwrap();
}

fn backbone(network: &Network) -> BTreeMap<String, Tensor> {
    let mut state = network.state().unwrap();
    state.retain(|name, _| !name.starts_with("embed.") && !name.starts_with("head."));
    state
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    a.dims() == b.dims() && values(a) == values(b)
}

#[test]
fn a_seed_gives_the_same_weights() {
    let (a, b, c) = (
        fresh(Depth::D18, 1),
        fresh(Depth::D18, 1),
        fresh(Depth::D18, 2),
    );
    let name = "layer3.1.conv2.weight";
    assert!(same(&a.state().unwrap()[name], &b.state().unwrap()[name]));
    assert!(!same(&a.state().unwrap()[name], &c.state().unwrap()[name]));
}

#[test]
fn a_saved_network_comes_back_with_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let saved = network(Depth::D18, Backend::Cpu);
    saved.forward(&images(), Mode::Train).unwrap();
    saved.save(&first).unwrap();
    let mut loaded = fresh(Depth::D18, 1);
    loaded.load(&first).unwrap();
    loaded.save(&second).unwrap();
    assert!(fs_err::read(&first).unwrap() == fs_err::read(&second).unwrap());
    let count = &loaded.state().unwrap()["layer4.1.bn2.num_batches_tracked"];
    assert_eq!(
        (count.dims(), count.to_scalar::<i64>().unwrap()),
        (&[][..], 1)
    );
}

#[test]
fn a_state_is_a_copy() {
    let network = fresh(Depth::D18, 1);
    let before = network.state().unwrap();
    network.forward(&images(), Mode::Train).unwrap();
    assert_eq!(values(&before["bn1.running_mean"]), vec![0.0; 64]);
    assert!(!same(
        &before["bn1.running_mean"],
        &network.state().unwrap()["bn1.running_mean"]
    ));
}

#[test]
fn eval_mode_changes_nothing_and_keeps_no_graph() {
    let network = network(Depth::D18, Backend::Cpu);
    let before = network.state().unwrap();
    let output = network.forward(&images(), Mode::Eval).unwrap();
    assert!(
        network
            .state()
            .unwrap()
            .iter()
            .all(|(name, tensor)| same(tensor, &before[name]))
    );
    assert!(!output.logits.track_op());
}

#[test]
fn a_backbone_leaves_embedder_and_head_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet18.safetensors");
    let mut pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    // Old files have no counts, some files have half the precision.
    pretrained.retain(|name, _| !name.ends_with("num_batches_tracked"));
    let half = pretrained["fc.bias"].to_dtype(DType::F16).unwrap();
    pretrained.insert("fc.bias".into(), half.clone());
    write(&path, &pretrained);
    let mut network = fresh(Depth::D18, 1);
    let before = network.state().unwrap();
    network.load_backbone(&path).unwrap();
    let after = network.state().unwrap();
    assert!(same(&after["conv1.weight"], &pretrained["conv1.weight"]));
    assert!(same(&after["fc.bias"], &half));
    assert!(same(&after["embed.weight"], &before["embed.weight"]));
}

#[test]
fn another_depth_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write(&path, &backbone(&fresh(Depth::D34, 1)));
    let error = fresh(Depth::D18, 1)
        .load_backbone(&path)
        .unwrap_err()
        .to_string();
    let expected = format!(
        "`{}` does not fit ResNet-18: these look like ResNet-34's weights",
        path.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn tensors_that_do_not_fit_are_listed_and_nothing_is_set() {
    let mut network = fresh(Depth::D18, 1);
    let before = network.state().unwrap();
    let mut state = before.clone();
    state.remove("layer1.0.bn1.weight");
    state.insert(
        "layer1.0.bn1.gamma".into(),
        before["layer1.0.bn1.weight"].clone(),
    );
    state.insert(
        "head.bias".into(),
        Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap(),
    );
    state.insert(
        "conv1.weight".into(),
        before["conv1.weight"].zeros_like().unwrap(),
    );
    let error = network.set_state(&state).unwrap_err().to_string();
    assert_eq!(
        error,
        "the state does not fit ResNet-18: `head.bias` is [5], expected [8]; \
         `layer1.0.bn1.weight` is missing; `layer1.0.bn1.gamma` is unexpected"
    );
    assert!(same(
        &network.state().unwrap()["conv1.weight"],
        &before["conv1.weight"]
    ));
}

#[test]
fn a_missing_file_is_named() {
    let error = fresh(Depth::D18, 1)
        .load_backbone(Path::new("no/such.safetensors"))
        .unwrap_err();
    assert!(
        error.to_string().contains("`no/such.safetensors`"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_told_from_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let mut network = fresh(Depth::D18, 1);
    network.save(&path).unwrap();
    let whole = fs_err::read(&path).unwrap();
    for (bytes, expected) in [
        (
            &whole[..whole.len() / 2],
            "as safetensors: the file is truncated or damaged (23",
        ),
        (
            &whole[..1000],
            "as safetensors: the file is truncated or damaged (1000 bytes",
        ),
        (
            b"<!DOCTYPE html>",
            "as safetensors: it is no such file (15 bytes",
        ),
        (b"", "as safetensors: it is no such file (0 bytes"),
        (b"PK\x03\x04 and no more", "as PyTorch's zip archive: "),
        (
            b"\x80\x02\x8a\x0a",
            "as PyTorch's zip archive: it is in the format of PyTorch before 1.6",
        ),
    ] {
        fs_err::write(&path, bytes).unwrap();
        let error = network.load_backbone(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn frozen_parts_have_no_gradient_but_their_statistics_move() {
    let mut network = network(Depth::D18, Backend::Cpu);
    assert_eq!(network.parameters().len(), 66);
    network.freeze(Freeze {
        cnn: true,
        fc: false,
    });
    let names: Vec<String> = network
        .parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let expected = [
        "fc.weight",
        "fc.bias",
        "embed.weight",
        "embed.bias",
        "head.weight",
        "head.bias",
    ];
    assert_eq!(names, expected);
    let before = network.state().unwrap();
    let output = network.forward(&images(), Mode::Train).unwrap();
    let gradients = output.logits.sum_all().unwrap().backward().unwrap();
    assert!(
        network
            .parameters()
            .iter()
            .all(|(_, var)| gradients.get(var).is_some())
    );
    network.freeze(Freeze::default());
    assert!(gradients.get(&network.parameters()[0].1).is_none());
    assert!(!same(
        &before["bn1.running_var"],
        &network.state().unwrap()["bn1.running_var"]
    ));
}

#[test]
fn a_frozen_classifier_passes_gradients_on() {
    let mut network = network(Depth::D18, Backend::Cpu);
    network.freeze(Freeze {
        cnn: false,
        fc: true,
    });
    let output = network.forward(&images(), Mode::Train).unwrap();
    let gradients = output.logits.sum_all().unwrap().backward().unwrap();
    assert_eq!(network.parameters().len(), 64);
    assert!(
        network
            .parameters()
            .iter()
            .all(|(_, var)| gradients.get(var).is_some())
    );
}

#[test]
fn images_of_another_shape_are_refused() {
    let network = fresh(Depth::D18, 1);
    let planar = Tensor::zeros((2, 3, 64, 64), DType::F32, &Device::Cpu).unwrap();
    let error = network
        .forward(&planar, Mode::Eval)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "images are [2, 3, 64, 64] of f32, expected [B, H, W, 3] of f32, none of them 0"
    );
}

#[test]
fn one_small_image_has_no_variance_to_train_on() {
    let network = fresh(Depth::D18, 1);
    let image = Tensor::zeros((1, 32, 32, 3), DType::F32, &Device::Cpu).unwrap();
    let error = network
        .forward(&image, Mode::Train)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("batch-norm `layer4.0.downsample.1` sees one value a channel"),
        "{error}"
    );
}
