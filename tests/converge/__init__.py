"""Does the mirror end equal to Stripe, whatever happens in between? Random histories against real processes.

`python -m tests.converge` (`make converge`) runs them on SQLite and PostgreSQL side by side; `make test` runs a few.
"""
