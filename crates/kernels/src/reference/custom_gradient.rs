//! candle's own operations with custom gradients.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, CustomOp3, Layout, MetalStorage, Result, Shape, Tensor,
    backend::BackendStorage,
};

type Gradients<const N: usize> = dyn Fn(&Tensor) -> Result<[Option<Tensor>; N]> + Send + Sync;

/// The identity on a value computed before from detached arguments, with the gradients of those arguments.
struct CustomGradient<const N: usize> {
    /// Maps the gradient of the value to those of the arguments.
    gradients: Box<Gradients<N>>,
}

/// `value` as a function of `argument`, with the given gradient.
pub(crate) fn unary(
    argument: &Tensor,
    value: &Tensor,
    gradient: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    let gradients = Box::new(move |dy: &Tensor| Ok([Some(gradient(dy)?)]));
    argument.apply_op2(&value.detach(), CustomGradient::<1> { gradients })
}

/// `value` as a function of two arguments, with the given gradients.
pub(crate) fn binary(
    arguments: [&Tensor; 2],
    value: &Tensor,
    gradients: impl Fn(&Tensor) -> Result<[Option<Tensor>; 2]> + Send + Sync + 'static,
) -> Result<Tensor> {
    let [first, second] = arguments;
    first.apply_op3(
        second,
        &value.detach(),
        CustomGradient::<2> {
            gradients: Box::new(gradients),
        },
    )
}

impl CustomOp2 for CustomGradient<1> {
    fn name(&self) -> &'static str {
        "custom-gradient-1"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        y: &CpuStorage,
        l: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        y: &CudaStorage,
        l: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        y: &MetalStorage,
        l: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [first] = (self.gradients)(&dy.contiguous()?)?;
        Ok((first, None))
    }
}

impl CustomOp3 for CustomGradient<2> {
    fn name(&self) -> &'static str {
        "custom-gradient-2"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        y: &CpuStorage,
        l: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        y: &CudaStorage,
        l: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
        y: &MetalStorage,
        l: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        Ok((y.try_clone(l)?, l.shape().clone()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [first, second] = (self.gradients)(&dy.contiguous()?)?;
        Ok((first, second, None))
    }
}
