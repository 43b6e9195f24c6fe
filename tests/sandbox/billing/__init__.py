"""Billing: what happens by itself as time passes, and the money rules that several resources share."""
