"""The sandbox: our stand-in for Stripe. `server.py` holds state and rules, `http.py` serves them, `resources/` say
what each kind of object is, `billing/` what happens as time passes. A simulation: nothing here reaches Stripe."""

from tests.sandbox import resources as resources
