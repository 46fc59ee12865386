//! The ONNX graph of small networks. `check.py` compares its numbers with the network's on a real model.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use export::onnx::{GraphProto, ModelProto, NodeProto};
use export::{ExportError, ImageRules, ModelConfig, Weights, onnx_model};
use images::Geometry;
use prost::Message as _;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

type Shapes = BTreeMap<String, Vec<usize>>;

/// Shapes of a ResNet with these blocks a stage whose layers have 1 or 2 channels: the graph comes from the weights.
fn shapes(blocks: [usize; 4], bottleneck: bool) -> Shapes {
    let mut shapes = Shapes::new();
    let mut layer = |convolution: String, norm: String, [n_in, n_out, side]: [usize; 3]| {
        shapes.insert(
            format!("{convolution}.weight"),
            vec![n_out, n_in, side, side],
        );
        for part in ["weight", "bias", "running_mean", "running_var"] {
            shapes.insert(format!("{norm}.{part}"), vec![n_out]);
        }
    };
    layer("conv1".to_owned(), "bn1".to_owned(), [3, 1, 7]);
    for (stage, n_blocks) in (1..).zip(blocks) {
        for i in 0..n_blocks {
            let sides: &[usize] = if bottleneck { &[1, 3, 1] } else { &[3, 3] };
            for (j, &side) in (1..).zip(sides) {
                let name = |kind| format!("layer{stage}.{i}.{kind}{j}");
                layer(name("conv"), name("bn"), [1, 1, side]);
            }
            if i == 0 && stage > 1 {
                let name = |j| format!("layer{stage}.{i}.downsample.{j}");
                layer(name(0), name(1), [1, 1, 1]);
            }
        }
    }
    for (name, n_in, n_out) in [("fc", 1, 10), ("embed", 10, 4), ("head", 4, 2)] {
        shapes.insert(format!("{name}.weight"), vec![n_out, n_in]);
        shapes.insert(format!("{name}.bias"), vec![n_out]);
    }
    shapes
}

/// A file of tensors of these shapes, all values 0.
fn file(shapes: &Shapes) -> Vec<u8> {
    let zeros = vec![0; 4096];
    let tensors = shapes.iter().map(|(name, shape)| {
        let bytes = 4 * shape.iter().product::<usize>();
        let view = TensorView::new(Dtype::F32, shape.clone(), &zeros[..bytes]).unwrap();
        (name, view)
    });
    safetensors::serialize(tensors, None).unwrap()
}

fn exported(shapes: &Shapes) -> Result<(ModelConfig, ModelProto), ExportError> {
    let bytes = file(shapes);
    let weights = Weights::parse(&bytes)?;
    let classes = vec!["drawn".to_owned(), "painted".to_owned()];
    let config = ModelConfig::new(
        &weights,
        classes,
        Geometry::new(64).unwrap(),
        ImageRules::default(),
    )?;
    let model = onnx_model(&weights, &config)?;
    Ok((config, model))
}

fn graph(blocks: [usize; 4], bottleneck: bool) -> GraphProto {
    let (_, model) = exported(&shapes(blocks, bottleneck)).unwrap();
    model.graph.unwrap()
}

/// An operation on a line.
fn line(node: &NodeProto) -> String {
    let settings = node.attribute.iter().map(|attribute| match attribute.i {
        Some(i) => format!(" {}={i}", attribute.name),
        None if attribute.ints.is_empty() => {
            format!(" {}={}", attribute.name, attribute.f.unwrap())
        }
        None => format!(" {}={:?}", attribute.name, attribute.ints),
    });
    let settings: String = settings.collect();
    format!(
        "{} = {}({}){settings}\n",
        node.output[0],
        node.op_type,
        node.input.join(", ")
    )
}

