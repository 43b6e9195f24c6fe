"""Tells Django of the app; nothing runs at import."""

from django.apps import AppConfig


class StripeMirrorConfig(AppConfig):
    """The mirror, its inbox, its pushes and its admin."""

    name = "stripe_mirror"
    verbose_name = "Stripe"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and let all processes share one budget of calls to Stripe."""
        from stripe_mirror import checks  # noqa: F401
        from stripe_mirror.pull.call_budget import SharedLedger
        from stripe_mirror.stripe_api.budget import budget

        budget.ledger = SharedLedger()
