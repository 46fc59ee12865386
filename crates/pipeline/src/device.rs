//! The device class that networks run on.

use std::path::Path;

use crate::nearest;

/// What computes. The class is part of the keys of the stages that list `device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// The processor.
    Cpu,
    /// Apple's GPU.
    Metal,
    /// NVIDIA's GPU.
    Cuda,
}

impl Device {
    /// The device that the setting `device` asks for. `auto` is Metal on Apple
    /// silicon, CUDA on Linux with a GPU and its compiler, else the processor.
    ///
    /// # Errors
    /// Another word, as a message.
    pub fn resolve(setting: &str) -> Result<Self, String> {
        match setting {
            "auto" => Ok(Device::detect()),
            "cpu" => Ok(Device::Cpu),
            "metal" => Ok(Device::Metal),
            "cuda" => Ok(Device::Cuda),
            other => {
                let hint = nearest::hint(other, ["auto", "cpu", "metal", "cuda"]);
                Err(format!("unknown device `{other}`{hint}"))
            }
        }
    }

    fn detect() -> Self {
        let has_cuda = || Path::new("/dev/nvidia0").exists() && on_search_path("nvcc");
        if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
            Device::Metal
        } else if cfg!(target_os = "linux") && has_cuda() {
            Device::Cuda
        } else {
            Device::Cpu
        }
    }

    /// As in `params.toml` and in cargo features.
    pub fn name(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Metal => "metal",
            Device::Cuda => "cuda",
        }
    }

    /// The cargo feature that builds for it; the processor needs none.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Device::Cpu => None,
            Device::Metal | Device::Cuda => Some(self.name()),
        }
    }
}

fn on_search_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
