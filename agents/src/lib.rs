//! The agents of AI Mass: skills on top of models.
