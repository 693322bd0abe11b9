//! Black-box tests of AI Mass: the repository's own rules, and the program as a user meets it.

mod program;
mod repository;
