"""Stripe → us: events are verified, stored, answered, and then decided."""
