//! Events: one complete, typed record of whatever happened, for observers.
//!
//! Ids of spans are minted here, so that every observer tells the same story. An observer is fed by one bounded channel and never
//! blocks an agent; what does not fit is counted. The content of tasks enters a record only where an error or a panic quotes it in its
//! words: see [`Record::without_words`].

mod channel;
mod record;
mod recorder;
mod watched;
mod words;

pub(crate) use channel::{EventSink, Pump};
pub use record::{
    AgentChanged, AttemptInterrupted, CallerSpan, EpisodeFinished, Note, Place, Record,
    ServiceChange, ServiceChanged, SpanPlace, TaskFinished, TaskNote, TaskOutcome, WorkerChange,
    WorkerChanged,
};
pub use recorder::Recorder;
pub use watched::WeakRuntime;

/// Receives records, on a thread of its own.
pub trait Observer: Send + 'static {
    /// Hears which runtime it observes, before the first record: for what is looked at and not told, like the length of a queue.
    fn begin(&mut self, runtime: &WeakRuntime) {
        let _ = runtime;
    }

    /// Takes one record.
    fn observe(&mut self, record: &Record);

    /// Brings what it holds to where it belongs; called when nothing waits and at shutdown.
    fn flush(&mut self) {}
}
