"""Home's figures: computed from the mirror in the background, kept in `models.figures`, never asked of Stripe.

`amounts` says what a subscription is worth a month, `timeline` when that changed, `ledger` what that means for its
customer, `mrr`, `money` and `standing` store it, `work` does a share of it. The formulas: `docs/figures.md`.
"""
