"""Background entry points: each takes an id, may run twice, and calls one function."""
