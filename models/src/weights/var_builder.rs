//! A checked file as the source of candle's own networks.

use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::var_builder::{SimpleBackend, VarBuilder};

use super::TensorFile;
use super::source::TensorSource;

impl TensorFile {
    /// Turns the file into candle's [`VarBuilder`], from which the networks of candle-transformers
    /// are built. The checks of [`read`](Self::read) hold for each tensor.
    #[must_use]
    pub fn into_var_builder(self, dtype: DType, device: &Device) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(Backend(self)), dtype, device.clone())
    }
}

struct Backend(TensorFile);

impl SimpleBackend for Backend {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.0.read(name, shape.dims(), device);
        tensor.map_err(Error::wrap)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let shape = self.0.shape(name).unwrap_or_default();
        self.get(
            shape.into(),
            name,
            candle_nn::Init::Const(0.0),
            dtype,
            device,
        )
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
