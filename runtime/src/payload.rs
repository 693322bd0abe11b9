//! Payloads: inputs, outputs and stream items with their type erased, cheap to share and able to become JSON.

mod finite;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use aimass_environment::panics;
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
    /// None only while the payload is taken apart.
    value: Option<Arc<dyn Any + Send + Sync>>,
    to_json: fn(&(dyn Any + Send + Sync)) -> Result<Value, String>,
    json_bytes: fn(&(dyn Any + Send + Sync)) -> u64,
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
            value: Some(value),
            to_json: to_json::<T>,
            json_bytes: |value| {
                value
                    .downcast_ref::<T>()
                    .map_or(0, aimass_environment::json_bytes)
            },
            type_name: std::any::type_name::<T>(),
        }
    }

    /// The value, shared; none when it is of another type.
    pub fn get<T: Data>(&self) -> Option<Arc<T>> {
        self.value.clone()?.downcast().ok()
    }

    /// The value itself, copied only when it is shared with somebody else; the payload when it is of another type.
    ///
    /// # Errors
    /// Gives the payload back when it does not hold a `T`.
    pub fn take<T: Data>(mut self) -> Result<T, Self> {
        match self.value.take().map(Arc::downcast::<T>) {
            Some(Ok(value)) => return Ok(Arc::unwrap_or_clone(value)),
            Some(Err(value)) => self.value = Some(value),
            None => {}
        }
        Err(self)
    }

    /// As [`Self::take`]; and a value that is JSON is read as a `T`, which is what a skill gives that is known by its spec only.
    ///
    /// # Errors
    /// The payload itself when it holds no `T`.
    pub(crate) fn read<T: Data>(self) -> Result<T, Self> {
        self.take::<T>().or_else(|other| {
            let json = other.get::<Value>();
            let read = json.map(|json| panics::caught(|| T::deserialize(&*json)));
            match read {
                Some(Ok(Ok(value))) => Ok(value),
                _ => Err(other),
            }
        })
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// The serialiser's message, for a value that JSON cannot hold (a map with keys that are not strings), or that of its panic; and
    /// where a number is infinite or none, which serde_json makes `null` of.
    pub fn to_json(&self) -> Result<Value, String> {
        let value = self.value.as_deref().ok_or("it was taken apart")?;
        panics::caught(|| (self.to_json)(value))
            .unwrap_or_else(|message| Err(format!("its `Serialize` panicked: {message}")))
    }

    /// How many bytes the value takes as JSON; more than there are of one that JSON cannot hold.
    pub(crate) fn json_bytes(&self) -> u64 {
        let Some(value) = self.value.as_deref() else {
            return 0;
        };
        panics::caught(|| (self.json_bytes)(value)).unwrap_or(u64::MAX)
    }

    /// How many share the value.
    #[cfg(test)]
    pub(crate) fn shares(&self) -> usize {
        self.value.as_ref().map_or(0, Arc::strong_count)
    }

    /// The name of the type inside, for messages.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

impl Drop for Payload {
    /// Whoever happens to hold an author's value last does not pay for the panic of its destructor.
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            panics::free(value, self.type_name);
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Payload<{}>", self.type_name)
    }
}

fn to_json<T: Data>(value: &(dyn Any + Send + Sync)) -> Result<Value, String> {
    match value.downcast_ref::<T>() {
        Some(value) => {
            let json = serde_json::to_value(value).map_err(|error| error.to_string())?;
            finite::check(value, &json)?;
            Ok(json)
        }
        None => Err(format!("expected a {}", std::any::type_name::<T>())),
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
    fn json_is_read_as_what_it_fits() {
        let payload = || Payload::new(serde_json::json!([1, 2]));
        assert_eq!(payload().read::<Vec<u8>>().unwrap(), [1, 2]);
        assert!(payload().read::<Value>().unwrap().is_array());
        assert!(payload().read::<String>().is_err());
        assert!(Payload::new(1_u8).read::<u16>().is_err());
    }

    /// Cannot be made into JSON, and panics when it is dropped.
    #[derive(Clone, Serialize, serde::Deserialize, JsonSchema)]
    struct Sore(#[serde(serialize_with = "sore")] bool);

    fn sore<S: serde::Serializer>(panics: &bool, _: S) -> Result<S::Ok, S::Error> {
        assert!(!panics, "as told");
        Err(serde::ser::Error::custom("no JSON for this"))
    }

    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("it cannot be freed");
        }
    }

    #[test]
    fn a_value_that_cannot_become_json_or_be_freed_is_told_of_and_harms_nobody() {
        let json = [false, true].map(|panics| Payload::new(Sore(panics)).to_json());
        let panicked = "its `Serialize` panicked: as told";
        assert_eq!(
            json,
            ["no JSON for this", panicked].map(|why| Err(why.to_owned()))
        );
    }
}
