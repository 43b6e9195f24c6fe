"""System checks: what is configured so that it can't work is said at start, with the variable's name."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register

from stripe_mirror.conf import conf


@register(Tags.security, deploy=True)
def check_webhook_secrets(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Without a signing secret every webhook is refused."""
    if conf.webhook_secrets or conf.demo:
        return []
    return [
        Warning(
            "No webhook signing secret is set, so every event from Stripe is refused.",
            hint="Run `manage.py stripe_webhook create URL` and put the secret into STRIPE_WEBHOOK_SECRETS.",
            id="stripe_mirror.W001",
        )
    ]
