//! The repository's rules, as tests: who may depend on whom, how long a file may be, what may be linked.

mod arrows;
mod file_access;
mod files;
mod layers;
mod licences;
mod metadata;
mod spdx;
