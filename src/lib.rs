//! AI Mass: a runtime for teams of learning models.
