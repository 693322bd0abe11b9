//! Ways to a runtime that do not keep it alive.

use std::sync::{Arc, Weak};

use crate::observer::WeakRuntime;
use crate::runtime::{Inner, Runtime};

impl WeakRuntime {
    /// The runtime, unless it is gone.
    pub fn upgrade(&self) -> Option<Runtime> {
        let inner = self.inner::<Inner>()?;
        Some(Runtime { inner })
    }
}

impl Runtime {
    /// A way to this runtime that does not keep it alive.
    pub fn downgrade(&self) -> WeakRuntime {
        let inner: Weak<Inner> = Arc::downgrade(&self.inner);
        WeakRuntime::new(inner)
    }
}
