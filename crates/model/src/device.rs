//! Devices of tensors.

use std::panic::catch_unwind;

use candle_core::Device;

use crate::ModelError;

/// The device of class `cpu`, `metal` or `cuda`: the first one of its kind, with its settings ([`kernels::configure`]).
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
    is_built: bool,
    new: fn(usize) -> candle_core::Result<Device>,
) -> Result<Device, ModelError> {
    if !is_built {
        return Err(ModelError::DeviceNotBuilt { class });
    }
    // candle indexes a list of Metal devices, which is empty in a virtual machine.
    let opened = catch_unwind(|| new(0)).unwrap_or_else(|_| Err(no_device(class)));
    opened
        .and_then(|device| kernels::configure(&device).map(|()| device))
        .map_err(|source| ModelError::DeviceUnavailable { class, source })
}

fn no_device(class: &str) -> candle_core::Error {
    candle_core::Error::Msg(format!("this machine has no {class} device"))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn the_cpu_is_always_available() {
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

    #[test]
    fn a_device_that_does_not_open_gives_its_cause_once() {
        let fails: [fn(usize) -> candle_core::Result<Device>; 2] = [
            |_| Err(candle_core::Error::Msg("no driver".to_owned())),
            |_| Vec::new().swap_remove(0),
        ];
        for (new, cause) in fails.into_iter().zip(["no driver", "no metal device"]) {
            let error: &dyn Error = &open("metal", true, new).unwrap_err();
            assert_eq!(error.to_string(), "cannot open device `metal`");
            let source = error.source().unwrap().to_string();
            assert!(source.contains(cause), "{source}");
        }
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
