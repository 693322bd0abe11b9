//! Whom observers observe.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

/// A way to a runtime for those whom the runtime itself owns, such as observers: it ends although they are there.
///
/// What a runtime is, observers need not know to hold one: `upgrade` is the runtime's.
#[derive(Clone)]
pub struct WeakRuntime(Weak<dyn Any + Send + Sync>);

impl WeakRuntime {
    pub(crate) fn new(inner: Weak<dyn Any + Send + Sync>) -> Self {
        Self(inner)
    }

    /// What is behind it, unless it is gone, or something else.
    pub(crate) fn inner<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.upgrade()?.downcast().ok()
    }
}

impl fmt::Debug for WeakRuntime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WeakRuntime")
    }
}
