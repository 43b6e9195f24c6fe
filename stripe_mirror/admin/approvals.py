"""What waits for another person's approval: who may decide sees what it is about, and approves or declines it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, confirming, display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.confirming import ShownAmount
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.language import said_again
from stripe_mirror.models import Approval, Push
from stripe_mirror.push.approvals import approve, decline, waiting_for, why_not_approve, why_not_decide, withdraw
from stripe_mirror.push.errors import AlreadyDecided, PushError
from stripe_mirror.push.limits import approved_stakes, in_words
from stripe_mirror.push.preview import told_amounts

APPROVE, DECLINE, WITHDRAW = "approve", "decline", "withdraw"
DEEDS = (APPROVE, DECLINE, WITHDRAW)
LONGEST_REASON = 2000
MOST_COUNTED = 99
TONES = {"approved": "success", "declined": "danger", "withdrawn": "neutral"}


@dataclass(frozen=True)
class Panel:
    """What a page says of a push that waits, and what this person may do about it: an address each, "" where not."""

    stakes: str
    summary: list[str]
    money: list[ShownAmount]
    approve: str
    decline: str
    withdraw: str
    # Why this person may not approve it.
    why_not: str


def panel(request: HttpRequest, push: Push) -> Panel | None:
    """None where nothing waits."""
    approval = approval_of(push)
    if push.state != Push.State.WAITING or approval is None:
        return None
    own, no_say = push.user_id == request.user.pk, why_not_decide(request.user, push)
    why_not = why_not_approve(request.user, push)
    return Panel(
        stakes=in_words(approved_stakes(approval)),
        summary=push.told.get("summary") or [],
        money=confirming.amounts(told_amounts(push.told, "money")),
        approve="" if why_not else _url(push, APPROVE),
        decline="" if no_say else _url(push, DECLINE),
        withdraw=_url(push, WITHDRAW) if own else "",
        why_not=why_not,
    )


def approval_of(push: Push) -> Approval | None:
    """What was decided about it, where anybody had to."""
    return getattr(push, "approval", None)


def count_for(request: HttpRequest) -> int | str:
    """How much of what others asked for this person may decide about, for the sidebar; counted to a limit."""
    found = waiting_for(request.user)[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if found > MOST_COUNTED else found


def _url(push: Push, deed: str) -> str:
    return display.admin_url(push, deed, push.pk)


def pill(push: Push) -> SafeString:
    """The decision, and by whom."""
    approval = approval_of(push)
    if approval is None:
        return display.EMPTY
    if not approval.decision:
        return display.pill(_("Waiting"), "warning") if push.state == Push.State.WAITING else display.EMPTY
    words = _("%(decision)s by %(who)s") % {
        "decision": approval.get_decision_display(),
        "who": approval.decided_by_name,
    }
    return display.pill(words, TONES.get(approval.decision, "neutral"))


def _of_approval(name: str) -> Any:
    return lambda push: getattr(approval_of(push), name, None)


FACTS = columns.FactGroup(
    title=gettext_lazy("Approval"),
    facts=(
        columns.Column("approval", gettext_lazy("Approval"), pill),
        columns.made(
            gettext_lazy("Amount"), lambda push: in_words(approved_stakes(push.approval)) if approval_of(push) else ""
        ),
        columns.made(gettext_lazy("Asked"), lambda push: display.when(_of_approval("asked_at")(push))),
        columns.made(gettext_lazy("Decided"), lambda push: display.when(_of_approval("decided_at")(push))),
        columns.made(gettext_lazy("Reason of the decision"), _of_approval("reason")),
        columns.made(gettext_lazy("Decided from address"), _of_approval("ip_address")),
    ),
    only_set=True,
)


def decide(request: HttpRequest, push_id: UUID, deed: str, *, back: Callable[[HttpRequest, Push], str]) -> HttpResponse:
    """POST: approve, decline or withdraw; whoever comes second is told who did it. `back` says where to go then."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    push = Push.objects.select_related("approval", "user").filter(pk=push_id, approval__isnull=False).first()
    if push is None:
        raise Http404("Nothing of this kind waits for approval.")
    try:
        _do(request, push, deed)
    except AlreadyDecided as late:
        messages.info(request, str(late))
    except PushError as error:
        messages.error(request, str(error))
    else:
        _tell(request, push, deed)
    return HttpResponseRedirect(back(request, push))


def _do(request: HttpRequest, push: Push, deed: str) -> None:
    by, ip = cast(User, request.user), client_address(request)
    reason = request.POST.get("reason", "").replace("\x00", "")[:LONGEST_REASON]
    if deed == APPROVE:
        approve(push, by=by, reason=reason, ip=ip)
    elif deed == DECLINE:
        decline(push, by=by, reason=reason, ip=ip)
    else:
        withdraw(push, by=by, ip=ip)


def _tell(request: HttpRequest, push: Push, deed: str) -> None:
    label = operation_label(push.operation)
    if deed == DECLINE:
        messages.success(request, _("%(label)s: declined, nothing was sent.") % {"label": label})
    elif deed == WITHDRAW:
        messages.success(request, _("%(label)s: withdrawn, nothing was sent.") % {"label": label})
    elif push.state == Push.State.DONE:
        messages.success(request, _("%(label)s: approved and done.") % {"label": label})
    elif push.state in (Push.State.REFUSED, Push.State.SKIPPED):
        messages.error(
            request,
            _("%(label)s: approved, but not done. %(message)s") % {"label": label, "message": said_again(push.message)},
        )
    elif push.job_id:
        messages.success(request, _("%(label)s: approved. Its job sends it.") % {"label": label})
    else:
        messages.warning(
            request,
            _("%(label)s: approved. It isn't known yet whether Stripe did it; it is asked again.") % {"label": label},
        )
