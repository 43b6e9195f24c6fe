"""Everything that was found for a query, grouped by kind, the best first; and what to say where nothing was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin import detail, display
from stripe_mirror.admin.find import finders, money
from stripe_mirror.admin.find.hits import AMOUNTS, Found, Group, Rank, hit
from stripe_mirror.admin.find.typed import Typed, read
from stripe_mirror.admin.find.typed_ids import PastedId, elsewhere
from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import Charge, InboxEvent, PaymentMethod

SHOWN, SHOWN_ON_PAGE = 5, 20


@dataclass(frozen=True)
class Offer:
    """An id that is missing here and can be read from Stripe."""

    kind: Kind
    id: str

    @property
    def name(self) -> str:
        """What it is: "Customer"."""
        return display.words(self.kind.model._meta.verbose_name)


@dataclass
class Results:
    """What a page or the dialog shows."""

    typed: Typed
    groups: list[Group] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    # Sentences about ids that lead nowhere here.
    notes: list[str] = field(default_factory=list)
    # Pages of ours that an id leads to: title and address.
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many lines there are."""
        return sum(len(group.hits) for group in self.groups) + len(self.links)


def find(user: User | AnonymousUser, text: str, *, shown: int = SHOWN) -> Results:
    """Look for what was typed, among the kinds that the person may view."""

    def may_see(object_type: str) -> bool:
        return detail.may_view(user, object_type)

    typed = read(text, today=timezone.localdate())
    results = Results(typed)
    if typed.text:
        found = _by_ids(user, results, may_see) if typed.ids else list(_by_anything_else(typed, may_see))
        results.groups = _grouped(found, typed, may_see, shown)
    return results


def _by_ids(user: User | AnonymousUser, results: Results, may_see: Callable[[str], bool]) -> list[Found]:
    found: list[Found] = []
    for pasted in results.typed.ids:
        kind = finders.kind_for(pasted.id, pasted.stem)
        if kind is None:
            _say_where(user, results, pasted)
        elif not may_see(kind.object):
            name = kind.model._meta.verbose_name_plural
            results.notes.append(_("You may not view %(kinds)s.") % {"kinds": name})
        else:
            here = finders.by_id(kind, pasted.id)
            found += here
            if not any(one.rank is Rank.ID for one in here) and kind.retrievable and not kind.nested:
                results.offers.append(Offer(kind, pasted.id))
    return found


def _say_where(user: User | AnonymousUser, results: Results, pasted: PastedId) -> None:
    """Events are kept in the inbox; other objects are in Stripe only."""
    event = InboxEvent.objects.filter(pk=pasted.id).first() if user.has_perm("stripe_mirror.view_inboxevent") else None
    if event:
        results.links.append((f"{event.type} · {event.pk}", display.object_url(event)))
        return
    what = elsewhere(pasted.id) or _("an object")
    sentence = _("%(id)s is %(what)s: these are not mirrored here. See Stripe's Dashboard.")
    results.notes.append(sentence % {"id": pasted.id, "what": what})


def _by_anything_else(typed: Typed, may_see: Callable[[str], bool]) -> Iterator[Found]:
    for name in filter(may_see, finders.TEXTS):
        yield from finders.by_text(get_kind(name), typed)
        yield from finders.by_value(get_kind(name), typed)
    for name in filter(may_see, AMOUNTS):
        yield from money.by_amount(get_kind(name), typed)
        yield from money.on_day(get_kind(name), typed)
    for model in (PaymentMethod, Charge):
        cards = finders.by_card(model, typed) if may_see(model.kind.object) else []
        yield from cards
        yield from finders.owners(cards) if may_see("customer") else ()
    if may_see("customer"):
        yield from finders.by_user(typed)


def _grouped(found: Iterable[Found], typed: Typed, may_see: Callable[[str], bool], shown: int) -> list[Group]:
    """Per kind, each row once and for its best reason; kinds in which the very thing was found come first."""
    best: dict[str, dict[str, Found]] = {}
    for one in found:
        rows = best.setdefault(one.row.kind.object, {})
        if one.row.pk not in rows or one.rank < rows[one.row.pk].rank:
            rows[one.row.pk] = one
    _drop_doubles(best)
    groups = [_group(kind, list(best[kind.object].values()), typed, may_see, shown) for kind in _in_order(best)]
    return sorted(groups, key=lambda group: group.best > Rank.EXACT)


def _in_order(best: dict[str, dict[str, Found]]) -> list[Kind]:
    """The kinds that have hits, as they are shown where their best hits are equally good."""
    order = {name: place for place, name in enumerate(finders.TEXTS)}
    kinds = [kind for kind in all_kinds() if best.get(kind.object)]
    return sorted(kinds, key=lambda kind: order.get(kind.object, len(order)))


def _drop_doubles(best: dict[str, dict[str, Found]]) -> None:
    """A charge whose payment is shown says nothing new, unless it was found by its card."""
    payments = best.get("payment_intent", {})
    charges = best.get("charge", {})
    for id in [id for id, one in charges.items() if one.row.payment_intent_id in payments and not one.why]:
        del charges[id]


def _group(kind: Kind, found: list[Found], typed: Typed, may_see: Callable[[str], bool], shown: int) -> Group:
    # Sorting keeps the finders' order among equals.
    found.sort(key=lambda one: (one.rank, bool(one.row.deleted_at)))
    by_text = len(found) > shown and typed.words and any(not one.why for one in found)
    more = display.list_url(kind.model, {"q": typed.text}) if by_text else ""
    return Group(kind, [hit(one, may_see=may_see) for one in found[:shown]], found[0].rank, more)
