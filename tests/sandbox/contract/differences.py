"""Where the sandbox and the description at hand may differ, and why: the only place that lets a difference pass.

The description is of 2026-08-26.dahlia; the sandbox also speaks 2026-10-28.endive, the version of the stripe package.
What is new in endive stands in `versions.py`: the sandbox itself must refuse it to callers of dahlia.
"""

from dataclasses import dataclass, field
from typing import Any

import stripe

from tests.sandbox.versions import DAHLIA, ENDIVE, NEWER_ENDPOINTS, NEWER_FIELDS, NEWER_PARAMETERS


@dataclass(frozen=True)
class Changed:
    """A parameter that the two versions take in different forms; `None` where a version does not take it at all. `{id}`
    in path and parameters is a subscription's."""

    method: str
    path: str
    parameter: str
    forms: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)


CHANGED = (
    Changed("POST", "/v1/subscriptions/{id}", "billing_cycle_anchor", {DAHLIA: "now", ENDIVE: {"type": "now"}}),
    Changed(
        "POST",
        "/v1/invoices/create_preview",
        "subscription_details",
        {DAHLIA: {"billing_cycle_anchor": "now"}, ENDIVE: {"billing_cycle_anchor": {"type": "now"}}},
        others={"subscription": "{id}"},
    ),
    Changed(
        "POST",
        "/v1/payment_intents",
        "payment_method_types",
        {DAHLIA: ["card"], ENDIVE: None},
        others={"amount": 900, "currency": "usd"},
    ),
)
# What the description lacks because it is newer; instead of it, the classes of the stripe package are compared with.
NEWER = {
    ("POST", "/v1/subscriptions/{id}/pause"): stripe.params.SubscriptionPauseParams,
    ("POST", "/v1/subscriptions/{id}/resume"): stripe.params.SubscriptionResumeParams,
    ("POST", "/v1/disputes/{id}"): stripe.params.DisputeUpdateParams,
    ("POST", "/v1/invoices/create_preview"): stripe.params.InvoiceCreatePreviewParams,
}
# Stripe takes `expand` with every request; the description leaves it out of those that delete.
EVERYWHERE = ("DELETE", "expand.*")
# Parameters for which the sandbox knows fewer words than Stripe: (method, path, parameter).
NARROWER = frozenset(
    {
        ("POST", "/v1/subscription_schedules", "end_behavior"),  # the two that Stripe documents
        ("POST", "/v1/subscription_schedules/{id}", "end_behavior"),
        ("POST", "/v1/payment_methods", "type"),  # cards and SEPA debits only
        ("POST", "/v1/payment_intents", "off_session"),  # yes or no, not for how long
    }
)


def is_newer(method: str, path: str, keys: tuple[str, ...] = ()) -> bool:
    """Whether dahlia lacks this endpoint, or this parameter of it."""
    dotted = ".".join(keys)
    known = NEWER_PARAMETERS.get((method, path), ())
    return (method, path) in NEWER_ENDPOINTS or any(f"{dotted}.".startswith(f"{name}.") for name in known)


def older(shown: Any) -> Any:
    """A copy of an object without what dahlia lacks."""
    if isinstance(shown, list):
        return [older(item) for item in shown]
    if not isinstance(shown, dict):
        return shown
    left_out = NEWER_FIELDS.get(str(shown.get("object")), ())
    return {key: older(item) for key, item in shown.items() if key not in left_out}
