"""The only door to Stripe: nothing outside this package imports `stripe`, holds the key or knows the wire."""
