"""What people do about events, on one or many: a page that says what it would do, then the deed and its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.admin import bulk, display
from stripe_mirror.admin.detail import Table
from stripe_mirror.inbox import replay
from stripe_mirror.inbox.replay import Foreseen, Preview, Verb
from stripe_mirror.models import EventAction, InboxEvent

if TYPE_CHECKING:
    from stripe_mirror.admin.inbox import InboxEventAdmin

# What a replay would do is worked out for so many; so many of them are listed.
FORESEEN, SHOWN = 500, 50
# More at a time would keep a page of staff's waiting.
MOST = 20_000
LONGEST_NOTE = 2000


@dataclass(frozen=True, kw_only=True)
class Words:
    """How a verb reads on buttons and pages."""

    name: str
    label: str | Promise
    short_description: str | Promise
    done: str | Promise
    danger: bool = False


WORDS = {
    Verb.RETRY: Words(
        name="retry",
        label=gettext_lazy("Retry now"),
        short_description=gettext_lazy(
            "Events that wait or were given up are tried again at once, with all their tries."
        ),
        done=gettext_lazy("{} will be tried again in a moment."),
    ),
    Verb.REPLAY: Words(
        name="replay",
        label=gettext_lazy("Replay"),
        short_description=gettext_lazy(
            "Each event is decided once more, like a new one. A row never becomes older by it."
        ),
        done=gettext_lazy("{} will be decided again in a moment."),
    ),
    Verb.DISMISS: Words(
        name="dismiss",
        label=gettext_lazy("Dismiss"),
        short_description=gettext_lazy(
            "Events that failed or belong elsewhere are given up for good. They stay in the list."
        ),
        done=gettext_lazy("{} dismissed."),
        danger=True,
    ),
}
OUTCOMES = {
    Foreseen.APPLY: (gettext_lazy("Would change the row"), "info"),
    Foreseen.READ: (gettext_lazy("Would be read from Stripe"), "warning"),
    Foreseen.STALE: (gettext_lazy("Older than the row"), "neutral"),
    Foreseen.DUPLICATE: (gettext_lazy("Same as the row"), "success"),
    Foreseen.IGNORED: (gettext_lazy("Not mirrored"), "neutral"),
    Foreseen.PARKED: (gettext_lazy("Of another account or mode"), "warning"),
}


@dataclass(frozen=True)
class Button:
    """In the form that the template of operations' buttons takes."""

    operation: Words
    url: str
    why_not: str = ""


class NoteForm(forms.Form):
    """Why an event is given up."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Why it needs no more attention. It is kept with your name."),
    )


def buttons(request: HttpRequest, event: InboxEvent) -> list[Button]:
    """What this person may do about this event."""
    url = "{}?{}"
    query = QueryDict(mutable=True)
    query.setlist(bulk.IDS, [event.pk])
    return [
        Button(words, url.format(_url(verb), query.urlencode()))
        for verb, words in WORDS.items()
        if replay.may(_user(request), verb) and _offered(verb, event)
    ]


def _offered(verb: Verb, event: InboxEvent) -> bool:
    # What is still open is retried rather than replayed.
    open_now = event.state in replay.FITTING[Verb.RETRY]
    return event.state in replay.FITTING[verb] and not (verb is Verb.REPLAY and open_now)


def list_actions(request: HttpRequest) -> dict[str, Any]:
    """The list's actions, for who may."""
    offered = {verb: words for verb, words in WORDS.items() if replay.may(_user(request), verb)}
    return {f"{w.name}_events": (_action(v), f"{w.name}_events", f"{w.label} …") for v, w in offered.items()}


