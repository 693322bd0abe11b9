//! Tests of the ledger: scenes that show a guarantee, and a simulation of millions of interleavings.

mod dice;
mod model;
mod scenes;
pub(crate) mod settings;
mod simulation;