#[test]
fn a_bottleneck_strides_in_its_middle() {
    let graph = graph([1, 1, 1, 1], true);
    let block = graph
        .node
        .iter()
        .filter(|node| node.name.starts_with("layer2.0"));
    let convolutions: String = block
        .filter(|node| node.op_type == "Conv")
        .map(line)
        .collect();
    expect![[r#"
        layer2.0.conv1 = Conv(layer1.0.relu, layer2.0.conv1.weight) kernel_shape=[1, 1] strides=[1, 1] pads=[0, 0, 0, 0]
        layer2.0.conv2 = Conv(layer2.0.relu1, layer2.0.conv2.weight) kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1]
        layer2.0.conv3 = Conv(layer2.0.relu2, layer2.0.conv3.weight) kernel_shape=[1, 1] strides=[1, 1] pads=[0, 0, 0, 0]
        layer2.0.downsample.0 = Conv(layer1.0.relu, layer2.0.downsample.0.weight) kernel_shape=[1, 1] strides=[2, 2] pads=[0, 0, 0, 0]
    "#]]
    .assert_eq(&convolutions);
}

#[test]
fn inputs_and_outputs_have_names_and_shapes() {
    let graph = graph([2, 2, 2, 2], false);
    let n = graph.node.len();
    let ends: String = graph.node[..4]
        .iter()
        .chain(&graph.node[n - 8..])
        .map(line)
        .collect();
    expect![[r#"
        conv1 = Conv(images, conv1.weight) kernel_shape=[7, 7] strides=[2, 2] pads=[3, 3, 3, 3]
        bn1 = BatchNormalization(conv1, bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var) epsilon=0.00001
        relu = Relu(bn1)
        maxpool = MaxPool(relu) kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1]
        layer4.1.relu = Relu(layer4.1.sum)
        avgpool = GlobalAveragePool(layer4.1.relu)
        features = Flatten(avgpool) axis=1
        fc = Gemm(features, fc.weight, fc.bias) transB=1
        fc.relu = Relu(fc)
        embedding = Gemm(fc.relu, embed.weight, embed.bias) transB=1
        embedding.relu = Relu(embedding)
        logits = Gemm(embedding.relu, head.weight, head.bias) transB=1
    "#]]
    .assert_eq(&ends);
}

#[test]
fn without_a_classifier_the_embedding_follows_from_the_features() {
    let mut shapes = shapes([1, 1, 1, 1], false);
    shapes.retain(|name, _| !name.starts_with("fc."));
    let (config, model) = exported(&shapes).unwrap();
    assert!(!config.has_classifier());
    assert_eq!(config.head, ["embed", "relu", "head"]);
    let graph = model.graph.unwrap();
    let ends: String = graph.node[graph.node.len() - 4..]
        .iter()
        .map(line)
        .collect();
    expect![[r#"
        features = Flatten(avgpool) axis=1
        embedding = Gemm(features, embed.weight, embed.bias) transB=1
        embedding.relu = Relu(embedding)
        logits = Gemm(embedding.relu, head.weight, head.bias) transB=1
    "#]]
    .assert_eq(&ends);
}

#[test]
fn every_operand_is_defined_once_before_its_use() {
    for (blocks, bottleneck) in [([2, 2, 2, 2], false), ([3, 4, 6, 3], true)] {
        let graph = graph(blocks, bottleneck);
        let weights = graph.initializer.iter().map(|tensor| tensor.name.clone());
        let mut made: BTreeSet<String> = weights.chain(["images".to_owned()]).collect();
        assert_eq!(made.len(), graph.initializer.len() + 1);
        for node in &graph.node {
            let missing: Vec<_> = node
                .input
                .iter()
                .filter(|&input| !made.contains(input))
                .collect();
            assert!(missing.is_empty(), "{}: {missing:?}", node.name);
            assert!(made.insert(node.output[0].clone()), "{}", node.name);
        }
        assert!(
            graph
                .output
                .iter()
                .all(|output| made.contains(&output.name))
        );
    }
}

#[test]
fn every_weight_is_used() {
    let shapes = shapes([2, 2, 2, 2], false);
    let (config, model) = exported(&shapes).unwrap();
    let graph = model.graph.unwrap();
    let kept: Shapes = graph
        .initializer
        .iter()
        .map(|tensor| {
            let dims = tensor
                .dims
                .iter()
                .map(|&size| usize::try_from(size).unwrap());
            assert_eq!(tensor.raw_data.len(), 4 * dims.clone().product::<usize>());
            (tensor.name.clone(), dims.collect())
        })
        .collect();
    assert_eq!(kept, shapes);
    assert_eq!((config.depth, config.embedding_size), (18, 4));
    assert_eq!((config.side_px, config.resize_px), (64, 73));
}

#[test]
fn an_encoded_model_is_decoded() {
    let (_, model) = exported(&shapes([1, 1, 1, 1], false)).unwrap();
    let bytes = model.encode_to_vec();
    assert_eq!(ModelProto::decode(bytes.as_slice()).unwrap(), model);
    // The first field is the format's version.
    assert_eq!(bytes[..2], [0x08, 8]);
}

#[test]
fn metadata_has_any_class_name() {
    let bytes = file(&shapes([1, 1, 1, 1], false));
    let weights = Weights::parse(&bytes).unwrap();
    let classes = vec!["oil, acrylic".to_owned(), "a<b>&\"c\"; [d]\n".to_owned()];
    let config = ModelConfig::new(
        &weights,
        classes,
        Geometry::new(64).unwrap(),
        ImageRules::default(),
    )
    .unwrap();
    let model = onnx_model(&weights, &config).unwrap();
    let fields: serde_json::Map<String, serde_json::Value> = { model.metadata_props.iter() }
        .map(|entry| {
            (
                entry.key.clone(),
                serde_json::from_str(&entry.value).unwrap(),
            )
        })
        .collect();
    assert_eq!(fields["mean"].to_string(), "[0.485,0.456,0.406]");
    let read: ModelConfig = serde_json::from_value(fields.into()).unwrap();
    assert_eq!(read, config);
}

#[test]
fn a_configuration_says_all_that_leads_to_probabilities() {
    let (config, _) = exported(&shapes([1, 1, 1, 1], false)).unwrap();
    let text = serde_json::to_string_pretty(&config).unwrap();
    expect![[r#"
        {
          "format_version": 2,
          "architecture": "resnet10",
          "head": [
            "fc",
            "relu",
            "embed",
            "relu",
            "head"
          ],
          "depth": 10,
          "embedding_size": 4,
          "classes": [
            "drawn",
            "painted"
          ],
          "side_px": 64,
          "resize_px": 73,
          "mean": [
            0.485,
            0.456,
            0.406
          ],
          "std": [
            0.229,
            0.224,
            0.225
          ],
          "preprocessing": {
            "color": "RGB",
            "transparency": "on white",
            "resize": "short side",
            "interpolation": "bilinear",
            "antialias": true,
            "rounding": "bytes",
            "crop": "center",
            "rescale": 0.00392156862745098,
            "layout": "NCHW"
          },
          "images": {
            "max_pixels": 100000000,
            "max_aspect": 20,
            "exif_orientation": false
          },
          "temperature": 1.0,
          "onnx": {
            "opset": 17,
            "ir_version": 8,
            "input": "images",
            "outputs": [
              "logits",
              "embedding"
            ]
          }
        }"#]]
    .assert_eq(&text);
    assert_eq!(serde_json::from_str::<ModelConfig>(&text).unwrap(), config);
}

#[test]
fn a_configuration_of_other_steps_is_refused() {
    let (config, _) = exported(&shapes([1, 1, 1, 1], false)).unwrap();
    let text = serde_json::to_string(&config).unwrap();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let read = serde_json::from_str::<ModelConfig>(&text.replace(from, to));
        read.unwrap_err().to_string()
    };
    let message = error("bilinear", "bicubic");
    assert!(
        message.starts_with("unknown variant `bicubic`, expected `bilinear`"),
        "{message}"
    );
    let message = error("\"format_version\":2", "\"format_version\":3");
    assert!(
        message
            .starts_with("`format_version` is 3, expected 2: `cargo xtask repro export` writes it"),
        "{message}"
    );
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let shapes = shapes([1, 1, 1, 1], false);
    let numbers: Vec<u8> = [0.5, f32::NAN, 1.0, f32::NEG_INFINITY]
        .map(f32::to_le_bytes)
        .concat();
    let zeros = vec![0; 4096];
    let tensors = shapes.iter().map(|(name, shape)| {
        let bytes = 4 * shape.iter().product::<usize>();
        let data = if name == "embed.bias" {
            &numbers[..]
        } else {
            &zeros[..bytes]
        };
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), data).unwrap(),
        )
    });
    let bytes = safetensors::serialize(tensors, None).unwrap();
    let weights = Weights::parse(&bytes).unwrap();
    let classes = vec!["drawn".to_owned(), "painted".to_owned()];
    let config = ModelConfig::new(
        &weights,
        classes,
        Geometry::new(64).unwrap(),
        ImageRules::default(),
    )
    .unwrap();
    let error = onnx_model(&weights, &config).unwrap_err().to_string();
    assert_eq!(
        error,
        "`embed.bias` has 2 numbers of 4 that are NaN or infinite: no model is made of them"
    );
}

#[test]
fn mismatched_weights_and_classes_are_refused() {
    let message = |shapes: &Shapes| exported(shapes).unwrap_err().to_string();
    let whole = shapes([1, 1, 1, 1], false);
    let mut other = whole.clone();
    other.insert("head.weight".to_owned(), vec![3, 4]);
    assert_eq!(
        message(&other),
        "the head has 3 classes, but 2 labels occur: expected the same"
    );
    let mut flat = whole.clone();
    flat.insert("fc.weight".to_owned(), vec![10]);
    assert_eq!(
        message(&flat),
        "`fc.weight` is [10] of F32, expected 2 dimensions of F32"
    );
    let mut without = whole;
    without.remove("layer3.0.bn2.bias");
    assert!(
        message(&without).contains("layer3.0.bn2.bias"),
        "{}",
        message(&without)
    );
}
