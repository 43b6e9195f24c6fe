"""The customer's page: what is read for it at once, the figures in its head, and what comes next."""
