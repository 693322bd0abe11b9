//! The program as a user meets it: what it prints, on which stream, and with which exit code it ends.

mod ask;
#[path = "../../models/tests/it/cache.rs"]
mod cache;
mod event_log;
mod fetching;
mod full_disk;
mod generation;
mod given_up;
mod harness;
mod interrupt;
mod live;
mod models;
mod named_files;
mod node;
mod own_model;
mod own_program;
mod packages;
mod report;
mod run;
mod setup;
mod speech;
mod store;
mod straight;
mod team_crash;
mod terminal;
mod top;
mod trace;
mod usage;
mod written_files;
