"""Is the mirror well? Checks, each with what to do about what it finds.

Those over our own tables (`events`, `processes`) are cheap; those that ask Stripe (`stripe_side`) run in the worker or
in `stripe_doctor` only. `report` keeps what was found, so that no page waits for a check.
"""
