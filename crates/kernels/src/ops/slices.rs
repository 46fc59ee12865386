//! From tensors to slices and back.

use std::cell::Cell;

use candle_core::{
    CpuStorage, Device, InplaceOp1, Layout, Result, Shape, Storage, Tensor, Var, bail,
};

/// The numbers of a contiguous `f32` tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(numbers) = storage else {
        bail!("a kernel expects f32, found another type")
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&numbers[start..end]),
        None => bail!("a kernel expects a contiguous tensor, found {layout:?}"),
    }
}

/// Applies `f` to the numbers of a contiguous `f32` tensor on CPU.
pub(crate) fn with_slice<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(numbers(storage, layout)?)),
        _ => bail!(
            "a CPU kernel found a tensor on {:?}",
            tensor.device().location()
        ),
    }
}

/// Applies `f` to the numbers of a contiguous `f32` variable on CPU, in place.
pub(crate) fn with_mut<F: FnOnce(&mut [f32]) -> Result<()>>(variable: &Var, f: F) -> Result<()> {
    variable.inplace_op1(&Mutation(Cell::new(Some(f))))
}

/// candle lends a variable's storage to in-place operations alone.
struct Mutation<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for Mutation<F> {
    fn name(&self) -> &'static str {
        "mutation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let CpuStorage::F32(numbers) = storage else {
            bail!("a kernel expects f32, found another type")
        };
        let (Some((start, end)), Some(f)) = (layout.contiguous_offsets(), self.0.take()) else {
            bail!("a kernel expects a contiguous variable, found {layout:?}")
        };
        f(&mut numbers[start..end])
    }
}

/// A tensor on CPU.
pub(crate) fn tensor(numbers: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(numbers, shape.into(), &Device::Cpu)
}
