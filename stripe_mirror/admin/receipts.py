"""The receipt of an operation: what was confirmed, what became of it, Stripe's request ids, and how to take it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import approvals, columns, confirming, detail, display
from stripe_mirror.admin.history import field_change
from stripe_mirror.admin.outcomes import operation_label, state_pill
from stripe_mirror.admin.status import status_of
from stripe_mirror.kinds import get_kind
from stripe_mirror.language import said_again
from stripe_mirror.models import Change, Push
from stripe_mirror.push import grace
from stripe_mirror.push.errors import ODD_SHAPE, NotAllowed
from stripe_mirror.push.inverse import inverse_of
from stripe_mirror.push.operation import may
from stripe_mirror.push.preview import told_amounts

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

OPEN = (Push.State.PLANNED, Push.State.SENDING, Push.State.UNKNOWN)
# Of the objects that came into being by it, so many are named.
MADE = 10
# The parameter by which a form says what it takes back.
UNDOES = "undoes"
# Below the receipt's address.
TAKE_BACK = "take-back/"


@dataclass(frozen=True)
class Part:
    """One push of an operation: the first one, or a step after it."""

    label: str
    state: SafeString
    message: str
    request_id: str


@dataclass(frozen=True)
class UndoLink:
    """The inverse as a button, or why there is none."""

    label: str = ""
    url: str = ""
    why_not: str = ""


def receipt_url(push: Push) -> str:
    """Its address, on the admin of the kind that it was started from."""
    model = get_kind(push.object_type).model
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_receipt", args=(push.pk,))


def page_of(request: HttpRequest, push: Push) -> str:
    """Where to read about a push: its page in the log, or the receipt for who may not read that."""
    return display.object_url(push) if request.user.has_perm("stripe_mirror.view_push") else receipt_url(push)


def view(request: HttpRequest, model_admin: StripeObjectAdmin, push_id: UUID) -> HttpResponse:
    """The page, for who did it and for who may read the log."""
    found = Push.objects.filter(pk=push_id, object_type=model_admin.kind.object)
    push = found.select_related("undoes", "approval").first()
    if push is None or not (push.user_id == request.user.pk or request.user.has_perm("stripe_mirror.view_push")):
        raise Http404("There is no such receipt.")
    row = model_admin.rows(request).filter(pk=push.object_id).first() if push.object_id else None
    model_admin.demand_view(request, row)
    return TemplateResponse(request, "stripe_mirror/receipt.html", _context(request, model_admin, push, row))


def _context(request: HttpRequest, model_admin: StripeObjectAdmin, push: Push, row: Any) -> dict[str, Any]:
    parts = list(_parts(push))
    names = sorted({**push.before, **push.after})
    currency = row.data.get("currency") if row is not None else None
    return {
        **model_admin.admin_site.each_context(request),
        "title": operation_label(push.operation),
        "opts": model_admin.model._meta,
        "operation": {"label": operation_label(push.operation), "short_description": ""},
        "push": push,
        "open": any(part.state in OPEN for part in parts),
        "waits": any(part.state == Push.State.WAITING for part in parts),
        "decision": approvals.pill(push) if approvals.approval_of(push) else "",
        "decision_reason": getattr(approvals.approval_of(push), "reason", ""),
        "withdraw": getattr(approvals.panel(request, push), "withdraw", ""),
        **_taking_back(request, push),
        "parts": [_shown(part) for part in parts],
        "told": push.told,
        "money": confirming.amounts(told_amounts(push.told, "money")),
        "lines": confirming.amounts(told_amounts(push.told, "lines")),
        "when": display.when(push.finished_at or push.first_sent_at or push.created_at, zone=True),
        "compared": [field_change(name, [push.before.get(name), push.after.get(name)], currency) for name in names],
        "made": _made(parts),
        "status": columns.status_pill(row) if row is not None and status_of(row) else "",
        "key_facts": detail.show_facts(row, model_admin.key_facts) if row is not None else [],
        "undo": _undo(request, push),
        "back": display.object_url(row) if row is not None else display.list_url(model_admin.model),
        "back_title": model_admin.heading(row)
        if row is not None
        else display.words(model_admin.model._meta.verbose_name_plural),
        "log_url": display.object_url(push) if request.user.has_perm("stripe_mirror.view_push") else "",
        "undoes": push.undoes,
        "undone_by": push.undone_by.exclude(state__in=(Push.State.REFUSED, Push.State.SKIPPED)).first(),
    }


def _taking_back(request: HttpRequest, push: Push) -> dict[str, Any]:
    """When it is sent, and the address for who asked to prevent that; nothing where it isn't to be sent later."""
    at = grace.sent_at(push)
    if at is None:
        return {}
    url = receipt_url(push) + TAKE_BACK if push.user_id == request.user.pk else ""
    return {"sent_at": display.clock_time(at), "take_back": url}


def take_back(request: HttpRequest, push_id: UUID) -> HttpResponse:
    """POST: never send what waits for its time. The receipt says what came of it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    push = Push.objects.filter(pk=push_id, user=request.user.pk).first()
    if push is None:
        raise Http404("There is no such receipt.")
    try:
        grace.take_back(push, by=cast(User, request.user))
    except NotAllowed as late:
        messages.error(request, str(late))
    else:
        messages.success(
            request,
            _("%(label)s: taken back, nothing was sent.") % {"label": operation_label(push.operation)},
        )
    return HttpResponseRedirect(receipt_url(push))


def _parts(push: Push) -> list[Push]:
    found, last = [push], push
    while step := last.steps.first():
        found.append(step)
        last = step
    return found


def _made(parts: list[Push]) -> list[SafeString]:
    """Links to the objects that came into being by it."""
    changes = Change.objects.filter(push__in=parts, action=Change.Action.CREATED)
    found = dict.fromkeys(changes.order_by("id").values_list("object_type", "object_id"))
    own = {part.object_id for part in parts}
    made = [(get_kind(type).model, id) for type, id in list(found)[:MADE] if id not in own]
    return [
        display.link(f"{display.words(model._meta.verbose_name)} {id}", display.admin_url(model, "change", id))
        for model, id in made
    ]


def _shown(push: Push) -> Part:
    return Part(operation_label(push.operation), state_pill(push), said_again(push.message), push.request_id)


def _undo(request: HttpRequest, push: Push) -> UndoLink:
    """The inverse, where there is one, this person may run it and the object's state allows it."""
    undo, inverse, row = inverse_of(push)
    if undo is None or inverse is None or row is None:
        return UndoLink()
    if not may(request.user, inverse):
        return UndoLink(str(inverse.label), why_not=_("You may not do this yourself."))
    try:
        why_not = inverse.why_not(row)
    except ODD_SHAPE:
        return UndoLink()
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_operation"
    url = f"{reverse(name, args=(row.pk, inverse.name))}?{urlencode({UNDOES: push.pk})}"
    return UndoLink(str(inverse.label), url, why_not)