def _action(verb: Verb) -> Callable[..., HttpResponse]:
    def run(model_admin: InboxEventAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return HttpResponseRedirect(f"{_url(verb)}?{bulk.selection(request).urlencode()}")

    return run


def view(request: HttpRequest, name: str, model_admin: InboxEventAdmin) -> HttpResponse:
    """Say what would be done; a POST does it."""
    verb = next((verb for verb in Verb if verb.value == name), None)
    if verb is None:
        raise Http404("There is no such thing to do about events.")
    model_admin.demand_view(request)
    if not replay.may(_user(request), verb):
        raise PermissionDenied("You may not do this to events.")
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    try:
        until = _until(request)
        events = replay.fitting(_chosen(request, model_admin, until), verb)
    except IncorrectLookupParameters:
        messages.error(request, _("This filter is not understood, so nothing was chosen. Filter the list again."))
        return HttpResponseRedirect(display.list_url(InboxEvent))
    form = _form(request, verb)
    if request.method == "POST" and (form is None or form.is_valid()):
        return _done(request, verb, events, note=form.cleaned_data["note"] if form else "")
    return _page(request, model_admin, verb, events, form=form, until=until)


def _chosen(request: HttpRequest, model_admin: InboxEventAdmin, until: datetime) -> QuerySet[InboxEvent]:
    """The ticked events, or all that match the list's filters and had come when the page was opened."""
    rows: QuerySet[InboxEvent] = bulk.chosen_rows(request, model_admin)
    return rows if bulk.IDS in request.GET else rows.filter(received_at__lte=until)


def _until(request: HttpRequest) -> datetime:
    posted = request.POST.get("until", "")
    try:
        found = parse_datetime(posted)
        return found.astimezone(UTC) if found and timezone.is_aware(found) else timezone.now()
    except (ValueError, OverflowError):
        return timezone.now()


def _form(request: HttpRequest, verb: Verb) -> NoteForm | None:
    if verb is not Verb.DISMISS:
        return None
    return NoteForm(request.POST if request.method == "POST" else None)


def _done(request: HttpRequest, verb: Verb, events: QuerySet[InboxEvent], *, note: str) -> HttpResponse:
    ids = list(events.values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        messages.error(
            request,
            _("Nothing was done: these are more than %(most)s events. Filter the list more narrowly.")
            % {"most": f"{MOST:,}"},
        )
        return HttpResponseRedirect(request.get_full_path())
    number = replay.act(verb, ids, user=_user(request), note=note)
    said = str(WORDS[verb].done).format(ngettext("%(n)s event", "%(n)s events", number) % {"n": f"{number:,}"})
    (messages.success if number else messages.info)(request, said if number else _("There was nothing left to do."))
    return HttpResponseRedirect(_back(request))


def _back(request: HttpRequest) -> str:
    ids = request.GET.getlist(bulk.IDS)
    if len(ids) == 1:
        return display.admin_url(InboxEvent, "change", ids[0])
    return display.list_url(InboxEvent) + ("" if ids else f"?{request.GET.urlencode()}")


def _page(
    request: HttpRequest,
    model_admin: InboxEventAdmin,
    verb: Verb,
    events: QuerySet[InboxEvent],
    *,
    form: NoteForm | None,
    until: datetime,
) -> HttpResponse:
    found = replay.preview(events, most=FORESEEN)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("%(verb)s: events") % {"verb": WORDS[verb].label},
        "opts": model_admin.opts,
        "operation": WORDS[verb],
        "preview": found,
        "left_out": len(request.GET.getlist(bulk.IDS)) - found.total if bulk.IDS in request.GET else 0,
        "counts": [] if verb is Verb.DISMISS else _counts(found),
        "sampled": found.total > len(found.events),
        "table": _table(found, verb),
        "form": form,
        "until": until.isoformat(),
        "back": _back(request),
        "back_title": _("Events"),
    }
    return TemplateResponse(request, "stripe_mirror/event_action.html", context)


def _counts(found: Preview) -> list[tuple[SafeString, int]]:
    return [(display.pill(*OUTCOMES[each]), number) for each, number in found.counts.items()]


def _table(found: Preview, verb: Verb) -> Table:
    from stripe_mirror.admin.inbox import object_link, state_pill

    last = _("Why") if verb is Verb.DISMISS else _("If decided now")
    rows = [
        [
            (display.link(event.type, display.object_url(event)), False),
            (object_link(event), False),
            (display.when(event.created), False),
            (state_pill(event), False),
            (display.plain(event.reason) if verb is Verb.DISMISS else display.pill(*OUTCOMES[foreseen]), False),
        ]
        for event, foreseen in found.events[:SHOWN]
    ]
    headings = [(heading, False) for heading in (_("Event"), _("Object"), _("Created"), _("State"), last)]
    count = (
        f"{found.total:,}"
        if found.total <= SHOWN
        else _("newest %(shown)s of %(total)s") % {"shown": SHOWN, "total": f"{found.total:,}"}
    )
    return Table(title=_("Events"), key="events", headings=headings, rows=rows, count=count)


def done_to(event: InboxEvent) -> list[Table]:
    """What people did about an event, newest first; no table where nobody did."""
    actions = list(EventAction.objects.filter(event_id=event.pk)[:20])
    rows = [
        [
            (display.when(action.done_at), False),
            (display.plain(display.words(action.get_verb_display())), False),
            (display.plain(action.user_name), False),
            (display.plain(display.words(action.was)), False),
            (display.plain(action.note), False),
        ]
        for action in actions
    ]
    headings = [(heading, False) for heading in (_("When"), _("What"), _("By"), _("It was"), _("Note"))]
    return [Table(title=_("What people did"), key="actions", headings=headings, rows=rows)] if rows else []


def _url(verb: Verb) -> str:
    return display.admin_url(InboxEvent, "act", verb.value)


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)
