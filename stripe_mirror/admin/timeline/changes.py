"""Recorded changes in the timeline: what became of what, in words, and who made the rows of money."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import display, history
from stripe_mirror.admin.history import FieldChange
from stripe_mirror.admin.timeline.entry import Entry, Place, Topic, topics_of
from stripe_mirror.admin.timeline.scope import Scope
from stripe_mirror.kinds import kind_of, kind_of_id
from stripe_mirror.models import Change

RANK = 2
LIMIT = 150
# Objects whose every change matters; of the others it matters who made them, and what people did to them.
TOLD = frozenset({"subscription", "subscription_schedule"})
# What changes with everything else, and says nothing by itself.
NOISE = frozenset(
    {"latest_invoice", "next_invoice_sequence", "plan", "updated", "lines", "invoice_prefix", "effective_at"}
)
PERIOD = ("current_period_start", "current_period_end", "period_start", "period_end")
# Of an invoice: what Stripe does to each as a matter of course; its payment tells of that.
USUAL = frozenset({"draft", "open", "paid"})
ENUMS = frozenset(
    {
        "status",
        "collection_method",
        "tax_exempt",
        "pause_collection.behavior",
        "cancellation_details.feedback",
        "cancellation_details.reason",
        "type",
        "reason",
    }
)
NAMED = {
    "invoice_settings.default_payment_method": gettext_lazy("Default payment method"),
    "default_payment_method": gettext_lazy("Payment method"),
    "cancel_at_period_end": gettext_lazy("Ends with the period"),
    "cancel_at": gettext_lazy("Ends on"),
    "canceled_at": gettext_lazy("Cancellation asked for"),
    "delinquent": gettext_lazy("Latest invoice unpaid"),
    "pause_collection": gettext_lazy("Collection paused"),
    "pause_collection.resumes_at": gettext_lazy("Collection resumes"),
    "cancellation_details.feedback": gettext_lazy("Feedback"),
    "cancellation_details.comment": gettext_lazy("Comment"),
    "cancellation_details.reason": gettext_lazy("Reason"),
}
SHOWN = 8


def recorded(scope: Scope, after: Place | None, *, kinds: Collection[str]) -> list[Change]:
    """The newest changes of the objects that belong to it, with who made the others."""
    people = Q(action=Change.Action.CREATED) | Q(push__isnull=False) | Q(source=Change.Source.API)
    people |= Q(object_type="invoice", fields__has_key="status")
    wanted = Q(object_type=scope.row.kind.object, object_id=scope.row.pk)
    for object_type, ids in scope.ids.items():
        if ids and object_type in kinds:
            # Each part begins as the index does: SQLite finds the parts one by one, or scans for all.
            these = Q(object_type=object_type, object_id__in=ids)
            wanted |= these if object_type in TOLD else these & people
    changes = Change.objects.filter(wanted).select_related("push").order_by("-happened_at", "-id")
    if after is not None:
        number = int(after.id) if after.rank == RANK and after.id.isdecimal() else 0
        changes = changes.filter(after.before(RANK, "happened_at", id=number))
    return list(changes[:LIMIT])


def place_of(change: Change) -> Place:
    """By Stripe's clock."""
    return Place(change.happened_at, RANK, f"{change.pk:020}")


def is_told(change: Change, scope: Scope) -> bool:
    """Whether it is an entry of its own rather than a part of a payment's or a matter of course."""
    names = top_level(change)
    if change.action == Change.Action.UPDATED and names <= NOISE:
        return False
    if (change.object_type, change.object_id) == (scope.row.kind.object, scope.row.pk):
        return change.object_type not in ("charge", "refund", "dispute") or change.action != Change.Action.CREATED
    if change.object_type in TOLD:
        return True
    if change.object_type != "invoice":
        return change.action != Change.Action.CREATED and change.source in (Change.Source.PUSH, Change.Source.API)
    became = new_of(change, "status")
    return change.action == Change.Action.UPDATED and (
        (became is not None and became not in USUAL) or change.source in (Change.Source.PUSH, Change.Source.API)
    )


def entry(request: HttpRequest, change: Change, scope: Scope) -> Entry:
    """The change as one entry."""
    told = history.entry(request, change, currency=None)
    tone = "info" if "status" in change.fields else "neutral"
    return Entry(
        place=place_of(change),
        topics=topics_of(Topic.STATUS, change.source),
        what=sentence(change, scope),
        tone=tone,
        when=told.when,
        who=told.who,
        reason=told.reason,
        fields=fields_of(change, scope),
        event=told.event,
        request_id=told.request_id,
    )


