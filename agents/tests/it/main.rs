//! Black-box tests of the agents, with the real weights: what is missing is fetched into the cache.

mod text;
