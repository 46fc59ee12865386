//! Residual blocks, and the ResNet that consists of them.

use candle_core::Tensor;
use kernels::ConstantConvolution;

use crate::initializer::Initializer;
use crate::layer::{BatchNorm, Builder, Convolution, ForwardContext, Linear};
use crate::{Depth, Mode, ModelError, ResnetLayer};

/// Outputs of the classifier that is kept from ImageNet.
pub(crate) const IMAGENET_CLASSES: usize = 1000;

/// A convolution and the batch-norm behind it.
struct Step {
    convolution: Convolution,
    norm: BatchNorm,
    /// Both, of a network whose weights are constant.
    constant: Option<ConstantConvolution>,
}

impl Step {
    fn new(convolution: Convolution, norm: BatchNorm) -> Self {
        Self {
            convolution,
            norm,
            constant: None,
        }
    }

    fn forward(
        &self,
        x: &Tensor,
        residual: Option<&Tensor>,
        relu: bool,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        match context.mode {
            Mode::Train => {
                let x = self.convolution.forward(x, context)?;
                self.norm.train(&x, residual, relu, context)
            }
            Mode::Eval => {
                let needs_gradient = x.track_op() || residual.is_some_and(Tensor::track_op);
                match &self.constant {
                    Some(constant) if !needs_gradient => Ok(constant.forward(x, residual, relu)?),
                    _ => self
                        .norm
                        .eval(&self.convolution, x, residual, relu, context),
                }
            }
        }
    }
}

/// `relu(steps(x) + shortcut(x))` (He et al. 2015, eq. 1 and 2): a pair of 3×3, or a bottleneck.
struct Block {
    steps: Vec<Step>,
    last: Step,
    /// Fits the input's size and channels to the output's; none where they agree.
    downsample: Option<Step>,
}

impl Block {
    fn forward(&self, x: &Tensor, context: ForwardContext<'_>) -> Result<Tensor, ModelError> {
        let shortcut = match &self.downsample {
            Some(step) => step.forward(x, None, false, context)?,
            None => x.clone(),
        };
        let mut y = x.clone();
        for step in &self.steps {
            y = step.forward(&y, None, true, context)?;
        }
        self.last.forward(&y, Some(&shortcut), true, context)
    }
}

/// The sizes of a block.
#[derive(Clone, Copy)]
struct Plan {
    bottleneck: bool,
    n_in: usize,
    width: usize,
    stride: usize,
}

impl Plan {
    fn n_out(self) -> usize {
        if self.bottleneck {
            4 * self.width
        } else {
            self.width
        }
    }

    /// Returns `true` if the output has the input's size and channels.
    fn fits(self) -> bool {
        self.stride == 1 && self.n_in == self.n_out()
    }

    /// In, out and side of each convolution, and its stride. In a bottleneck the 3×3 has the stride,
    /// not the first 1×1: torchvision's choice, known as v1.5.
    fn convolutions(self) -> Vec<([usize; 3], usize)> {
        let Self {
            bottleneck,
            n_in,
            width,
            stride,
        } = self;
        if bottleneck {
            vec![
                ([n_in, width, 1], 1),
                ([width, width, 3], stride),
                ([width, 4 * width, 1], 1),
            ]
        } else {
            vec![([n_in, width, 3], stride), ([width, width, 3], 1)]
        }
    }

    fn build<I: Initializer>(
        self,
        name: &str,
        builder: &mut Builder<'_, I>,
    ) -> Result<Block, ModelError> {
        let mut steps = Vec::new();
        for (i, (sizes, stride)) in (1..).zip(self.convolutions()) {
            let convolution = builder.convolution(&format!("{name}.conv{i}"), sizes, stride)?;
            let norm = builder.batch_norm(&format!("{name}.bn{i}"), sizes[1])?;
            steps.push(Step::new(convolution, norm));
        }
        let last = steps.pop().expect("a block has two or three convolutions");
        let downsample = if self.fits() {
            None
        } else {
            Some(self.shortcut(name, builder)?)
        };
        Ok(Block {
            steps,
            last,
            downsample,
        })
    }

    fn shortcut<I: Initializer>(
        self,
        name: &str,
        builder: &mut Builder<'_, I>,
    ) -> Result<Step, ModelError> {
        let sizes = [self.n_in, self.n_out(), 1];
        Ok(Step::new(
            builder.convolution(&format!("{name}.downsample.0"), sizes, self.stride)?,
            builder.batch_norm(&format!("{name}.downsample.1"), self.n_out())?,
        ))
    }
}

/// In, out and side of the first convolution.
const STEM: [usize; 3] = [3, 64, 7];

