//! Weights in files and states.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[expect(dead_code, reason = "`relative` serves the other tests")]
mod formula;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use formula::{images, network, values};
use kernels::Backend;
use model::weights::{Classifier, Naming, Summary, inspect};
use model::{Config, Depth, Freeze, LossGradients, Mode, ModelError, Network};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn config(depth: Depth) -> Config {
    Config {
        depth,
        classifier: true,
        embedding_size: 16,
        n_classes: 8,
    }
}

fn fresh(depth: Depth, seed: u64) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Network::new(&config(depth), &Device::Cpu, &mut rng).unwrap()
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

/// A step forward and backward, whose loss is the sum of the logits.
fn gradients_of_sum(network: &Network) -> LossGradients {
    network
        .loss_gradients(&images(), |output| {
            Ok::<_, ModelError>(output.logits.sum_all()?)
        })
        .unwrap()
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
fn a_loaded_network_is_saved_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let saved = network(Depth::D18, Backend::Cpu);
    saved.forward(&images(), Mode::Train).unwrap();
    saved.save(&first).unwrap();
    let loaded = Network::open(&config(Depth::D18), &Device::Cpu, &first).unwrap();
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
fn eval_mode_changes_nothing_and_records_no_graph() {
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
fn without_a_classifier_the_embedding_follows_from_the_features() {
    let folder = tempfile::tempdir().unwrap();
    let (pretrained, saved) = (folder.path().join("resnet18"), folder.path().join("model"));
    write(&pretrained, &backbone(&network(Depth::D18, Backend::Cpu)));
    let config = Config {
        classifier: false,
        ..config(Depth::D18)
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut network = Network::new(&config, &Device::Cpu, &mut rng).unwrap();
    // The file's classifier is left out.
    network.load_backbone(&pretrained).unwrap();
    let state = network.state().unwrap();
    assert!(state.keys().all(|name| !name.starts_with("fc.")));
    let embed = &state["embed.weight"];
    assert_eq!(embed.dims(), [16, 512]);
    let features = network.features(&images()).unwrap();
    let expected = { features.matmul(&embed.t().unwrap()).unwrap() }
        .broadcast_add(&state["embed.bias"])
        .unwrap();
    let output = network.forward(&images(), Mode::Eval).unwrap();
    for (value, expected) in values(&output.embedding).iter().zip(values(&expected)) {
        assert!((value - expected).abs() < 1e-4, "{value} {expected}");
    }
    network.save(&saved).unwrap();
    let opened = Network::open(&config, &Device::Cpu, &saved).unwrap();
    let constant = network.into_constant().unwrap();
    let [found, expected] =
        [opened, constant].map(|network| network.forward(&images(), Mode::Eval).unwrap());
    assert!(same(&found.logits, &expected.logits));
    let with_classifier = Config {
        classifier: true,
        ..config
    };
    let error = Network::open(&with_classifier, &Device::Cpu, &saved).unwrap_err();
    assert!(
        error.to_string().contains("`fc.weight` is missing"),
        "{error}"
    );
}

#[test]
fn a_backbone_does_not_change_embedder_and_head() {
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

/// Writes a state dict under other names, loads it into a random ResNet-18, and returns the network and the summary of
/// the file.
fn loaded(
    state: BTreeMap<String, Tensor>,
    rename: impl Fn(&str) -> String,
) -> Result<(Network, Summary), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let state = state
        .into_iter()
        .map(|(name, tensor)| (rename(&name), tensor));
    write(&path, &state.collect());
    let mut network = fresh(Depth::D18, 1);
    match network.load_backbone(&path) {
        Ok(summary) => {
            assert_eq!(inspect(&path).unwrap(), summary);
            Ok((network, summary))
        }
        Err(error) => {
            let state = fresh(Depth::D18, 1).state().unwrap();
            let now = network.state().unwrap();
            let is_unchanged = now.iter().all(|(name, tensor)| same(tensor, &state[name]));
            assert!(is_unchanged, "{error}");
            Err(error
                .to_string()
                .replace(&path.display().to_string(), "FILE"))
        }
    }
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn prefixes_and_other_parts_are_removed() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    for prefix in [
        "module.",
        "model.",
        "_orig_mod.module.",
        "learner.net.trunk.",
    ] {
        let mut state = pretrained.clone();
        state.insert("projector.0.weight".into(), zeros(&[2]));
        state.insert("projector.0.bias".into(), zeros(&[2]));
        let rename = |name: &str| {
            if name.starts_with("projector") {
                name.to_owned()
            } else {
                format!("{prefix}{name}")
            }
        };
        let (network, summary) = loaded(state, rename).unwrap();
        assert_eq!(
            (summary.prefix.as_str(), summary.classifier),
            (prefix, Classifier::Pretrained)
        );
        let after = network.state().unwrap();
        assert!(
            pretrained
                .iter()
                .all(|(name, tensor)| same(tensor, &after[name])),
            "{prefix}"
        );
        let text = summary.to_string();
        assert!(
            text.ends_with("; ignored: 2 other tensors, of `projector`"),
            "{text}"
        );
    }
}

#[test]
fn names_of_other_libraries_are_understood() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    let mut body = pretrained.clone();
    body.retain(|name, _| !name.starts_with("fc."));
    let children = |name: &str| {
        let (top, rest) = name.split_once('.').unwrap();
        let child = match top {
            "conv1" => 0,
            "bn1" => 1,
            _ => top.strip_prefix("layer").unwrap().parse::<u8>().unwrap() + 3,
        };
        format!("0.{child}.{rest}")
    };
    let (network, summary) = loaded(body.clone(), children).unwrap();
    assert_eq!(
        (summary.naming, summary.classifier),
        (Naming::Children, Classifier::Absent)
    );
    let after = network.state().unwrap();
    assert!(body.iter().all(|(name, tensor)| same(tensor, &after[name])));

    let (network, summary) = loaded(pretrained.clone(), transformers).unwrap();
    assert_eq!(
        (summary.naming, summary.classifier),
        (Naming::Transformers, Classifier::Pretrained)
    );
    let after = network.state().unwrap();
    assert!(
        pretrained
            .iter()
            .all(|(name, tensor)| same(tensor, &after[name]))
    );
}

/// transformers' name of a tensor of torchvision.
fn transformers(name: &str) -> String {
    let (top, rest) = name.split_once('.').unwrap();
    let Some(stage) = top
        .strip_prefix("layer")
        .and_then(|stage| stage.parse::<usize>().ok())
    else {
        return match top {
            "conv1" => format!("resnet.embedder.embedder.convolution.{rest}"),
            "bn1" => format!("resnet.embedder.embedder.normalization.{rest}"),
            _ => format!("classifier.1.{rest}"),
        };
    };
    let (block, rest) = rest.split_once('.').unwrap();
    let block = format!("resnet.encoder.stages.{}.layers.{block}", stage - 1);
    for (ours, theirs) in [
        ("conv1.", "layer.0.convolution."),
        ("conv2.", "layer.1.convolution."),
        ("bn1.", "layer.0.normalization."),
        ("bn2.", "layer.1.normalization."),
        ("downsample.0.", "shortcut.convolution."),
        ("downsample.1.", "shortcut.normalization."),
    ] {
        if let Some(rest) = rest.strip_prefix(ours) {
            return format!("{block}.{theirs}{rest}");
        }
    }
    unreachable!("`{name}` is no ResNet-18's")
}

#[test]
fn another_classifier_keeps_the_random_weights_of_the_own_one() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    let before = fresh(Depth::D18, 1).state().unwrap();
    let (no, few, other) = (
        [],
        [("fc.weight", 7), ("fc.bias", 7)],
        [("fc.1.weight", 1000), ("fc.1.bias", 1000)],
    );
    for (parts, expected) in [
        (&no[..], Classifier::Absent),
        (&few[..], Classifier::Other { n_classes: 7 }),
        // A classifier of several layers.
        (&other[..], Classifier::Absent),
    ] {
        let mut state = pretrained.clone();
        state.retain(|name, _| !name.starts_with("fc."));
        for (name, n) in parts {
            let shape: &[usize] = if name.ends_with("bias") {
                &[*n]
            } else {
                &[*n, 512]
            };
            state.insert((*name).to_owned(), zeros(shape));
        }
        let (network, summary) = loaded(state, str::to_owned).unwrap();
        assert_eq!(summary.classifier, expected);
        let after = network.state().unwrap();
        assert!(same(&after["fc.weight"], &before["fc.weight"]));
        assert!(same(&after["conv1.weight"], &pretrained["conv1.weight"]));
        let frozen = Freeze {
            fc: true,
            ..Freeze::default()
        };
        let error = summary.check(Depth::D18, frozen).unwrap_err().to_string();
        assert!(error.contains("set `model.freeze_fc = false`"), "{error}");
        summary.check(Depth::D18, Freeze::default()).unwrap();
    }
}

#[test]
fn every_floating_point_type_is_accepted() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    for (dtype, name) in [
        (DType::F16, "float16"),
        (DType::BF16, "bfloat16"),
        (DType::F64, "float64"),
    ] {
        let state = pretrained.iter().map(|(name, tensor)| {
            let is_count = name.ends_with("num_batches_tracked");
            let tensor = if is_count {
                tensor.clone()
            } else {
                tensor.to_dtype(dtype).unwrap()
            };
            (name.clone(), tensor)
        });
        let state: BTreeMap<String, Tensor> = state.collect();
        let (network, summary) = loaded(state.clone(), str::to_owned).unwrap();
        assert_eq!(summary.dtype, name);
        let after = network.state().unwrap();
        assert!(
            state
                .iter()
                .all(|(name, tensor)| same(tensor, &after[name])),
            "{name}"
        );
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_tensor_and_count() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    for (name, value, expected) in [
        (
            "layer2.1.conv1.weight",
            f32::NAN,
            "`layer2.1.conv1.weight` (1 of 147456 are NaN or infinite)",
        ),
        (
            "bn1.bias",
            f32::NEG_INFINITY,
            "`bn1.bias` (1 of 64 are NaN or infinite)",
        ),
        (
            "fc.bias",
            f32::INFINITY,
            "`fc.bias` (1 of 1000 are NaN or infinite)",
        ),
        (
            "bn1.running_var",
            -1.0,
            "`bn1.running_var` (1 of 64 are negative variances)",
        ),
    ] {
        let mut state = pretrained.clone();
        let mut numbers: Vec<f32> = state[name].flatten_all().unwrap().to_vec1().unwrap();
        numbers[3] = value;
        let shape = state[name].shape().clone();
        state.insert(
            name.to_owned(),
            Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap(),
        );
        let error = loaded(state, str::to_owned).err().unwrap();
        let begin = format!(
            "`FILE` has numbers that cannot be trained from or predicted with: {expected}; "
        );
        assert!(error.starts_with(&begin), "{error}");
    }
}

#[test]
fn a_saved_network_with_a_nan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut state = fresh(Depth::D18, 1).state().unwrap();
    state.insert(
        "head.bias".into(),
        Tensor::new(&[f32::NAN; 8], &Device::Cpu).unwrap(),
    );
    write(&path, &state);
    let opened = Network::open(&config(Depth::D18), &Device::Cpu, &path);
    let error = opened.unwrap_err().to_string();
    assert!(
        error.contains("`head.bias` (8 of 8 are NaN or infinite)"),
        "{error}"
    );
}

