//! What the user wrote, and what the program means by it.
