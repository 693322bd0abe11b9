//! Black-box tests of AI Mass.
