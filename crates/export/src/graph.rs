//! Conversion of weights to ONNX's operations.

use crate::interface::{EMBEDDING, IMAGES, IR_VERSION, LOGITS, OPSET};
use crate::onnx::{
    AttributeProto, AttributeType, Dimension, FLOAT, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, Size, StringStringEntryProto, TensorProto, TensorShapeProto, TensorType,
    TypeProto, ValueInfoProto,
};
use crate::{ExportError, ModelConfig, Weights};

/// Added to variances before the root: PyTorch's `eps`.
const EPSILON: f32 = 1e-5;

/// The network in eval mode.
///
/// Input: `images` `[N, 3, S, S]`, normalized as in `config`. Outputs: `logits` `[N, K]` and `embedding` `[N, D]`. The
/// metadata has all of `config`, each field under its name as JSON, as in `config.json`: a class name may have any
/// character.
///
/// # Errors
/// A tensor is missing, or of another type or rank than the network's.
pub fn onnx_model(weights: &Weights<'_>, config: &ModelConfig) -> Result<ModelProto, ExportError> {
    let side = config.side_px as usize;
    let mut graph = Graph {
        weights,
        nodes: Vec::new(),
        initializers: Vec::new(),
    };
    let features = graph.resnet(IMAGES)?;
    graph.heads(&features)?;
    let graph = GraphProto {
        node: graph.nodes,
        name: format!("ResNet-{} with embedding", config.depth),
        initializer: graph.initializers,
        input: vec![value(IMAGES, &[3, side, side])?],
        output: vec![
            value(LOGITS, &[config.classes.len()])?,
            value(EMBEDDING, &[config.embedding_size])?,
        ],
    };
    Ok(ModelProto {
        ir_version: IR_VERSION,
        producer_name: "atelier".to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: metadata(config)?,
    })
}

fn metadata(config: &ModelConfig) -> Result<Vec<StringStringEntryProto>, ExportError> {
    // Through text, so that an f32 keeps its shortest digits.
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&serde_json::to_string(config)?)?;
    let entry = |(key, value): (String, serde_json::Value)| StringStringEntryProto {
        key,
        value: value.to_string(),
    };
    Ok(fields.into_iter().map(entry).collect())
}

/// A tensor of any number of images.
fn value(name: &str, shape: &[usize]) -> Result<ValueInfoProto, ExportError> {
    let mut dim = vec![Dimension {
        value: Some(Size::DimParam("batch".to_owned())),
    }];
    for &size in shape {
        dim.push(Dimension {
            value: Some(Size::DimValue(integer(size)?)),
        });
    }
    Ok(ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorType {
                elem_type: FLOAT,
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    })
}

/// Operations so far. The name of a value is that of its operation.
struct Graph<'a> {
    weights: &'a Weights<'a>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

