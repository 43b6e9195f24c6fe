"""Stripe's objects → rows: which state is newer, the one writer, and the readers that feed it."""
