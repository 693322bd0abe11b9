//! The repository's rules, as tests: who may depend on whom, how long a file may be, what may be linked.

mod agent_names;
mod arrows;
mod default_models;
mod documents;
mod features;
mod file_access;
mod files;
mod layers;
mod licences;
mod literals;
mod metadata;
mod spdx;