impl Graph<'_> {
    /// Images → pooled features.
    fn resnet(&mut self, images: &str) -> Result<String, ExportError> {
        let x = self.convolution("conv1", images, 2)?;
        let x = self.batch_norm("bn1", &x)?;
        let x = self.add("relu", "Relu", &[&x], Vec::new());
        let window = window(3, 2, 1);
        let mut x = self.add("maxpool", "MaxPool", &[&x], window);
        for (stage, n_blocks) in (1..).zip(self.weights.blocks()) {
            for i in 0..n_blocks {
                let stride = if stage > 1 && i == 0 { 2 } else { 1 };
                x = self.block(&format!("layer{stage}.{i}"), &x, stride)?;
            }
        }
        let x = self.add("avgpool", "GlobalAveragePool", &[&x], Vec::new());
        Ok(self.add("features", "Flatten", &[&x], vec![int("axis", 1)]))
    }

    /// A pair of 3×3, or a bottleneck, in which the 3×3 has the stride.
    fn block(&mut self, name: &str, x: &str, stride: i64) -> Result<String, ExportError> {
        let is_bottleneck = self.weights.has(&format!("{name}.conv3.weight"));
        let strides = if is_bottleneck {
            vec![1, stride, 1]
        } else {
            vec![stride, 1]
        };
        let last = strides.len();
        let mut y = x.to_owned();
        for (i, stride) in (1..).zip(strides) {
            y = self.convolution(&format!("{name}.conv{i}"), &y, stride)?;
            y = self.batch_norm(&format!("{name}.bn{i}"), &y)?;
            if i < last {
                y = self.add(&format!("{name}.relu{i}"), "Relu", &[&y], Vec::new());
            }
        }
        let mut shortcut = x.to_owned();
        if self.weights.has(&format!("{name}.downsample.0.weight")) {
            shortcut = self.convolution(&format!("{name}.downsample.0"), x, stride)?;
            shortcut = self.batch_norm(&format!("{name}.downsample.1"), &shortcut)?;
        }
        let sum = self.add(&format!("{name}.sum"), "Add", &[&y, &shortcut], Vec::new());
        Ok(self.add(&format!("{name}.relu"), "Relu", &[&sum], Vec::new()))
    }

    /// Pooled features → `embedding` and `logits`.
    fn heads(&mut self, features: &str) -> Result<(), ExportError> {
        let mut x = features.to_owned();
        if self.weights.has_classifier() {
            x = self.linear("fc", "fc", &x)?;
            x = self.add("fc.relu", "Relu", &[&x], Vec::new());
        }
        let embedding = self.linear("embed", EMBEDDING, &x)?;
        let active = self.add("embedding.relu", "Relu", &[&embedding], Vec::new());
        self.linear("head", LOGITS, &active)?;
        Ok(())
    }

    /// A square convolution without bias, padded to keep the image's size at stride 1.
    fn convolution(&mut self, layer: &str, x: &str, stride: i64) -> Result<String, ExportError> {
        let weight = self.initializer(&format!("{layer}.weight"), 4)?; // [O, C, side, side]
        let side = weight.dims[2];
        let window = window(side, stride, side / 2);
        Ok(self.add(layer, "Conv", &[x, &weight.name], window))
    }

    fn batch_norm(&mut self, layer: &str, x: &str) -> Result<String, ExportError> {
        let mut inputs = vec![x.to_owned()];
        for part in ["weight", "bias", "running_mean", "running_var"] {
            inputs.push(self.initializer(&format!("{layer}.{part}"), 1)?.name);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let epsilon = AttributeProto {
            name: "epsilon".to_owned(),
            f: Some(EPSILON),
            r#type: AttributeType::Float.into(),
            ..AttributeProto::default()
        };
        Ok(self.add(layer, "BatchNormalization", &inputs, vec![epsilon]))
    }

    /// A linear layer with bias, whose result is called `output`.
    fn linear(&mut self, layer: &str, output: &str, x: &str) -> Result<String, ExportError> {
        let weight = self.initializer(&format!("{layer}.weight"), 2)?.name; // [out, in]
        let bias = self.initializer(&format!("{layer}.bias"), 1)?.name;
        Ok(self.add(output, "Gemm", &[x, &weight, &bias], vec![int("transB", 1)]))
    }

    /// Adds an operation; its name is that of its result.
    fn add(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: operator.to_owned(),
            attribute,
        });
        name.to_owned()
    }

    /// Adds a tensor of the weights; returns name and shape, as the numbers stay in the graph.
    fn initializer(&mut self, name: &str, rank: usize) -> Result<Initializer, ExportError> {
        let tensor = self.weights.get(name, rank)?;
        let shape = tensor.shape().iter();
        let dims: Vec<i64> = shape.map(|&size| integer(size)).collect::<Result<_, _>>()?;
        self.initializers.push(TensorProto {
            dims: dims.clone(),
            data_type: FLOAT,
            name: name.to_owned(),
            // Both formats are little-endian by rows.
            raw_data: tensor.data().to_vec(),
        });
        Ok(Initializer {
            name: name.to_owned(),
            dims,
        })
    }
}

/// Name and shape of a tensor in the graph.
struct Initializer {
    name: String,
    dims: Vec<i64>,
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value),
        r#type: AttributeType::Int.into(),
        ..AttributeProto::default()
    }
}

/// Attributes of operations with a square window.
fn window(side: i64, stride: i64, padding: i64) -> Vec<AttributeProto> {
    let ints = |name: &str, ints: Vec<i64>| AttributeProto {
        name: name.to_owned(),
        ints,
        r#type: AttributeType::Ints.into(),
        ..AttributeProto::default()
    };
    vec![
        ints("kernel_shape", vec![side; 2]),
        ints("strides", vec![stride; 2]),
        ints("pads", vec![padding; 4]),
    ]
}

fn integer(size: usize) -> Result<i64, ExportError> {
    i64::try_from(size).map_err(|_| ExportError::TooLarge(size))
}
