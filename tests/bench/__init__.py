"""Measurements: events received, calls to Stripe, backfill, export. Run by `make bench`; trust ratios, not figures."""
