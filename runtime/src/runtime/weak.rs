//! A way to a runtime that does not keep it alive.

use std::sync::Weak;

use crate::runtime::{Inner, Runtime};

/// A way to a runtime for those whom the runtime itself owns, such as observers: it ends although they are there.
#[derive(Clone)]
pub struct WeakRuntime {
    inner: Weak<Inner>,
}

impl WeakRuntime {
    /// The runtime, unless it is gone.
    pub fn upgrade(&self) -> Option<Runtime> {
        let inner = self.inner.upgrade()?;
        Some(Runtime { inner })
    }
}

impl Runtime {
    /// A way to this runtime that does not keep it alive.
    pub fn downgrade(&self) -> WeakRuntime {
        WeakRuntime {
            inner: std::sync::Arc::downgrade(&self.inner),
        }
    }
}
