//! Models as the kernel sees them: something that a worker builds from shared weights, on a device known by name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aimass_environment::ModelVersion;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::fault::Fault;

/// Where one version of a model comes from.
///
/// `Weights` are immutable and shared by all workers of a device; they outlive a panic. `Model` is what one worker owns
/// beside them (caches, scratch space); it is built on the worker's thread and never leaves it.
pub trait ModelSource: Send + Sync + 'static {
    /// The immutable part.
    type Weights: Send + Sync + 'static;
    /// The worker's own part.
    type Model: 'static;

    /// Which version this is: the key of caches, embeddings and indexes.
    fn version(&self) -> ModelVersion;

    /// How much memory the weights take, in bytes, as far as it is known before they are read.
    fn memory_bytes(&self) -> u64 {
        0
    }

    /// How much memory weights that were read really take, in bytes; none when nobody has counted.
    fn weights_bytes(&self, weights: &Self::Weights) -> Option<u64> {
        let _ = weights;
        None
    }

    /// Reads the weights. Called on a worker's thread; once for all workers of the device.
    ///
    /// It is not called for a worker that was told to stop, and cannot be interrupted once it was: a worker that is stopped while it reads ends when
    /// this returns. What takes longer than `load_limit` is taken for hung, and its thread is left alone.
    ///
    /// # Errors
    /// A fault that says what is missing and what to do.
    fn load(&self, device: &DeviceName) -> Result<Self::Weights, Fault>;

    /// Builds the worker's own part; called at start and after each panic.
    ///
    /// # Errors
    /// A fault when the device refuses.
    fn build(
        &self,
        weights: &Arc<Self::Weights>,
        device: &DeviceName,
    ) -> Result<Self::Model, Fault>;
}

/// A source for state that needs no weights: each worker's state is what the function gives.
pub struct Fresh<F>(pub F);

impl<M: 'static, F: Fn() -> M + Send + Sync + 'static> ModelSource for Fresh<F> {
    type Weights = ();
    type Model = M;

    fn version(&self) -> ModelVersion {
        ModelVersion::new("none")
    }

    fn load(&self, _: &DeviceName) -> Result<(), Fault> {
        Ok(())
    }

    fn build(&self, _: &Arc<()>, _: &DeviceName) -> Result<M, Fault> {
        Ok((self.0)())
    }
}

/// The name of a device. The kernel places by it; only the models know what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// The NVIDIA device of that number.
    Cuda(u32),
    /// The Apple device of that number.
    Metal(u32),
}

/// The text did not name a device.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected `cpu`, `cuda:N` or `metal:N` as a device, got `{found}`")]
pub struct ParseDeviceError {
    /// What was found, cut to a bounded length.
    pub found: String,
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(number) => write!(formatter, "cuda:{number}"),
            Self::Metal(number) => write!(formatter, "metal:{number}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = ParseDeviceError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceError> {
        let refused = || ParseDeviceError {
            found: text.chars().take(80).collect(),
        };
        if text == "cpu" {
            return Ok(Self::Cpu);
        }
        let (family, number) = text.split_once(':').ok_or_else(refused)?;
        let number = number.parse().map_err(|_| refused())?;
        match family {
            "cuda" => Ok(Self::Cuda(number)),
            "metal" => Ok(Self::Metal(number)),
            _ => Err(refused()),
        }
    }
}

impl Serialize for DeviceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reads_back_what_it_wrote() {
        for device in [DeviceName::Cpu, DeviceName::Cuda(3), DeviceName::Metal(0)] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert!("gpu".parse::<DeviceName>().is_err());
        assert!("cuda:x".parse::<DeviceName>().is_err());
    }
}
