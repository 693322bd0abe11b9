//! Turning a device's name into a candle [`Device`], and telling a passing fault from a dead
//! device.

mod present;

pub use candle_core::Device;
use candle_core::Error;

use crate::ModelError;
pub use present::{PresentDevice, present};

/// What a failed computation means for the device that it ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device can be used again: the same work may succeed after a restart of the worker.
    Retryable,
    /// The device is lost to this process: CUDA refuses every later call in it. Only another device
    /// can help.
    DeviceLost,
}

/// Opens the device `name`: `cpu`, `cuda:N` or `metal:N`.
///
/// ```
/// let device = aimass_models::device::open("cpu")?;
/// assert!(device.is_cpu());
/// # Ok::<(), aimass_models::ModelError>(())
/// ```
///
/// # Errors
/// [`ModelError::Device`] if the name is not one of these, if this build has no support for such
/// devices, or if the machine has no such device. It never falls back by itself: that is a decision
/// of the placement.
pub fn open(name: &str) -> Result<Device, ModelError> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let (kind, ordinal) = name.split_once(':').unwrap_or((name, ""));
    let Ok(ordinal) = ordinal.parse::<usize>() else {
        return Err(unknown(name));
    };
    let opened = match kind {
        "cuda" => Device::new_cuda(ordinal),
        "metal" => Device::new_metal(ordinal),
        _ => return Err(unknown(name)),
    };
    opened.map_err(|error| ModelError::Device {
        name: name.to_owned(),
        expected: format!("a working {kind} device with the number {ordinal}"),
        found: error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
        advice: match error {
            Error::NotCompiledWithCudaSupport | Error::NotCompiledWithMetalSupport => {
                format!("use a build with the feature `{kind}`, or place the worker on `cpu`")
            }
            _ => {
                "check the driver and the device's number, or place the worker on `cpu`".to_owned()
            }
        },
    })
}

fn unknown(name: &str) -> ModelError {
    ModelError::Device {
        name: name.to_owned(),
        expected: "`cpu`, `cuda:N` or `metal:N`".to_owned(),
        found: format!("`{name}`"),
        advice: "correct the placement in the configuration".to_owned(),
    }
}

/// The CUDA errors after which the driver refuses every later call of the process, named as the
/// driver names them (CUDA driver API, "CUresult": each says that "the context cannot be used" or
/// "the process must be terminated").
const STICKY: [&str; 17] = [
    "CUDA_ERROR_ASSERT",
    "CUDA_ERROR_CONTAINED",
    "CUDA_ERROR_CONTEXT_IS_DESTROYED",
    "CUDA_ERROR_DEINITIALIZED",
    "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_EXTERNAL_DEVICE",
    "CUDA_ERROR_HARDWARE_STACK_ERROR",
    "CUDA_ERROR_ILLEGAL_ADDRESS",
    "CUDA_ERROR_ILLEGAL_INSTRUCTION",
    "CUDA_ERROR_INVALID_ADDRESS_SPACE",
    "CUDA_ERROR_INVALID_PC",
    "CUDA_ERROR_LAUNCH_FAILED",
    "CUDA_ERROR_LAUNCH_TIMEOUT",
    "CUDA_ERROR_MISALIGNED_ADDRESS",
    "CUDA_ERROR_NVLINK_UNCORRECTABLE",
    "CUDA_ERROR_TENSOR_MEMORY_LEAK",
    "CUDA_ERROR_UNKNOWN",
];

/// Says whether a device can be used again after this error.
///
/// Errors of the CPU, of Metal, and CUDA's lack of memory are retryable.
#[must_use]
pub fn fault(error: &Error) -> Fault {
    match error {
        Error::WithBacktrace { inner, .. }
        | Error::WithPath { inner, .. }
        | Error::Context { inner, .. } => fault(inner),
        // The types of the CUDA errors exist in CUDA builds only, and their names are stable: so
        // they are matched by name, which works, and is tested, in every build.
        Error::Cuda(cause) => named_fault(&format!("{cause:?}")),
        Error::WrappedContext { wrapped, .. } => named_fault(&format!("{wrapped:?}")),
        _ => Fault::Retryable,
    }
}

fn named_fault(cause: &str) -> Fault {
    match STICKY.iter().any(|name| cause.contains(name)) {
        true => Fault::DeviceLost,
        false => Fault::Retryable,
    }
}

impl ModelError {
    /// What this error means for the device: see [`fault`].
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Compute { source, .. } => fault(source),
            _ => Fault::Retryable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_devices_are_refused_with_advice() {
        for name in [
            "", "gpu", "auto", "cuda", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "metal:",
        ] {
            let error = open(name).unwrap_err().to_string();
            assert!(
                error.contains("`cpu`, `cuda:N` or `metal:N`"),
                "{name}: {error}"
            );
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_what_to_do() {
        let error = open("cuda:0").unwrap_err().to_string();
        assert!(
            error.contains("use a build with the feature `cuda`, or place the worker on `cpu`"),
            "{error}"
        );
    }

    #[test]
    fn a_poisoned_context_is_dead_and_lack_of_memory_is_not() {
        let cuda = |text: &str| Error::Cuda(text.into()).bt().context("in layer 3");
        assert_eq!(
            fault(&cuda(
                "DriverError(CUDA_ERROR_ILLEGAL_ADDRESS, \"an illegal memory access\")"
            )),
            Fault::DeviceLost
        );
        assert_eq!(
            fault(&cuda(
                "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"
            )),
            Fault::Retryable
        );
        assert_eq!(
            fault(&Error::Msg(
                "CUDA_ERROR_ILLEGAL_ADDRESS in a text".to_owned()
            )),
            Fault::Retryable
        );
    }
}
