//! The ledger: an agent's record of every task that it accepted, until it is settled. It outlives its workers.
//!
//! It is sans-IO: [`Ledger::on`] takes an event and the time, and says what is to be done. Threads, channels and timers are a thin
//! driver around it, so that tests can run millions of interleavings and replay any of them from its seed.

pub(crate) mod effect;
pub(crate) mod event;
