//! The exporter that observers hand their spans to: it queues them, bounded, and a thread takes them to where they go.

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::pending::PendingSpan;
use crate::queue::Queue;

/// A [`SpanExporter`] whose exports never wait: they queue the spans, and a thread takes them further.
///
/// What waits is bounded in bytes; the oldest go when there is no more room. It is the exporter of one service. Those that
/// [`Self::of_service`] makes share its queue, its thread and its connection. The thread ends when the last of them is dropped.
#[derive(Debug)]
pub struct QueuedSpanExporter {
    service: Arc<Resource>,
    shut_down: AtomicBool,
    shared: Arc<Shared>,
}

/// Counts what an exporter of spans could not deliver.
#[derive(Clone)]
pub struct SpanLosses(Arc<Queue<PendingSpan>>);

/// Says what is wrong on the way out of the queue.
pub(crate) trait Report: fmt::Debug + Send + Sync + 'static {
    /// Not all that waited has left within this time.
    fn silent(&self, waited: Duration);

    /// The end came while so many spans waited.
    fn unsent(&self, count: usize);
}

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue<PendingSpan>>,
    report: Box<dyn Report>,
    /// How long a flush waits.
    patience: Duration,
}

impl SpanLosses {
    /// Returns how many spans were dropped for want of room, or refused.
    pub fn spans(&self) -> u64 {
        self.0.dropped()
    }
}

impl QueuedSpanExporter {
    /// The entrance of a queue that somebody else empties.
    pub(crate) fn new(
        queue: Arc<Queue<PendingSpan>>,
        report: impl Report,
        patience: Duration,
    ) -> Self {
        let report = Box::new(report);
        Self {
            service: Arc::new(Resource::builder_empty().build()),
            shut_down: AtomicBool::new(false),
            shared: Arc::new(Shared {
                queue,
                report,
                patience,
            }),
        }
    }

    /// Returns the exporter of another service, with the same way out.
    pub fn of_service(&self, service: Resource) -> Self {
        Self {
            service: Arc::new(service),
            shut_down: AtomicBool::new(false),
            shared: self.shared.clone(),
        }
    }

    /// Counts what could not be delivered, also after the exporter is gone.
    pub fn losses(&self) -> SpanLosses {
        SpanLosses(self.shared.queue.clone())
    }

    /// How long a flush waits.
    pub(crate) fn patience(&self) -> Duration {
        self.shared.patience
    }

    /// Asks for everything to be sent now.
    pub(crate) fn ask_flush(&self) {
        self.shared.queue.ask_flush();
    }

    /// Waits until everything is sent that [`Self::ask_flush`] asked for, or an attempt has failed. Returns `false` if it took too long.
    pub(crate) fn flushed(&self, until: Instant) -> bool {
        let flushed = self.shared.queue.flushed(until);
        if !flushed {
            self.shared.report.silent(self.shared.patience);
        }
        flushed
    }

    fn enqueue(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.shut_down.load(Ordering::Acquire) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.shared
            .queue
            .push(batch.into_iter().map(|span| PendingSpan {
                service: self.service.clone(),
                span,
            }));
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an exporter may be used without any runtime and its clock"
    )]
    fn flush_within(&self, patience: Duration) -> OTelSdkResult {
        self.ask_flush();
        match self.flushed(Instant::now() + patience) {
            true => Ok(()),
            false => Err(OTelSdkError::Timeout(patience)),
        }
    }
}

impl SpanExporter for QueuedSpanExporter {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        ready(self.enqueue(batch))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if self.shut_down.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.flush_within(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flush_within(self.shared.patience)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.service = Arc::new(resource.clone());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last flush was in vain, and the process may end before the thread has anything to say.
        let unsent = self.queue.waiting();
        if unsent > 0 {
            self.report.unsent(unsent);
        }
        self.queue.close();
    }
}
