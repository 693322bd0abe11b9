//! Black-box tests of the kernel, with real threads.

mod guarantees;
mod support;
