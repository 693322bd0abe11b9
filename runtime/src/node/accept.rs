//! Taking connections, also while the system gives none.

use std::io;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

/// How long to wait after the first refusal of the system's, and after many.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where connections come from.
pub(super) trait Listener {
    /// Takes the next connection.
    async fn accept(&self) -> io::Result<UnixStream>;
}

impl Listener for UnixListener {
    async fn accept(&self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Takes connections, and pauses when the system refuses one: where a process has no file left for it, the next try is refused at once too.
pub(super) struct Accepting<'a, L> {
    listener: &'a L,
    pause: Duration,
}

impl<'a, L: Listener> Accepting<'a, L> {
    pub(super) fn new(listener: &'a L) -> Self {
        Self {
            listener,
            pause: Duration::ZERO,
        }
    }

    /// Something has ended that may have held what was missing: the next try need not wait.
    pub(super) fn at_once(&mut self) {
        self.pause = Duration::ZERO;
    }

    /// Returns the next connection. It may be dropped and called again without loss.
    #[expect(clippy::disallowed_methods, reason = "sockets follow the real clock")]
    pub(super) async fn next(&mut self) -> UnixStream {
        loop {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            match self.listener.accept().await {
                Ok(stream) => {
                    self.pause = Duration::ZERO;
                    return stream;
                }
                Err(error) => self.refused(&error),
            }
        }
    }

    fn refused(&mut self, error: &io::Error) {
        if self.pause.is_zero() {
            tracing::warn!(%error, "could not accept a connection; trying again until it is possible");
        }
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::timeout;

    use super::*;

    /// Refuses so many connections, and then has one.
    struct Refusing {
        left: Cell<u32>,
        tried: Cell<u32>,
    }

    impl Refusing {
        fn times(left: u32) -> Self {
            Self {
                left: Cell::new(left),
                tried: Cell::new(0),
            }
        }
    }

    impl Listener for Refusing {
        async fn accept(&self) -> io::Result<UnixStream> {
            self.tried.set(self.tried.get() + 1);
            assert!(self.tried.get() < 10_000, "it tries without a pause");
            match self.left.get() {
                0 => UnixStream::pair().map(|(stream, _)| stream),
                left => {
                    self.left.set(left - 1);
                    // As the system does when a process has no file left: at once.
                    Err(io::Error::from_raw_os_error(24))
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_system_without_files_is_asked_once_a_second_at_most() {
        let listener = Refusing::times(u32::MAX);
        let mut accepting = Accepting::new(&listener);
        let minutes = Duration::from_secs(600);
        assert!(timeout(minutes, accepting.next()).await.is_err());
        assert!(listener.tried.get() < 620, "{} tries", listener.tried.get());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_passes_loses_no_connection_and_no_pause_stays_of_it() {
        let listener = Refusing::times(3);
        let mut accepting = Accepting::new(&listener);
        accepting.next().await;
        assert_eq!(listener.tried.get(), 4);
        assert!(accepting.pause.is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_ends_makes_the_next_try_at_once() {
        let listener = Refusing::times(20);
        let mut accepting = Accepting::new(&listener);
        let given_up = timeout(Duration::from_secs(5), accepting.next()).await;
        assert!(given_up.is_err(), "twenty refusals take longer");
        let tried = listener.tried.get();
        accepting.at_once();
        let given_up = timeout(Duration::from_millis(1), accepting.next()).await;
        assert!(given_up.is_err(), "it was refused once more");
        assert_eq!(listener.tried.get(), tried + 1);
    }
}
