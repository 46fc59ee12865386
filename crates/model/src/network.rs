//! The whole network: ResNet, embedder, head.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use kernels::{Backend, Operations};
use rand::Rng;

use crate::block::{IMAGENET_CLASSES, Resnet};
use crate::initializer::{Initializer, RandomInitializer, ZeroInitializer};
use crate::layer::{Builder, Cosine, ForwardContext, Linear, Role, StateEntry};
use crate::weights::{self, Classifier, Scope, Summary};
use crate::{Config, Freeze, Mode, ModelError, ParameterGroup, ResnetLayer};

/// Outputs of the network for a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// `[B, K]`, unnormalized log-probabilities; of a network with a cosine head, the cosines.
    pub logits: Tensor,
    /// `[B, D]`, before the ReLU that precedes the head.
    pub embedding: Tensor,
}

/// A ResNet, an embedder and a head.
///
/// The state has torchvision's names for the ResNet (`conv1.weight`, `layer1.0.bn1.running_mean`, …, and `fc.bias` if the
/// classifier is kept), then `embed.weight`, `embed.bias`, `head.weight` and, in a linear head, `head.bias`.
pub struct Network {
    config: Config,
    device: Device,
    pub(crate) backend: Backend,
    freeze: Freeze,
    is_constant: bool,
    pub(crate) resnet: Resnet,
    embed: Linear,
    head: Head,
    entries: Vec<StateEntry>,
}

/// The part from embedding to logits.
enum Head {
    /// ReLU and a linear layer.
    Linear(Linear),
    /// The cosines to a direction for each class.
    Cosine(Cosine),
}

impl Head {
    fn forward(
        &self,
        embedding: &Tensor,
        context: ForwardContext<'_>,
    ) -> Result<Tensor, ModelError> {
        match self {
            Self::Linear(linear) => linear.forward(&kernels::relu(embedding)?, context),
            Self::Cosine(cosine) => cosine.forward(embedding, context),
        }
    }
}

impl Network {
    /// A network with random weights by the initial distributions of torchvision's ResNets and of
    /// `torch.nn.Linear`, drawn on the host in the order of the layers.
    ///
    /// # Errors
    /// A size in `config` is 0, or the device has no room.
    pub fn new(config: &Config, device: &Device, rng: &mut impl Rng) -> Result<Self, ModelError> {
        Self::with_backend(config, device, Backend::of(device), rng)
    }

