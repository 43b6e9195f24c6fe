"""Tells Django of the app; nothing runs at import."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class StripeMirrorConfig(AppConfig):
    """The mirror, its inbox, its pushes and its admin."""

    name = "stripe_mirror"
    verbose_name = "Stripe"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks and what connections are told, name the models, share one budget of calls to Stripe."""
        from stripe_mirror import checks  # noqa: F401
        from stripe_mirror.connections import compile_no_queries
        from stripe_mirror.model_names import translate_names
        from stripe_mirror.pull.call_budget import SharedLedger
        from stripe_mirror.stripe_api.budget import budget

        translate_names(self)
        connection_created.connect(compile_no_queries)
        budget.ledger = SharedLedger()
