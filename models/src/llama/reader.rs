//! Reading a language model's GGUF file: values by their key, tensors by their name.

use std::path::Path;

use candle_core::quantized::gguf_file::Value;

use crate::ModelError;
use crate::gguf::{GgufFile, GgufKind};

/// An open file with typed access.
pub(super) struct Reader {
    file: GgufFile,
    /// The first part of the architecture's own keys.
    pub(super) architecture: String,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, ModelError> {
        let mut file = GgufFile::open(path, GgufKind::Language)?;
        let architecture = match file.value("general.architecture") {
            Some(Value::String(name)) => name,
            _ => return Err(file.refuse("no `general.architecture`".to_owned())),
        };
        Ok(Self { file, architecture })
    }

    /// A whole number below the architecture's own keys, within these bounds.
    pub(super) fn size(
        &mut self,
        key: &str,
        least: usize,
        most: usize,
    ) -> Result<usize, ModelError> {
        let found = self.optional_size(key)?;
        let key = format!("{}.{key}", self.architecture);
        let found = found.ok_or_else(|| self.refuse(format!("no `{key}`")))?;
        if !(least..=most).contains(&found) {
            return Err(self.refuse(format!(
                "`{key}` of {found}, where {least} to {most} can be"
            )));
        }
        Ok(found)
    }

    /// A whole number below the architecture's own keys; none if the file does not say it.
    pub(super) fn optional_size(&mut self, key: &str) -> Result<Option<usize>, ModelError> {
        let key = format!("{}.{key}", self.architecture);
        let Some(value) = self.file.value(&key) else {
            return Ok(None);
        };
        let number = match whole(&value) {
            Some(number) => usize::try_from(number).ok(),
            None => None,
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.refuse(format!("no whole number as `{key}`"))),
        }
    }

    /// A number below the architecture's own keys; none if the file does not say it.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<f64>, ModelError> {
        let key = format!("{}.{key}", self.architecture);
        match self.file.value(&key) {
            None => Ok(None),
            Some(Value::F32(number)) if number.is_finite() => Ok(Some(f64::from(number))),
            Some(Value::F64(number)) if number.is_finite() => Ok(Some(number)),
            Some(_) => Err(self.refuse(format!("no finite number as `{key}`"))),
        }
    }

    /// A text, by its whole key.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.file.value(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A text below the architecture's own keys.
    pub(super) fn own_text(&mut self, key: &str) -> Option<String> {
        self.text(&format!("{}.{key}", self.architecture))
    }

    /// Yes or no, by its whole key.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.file.value(key) {
            Some(Value::Bool(flag)) => Some(flag),
            _ => None,
        }
    }

    /// A token's number, by its whole key.
    pub(super) fn token(&mut self, key: &str) -> Option<u32> {
        whole(&self.file.value(key)?).and_then(|number| u32::try_from(number).ok())
    }

    /// A list of texts, by its whole key.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, ModelError> {
        let texts = match self.file.value(key) {
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Some(text),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        texts.ok_or_else(|| self.refuse(format!("no list of texts as `{key}`")))
    }

    /// A list of small whole numbers, by its whole key; empty if the file has none.
    pub(super) fn numbers(&mut self, key: &str) -> Vec<u64> {
        match self.file.value(key) {
            Some(Value::Array(values)) => values.iter().filter_map(whole).collect(),
            _ => Vec::new(),
        }
    }

    /// The file, from which layers take their tensors.
    pub(super) fn tensors(&mut self) -> &mut GgufFile {
        &mut self.file
    }

    /// The error of a file that does not hold what it must.
    pub(super) fn refuse(&self, found: String) -> ModelError {
        self.file.refuse(found)
    }

    /// How many rows the embedding has: some have more than there are tokens.
    pub(super) fn embedding_rows(&self, vocab_size: usize) -> usize {
        match self.file.shape("token_embd.weight") {
            Some([rows, _]) if (vocab_size..1 << 20).contains(rows) => *rows,
            _ => vocab_size,
        }
    }

    /// Refuses a file with a tensor that was not read.
    pub(super) fn refuse_left_over(&self) -> Result<(), ModelError> {
        match self.file.left_over() {
            Some(name) => Err(self.refuse(format!("the tensor `{name:.100}`, which is not known"))),
            None => Ok(()),
        }
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::I8(number) => u64::try_from(*number).ok(),
        Value::I16(number) => u64::try_from(*number).ok(),
        Value::I32(number) => u64::try_from(*number).ok(),
        Value::I64(number) => u64::try_from(*number).ok(),
        Value::U8(_) | Value::U16(_) | Value::U32(_) | Value::U64(_) => value.to_u64().ok(),
        _ => None,
    }
}
