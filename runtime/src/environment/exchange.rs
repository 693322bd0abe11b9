//! Export and import as JSON Lines.

/// What an import brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many facts.
    pub facts: u64,
    /// How many blobs.
    pub blobs: u64,
}
