//! Faults that tests inject into actors: what an actor's own code would do if it were wrong.

/// A fault of an actor's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(unreachable_pub, reason = "only tests make one")
)]
pub enum FaultInjection {
    /// Its handler panics.
    Panic,
    /// The task or the thread that it owns panics.
    PanicInWork,
}

impl FaultInjection {
    /// Does what it says.
    ///
    /// # Panics
    /// That is what it is for.
    pub(crate) fn trigger(self) {
        match self {
            Self::Panic | Self::PanicInWork => panic!("a panic injected by a test"),
        }
    }
}