def sentence(change: Change, scope: Scope) -> SafeString:
    """What became of what: "Subscription Team: Active → Past due"."""
    subject = named(change.object_type, change.object_id, scope)
    if change.action == Change.Action.CREATED:
        return format_html(_("{subject} created"), subject=subject)
    if change.action == Change.Action.DELETED:
        return format_html(_("{subject} deleted"), subject=subject)
    return format_html(_("{subject}: {change}"), subject=subject, change=in_words(change))


def in_words(change: Change) -> SafeString:
    """The most important of what changed."""
    if "status" in change.fields:
        old, new = pair_of(change, "status")
        return format_html("{} → {}", display.words(old) or "—", display.words(new) or "—")
    if new_of(change, "cancel_at_period_end") is True or new_of(change, "cancel_at"):
        at = display.from_unix(new_of(change, "cancel_at"))
        return _safe(_("will end on %(day)s") % {"day": display.day_text(at)} if at else _("will end with its period"))
    if new_of(change, "cancel_at_period_end") is False:
        return _safe(_("goes on, its end was taken back"))
    names = top_level(change) - NOISE
    if names <= {*PERIOD, "items"} and any(name.split(".")[0] in PERIOD for name in change.fields):
        return _safe(_("a new period began"))
    if "items" in names and len(names) == 1:
        return _safe(_("items changed"))
    labels = [display.in_sentence(label(name)) for name in sorted(change.fields) if name.split(".")[0] in names]
    shown = ", ".join(dict.fromkeys(labels[:3])) + (" …" if len(labels) > 3 else "")
    return _safe(_("%(fields)s changed") % {"fields": shown})


def named(object_type: str, id: str, scope: Scope) -> SafeString:
    """The object by its kind and name, as a link where it isn't the page's own."""
    words = display.kind_words(object_type)
    if (object_type, id) == (scope.row.kind.object, scope.row.pk):
        return _safe(words)
    kind = kind_of(object_type)
    text = f"{words} {display.without_secrets(scope.names[id])}" if id in scope.names else words
    return display.link(text, display.admin_url(kind.model, "change", id)) if kind else _safe(words)


def fields_of(change: Change, scope: Scope) -> list[FieldChange]:
    """Old and new values, by names that people read; what stands in the sentence already is left out."""
    currency = scope.row.data.get("currency")
    names = [name for name in sorted(change.fields) if name.split(".")[0] not in NOISE and name != "status"]
    return [_field(name, change.fields[name], currency) for name in names[:SHOWN]]


def _field(name: str, pair: Any, currency: Any) -> FieldChange:
    shown = history.field_change(name, pair, currency if isinstance(currency, str) else None)
    if not (isinstance(pair, list) and len(pair) == 2):
        return FieldChange(label(name), shown.old, shown.new)
    old, new = (_value(name, value, plain) for value, plain in zip(pair, (shown.old, shown.new), strict=True))
    return FieldChange(label(name), old, new)


def _value(name: str, value: Any, shown: SafeString) -> SafeString:
    if isinstance(value, bool):
        return display.yes_no(value)
    if isinstance(value, str) and name in ENUMS:
        return display.plain(display.words(value))
    if isinstance(value, str) and kind_of_id(value) and value.isascii() and " " not in value:
        return display.link_to_id(value)
    if isinstance(value, list | dict) and value and len(str(value)) > history.LONGEST:
        return _safe(_("(see the JSON)"))
    return shown


def label(name: str) -> str:
    """A field's name as people read it: "address.line1" → "Address line1"."""
    return str(NAMED.get(name) or "") or display.words(name.replace(".", " "))


def top_level(change: Change) -> set[str]:
    """The names of the changed fields, without what is inside them."""
    return {name.split(".")[0] for name in change.fields}


def pair_of(change: Change, name: str) -> tuple[Any, Any]:
    """A field's old and new value."""
    pair = change.fields.get(name)
    return (pair[0], pair[1]) if isinstance(pair, list) and len(pair) == 2 else (None, pair)


def new_of(change: Change, name: str) -> Any:
    """What a field became; None where it did not change."""
    return pair_of(change, name)[1]


def _safe(text: object) -> SafeString:
    return format_html("{}", text)
