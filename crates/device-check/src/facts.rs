//! Facts of the machine that the command finds, and those that the program finds itself.

use pulp::Arch;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Facts that the command finds without a device.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// System and architecture, as `uname -srm` has them.
    pub system: String,
    /// Memory of the machine, where the system reports it.
    pub memory_gib: Option<f64>,
    /// Available memory of the machine, where the system reports it.
    pub available_gib: Option<f64>,
    /// Version of atelier.
    pub atelier: String,
    /// Commit of the workspace, whose files may have been edited since.
    pub commit: Option<String>,
    /// Version of the compiler.
    pub rustc: String,
    /// Version of candle.
    pub candle: String,
    /// The devices, the CPU first.
    pub devices: Vec<DeviceFacts>,
    /// The choice of `device = "auto"`.
    pub auto: Auto,
}

/// A device.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceFacts {
    /// Its class: `cpu`, `metal` or `cuda`.
    pub device: String,
    /// Requirements that this machine doesn't meet; empty where the device seems to be there.
    pub missing: Vec<String>,
    /// Names, drivers and memories of GPUs.
    pub gpus: Vec<String>,
    /// Memory for tensors, of the device that is measured.
    pub memory_gib: Option<f64>,
}

/// The choice of `device = "auto"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auto {
    /// The setting `device`.
    pub setting: String,
    /// The device that stages run on.
    pub device: String,
    /// The reason.
    pub reason: String,
    /// Measurements of the device check, where there was one.
    pub check: Option<Map<String, Value>>,
}

/// The processor as this program sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Processor {
    /// Cores that may be used.
    pub cores: usize,
    /// Threads of the kernels.
    pub threads: usize,
    /// Instruction set of the kernels.
    pub simd: &'static str,
}

impl Processor {
    /// The processor of this machine.
    #[must_use]
    pub fn find() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            simd: simd(),
        }
    }
}

/// The instruction set that `pulp`, and with it the kernels, choose.
fn simd() -> &'static str {
    // Each architecture has variants of its own.
    let chosen = format!("{:?}", Arch::new());
    let name = chosen.split('(').next().unwrap_or_default();
    match name {
        "V3" => "AVX2 and FMA (x86-64-v3)",
        "V4" => "AVX-512 (x86-64-v4)",
        "Neon" => "NEON",
        _ => "none: scalar operations",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_set_is_that_of_the_processor() {
        #[cfg(target_arch = "x86_64")]
        let is_vectorized = std::arch::is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        let is_vectorized = cfg!(target_arch = "aarch64");
        let simd = simd();
        assert_eq!(!simd.starts_with("none"), is_vectorized, "{simd}");
        assert!(Processor::find().cores > 0);
    }
}
