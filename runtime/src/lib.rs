//! The kernel of AI Mass: supervised agents, a ledger of accepted work, and a shared, durable environment.
