//! Outputs of the network for all images.
//!
//! Shapes: `N` images, `K` classes, `D` dimensions of the embedding.

use std::path::Path;

use candle_core::{Device, Tensor};

use crate::TrainError;

/// Logits and embedding of each image, by its row in `annotations`.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    n_classes: usize,
    embedding_size: usize,
    logits: Vec<f32>,    // [N, K]
    embedding: Vec<f32>, // [N, D]
}

impl Outputs {
    /// Outputs of `n_images` images, all values 0.
    pub fn zeros(n_images: usize, n_classes: usize, embedding_size: usize) -> Self {
        Self {
            n_classes,
            embedding_size,
            logits: vec![0.0; n_images * n_classes],
            embedding: vec![0.0; n_images * embedding_size],
        }
    }

    /// Sets the outputs of `images` to the rows of `output`.
    ///
    /// # Errors
    /// The number or the lengths of the rows differ.
    pub fn set(&mut self, images: &[usize], output: &model::Output) -> Result<(), TrainError> {
        scatter(&mut self.logits, self.n_classes, images, &output.logits)?;
        scatter(
            &mut self.embedding,
            self.embedding_size,
            images,
            &output.embedding,
        )
    }

    /// Adds the outputs of `images` in `others`.
    pub(crate) fn add(&mut self, images: &[usize], others: &Self) {
        self.change(images, others, |sum, value| sum + value);
    }

    /// Sets the outputs of `images` to the means over `n` terms whose sums are `sums`.
    pub(crate) fn set_means(&mut self, images: &[usize], sums: &Self, n: usize) {
        self.change(images, sums, |_, sum| sum / n as f32);
    }

    /// Sets each value of `images` to a function of itself and the value in `others`.
    fn change(&mut self, images: &[usize], others: &Self, new: impl Fn(f32, f32) -> f32) {
        let (n_classes, embedding_size) = (self.n_classes, self.embedding_size);
        for &image in images {
            let logits = &mut self.logits[image * n_classes..][..n_classes];
            let embedding = &mut self.embedding[image * embedding_size..][..embedding_size];
            let logits = logits.iter_mut().zip(others.logits(image));
            let embedding = embedding.iter_mut().zip(others.embedding(image));
            for (value, other) in logits.chain(embedding) {
                *value = new(*value, *other);
            }
        }
    }

    /// The logits of an image, `[K]`.
    pub fn logits(&self, image: usize) -> &[f32] {
        &self.logits[image * self.n_classes..][..self.n_classes]
    }

    /// The embedding of an image, `[D]`.
    pub fn embedding(&self, image: usize) -> &[f32] {
        &self.embedding[image * self.embedding_size..][..self.embedding_size]
    }

    /// The logits of `images` one after another, `[images, K]`.
    pub fn logits_of(&self, images: &[usize]) -> Vec<f32> {
        images
            .iter()
            .flat_map(|&image| self.logits(image))
            .copied()
            .collect()
    }

    /// The outputs of `images`, as one batch on the host.
    ///
    /// # Errors
    /// The memory is exhausted.
    pub fn batch(&self, images: &[usize]) -> Result<model::Output, TrainError> {
        let embedding = images.iter().flat_map(|&image| self.embedding(image));
        let embedding = embedding.copied().collect();
        let rows =
            |values: Vec<f32>, width| Tensor::from_vec(values, (images.len(), width), &Device::Cpu);
        Ok(model::Output {
            logits: rows(self.logits_of(images), self.n_classes)?,
            embedding: rows(embedding, self.embedding_size)?,
        })
    }

    /// Writes all values as safetensors.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let rows = |values: &[f32], width| {
            Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu)
        };
        let tensors = [
            ("logits", rows(&self.logits, self.n_classes)?),
            ("embedding", rows(&self.embedding, self.embedding_size)?),
        ];
        Ok(safetensors::serialize_to_file(tensors, None, path)?)
    }

    /// Reads a file written by [`Self::save`].
    ///
    /// # Errors
    /// The file cannot be read or has another format.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
        let named = |name: &str| {
            let tensor = tensors.get(name).ok_or_else(|| TrainError::NoTensor {
                name: name.to_owned(),
                file: path.to_owned(),
            })?;
            let (_, width) = tensor.dims2()?;
            Ok::<_, TrainError>((tensor.flatten_all()?.to_vec1()?, width))
        };
        let (logits, n_classes) = named("logits")?;
        let (embedding, embedding_size) = named("embedding")?;
        Ok(Self {
            n_classes,
            embedding_size,
            logits,
            embedding,
        })
    }
}

fn scatter(
    values: &mut [f32],
    width: usize,
    images: &[usize],
    rows: &Tensor,
) -> Result<(), TrainError> {
    if rows.dims() != [images.len(), width] {
        return Err(TrainError::OutputShape {
            found: rows.dims().to_vec(),
            expected: [images.len(), width],
        });
    }
    let rows: Vec<f32> = rows.flatten_all()?.to_vec1()?;
    for (&image, row) in images.iter().zip(rows.chunks_exact(width)) {
        values[image * width..][..width].copy_from_slice(row);
    }
    Ok(())
}