    /// The same with a given backend, so that the operations of GPUs can run on the CPU.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn with_backend(
        config: &Config,
        device: &Device,
        backend: Backend,
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        Self::build(config, device, backend, RandomInitializer(rng), linear_head)
    }

    /// A network whose head is a direction for each class, `head.weight` `[K, D]`, drawn by the standard
    /// normal distribution: its logits are the cosines of the angles between the embedding, without a
    /// ReLU, and the directions.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn with_cosine_head(
        config: &Config,
        device: &Device,
        rng: &mut impl Rng,
    ) -> Result<Self, ModelError> {
        Self::build(
            config,
            device,
            Backend::of(device),
            RandomInitializer(rng),
            cosine_head,
        )
    }

    /// The network in a file of [`Network::save`], which has a linear head, for inference alone, as by
    /// [`Network::into_constant`].
    ///
    /// # Errors
    /// As [`Network::new`] and [`Network::load_backbone`], with classifier, embedder and head expected too.
    pub fn open(config: &Config, device: &Device, path: &Path) -> Result<Self, ModelError> {
        let network = Self::build(
            config,
            device,
            Backend::of(device),
            ZeroInitializer,
            linear_head,
        )?;
        let found = weights::read_state(path)?;
        let origin = format!("`{}`", path.display());
        weights::assign(&network.entries, Scope::All, config.depth, &found, &origin)?;
        network.into_constant()
    }

    fn build<I: Initializer>(
        config: &Config,
        device: &Device,
        backend: Backend,
        initializer: I,
        head: impl FnOnce(&Config, &mut Builder<'_, I>) -> Result<Head, ModelError>,
    ) -> Result<Self, ModelError> {
        for (name, size) in [
            ("embedding_size", config.embedding_size),
            ("n_classes", config.n_classes),
        ] {
            if size == 0 {
                return Err(ModelError::EmptyLayer { name });
            }
        }
        let mut builder = Builder::new(device, initializer);
        let resnet = Resnet::new(config.depth, config.classifier, &mut builder)?;
        let n_in = match config.classifier {
            true => IMAGENET_CLASSES,
            false => config.depth.features(),
        };
        let embed = builder.linear("embed", n_in, config.embedding_size)?;
        let head = head(config, &mut builder)?;
        Ok(Self {
            config: config.clone(),
            device: device.clone(),
            backend,
            freeze: Freeze::default(),
            is_constant: false,
            resnet,
            embed,
            head,
            entries: builder.finish(),
        })
    }

    /// The network's shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Device of the weights, on which images are expected.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Freezes these parts; all others are trained.
    pub fn freeze(&mut self, freeze: Freeze) {
        self.freeze = freeze;
    }

    /// The frozen parts.
    #[must_use]
    pub fn frozen(&self) -> Freeze {
        self.freeze
    }

    /// The same network for inference alone: on CPU, packed and transformed weights are kept, some four times their size.
    /// It has no parameters and no train mode, and its state cannot be set. Variables that [`Network::parameters`] gave
    /// before must not be changed any more.
    ///
    /// # Errors
    /// The device fails.
    pub fn into_constant(mut self) -> Result<Self, ModelError> {
        if self.backend == Backend::Cpu {
            self.resnet.make_constant()?;
        }
        self.is_constant = true;
        Ok(self)
    }

    fn check_variable(&self) -> Result<(), ModelError> {
        if self.is_constant {
            return Err(ModelError::Constant);
        }
        Ok(())
    }

    /// Another network of the same shape, device, frozen parts and state.
    ///
    /// # Errors
    /// The device has no room.
    pub fn replica(&self) -> Result<Self, ModelError> {
        let head = match self.head {
            Head::Linear(_) => linear_head,
            Head::Cosine(_) => cosine_head,
        };
        let mut replica = Self::build(
            &self.config,
            &self.device,
            self.backend,
            ZeroInitializer,
            head,
        )?;
        replica.freeze = self.freeze;
        for (entry, of_self) in replica.entries.iter().zip(&self.entries) {
            entry.var.set(&of_self.var.as_detached_tensor())?;
        }
        Ok(replica)
    }

    /// Moves weights and running statistics by the share `weight`, in `[0, 1]`, of their way to those of `other`, a
    /// [`Network::replica`] or its original; counts of batches become those of `other`.
    ///
    /// # Errors
    /// The shapes or devices of the networks differ, this one is constant, or the device fails.
    pub fn approach(&mut self, other: &Self, weight: f64) -> Result<(), ModelError> {
        self.check_variable()?;
        for (entry, of_other) in self.entries.iter().zip(&other.entries) {
            let target = of_other.var.as_detached_tensor();
            match entry.role {
                Role::Weight | Role::Statistic => kernels::lerp(&entry.var, &target, weight)?,
                Role::Count => entry.var.set(&target)?,
            }
        }
        Ok(())
    }

    /// Logits and embeddings of images `[B, H, W, 3]`: f32, RGB, normalized as the weights require.
    ///
    /// In [`Mode::Train`] on CPU, candle's `backward` fails at the ResNet: gradients are those of
    /// [`Network::loss_gradients`].
    ///
    /// # Errors
    /// The images have another shape or type, or lie on another device; or, in [`Mode::Train`], a batch-norm sees only one
    /// value a channel (one image that shrinks to one pixel), or the network is constant.
    pub fn forward(&self, images: &Tensor, mode: Mode) -> Result<Output, ModelError> {
        let features = self.pooled(images, mode, &self.backend)?;
        self.classify_features(&features, mode)
    }

    /// Pooled features of images `[B, H, W, 3]`.
    pub(crate) fn pooled(
        &self,
        images: &Tensor,
        mode: Mode,
        operations: &dyn Operations,
    ) -> Result<Tensor, ModelError> {
        check_images(images)?;
        if mode == Mode::Train {
            self.check_variable()?;
        }
        let mut context = self.context(mode, self.freeze.cnn, operations);
        if self.freeze.batch_norm {
            context.mode = Mode::Eval;
        }
        self.resnet.features(images, context)
    }

    /// Pooled features of images `[B, H, W, 3]`, in eval mode: the mean of the last block's activations over the
    /// pixels, `[B, C]`, not negative. `C` is 512 up to ResNet-34 and 2048 beyond.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn features(&self, images: &Tensor) -> Result<Tensor, ModelError> {
        check_images(images)?;
        let context = self.context(Mode::Eval, true, &self.backend);
        self.resnet.features(images, context)
    }

    /// Activations of `layer`'s last block for images `[B, H, W, 3]`, in eval mode: [`ResnetLayer::cells`] of `H` by those
    /// of `W`, `[B, …, …, C]`, not negative.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn activations(&self, images: &Tensor, layer: ResnetLayer) -> Result<Tensor, ModelError> {
        check_images(images)?;
        let context = self.context(Mode::Eval, true, &self.backend);
        let x = self.resnet.activations(images, layer, context)?;
        self.channels_last(x)
    }

    /// Outputs for the activations of [`Network::activations`] in the same `layer`, in eval mode. Gradients in the
    /// activations are those of [`Network::activation_gradient`].
    ///
    /// # Errors
    /// The activations have another shape, or lie on another device.
    pub fn classify(&self, activations: &Tensor, layer: ResnetLayer) -> Result<Output, ModelError> {
        let x = self.backend_layout(activations)?;
        let context = self.context(Mode::Eval, true, &self.backend);
        let features = self.resnet.pooled(&x, layer, context)?;
        self.classify_features(&features, Mode::Eval)
    }

    /// Activations `[B, H, W, C]` in the backend's layout.
    pub(crate) fn backend_layout(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        Ok(match self.backend {
            Backend::Cpu => x.clone(),
            Backend::Reference => x.permute((0, 3, 1, 2))?.contiguous()?,
        })
    }

    /// Activations in the backend's layout as `[B, H, W, C]`.
    pub(crate) fn channels_last(&self, x: Tensor) -> Result<Tensor, ModelError> {
        Ok(match self.backend {
            Backend::Cpu => x,
            Backend::Reference => x.permute((0, 2, 3, 1))?.contiguous()?,
        })
    }

    /// Pooled features `[B, C]` → the network's outputs.
    pub(crate) fn classify_features(
        &self,
        features: &Tensor,
        mode: Mode,
    ) -> Result<Output, ModelError> {
        let context = |frozen| self.context(mode, frozen, &self.backend);
        let classes = self.resnet.classify(features, context(self.freeze.fc))?;
        let embedding = self.embed.forward(&classes, context(false))?;
        let logits = self.head.forward(&embedding, context(false))?;
        Ok(Output { logits, embedding })
    }

    pub(crate) fn context<'a>(
        &self,
        mode: Mode,
        frozen: bool,
        operations: &'a dyn Operations,
    ) -> ForwardContext<'a> {
        ForwardContext {
            backend: self.backend,
            operations,
            mode,
            tracked: mode == Mode::Train && !frozen,
        }
    }

    /// The trained weights by name, in the order of the layers: no running statistics, no frozen parts, and none of a
    /// network for inference alone.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Var)> {
        self.entries
            .iter()
            .filter(|entry| entry.role == Role::Weight && !self.is_frozen(&entry.name))
            .filter(|_| !self.is_constant)
            .map(|entry| (entry.name.clone(), entry.var.clone()))
            .collect()
    }

    fn is_frozen(&self, name: &str) -> bool {
        match ParameterGroup::of(name) {
            ParameterGroup::Embedder | ParameterGroup::Head => false,
            ParameterGroup::Backbone if name.starts_with("fc.") => self.freeze.fc,
            ParameterGroup::Backbone => self.freeze.cnn,
        }
    }

    /// A copy of all weights and running statistics, on the host; later training does not change it.
    ///
    /// # Errors
    /// The device fails.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>, ModelError> {
        let copy = |entry: &StateEntry| {
            let tensor = entry.var.as_detached_tensor().copy()?;
            Ok((entry.name.clone(), tensor.to_device(&Device::Cpu)?))
        };
        self.entries.iter().map(copy).collect()
    }

    /// Sets the state: all names of [`Network::state`], and no others.
    ///
    /// # Errors
    /// Tensors are missing, unexpected or of another shape, or the network is constant; it is then unchanged.
    pub fn set_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<(), ModelError> {
        self.check_variable()?;
        weights::assign(
            &self.entries,
            Scope::All,
            self.config.depth,
            state,
            "the state",
        )
    }

    /// Sets the weights of the ResNet, from a `.safetensors` file or one of `torch.save`; embedder and head are
    /// unchanged.
    ///
    /// The content decides how the file is read, not its name; no code in it is run. The ResNet may stand under a key of
    /// a checkpoint and behind a prefix, and parts that belong to no ResNet are ignored. Without a classifier of 1000
    /// classes in the file, the network's own, if it has one, keeps its random weights. Counts of batches (`num_batches_tracked`), which
    /// old files lack, may be missing. Returns a summary of the file.
    ///
    /// # Errors
    /// The file cannot be read, belongs to a ResNet of another depth (which is named), has missing, unexpected or
    /// mis-shaped tensors (which are listed) or numbers that are not finite, or the network is constant; it is then
    /// unchanged.
    pub fn load_backbone(&mut self, path: &Path) -> Result<Summary, ModelError> {
        self.check_variable()?;
        let (summary, tensors) = weights::read_backbone(path, self.config.depth)?;
        let scope = match summary.classifier {
            Classifier::Pretrained if self.config.classifier => Scope::Backbone,
            _ => Scope::BeforeClassifier,
        };
        weights::assign(
            &self.entries,
            scope,
            self.config.depth,
            &tensors,
            &summary.origin,
        )?;
        Ok(summary)
    }

    /// Writes the whole state as safetensors; equal states give equal bytes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        weights::write(path, &self.state()?)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("config", &self.config)
            .field("device", &self.device)
            .field("freeze", &self.freeze)
            .finish_non_exhaustive()
    }
}

fn linear_head<I: Initializer>(
    config: &Config,
    builder: &mut Builder<'_, I>,
) -> Result<Head, ModelError> {
    let head = builder.linear("head", config.embedding_size, config.n_classes)?;
    Ok(Head::Linear(head))
}

fn cosine_head<I: Initializer>(
    config: &Config,
    builder: &mut Builder<'_, I>,
) -> Result<Head, ModelError> {
    let head = builder.cosine("head", config.embedding_size, config.n_classes)?;
    Ok(Head::Cosine(head))
}

fn check_images(images: &Tensor) -> Result<(), ModelError> {
    let dims = images.dims();
    let fits = matches!(dims, [b, h, w, 3] if *b > 0 && *h > 0 && *w > 0);
    if fits && images.dtype() == DType::F32 {
        return Ok(());
    }
    let found = format!("{dims:?} of {}", images.dtype().as_str());
    Err(ModelError::Images { found })
}
