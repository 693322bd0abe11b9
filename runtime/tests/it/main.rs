//! Black-box tests of the kernel, with real threads.

mod episodes;
mod guarantees;
mod support;