#[test]
fn other_architectures_are_refused_with_reason_and_cure() {
    let pretrained = backbone(&network(Depth::D18, Backend::Cpu));
    let with = |name: &str, shape: &[usize]| {
        let mut state = pretrained.clone();
        state.insert(name.to_owned(), zeros(shape));
        loaded(state, str::to_owned).err().unwrap()
    };
    for (error, reason) in [
        (
            with("conv1.weight", &[64, 1, 7, 7]),
            "its first convolution takes images of 1 channels and not of 3",
        ),
        (
            with("conv1.weight", &[64, 3, 3, 3]),
            "its first convolution is 3×3 and not 7×7",
        ),
        (
            with("layer1.0.se.fc1.weight", &[4, 64]),
            "it has squeeze-and-excitation layers",
        ),
    ] {
        assert!(error.contains(reason), "{error}");
        assert!(
            error.ends_with("for instance by `cargo xtask weights get resnet18`"),
            "{error}"
        );
    }
    let mut parameters = pretrained.clone();
    parameters.retain(|name, _| !name.contains("running_") && !name.ends_with("tracked"));
    let error = loaded(parameters, str::to_owned).err().unwrap();
    assert!(
        error.contains("because `parameters()` was saved instead of `state_dict()`"),
        "{error}"
    );
    let error = with("layer1.0.attention.weight", &[2]);
    assert_eq!(
        error,
        "`FILE` does not fit ResNet-18: `layer1.0.attention.weight` is unexpected"
    );
    let mut short = pretrained.clone();
    short.retain(|name, _| !name.starts_with("layer3.0.bn"));
    let error = loaded(short, |name| format!("module.{name}"))
        .err()
        .unwrap();
    assert!(
        error.contains("does not fit ResNet-18: `layer3.0.bn1.weight` is missing; "),
        "{error}"
    );
    assert!(error.ends_with("; and 2 more"), "{error}");
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
        "`{}` does not fit ResNet-18: these look like ResNet-34's weights; set `model.resnet = 34`, or take \
         ResNet-18's, for instance by `cargo xtask weights get resnet18`",
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
fn damaged_files_are_distinguished_from_other_files() {
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
            b"\x0aNo header.",
            "as safetensors: it is no such file (11 bytes",
        ),
        (
            b"<!DOCTYPE html>",
            "as weights: it is a web page, as a server sends instead of a file",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "as weights: it is a pointer of Git LFS and not the file itself: run `git lfs pull`",
        ),
        (b"", "as weights: the file is empty"),
        (
            b"{\"weight_map\": {}}",
            "as weights: it is JSON, such as the index of a model in several files",
        ),
        (
            b"\x89HDF\r\n\x1a\n",
            "as weights: it is an HDF5 file, as Keras writes it",
        ),
        (b"PK\x03\x04 and no more", "as PyTorch's zip archive: "),
        (
            b"\x80\x04\x95\x00",
            "as weights: it is a pickle that `torch.save` didn't write",
        ),
        (
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
            "as PyTorch's format before 1.6: its pickle ends early",
        ),
    ] {
        fs_err::write(&path, bytes).unwrap();
        let error = network.load_backbone(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn frozen_parts_have_no_gradient_but_their_statistics_change() {
    let mut network = network(Depth::D18, Backend::Cpu);
    assert_eq!(network.parameters().len(), 66);
    network.freeze(Freeze {
        cnn: true,
        ..Freeze::default()
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
    let gradients = gradients_of_sum(&network).gradients;
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
fn frozen_batch_norms_keep_their_statistics_and_train_their_scales() {
    for backend in [Backend::Cpu, Backend::Reference] {
        let mut network = network(Depth::D18, backend);
        network.freeze(Freeze {
            batch_norm: true,
            ..Freeze::default()
        });
        let before = network.state().unwrap();
        let LossGradients {
            output, gradients, ..
        } = gradients_of_sum(&network);
        // Statistics are those of eval mode, and stay.
        let evaluated = network.forward(&images(), Mode::Eval).unwrap();
        assert!(same(&output.logits, &evaluated.logits));
        let after = network.state().unwrap();
        assert!(
            before
                .iter()
                .all(|(name, tensor)| same(tensor, &after[name]))
        );
        assert_eq!(network.parameters().len(), 66);
        assert!(
            network
                .parameters()
                .iter()
                .all(|(_, var)| gradients.get(var).is_some())
        );
    }
}

#[test]
fn a_replica_approaches_its_original() {
    let original = network(Depth::D18, Backend::Cpu);
    let mut replica = original.replica().unwrap();
    let states = |network: &Network| network.state().unwrap();
    assert!(
        states(&original)
            .iter()
            .all(|(name, tensor)| same(tensor, &states(&replica)[name]))
    );
    // A training pass changes the statistics of the original alone.
    original.forward(&images(), Mode::Train).unwrap();
    let [of_original, before] = [states(&original), states(&replica)];
    replica.approach(&original, 0.25).unwrap();
    let after = states(&replica);
    let mean =
        |state: &BTreeMap<String, Tensor>| state["bn1.running_mean"].to_vec1::<f32>().unwrap()[0];
    let expected = 0.75 * mean(&before) + 0.25 * mean(&of_original);
    assert!((mean(&after) - expected).abs() < 1e-6);
    assert!((mean(&after) - mean(&before)).abs() > 1e-6);
    let count = after["bn1.num_batches_tracked"].to_scalar::<i64>().unwrap();
    assert_eq!(count, 1);
    replica.approach(&original, 1.0).unwrap();
    assert!(
        of_original
            .iter()
            .all(|(name, tensor)| same(tensor, &states(&replica)[name]))
    );
}

#[test]
fn a_frozen_classifier_passes_gradients_on() {
    let mut network = network(Depth::D18, Backend::Cpu);
    network.freeze(Freeze {
        fc: true,
        ..Freeze::default()
    });
    let gradients = gradients_of_sum(&network).gradients;
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
