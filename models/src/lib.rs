//! The candle networks of AI Mass, their importers, and the catalogue that fetches their weights.
