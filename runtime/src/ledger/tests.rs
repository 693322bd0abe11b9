//! Tests of the ledger: scenes that show a guarantee, and a simulation of millions of interleavings.

mod model;
mod scenes;
mod simulation;
