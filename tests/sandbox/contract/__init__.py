"""The contract: what the sandbox says and takes, compared with Stripe's own description of its API."""
