//! Panics in code that others wrote: they end where that code is called, and are told in words.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs `work`, and lets no panic out of it.
///
/// # Errors
/// What the panic said.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let message = message(&*panic);
        // What was thrown may be an author's value as well, whose destructor panics.
        if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(thrown);
        }
        message
    })
}

/// Drops an author's value. A panic of its destructor is logged and costs nobody else anything.
pub fn free<T>(value: T, what: &str) {
    if let Err(message) = caught(|| drop(value)) {
        tracing::error!(what, message, "a value's destructor panicked");
    }
}

/// The message of a caught panic, cut to a bounded length.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing");
    text.chars().take(2000).collect()
}

/// A future that lets no panic out, be it polled or dropped.
pub struct Caught<F: Future + Unpin>(Option<F>);

impl<F: Future + Unpin> Caught<F> {
    /// Wraps a future.
    pub fn new(future: F) -> Self {
        Self(Some(future))
    }
}

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else {
            return Poll::Pending;
        };
        match caught(|| Pin::new(future).poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(message) => Poll::Ready(Err(message)),
        }
    }
}

impl<F: Future + Unpin> Drop for Caught<F> {
    fn drop(&mut self) {
        free(self.0.take(), "a future");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What panics when it is dropped, and throws another of its kind.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 0 {
                std::panic::panic_any(Bomb(self.0 - 1));
            }
        }
    }

    #[test]
    fn what_was_thrown_may_itself_panic_when_it_is_dropped() {
        let thrown = caught(|| std::panic::panic_any(Bomb(3)));
        assert_eq!(thrown, Err::<(), _>("it said nothing".to_owned()));
        free(Bomb(1), "a bomb");
    }

    #[test]
    fn a_future_lets_no_panic_out_when_it_is_polled_or_dropped() {
        let waits = async {
            let _bomb = Bomb(1);
            std::future::pending::<()>().await;
        };
        let mut waits = Caught::new(Box::pin(waits));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
        drop(waits);
        let mut panics = Caught::new(Box::pin(async { panic!("as told") }));
        let polled: Poll<Result<(), String>> = Pin::new(&mut panics).poll(&mut context);
        assert_eq!(polled, Poll::Ready(Err("as told".to_owned())));
    }
}
