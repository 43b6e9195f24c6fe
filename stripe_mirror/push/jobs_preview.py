"""What an operation would do to many rows, each judged as the mirror has it: nothing is sent, nothing is stored."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from stripe_mirror.models import StripeObject
from stripe_mirror.money import totals
from stripe_mirror.push import preview as single
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import ODD_SHAPE, ODD_SHAPE_WORDS, PushError
from stripe_mirror.push.limits import Limits, stakes_of
from stripe_mirror.push.operation import Operation
from stripe_mirror.push.planned import cleaned_form, filled, stored_form

# Excluded rows that a preview names; the others are only counted.
NAMED = 100
CHUNK = 500
# Somebody waits for the page: more rows, or rows that take longer to judge, are refused, with the advice to filter.
MOST_ROWS = 20_000
JUDGING_SECONDS = 45.0
# Consequences take some operations several queries a row: those of the first rows must do then.
EFFECTS_SECONDS = 3.0
# Different sentences of one sort that a preview keeps.
SENTENCES = 12
# How sentences about a single push begin; of many, the page says once that nothing was sent.
OPENINGS = (gettext_lazy("Nothing was sent."), gettext_lazy("Nothing was sent:"))


@dataclass(frozen=True, slots=True)
class Wish:
    """A row that somebody chose, with what is particular to it."""

    row: StripeObject
    # Known beforehand; otherwise the operation says.
    why_not: str = ""
    # Its own form, where not all rows have the same: what differs from how the form opens.
    form: Mapping[str, Any] | None = None
    # The push that it takes back.
    undoes: UUID | None = None
    # What the row's own form was written against, as far as it changes it.
    opened: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """What becomes a push; `why_not` is "" where it would be sent."""

    id: str
    why_not: str
    form: Mapping[str, Any] | None
    undoes: UUID | None
    opened: Mapping[str, Any] | None = None


@dataclass
class Preview:
    """What a job would do. Sums are minor units per currency (S53)."""

    total: int = 0
    allowed: int = 0
    # Rows that would be left out, with the reason; at most NAMED of them.
    excluded: list[tuple[StripeObject, str]] = field(default_factory=list)
    excluded_count: int = 0
    # Rows that are above the person's limit, and would wait for another person's approval.
    above_limit: int = 0
    # The operation's `sums` of what would be done.
    sums: dict[str, int] = field(default_factory=dict)
    rows: list[JudgedRow] = field(default_factory=list)
    # More than can be judged; the rest was not looked at.
    too_many: bool = False
    # Below: only where the form is known, and of so many rows. In how many of them each sentence holds.
    told: int = 0
    summary: Counter[str] = field(default_factory=Counter)
    follows: Counter[str] = field(default_factory=Counter)
    final: Counter[str] = field(default_factory=Counter)
    # By its words and currency.
    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    # Rows of which only Stripe knows what would be billed, and the first of them with its form.
    unpreviewed: int = 0
    sample: tuple[StripeObject, Mapping[str, Any]] | None = None

    @property
    def amounts(self) -> list[Amount]:
        """The money that moves, added up per currency."""
        return [Amount(words, amount, code) for (words, code), amount in sorted(self.money.items())]

    def digest(self) -> str:
        """Differs as soon as other rows would be sent, or more or less money is at stake, than somebody has seen."""
        sent = sorted([row.id, dict(row.form or {})] for row in self.rows if not row.why_not)
        about = json.dumps([sent, sorted(self.sums.items())], sort_keys=True)
        return hashlib.sha256(about.encode()).hexdigest()


def wishes_of(rows: QuerySet[Any]) -> Iterator[Wish]:
    """The rows of a list, as the database hands them over."""
    return (Wish(row) for row in rows.iterator(chunk_size=CHUNK))


def preview(operation: Operation, queryset: QuerySet[Any], *, cleaned: Mapping[str, Any] | None = None) -> Preview:
    """Walk the rows; with the form's `cleaned`, rows that it doesn't fit are excluded, too, and effects added up."""
    return preview_wishes(operation, wishes_of(queryset), form=job_form(cleaned) if cleaned is not None else None)


def job_form(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The form as a job keeps it: the same for every row, the reason beside it."""
    return {name: value for name, value in stored_form(cleaned).items() if name != "reason"}


