//! Writing safetensors files as a stream: the header first, since all shapes are known, then the values of one tensor after the other.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::ModelError;
use crate::store::{Progress, Stage, file_error};

/// What a tensor is, without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorKind {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
}

/// A safetensors file that is being written.
pub(super) struct TensorWriter<'a> {
    path: PathBuf,
    out: BufWriter<File>,
    bytes: u64,
    written: u64,
    progress: &'a mut dyn Progress,
}

impl<'a> TensorWriter<'a> {
    /// Creates the file and writes its header; the values are to follow in the order of `tensors`.
    pub(super) fn create(
        path: &Path,
        tensors: impl IntoIterator<Item = TensorKind>,
        progress: &'a mut dyn Progress,
    ) -> Result<Self, ModelError> {
        let mut end = 0_usize;
        let mut infos = Vec::new();
        for TensorKind { name, dtype, shape } in tensors {
            let start = end;
            let size = shape
                .iter()
                .try_fold(dtype.bitsize() / 8, |size, side| size.checked_mul(*side))
                .and_then(|size| start.checked_add(size));
            end = size.ok_or_else(|| failed(path, io::ErrorKind::FileTooLarge.into()))?;
            let info = TensorInfo {
                dtype,
                shape,
                data_offsets: (start, end),
            };
            infos.push((name, info));
        }
        let format = [("format".to_owned(), "pt".to_owned())].into();
        let header = Metadata::new(Some(format), infos)
            .map_err(|error| failed(path, io::Error::other(error.to_string())))?;
        let mut header = serde_json::to_vec(&header).map_err(|error| failed(path, error.into()))?;
        // So that the values are aligned for those who map the file.
        header.resize(header.len().next_multiple_of(8), b' ');
        let file = File::create(path).map_err(file_error("create", path))?;
        let mut out = BufWriter::new(file);
        out.write_all(&(header.len() as u64).to_le_bytes())
            .and_then(|()| out.write_all(&header))
            .map_err(|error| failed(path, error))?;
        progress.begin(Stage::Converting("model.safetensors"), Some(end as u64));
        Ok(Self {
            path: path.to_owned(),
            out,
            bytes: end as u64,
            written: 0,
            progress,
        })
    }

    /// Writes the values that come next.
    pub(super) fn write(&mut self, values: &[u8]) -> Result<(), ModelError> {
        self.out
            .write_all(values)
            .map_err(|error| failed(&self.path, error))?;
        self.written += values.len() as u64;
        self.progress.advance(self.written);
        Ok(())
    }

    /// Ends the file, which now must be as long as its header says.
    pub(super) fn finish(self) -> Result<(), ModelError> {
        if self.written != self.bytes {
            let says = format!("{} bytes of {} were written", self.written, self.bytes);
            return Err(failed(&self.path, io::Error::other(says)));
        }
        let sync = |out: BufWriter<File>| out.into_inner()?.sync_all();
        sync(self.out).map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, source: io::Error) -> ModelError {
    file_error("write", path)(source)
}
