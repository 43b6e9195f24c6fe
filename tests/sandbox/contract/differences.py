"""Where the sandbox and the description at hand may differ, and why: the only place that lets a difference pass.

The description is of 2026-08-26.dahlia; the sandbox also speaks 2026-10-28.endive, the version of the stripe package.
Objects have the same fields in both (of the kinds that the sandbox serves); what differs is what may be sent.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.versions import DAHLIA, ENDIVE


@dataclass(frozen=True)
class Changed:
    """A parameter that the two versions take in different forms; `None` where a version does not take it at all."""

    method: str
    path: str
    parameter: str
    forms: dict[str, Any]
    others: dict[str, Any] = field(default_factory=dict)


CHANGED = (
    Changed("POST", "/v1/subscriptions/{id}", "billing_cycle_anchor", {DAHLIA: "now", ENDIVE: {"type": "now"}}),
    Changed(
        "POST",
        "/v1/payment_intents",
        "payment_method_types",
        {DAHLIA: ["card"], ENDIVE: None},
        others={"amount": 900, "currency": "usd"},
    ),
)
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
