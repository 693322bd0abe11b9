//! Model sources with their types erased: what a worker group holds of its model.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

use crate::fault::Fault;
use crate::model::{DeviceName, ModelSource};
use aimass_environment::ModelVersion;

/// Weights of any type. All workers of a device share them.
pub(crate) type Weights = dyn Any + Send + Sync;

/// A model source whose type is erased, and those of its weights and its model.
pub(crate) trait DynModelSource: Send + Sync {
    /// The type of the source, and its name.
    fn source_type(&self) -> (TypeId, &'static str);
    fn version(&self) -> ModelVersion;
    fn memory_bytes(&self) -> u64;
    // An `Arc`, as in `build`: a reference to one would pass for one to `Weights` of its own.
    fn weights_bytes(&self, weights: &Arc<Weights>) -> Option<u64>;
    fn load(&self, device: &DeviceName) -> Result<Arc<Weights>, Fault>;
    fn build(&self, weights: &Arc<Weights>, device: &DeviceName) -> Result<Box<dyn Any>, Fault>;
}

impl<S: ModelSource> DynModelSource for S {
    fn source_type(&self) -> (TypeId, &'static str) {
        (TypeId::of::<S>(), type_name::<S>())
    }

    fn version(&self) -> ModelVersion {
        ModelSource::version(self)
    }

    fn memory_bytes(&self) -> u64 {
        ModelSource::memory_bytes(self)
    }

    fn weights_bytes(&self, weights: &Arc<Weights>) -> Option<u64> {
        ModelSource::weights_bytes(self, weights.downcast_ref::<S::Weights>()?)
    }

    fn load(&self, device: &DeviceName) -> Result<Arc<Weights>, Fault> {
        Ok(Arc::new(ModelSource::load(self, device)?))
    }

    fn build(&self, weights: &Arc<Weights>, device: &DeviceName) -> Result<Box<dyn Any>, Fault> {
        let weights = weights.clone().downcast::<S::Weights>();
        let weights = weights.map_err(|_| Fault::bug("weights of another group came to it"))?;
        Ok(Box::new(ModelSource::build(self, &weights, device)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seven;

    impl ModelSource for Seven {
        type Weights = [u8; 7];
        type Model = u8;

        fn version(&self) -> ModelVersion {
            ModelVersion::new("seven")
        }

        fn weights_bytes(&self, weights: &[u8; 7]) -> Option<u64> {
            Some(weights.len() as u64)
        }

        fn load(&self, _: &DeviceName) -> Result<[u8; 7], Fault> {
            Ok([1; 7])
        }

        fn build(&self, weights: &Arc<[u8; 7]>, _: &DeviceName) -> Result<u8, Fault> {
            Ok(weights.iter().sum())
        }
    }

    #[test]
    fn an_erased_source_measures_and_builds_from_its_own_weights() {
        let source: Arc<dyn DynModelSource> = Arc::new(Seven);
        let weights = source.load(&DeviceName::Cpu).unwrap();
        assert_eq!(source.weights_bytes(&weights), Some(7));
        let model = source.build(&weights, &DeviceName::Cpu).unwrap();
        assert_eq!(model.downcast_ref(), Some(&7_u8));
        let others: Arc<Weights> = Arc::new(7_u8);
        assert!(source.build(&others, &DeviceName::Cpu).is_err());
    }
}
