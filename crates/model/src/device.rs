//! Where tensors live.

use candle_core::Device;

use crate::ModelError;

/// The device of class `cpu`, `metal` or `cuda`: the first one of its kind.
///
/// # Errors
/// The class is unknown, is left out of this build, or no such device opens.
pub fn device(class: &str) -> Result<Device, ModelError> {
    match class {
        "cpu" => Ok(Device::Cpu),
        "metal" => open("metal", cfg!(feature = "metal"), Device::new_metal),
        "cuda" => open("cuda", cfg!(feature = "cuda"), Device::new_cuda),
        _ => Err(ModelError::UnknownDevice {
            class: class.to_owned(),
        }),
    }
}

fn open(
    class: &'static str,
    built: bool,
    new: fn(usize) -> candle_core::Result<Device>,
) -> Result<Device, ModelError> {
    if !built {
        return Err(ModelError::DeviceNotBuilt { class });
    }
    new(0).map_err(|source| ModelError::DeviceUnavailable { class, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert!(device("cpu").unwrap().is_cpu());
    }

    #[test]
    fn an_unknown_class_is_refused_with_those_allowed() {
        let error = device("gpu").unwrap_err().to_string();
        assert_eq!(
            error,
            "`gpu` is not a device: expected `cpu`, `metal` or `cuda`"
        );
    }

    #[cfg(not(feature = "metal"))]
    #[test]
    fn a_class_left_out_names_its_feature() {
        let error = device("metal").unwrap_err().to_string();
        assert_eq!(
            error,
            "device `metal` is not in this build: build with `--features metal`"
        );
    }
}
