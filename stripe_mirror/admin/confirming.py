"""Confirming: what a page says before anything is sent, and the proof that a person has seen Stripe's own preview."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.safestring import SafeString

from stripe_mirror.admin import display
from stripe_mirror.models import StripeObject
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.operation import Operation
from stripe_mirror.push.preview import Preview, call_lines, preview
from stripe_mirror.push.preview import told as told_of

SALT = "stripe_mirror.previewed"
# How long a preview may be confirmed, in seconds.
VALID = 3600


@dataclass(frozen=True)
class ShownAmount:
    """Money in words, formatted."""

    words: str
    amount: SafeString


@dataclass(frozen=True)
class ShownPreview:
    """A preview as a page draws it."""

    summary: list[str]
    calls: list[list[str]]
    money: list[ShownAmount]
    lines: list[ShownAmount]
    follows: list[str]
    final: str
    failure: str
    needed: bool
    may_confirm: bool


def shown(preview: Preview) -> ShownPreview:
    """For a template."""
    return ShownPreview(
        summary=preview.summary,
        calls=[call_lines(call) for call in preview.calls],
        money=amounts(preview.effects.money),
        lines=amounts(preview.effects.lines),
        follows=list(preview.effects.follows),
        final=str(preview.effects.final),
        failure=preview.failure,
        needed=preview.needed,
        may_confirm=preview.may_confirm,
    )


def amounts(held: list[Amount] | tuple[Amount, ...]) -> list[ShownAmount]:
    """Each with its currency."""
    return [ShownAmount(one.words, display.money(one.amount, one.currency)) for one in held]


def token(operation: Operation, row: StripeObject, cleaned: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Says that Stripe's preview of just this form was shown, and what it said."""
    return signing.dumps([_about(operation, row, cleaned), dict(told)], salt=SALT, compress=True)


def confirmed(
    operation: Operation, row: StripeObject, cleaned: Mapping[str, Any], given: str
) -> Mapping[str, Any] | None:
    """What the person was told before confirming; None where Stripe has a preview of it that wasn't seen lately."""
    local = preview(operation, row, cleaned, ask=False)
    if not local.needed:
        # Where the form is wrong, submitting says so.
        return told_of(operation, row, cleaned, local)
    try:
        about, told = signing.loads(given, salt=SALT, max_age=VALID)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return told if about == _about(operation, row, cleaned) else None


def _about(operation: Operation, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
    form = {name: value for name, value in cleaned.items() if name != "reason"}
    text = json.dumps(form, sort_keys=True, cls=DjangoJSONEncoder)
    return [operation.name, str(row.pk), hashlib.sha256(text.encode()).hexdigest()]