/// The blocks by name, in the order of the layers.
fn plans(depth: Depth) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    let mut n_in = STEM[1];
    for (stage, n_blocks) in depth.blocks().into_iter().enumerate() {
        for i in 0..n_blocks {
            let plan = Plan {
                bottleneck: depth.bottleneck(),
                n_in,
                width: 64 << stage,
                stride: if stage > 0 && i == 0 { 2 } else { 1 },
            };
            plans.push((format!("layer{}.{i}", stage + 1), plan));
            n_in = plan.n_out();
        }
    }
    plans
}

/// Names and shapes of the ResNet's tensors before its classifier, in the order of the layers. A batch-norm's count of
/// batches has the shape `[]`.
pub(crate) fn layout(depth: Depth) -> Vec<(String, Vec<usize>)> {
    let mut layout = Vec::new();
    let mut add = |convolution: String, norm: String, [n_in, n_out, side]: [usize; 3]| {
        let shape = vec![n_out, n_in, side, side];
        layout.push((format!("{convolution}.weight"), shape));
        for name in ["weight", "bias", "running_mean", "running_var"] {
            layout.push((format!("{norm}.{name}"), vec![n_out]));
        }
        layout.push((format!("{norm}.num_batches_tracked"), Vec::new()));
    };
    add("conv1".into(), "bn1".into(), STEM);
    for (name, plan) in plans(depth) {
        for (i, (sizes, _)) in (1..).zip(plan.convolutions()) {
            add(format!("{name}.conv{i}"), format!("{name}.bn{i}"), sizes);
        }
        if !plan.fits() {
            let shortcut = format!("{name}.downsample");
            add(
                format!("{shortcut}.0"),
                format!("{shortcut}.1"),
                [plan.n_in, plan.n_out(), 1],
            );
        }
    }
    layout
}

/// A ResNet up to its pooled features, and its classifier if that is kept.
pub(crate) struct Resnet {
    stem: Step,
    blocks: Vec<Block>,
    /// Number of blocks in each layer.
    n_blocks: [usize; 4],
    fc: Option<Linear>,
}

impl Resnet {
    pub(crate) fn new<I: Initializer>(
        depth: Depth,
        classifier: bool,
        builder: &mut Builder<'_, I>,
    ) -> Result<Self, ModelError> {
        let stem = Step::new(
            builder.convolution("conv1", STEM, 2)?,
            builder.batch_norm("bn1", STEM[1])?,
        );
        let blocks = plans(depth)
            .into_iter()
            .map(|(name, plan)| plan.build(&name, builder))
            .collect::<Result<_, _>>()?;
        let fc = match classifier {
            true => Some(builder.linear("fc", depth.features(), IMAGENET_CLASSES)?),
            false => None,
        };
        Ok(Self {
            stem,
            blocks,
            n_blocks: depth.blocks(),
            fc,
        })
    }

    /// Prepares all convolutions for inference with the weights as they are now, on CPU.
    pub(crate) fn make_constant(&mut self) -> Result<(), ModelError> {
        for step in self.steps() {
            step.constant = Some(step.norm.constant(&step.convolution)?);
        }
        Ok(())
    }

    fn steps(&mut self) -> impl Iterator<Item = &mut Step> {
        let of_blocks = self.blocks.iter_mut().flat_map(|block| {
            let others = [&mut block.last].into_iter().chain(&mut block.downsample);
            block.steps.iter_mut().chain(others)
        });
        [&mut self.stem].into_iter().chain(of_blocks)
    }

    /// Images `[B, H, W, 3]` → activations of `layer`'s last block, in the backend's layout.
    pub(crate) fn activations(
        &self,
        images: &Tensor,
        layer: ResnetLayer,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let mut x = context.backend.images(images)?;
        x = self.stem.forward(&x, None, true, context)?;
        x = context.operations.max_pool(&x)?;
        for block in &self.blocks[..self.end(layer)] {
            x = block.forward(&x, context)?;
        }
        Ok(x)
    }

    /// Activations of `layer`'s last block, in the backend's layout → pooled features `[B, C]`.
    pub(crate) fn pooled(
        &self,
        activations: &Tensor,
        layer: ResnetLayer,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let mut x = activations.clone();
        for block in &self.blocks[self.end(layer)..] {
            x = block.forward(&x, context)?;
        }
        Ok(context.operations.average_pool(&x)?)
    }

    /// Number of blocks up to `layer`'s last.
    fn end(&self, layer: ResnetLayer) -> usize {
        self.n_blocks[..=layer.index()].iter().sum()
    }

    /// Images `[B, H, W, 3]` → pooled features `[B, C]`.
    pub(crate) fn features(
        &self,
        images: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        let x = self.activations(images, ResnetLayer::Layer4, context)?;
        self.pooled(&x, ResnetLayer::Layer4, context)
    }

    /// Features `[B, C]` → the classifier's 1000 logits behind a ReLU; without a classifier, the features, which aren't
    /// negative.
    pub(crate) fn classify(
        &self,
        features: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        match &self.fc {
            Some(fc) => Ok(kernels::relu(&fc.forward(features, context)?)?),
            None => Ok(features.clone()),
        }
    }
}
