"""What happened to an object, newest first, and by whom: from the recorded changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.raw import masked
from stripe_mirror.models import Change, InboxEvent

LONGEST = 160
# Stripe's timestamps are whole seconds under these names.
TIME_NAMES = ("created", "canceled_at", "cancel_at", "ended_at", "trial_end", "trial_start", "due_date", "paid_at")


@dataclass(frozen=True)
class FieldChange:
    """One field, before and after."""

    field: str
    old: SafeString
    new: SafeString


@dataclass(frozen=True)
class Entry:
    """One change, as the history shows it."""

    when: SafeString
    what: str
    who: SafeString
    source: str
    reason: str
    fields: list[FieldChange]
    event: SafeString | str
    request_id: str


def entry(request: HttpRequest, change: Change, *, currency: str | None = None) -> Entry:
    """One change in words; links only to what this person may see."""
    return Entry(
        when=display.when(change.happened_at, zone=True),
        what=display.words(change.get_action_display()),
        who=who(request, change),
        source=change.source,
        reason=display.without_secrets(change.push.reason) if change.push else "",
        fields=[field_change(name, pair, currency) for name, pair in sorted(change.fields.items())],
        event=_event(request, change),
        request_id=change.request_id,
    )


def who(request: HttpRequest, change: Change) -> SafeString:
    """The person and their push; or what is known of the source."""
    if change.push is None:
        return display.plain(display.words(change.get_source_display()))
    name = change.push.user_name or _("This back office")
    if request.user.has_perm("stripe_mirror.view_push"):
        return display.link(name, display.object_url(change.push))
    return display.plain(name)


def _event(request: HttpRequest, change: Change) -> SafeString | str:
    if not change.event_id:
        return ""
    if request.user.has_perm("stripe_mirror.view_inboxevent"):
        url = display.admin_url(InboxEvent, "change", change.event_id)
        return display.link(change.event_type or change.event_id, url)
    return display.plain(change.event_type)


def field_change(name: str, pair: Any, currency: str | None) -> FieldChange:
    """A field's old and new value, shortened."""
    old, new = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
    return FieldChange(name, _shown(name, old, currency), _shown(name, new, currency))


def _shown(name: str, value: Any, currency: str | None) -> SafeString:
    last = name.rsplit(".", 1)[-1]
    value = masked(value, key=last)
    moment = display.from_unix(value) if last in TIME_NAMES or last.endswith(("_at", "_start", "_end")) else None
    if moment is not None:
        return display.when(moment)
    if currency and isinstance(value, int) and not isinstance(value, bool) and is_money(last):
        return display.money(value, currency)
    if isinstance(value, dict | list | bool):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value)
    return display.plain(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def is_money(name: str) -> bool:
    """Whether a field of this name is an amount in minor units of its object's currency."""
    return name in ("balance", "total", "subtotal") or name.startswith("amount")
