//! The command line of AI Mass.

fn main() {}
