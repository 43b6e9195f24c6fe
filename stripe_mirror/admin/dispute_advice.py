"""What a dispute's page says first: until when, what is there, what it costs, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stripe_mirror.admin import display
from stripe_mirror.money import format_money, totals

WAITING = frozenset({"needs_response", "warning_needs_response"})


@dataclass(frozen=True)
class Advice:
    """A sentence in large, and more below it; the tones are those of notes."""

    title: str
    lines: list[SafeString | str]
    tone: str = "plain"


def advice(row: Any) -> Advice | None:
    """By its state; None where it isn't known."""
    if row.deleted_at or not isinstance(row.status, str):
        return None
    return Advice(_title(row), [line for line in (*_steps(row), _given(row), _cost(row)) if line], _tone(row))


def _late(row: Any) -> bool:
    return bool(row.past_due) or (row.due_by is not None and row.due_by < timezone.now())


def _tone(row: Any) -> str:
    if row.status in WAITING:
        return "danger"
    return {"lost": "danger", "won": "success"}.get(row.status, "plain")


def _title(row: Any) -> str:
    if row.status in WAITING:
        if _late(row):
            return _("The deadline has passed: the bank takes no more evidence.")
        if row.due_by is None:
            return _("The bank waits for an answer.")
        return _("Answer within %(time)s: until %(moment)s.") % {
            "time": timeuntil(row.due_by, depth=2),
            "moment": display.moment_text(row.due_by, zone=True),
        }
    words = {
        "under_review": _("The evidence was submitted, and the bank is deciding."),
        "warning_under_review": _("The answer was submitted, and the bank is deciding."),
        "warning_closed": _("The inquiry is closed: no money was taken."),
        "won": _("Won: the money was given back."),
        "lost": _("Lost: the customer keeps the money."),
        "prevented": _("Prevented: it was settled before it became a dispute."),
    }
    return words.get(row.status) or display.words(row.status)


def _steps(row: Any) -> list[str]:
    if row.status not in WAITING or _late(row):
        return []
    if row.status == "warning_needs_response":
        refundable = _(" A full refund also ends it.") if row.is_charge_refundable else ""
        return [_("No money was taken yet: this is an inquiry. Answer it with evidence.") + refundable]
    return [_("Collect evidence and submit it once it is complete, or accept the dispute if the customer is right.")]


def _given(row: Any) -> str:
    evidence = row.data.get("evidence")
    given = sum(1 for value in evidence.values() if value) if isinstance(evidence, Mapping) else 0
    if row.submission_count:
        return ngettext("Evidence was submitted once.", "Evidence was submitted %(n)s times.", row.submission_count) % {
            "n": row.submission_count
        }
    if not given:
        return _("No evidence is there yet.") if row.status in WAITING else ""
    return ngettext(
        "%(n)s piece of evidence is kept, not submitted.", "%(n)s pieces of evidence are kept, not submitted.", given
    ) % {"n": given}


def _cost(row: Any) -> SafeString | str:
    """What the dispute did to the balance so far, per currency, with its fees."""
    moved = display.entries_of(row.data.get("balance_transactions"))
    nets = totals((e["net"], str(e.get("currency"))) for e in moved if isinstance(e.get("net"), int))
    fees = totals((e["fee"], str(e.get("currency"))) for e in moved if isinstance(e.get("fee"), int) and e["fee"])
    if not nets:
        return ""
    shown = ", ".join(format_money(amount, code) for code, amount in nets.items())
    paid = ", ".join(format_money(amount, code) for code, amount in fees.items())
    fee = _(", of which %(fee)s is fees") % {"fee": paid} if paid else ""
    return format_html("{}", _("On our balance: %(sum)s%(fee)s.") % {"sum": shown, "fee": fee})
