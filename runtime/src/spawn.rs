//! The one place where the kernel spawns: whatever it spawned is waited for at shutdown.

use std::future::Future;
use std::io;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::panics::Caught;

/// Models recurse deeply; 64 MiB of address space costs nothing until it is touched.
const WORKER_STACK: usize = 64 << 20;

/// Spawns tasks and threads, and knows when all of them have ended.
pub(crate) struct Spawner {
    handle: Handle,
    // Everything spawned holds a clone of the sender; the channel closes when the last one has ended.
    alive: Mutex<Option<flume::Sender<()>>>,
    ended: flume::Receiver<()>,
    aborts: Mutex<Vec<AbortHandle>>,
    /// The first service that ended although the runtime has not, and why.
    failed: watch::Sender<Option<(String, String)>>,
}

impl Spawner {
    pub(crate) fn new(handle: Handle) -> Self {
        let (alive, ended) = flume::bounded(0);
        Self {
            handle,
            alive: Mutex::new(Some(alive)),
            ended,
            aborts: Mutex::new(Vec::new()),
            failed: watch::Sender::new(None),
        }
    }

    /// Runs a future to its end; it is waited for at shutdown.
    pub(crate) fn task(&self, future: impl Future<Output = ()> + Send + 'static) {
        let alive = self.alive.lock().clone();
        drop(self.handle.spawn(async move {
            future.await;
            drop(alive);
        }));
    }

    /// Runs a service until it ends or the runtime does. One that cannot go on, or panics, is told: see [`Self::failed`].
    pub(crate) fn service(
        &self,
        name: &str,
        service: impl Future<Output = Result<(), String>> + Send + 'static,
    ) {
        let (name, failed) = (name.to_owned(), self.failed.clone());
        let service = Caught::new(Box::pin(service));
        let task = self.handle.spawn(async move {
            let why = match service.await {
                Ok(Ok(())) => return,
                Ok(Err(why)) => why,
                Err(message) => format!("panic: {message}"),
            };
            tracing::error!(
                service = name,
                said = why,
                "a service of the runtime has ended; start it again"
            );
            failed.send_if_modified(|failed| {
                let is_first = failed.is_none();
                failed.get_or_insert((name, why));
                is_first
            });
        });
        self.aborts.lock().push(task.abort_handle());
    }

    /// Says which service ended although the runtime has not, and why.
    pub(crate) fn failed(&self) -> watch::Receiver<Option<(String, String)>> {
        self.failed.subscribe()
    }

    /// Runs a worker on a thread of its own; it is waited for at shutdown.
    pub(crate) fn thread(
        &self,
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let alive = self.alive.lock().clone();
        let builder = std::thread::Builder::new()
            .name(name)
            .stack_size(WORKER_STACK);
        builder.spawn(move || {
            work();
            drop(alive);
        })?;
        Ok(())
    }

    /// Returns once all tasks and threads have ended.
    pub(crate) async fn ended(&self) {
        self.alive.lock().take();
        // Nobody sends: the only answer is that the last sender is gone.
        let _ = self.ended.recv_async().await;
    }

    /// Ends the services.
    pub(crate) fn end_services(&self) {
        for abort in self.aborts.lock().drain(..) {
            abort.abort();
        }
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.end_services();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_service_that_cannot_go_on_is_told_be_it_by_an_error_or_by_a_panic() {
        for panics in [false, true] {
            let spawner = Spawner::new(Handle::current());
            let mut failed = spawner.failed();
            spawner.service("good", async { Ok(()) });
            spawner.service("bad", async move {
                assert!(!panics, "out of order");
                Err("out of order".to_owned())
            });
            let told = failed.wait_for(Option::is_some).await.unwrap().clone();
            let (name, why) = told.unwrap();
            assert_eq!(name, "bad");
            assert!(why.ends_with("out of order"), "{why}");
            spawner.service("worse", async { Err("worse".to_owned()) });
            tokio::task::yield_now().await;
            assert_eq!(failed.borrow().as_ref().unwrap().0, "bad");
        }
    }
}
