//! The device class that networks run on.

/// A device that computes. Its class is part of the keys of the stages that list `device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// The processor.
    Cpu,
    /// Apple's GPU.
    Metal,
    /// NVIDIA's GPU.
    Cuda,
}

/// A setting `device` that names none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{setting}`{}", nearest_name::hint(setting, SETTINGS))]
pub struct UnknownDevice {
    setting: String,
}

/// Settings `device`.
const SETTINGS: [&str; 4] = ["auto", "cpu", "metal", "cuda"];

impl Device {
    /// The device of the setting `device`; `auto` is a device of that name.
    ///
    /// # Errors
    /// Another word.
    pub fn resolve(setting: &str, auto: Device) -> Result<Self, UnknownDevice> {
        match setting {
            "auto" => Ok(auto),
            "cpu" => Ok(Device::Cpu),
            "metal" => Ok(Device::Metal),
            "cuda" => Ok(Device::Cuda),
            other => Err(UnknownDevice {
                setting: other.to_owned(),
            }),
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
