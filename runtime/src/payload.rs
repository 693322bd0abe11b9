//! Payloads: inputs, outputs and stream items with their type erased, cheap to share and able to become JSON.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a skill may take and give: typed, with a JSON form and a schema, and shareable between threads.
pub trait Data: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static> Data for T {}

/// A value whose type is erased. Cloning shares the value.
#[derive(Clone)]
pub struct Payload {
    value: Arc<dyn Any + Send + Sync>,
    to_json: fn(&(dyn Any + Send + Sync)) -> Result<Value, String>,
    type_name: &'static str,
}

impl Payload {
    /// Wraps `value` without copying it.
    pub fn new<T: Data>(value: T) -> Self {
        Self::shared(Arc::new(value))
    }

    /// Wraps a value that is already shared.
    pub fn shared<T: Data>(value: Arc<T>) -> Self {
        Self {
            value,
            to_json: to_json::<T>,
            type_name: std::any::type_name::<T>(),
        }
    }

    /// The value, shared; none when it is of another type.
    pub fn get<T: Data>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.value).downcast().ok()
    }

    /// The value itself, copied only when it is shared with somebody else; the payload when it is of another type.
    ///
    /// # Errors
    /// Gives the payload back when it does not hold a `T`.
    pub fn take<T: Data>(self) -> Result<T, Self> {
        let Self {
            value,
            to_json,
            type_name,
        } = self;
        match value.downcast::<T>() {
            Ok(value) => Ok(Arc::unwrap_or_clone(value)),
            Err(value) => Err(Self {
                value,
                to_json,
                type_name,
            }),
        }
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// The serialiser's message, for a value that JSON cannot hold (a map with keys that are not strings).
    pub fn to_json(&self) -> Result<Value, String> {
        (self.to_json)(&*self.value)
    }

    /// How many share the value.
    #[cfg(test)]
    pub(crate) fn shares(&self) -> usize {
        Arc::strong_count(&self.value)
    }

    /// The name of the type inside, for messages.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload<{}>", self.type_name)
    }
}

fn to_json<T: Data>(value: &(dyn Any + Send + Sync)) -> Result<Value, String> {
    match value.downcast_ref::<T>() {
        Some(value) => serde_json::to_value(value).map_err(|error| error.to_string()),
        None => Err(format!("expected a {}", std::any::type_name::<T>())),
    }
}

/// How many bytes `value` takes as JSON: the measure by which queues are bounded, unless a skill knows better.
pub fn json_bytes<T: Serialize>(value: &T) -> u64 {
    struct Count(u64);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_gives_back_its_value_and_only_as_its_own_type() {
        let payload = Payload::new("hello".to_owned());
        assert!(payload.get::<u32>().is_none());
        assert_eq!(payload.to_json().unwrap(), serde_json::json!("hello"));
        let payload = payload.take::<u32>().unwrap_err();
        assert_eq!(payload.take::<String>().unwrap(), "hello");
    }

    #[test]
    fn bytes_are_those_of_the_json_text() {
        assert_eq!(json_bytes(&"ab"), 4);
        assert_eq!(json_bytes(&vec![1, 22]), 6);
    }
}
