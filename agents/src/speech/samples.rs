//! Pieces of audio as they travel between skills.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aimass_runtime::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Samples that one piece may have: a minute of 16 kHz.
pub const MAX_PIECE_SAMPLES: usize = 60 * 16_000;
/// Bytes of a sample.
const WIDTH: usize = size_of::<f32>();

/// A piece of mono audio, each sample finite and usually from -1 to 1. Cloning shares it.
///
/// In JSON it is a string: the base64 of 32-bit floats, little-endian. An array of numbers is read as well.
#[derive(Clone, PartialEq)]
pub struct Samples(Arc<[f32]>);

impl Samples {
    /// A piece of these samples.
    ///
    /// # Errors
    /// A fault when there are more than [`MAX_PIECE_SAMPLES`], or one is not finite.
    pub fn new(samples: impl Into<Arc<[f32]>>) -> Result<Self, Fault> {
        let samples = samples.into();
        if samples.len() > MAX_PIECE_SAMPLES {
            return Err(Fault::rejected(too_many(&samples.len().to_string())));
        }
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(Fault::rejected(format!(
                "expected finite samples, got {} at {at}; is the recording damaged?",
                samples[at]
            )));
        }
        Ok(Self(samples))
    }

    /// The bytes of an agent's capacity that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.0.len() * WIDTH) as u64
    }
}

fn too_many(found: &str) -> String {
    format!(
        "expected at most {MAX_PIECE_SAMPLES} samples in one piece, got {found}; send it in several, or give the path of a file"
    )
}

impl std::ops::Deref for Samples {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Samples({})", self.0.len())
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self
            .0
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let samples = deserializer.deserialize_any(SamplesVisitor)?;
        Self::new(samples).map_err(|fault| D::Error::custom(fault.message))
    }
}

struct SamplesVisitor;

impl<'de> Visitor<'de> for SamplesVisitor {
    type Value = Vec<f32>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the base64 of 32-bit floats, little-endian, or an array of numbers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<f32>, E> {
        let bytes = text.len() / 4 * 3;
        if bytes > MAX_PIECE_SAMPLES * WIDTH + 2 {
            return Err(E::custom(too_many(&(bytes / WIDTH).to_string())));
        }
        let bytes = STANDARD.decode(text).map_err(|error| {
            E::custom(format!(
                "expected samples as base64: {error}; use the standard alphabet, with padding"
            ))
        })?;
        let (samples, rest) = bytes.as_chunks::<WIDTH>();
        if !rest.is_empty() {
            return Err(E::custom(format!(
                "expected samples of {WIDTH} bytes, got {} bytes; send 32-bit floats",
                bytes.len()
            )));
        }
        Ok(samples
            .iter()
            .map(|sample| f32::from_le_bytes(*sample))
            .collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<f32>, A::Error> {
        let mut samples = Vec::new();
        while let Some(sample) = sequence.next_element()? {
            if samples.len() == MAX_PIECE_SAMPLES {
                return Err(A::Error::custom(too_many("more")));
            }
            samples.push(sample);
        }
        Ok(samples)
    }
}

impl JsonSchema for Samples {
    fn schema_name() -> Cow<'static, str> {
        "Samples".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "format": "audio",
            "description": "Mono audio, each sample from -1 to 1: the base64 of 32-bit floats, little-endian, or an array of numbers",
            "anyOf": [
                { "type": "string", "contentEncoding": "base64" },
                { "type": "array", "items": { "type": "number" }, "maxItems": MAX_PIECE_SAMPLES },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_read_back_what_they_wrote_and_arrays() {
        let samples = Samples::new(vec![0.0, -1.0, 0.1, f32::MIN_POSITIVE]).unwrap();
        let json = serde_json::to_string(&samples).unwrap();
        assert!(json.starts_with('"'), "{json}");
        assert_eq!(serde_json::from_str::<Samples>(&json).unwrap(), samples);
        let array: Samples = serde_json::from_str("[0, 0.5, -1]").unwrap();
        assert_eq!(&*array, [0.0, 0.5, -1.0]);
        assert!(serde_json::from_str::<Samples>("\"\"").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_audio_or_too_much_is_refused_with_what_to_do() {
        let refusal = |json: &str| {
            serde_json::from_str::<Samples>(json)
                .unwrap_err()
                .to_string()
        };
        assert!(refusal("\"AAAA\"").contains("got 3 bytes"));
        assert!(refusal("\"not base64\"").contains("standard alphabet"));
        assert!(refusal("{}").contains("array of numbers"));
        assert!(refusal("[1e39]").contains("finite"));
        assert!(refusal("[\"x\"]").contains("invalid type"));
        let nan = STANDARD.encode(f32::NAN.to_le_bytes());
        assert!(refusal(&format!("\"{nan}\"")).contains("got NaN at 0"));
        let long = "A".repeat(MAX_PIECE_SAMPLES * 8);
        assert!(refusal(&format!("\"{long}\"")).contains("send it in several"));
        let long = format!("[0{}]", ",0".repeat(MAX_PIECE_SAMPLES));
        assert!(refusal(&long).contains("send it in several"));
        let most = Samples::new(vec![0.0; MAX_PIECE_SAMPLES]).unwrap();
        let json = serde_json::to_string(&most).unwrap();
        assert_eq!(serde_json::from_str::<Samples>(&json).unwrap(), most);
    }
}
