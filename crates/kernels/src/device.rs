//! Settings and memory of an opened device.

use candle_core::{Device, Result};

/// Configures the memory of a device that was just opened. It is called before the first tensor is made there.
///
/// On CUDA, freed memory stays with the process instead of going back to the driver at each synchronization, which takes
/// tens of milliseconds per GiB; and no events are recorded for each tensor: they order several streams, and candle works
/// on one. Elsewhere it does nothing.
///
/// # Errors
/// The driver returns an error.
pub fn configure(device: &Device) -> Result<()> {
    if device.is_cuda() {
        cuda::configure(device)
    } else {
        Ok(())
    }
}

/// Bytes available to tensors on a device: the free memory on CUDA, the recommended working set on Metal; none on the
/// CPU, whose memory other programs share.
///
/// # Errors
/// The driver returns an error.
pub fn memory_bytes(device: &Device) -> Result<Option<u64>> {
    match device {
        Device::Cpu => Ok(None),
        Device::Cuda(_) => cuda::free_bytes().map(Some),
        Device::Metal(device) => metal::working_set(device).map(Some),
    }
}

#[cfg(feature = "cuda")]
#[expect(unsafe_code, reason = "the driver's interface")]
mod cuda {
    use candle_core::cuda_backend::cudarc::driver::result::{self, DriverError, mem_get_info};
    use candle_core::cuda_backend::cudarc::driver::sys::{CUdevice, CUmemPool_attribute};
    use candle_core::{Device, Error, Result};

    pub(super) fn configure(device: &Device) -> Result<()> {
        let device = device.as_cuda_device()?;
        keep_memory(device.cuda_stream().context().cu_device()).map_err(Error::wrap)?;
        // SAFETY: candle has one stream a device, on which all tensors are made, used and freed in the order of the
        // calls; a program of this workspace computes on one thread.
        unsafe { device.disable_event_tracking() };
        Ok(())
    }

    fn keep_memory(device: CUdevice) -> std::result::Result<(), DriverError> {
        const RELEASE_THRESHOLD: CUmemPool_attribute =
            CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        let mut threshold = u64::MAX;
        // SAFETY: the device exists, for it was opened; the pool is its own; the attribute is a `u64`, which the driver
        // reads during the call.
        unsafe {
            let pool = result::device::get_default_mem_pool(device)?;
            result::mem_pool::set_attribute(pool, RELEASE_THRESHOLD, (&raw mut threshold).cast())
        }
    }

    pub(super) fn free_bytes() -> Result<u64> {
        let (free, _) = mem_get_info().map_err(Error::wrap)?;
        Ok(free as u64)
    }
}

#[cfg(not(feature = "cuda"))]
mod cuda {
    use candle_core::{Device, Error, Result};

    pub(super) fn configure(_: &Device) -> Result<()> {
        Err(Error::NotCompiledWithCudaSupport)
    }

    pub(super) fn free_bytes() -> Result<u64> {
        Err(Error::NotCompiledWithCudaSupport)
    }
}

#[cfg(feature = "metal")]
mod metal {
    use candle_core::{MetalDevice, Result};

    pub(super) fn working_set(device: &MetalDevice) -> Result<u64> {
        Ok(device.metal_device().recommended_max_working_set_size() as u64)
    }
}

#[cfg(not(feature = "metal"))]
mod metal {
    use candle_core::{Error, MetalDevice, Result};

    pub(super) fn working_set(_: &MetalDevice) -> Result<u64> {
        Err(Error::NotCompiledWithMetalSupport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_needs_no_settings_and_has_no_memory_of_its_own() {
        configure(&Device::Cpu).unwrap();
        assert_eq!(memory_bytes(&Device::Cpu).unwrap(), None);
    }
}
