//! The one place where the kernel spawns: whatever it spawned is waited for at shutdown.

use std::future::Future;
use std::io;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Models recurse deeply; 64 MiB of address space costs nothing until it is touched.
const WORKER_STACK: usize = 64 << 20;

/// Spawns tasks and threads, and knows when all of them have ended.
pub(crate) struct Spawner {
    handle: Handle,
    // Everything spawned holds a clone of the sender; the channel closes when the last one has ended.
    alive: Mutex<Option<flume::Sender<()>>>,
    ended: flume::Receiver<()>,
}

/// A task that ends with its owner.
pub(crate) struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Spawner {
    pub(crate) fn new(handle: Handle) -> Self {
        let (alive, ended) = flume::bounded(0);
        Self {
            handle,
            alive: Mutex::new(Some(alive)),
            ended,
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

    /// Runs a future until it ends or its owner does. Nobody waits for it.
    pub(crate) fn abortable(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> AbortOnDrop {
        AbortOnDrop(self.handle.spawn(future).abort_handle())
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
}

/// Starts a thread that a service of the runtime owns. It is not waited for at shutdown: its service knows when it ends.
pub(crate) fn service_thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(work).map(drop)
}
