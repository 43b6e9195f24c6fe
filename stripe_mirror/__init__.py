"""A mirror of one Stripe account, and the way back.

Stripe sends an event; `inbox` verifies and stores it and `pull` applies it to the rows of `models`, which hold
Stripe's objects verbatim. Staff look at these rows in `admin`. What they change goes through `push`: an intent is
written and committed first, then `stripe_api`, the only door to Stripe, makes the call, and the answer is applied by
`pull` like any other state. Backfill, catch-up and reconcile are further readers that feed the same `pull`.

Imports point down only: urls, management, tasks > admin > inbox | push > pull > models | stripe_api > conf | money.
"""