def preview_wishes(
    operation: Operation,
    wishes: Iterable[Wish],
    *,
    form: Mapping[str, Any] | None,
    effects: bool = True,
    limits: Limits | None = None,
) -> Preview:
    """As `preview`, of rows that may have forms of their own; without `effects`, only judged and counted. `limits` are
    those of who would run it."""
    seen, begun, spent = Preview(), time.monotonic(), 0.0
    for wish, reason, cleaned in judged(operation, wishes, form=form):
        if seen.total == MOST_ROWS or time.monotonic() - begun - spent > JUDGING_SECONDS:
            seen.too_many = True
            break
        seen.total += 1
        seen.rows.append(JudgedRow(wish.row.pk, reason, wish.form, wish.undoes, wish.opened))
        if reason:
            seen.excluded_count += 1
            if seen.excluded_count <= NAMED:
                seen.excluded.append((wish.row, reason))
            continue
        seen.allowed += 1
        seen.sums = totals([*((amount, code) for code, amount in seen.sums.items()), *at_stake(operation, wish.row)])
        if cleaned is not None and limits and limits.exceeded_by(stakes_of(operation, wish.row, cleaned)):
            seen.above_limit += 1
        if cleaned is not None and effects and spent < EFFECTS_SECONDS:
            since = time.monotonic()
            _add_effects(seen, operation, wish.row, cleaned)
            spent += time.monotonic() - since
    return seen


def judged(
    operation: Operation, wishes: Iterable[Wish], *, form: Mapping[str, Any] | None
) -> Iterator[tuple[Wish, str, Mapping[str, Any] | None]]:
    """Each row with the reason to leave it out, or "", and its form as it would be sent."""
    for wish in wishes:
        reason, cleaned = wish.why_not, None
        try:
            reason = reason or operation.why_not(wish.row)
            if not reason:
                cleaned = _cleaned(operation, wish, form)
        except PushError as error:
            reason = without_opening(str(error))
        except ODD_SHAPE:
            reason = str(ODD_SHAPE_WORDS)
        yield wish, reason, cleaned


def _cleaned(operation: Operation, wish: Wish, form: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if wish.form is not None:
        form = filled(operation, wish.row, wish.form)
    if form is None:
        return None
    cleaned = cleaned_form(operation, wish.row, form)
    operation.plan(wish.row, cleaned)
    return cleaned


def without_opening(message: str) -> str:
    """A sentence about one push, as it reads in a list of many."""
    for opening in OPENINGS:
        if message.startswith(f"{opening} "):
            message = message.removeprefix(f"{opening} ")
            return message[:1].upper() + message[1:]
    return message


def at_stake(operation: Operation, row: StripeObject) -> list[tuple[int, str]]:
    """The operation's `sums`; [] where the object's shape is unknown."""
    try:
        return list(operation.sums(row))
    except ODD_SHAPE:
        return []


def _add_effects(seen: Preview, operation: Operation, row: StripeObject, cleaned: Mapping[str, Any]) -> None:
    # Never asks Stripe: that would be a call per row.
    told = single.preview(operation, row, cleaned, ask=False)
    seen.told += 1
    _count(seen.summary, told.summary)
    _count(seen.follows, told.effects.follows)
    _count(seen.final, [str(told.effects.final)] if told.effects.final else [])
    for amount in told.effects.money:
        seen.money[amount.words, amount.currency] += amount.amount
    if told.needed:
        seen.unpreviewed += 1
        seen.sample = seen.sample or (row, cleaned)


def _count(counter: Counter[str], sentences: Iterable[str]) -> None:
    for sentence in sentences:
        if sentence in counter or len(counter) < SENTENCES:
            counter[sentence] += 1


def ask_about_sample(operation: Operation, seen: Preview) -> single.Preview | None:
    """Stripe's own preview of one of the rows, where the operation has one; None where it has none."""
    return single.preview(operation, *seen.sample, ask=True) if seen.sample else None
