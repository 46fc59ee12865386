//! The accelerator of this machine.

use std::path::Path;

use protocol::environment;
use workflow::device::Device;

/// The accelerator that this machine seems to have: Metal on Apple silicon, CUDA on Linux with a GPU and its
/// compiler; else the processor. [`Workspace::device`] tries it.
///
/// The environment variable `ATELIER_ACCELERATOR` overrides it: `cpu` for a machine whose accelerator is not to be
/// tried, another name in tests of the runner.
///
/// [`Workspace::device`]: crate::Workspace::device
pub fn accelerator() -> Device {
    let named = std::env::var("ATELIER_ACCELERATOR").ok();
    let named = named.and_then(|name| Device::resolve(&name, detected()).ok());
    named.unwrap_or_else(detected)
}

/// The variable that programs for a device find in their environment.
pub(crate) fn variable(device: Device) -> Option<(&'static str, &'static str)> {
    match device {
        Device::Metal => Some((environment::METAL_FAST_MATH, "false")),
        Device::Cpu | Device::Cuda => None,
    }
}

fn detected() -> Device {
    let has_cuda = || Path::new("/dev/nvidia0").exists() && on_search_path("nvcc");
    if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
        Device::Metal
    } else if cfg!(target_os = "linux") && has_cuda() {
        Device::Cuda
    } else {
        Device::Cpu
    }
}

fn on_search_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
