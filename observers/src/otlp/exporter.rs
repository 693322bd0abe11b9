//! An exporter's thread: takes batches of one signal from its queue to the collector, again and again until the collector takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aimass_config::OtlpConfig;

use super::client::{Client, OtlpError, Refused, Verdict};
use super::signal::{Signal, Traces};
use crate::identity::Identity;
use crate::queue::{Next, Queue};
use crate::traces::queued::Report;

/// The name of each exporter's thread, and of those that its connection needs.
pub(super) const THREAD: &str = "aimass-otlp";
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether the collector takes what it is sent, as the log was last told: once for all signals of an exporter.
#[derive(Debug, Default)]
pub(super) struct Standing {
    failing: AtomicUsize,
    /// Whether it was told that the collector says nothing, while an attempt still waited for its answer.
    silent: AtomicBool,
    lost: AtomicU64,
}

impl Standing {
    /// Tells that somebody has waited in vain for everything to be sent, unless it was told already that the collector takes nothing. The attempt
    /// that is under way may end only after the process has.
    pub(super) fn report_silent<S: Signal>(&self, endpoint: &str, waited: Duration) {
        if self.failing.load(Ordering::Acquire) > 0 || self.silent.swap(true, Ordering::AcqRel) {
            return;
        }
        report_trouble::<S>(endpoint, &format!("no answer within {waited:?}"));
    }
}

/// What is told of the spans that wait for a collector.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) endpoint: String,
    pub(super) standing: Arc<Standing>,
}

impl Report for Reports {
    fn silent(&self, waited: Duration) {
        self.standing
            .report_silent::<Traces>(&self.endpoint, waited);
    }

    fn unsent(&self, count: usize) {
        report_unsent::<Traces>(&self.endpoint, count);
    }
}

/// The line of a collector in trouble, whatever the trouble is.
fn report_trouble<S: Signal>(endpoint: &str, reason: &str) {
    tracing::warn!(
        endpoint,
        reason,
        "the collector takes no {}; the agents go on, and what is to be sent waits as far as `observers.otlp.queue_bytes` allows",
        S::ITEMS
    );
}

/// Tells how many items the end came too early for.
pub(super) fn report_unsent<S: Signal>(endpoint: &str, count: usize) {
    tracing::warn!(endpoint, count, "{} were not sent before the end", S::ITEMS);
}

/// Where the items of a signal come from that nobody tells: they are taken from time to time.
pub(super) struct Tick<T> {
    pub(super) every: Duration,
    pub(super) take: Box<dyn Fn() -> T + Send>,
}

pub(super) struct Exporter<S: Signal> {
    client: Client,
    endpoint: String,
    identity: Identity,
    queue: Arc<Queue<S::Item>>,
    standing: Arc<Standing>,
    /// How many items were lost when the collector began to fail.
    failed: Option<u64>,
    /// How many items were dropped for want of room when that was told last.
    told_dropped: u64,
}

impl<S: Signal> Exporter<S> {
    /// Starts the thread. Gives the queue that it empties.
    pub(super) fn start(
        endpoint: &str,
        config: &OtlpConfig,
        standing: Arc<Standing>,
        tick: Option<Tick<S::Item>>,
    ) -> Result<Arc<Queue<S::Item>>, OtlpError> {
        let queue = Queue::new(config.queue_bytes, S::BATCH, S::bytes);
        let exporter = Self {
            client: Client::new::<S>(endpoint, config)?,
            endpoint: endpoint.to_owned(),
            identity: Identity::new(&config.service_name),
            queue: queue.clone(),
            standing,
            failed: None,
            told_dropped: 0,
        };
        let thread = std::thread::Builder::new().name(THREAD.to_owned());
        thread.spawn(move || exporter.serve(tick.as_ref()))?;
        Ok(queue)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of the exporter, outside any runtime and its clock"
    )]
    fn serve(mut self, tick: Option<&Tick<S::Item>>) {
        let next_tick = || tick.map(|tick| Instant::now() + tick.every);
        let mut due = next_tick();
        loop {
            match self.queue.next(due) {
                Next::Send(batch) => self.send(batch),
                Next::Tick => {
                    due = next_tick();
                    self.queue.push(tick.map(|tick| (tick.take)()));
                }
                Next::End => return,
            }
        }
    }

    fn send(&mut self, batch: Vec<S::Item>) {
        let count = batch.len();
        let request = S::request(&self.identity, batch);
        if !self.deliver(&request, count) {
            self.queue.lost(count as u64);
        }
        self.report_dropped();
    }

    /// A collector that takes everything, and too slowly: told when it begins, and whenever it has become twice as much.
    fn report_dropped(&mut self) {
        let dropped = self.queue.pushed_out();
        if self.failed.is_some() || dropped <= self.told_dropped.saturating_mul(2) {
            return;
        }
        self.told_dropped = dropped;
        tracing::warn!(
            endpoint = self.endpoint,
            dropped,
            "the collector is too slow: {} were dropped for want of room; raise `observers.otlp.queue_bytes`, or lower `observers.traces.ratio`",
            S::ITEMS
        );
    }

    /// Sends a batch until it is taken or refused for good. False when it did not arrive.
    fn deliver(&mut self, request: &S::Request, count: usize) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            let refused = match self.client.send::<S>(request) {
                Ok(answer) => {
                    self.report_taken();
                    self.report_partly_refused(S::refused(answer));
                    return true;
                }
                Err(refused) => refused,
            };
            if refused.verdict == Verdict::Unknown && S::OPTIONAL {
                tracing::info!(
                    endpoint = self.endpoint,
                    "the collector knows no {}; none are sent from now on",
                    S::ITEMS
                );
                self.queue.stop();
                return true;
            }
            self.report_failed(&refused);
            if refused.verdict != Verdict::Later {
                return false;
            }
            // Spread out, so that many processes do not come back at the same moment.
            let jittered = pause.mul_f64(rand::random_range(0.75..1.25));
            if !self.queue.rest(jittered) {
                report_unsent::<S>(&self.endpoint, count);
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn report_partly_refused(&self, refused: Option<(i64, String)>) {
        let Some((count, reason)) = refused.filter(|(count, _)| *count > 0) else {
            return;
        };
        self.queue.lost(count.unsigned_abs());
        tracing::warn!(
            endpoint = self.endpoint,
            count,
            reason,
            "the collector refused {}",
            S::ITEMS
        );
    }

    /// Once, and not for each request.
    fn report_failed(&mut self, refused: &Refused) {
        if self.failed.is_some() {
            return;
        }
        self.failed = Some(self.queue.dropped());
        let others = self.standing.failing.fetch_add(1, Ordering::AcqRel);
        if others > 0 || self.standing.silent.load(Ordering::Acquire) {
            return;
        }
        report_trouble::<S>(&self.endpoint, &refused.message);
    }

    fn report_taken(&mut self) {
        if let Some(dropped) = self.failed.take() {
            let lost = self.queue.dropped() - dropped;
            self.standing.lost.fetch_add(lost, Ordering::AcqRel);
            if self.standing.failing.fetch_sub(1, Ordering::AcqRel) > 1 {
                return;
            }
            self.standing.silent.store(false, Ordering::Release);
        } else if !self.standing.silent.swap(false, Ordering::AcqRel) {
            return;
        }
        tracing::warn!(
            endpoint = self.endpoint,
            lost = self.standing.lost.swap(0, Ordering::AcqRel),
            "the collector takes {} again",
            S::ITEMS
        );
    }
}
