//! Pauses before something that failed is tried again.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long to wait before the store is tried again.
#[derive(Debug)]
pub(crate) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(50))
    }
}

impl Pause {
    /// Twice as long each time, and 10 seconds at most.
    pub(crate) fn next(&mut self) -> Duration {
        self.0 = (self.0 * 2).min(Duration::from_secs(10));
        self.0
    }
}

/// Waits for so long, by the timers that the runtime's clock goes by: a test can stop them.
pub(crate) async fn wait(pause: Duration) {
    sleep_until(Instant::now() + pause).await;
}
