"""Looks for what was typed, kind by kind: by id, text, metadata, phone, card and linked user. Every look is limited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Q

from stripe_mirror.admin.find.hits import Found, Rank
from stripe_mirror.admin.find.typed import Typed
from stripe_mirror.kinds import Kind, all_kinds, get_kind, kind_of_id
from stripe_mirror.models import Charge, CustomerLink, PaymentMethod
from stripe_mirror.models.search import SEARCHED, USERS, Searched, searched
from stripe_mirror.models.search_find import LAST, by_beginning, by_metadata, by_part

# Of each kind so many are looked at to find the best.
LOOKED_AT = 40
# Ids that are typed in part are looked for from this length on, prefix included.
SHORTEST_ID = 7
# Kinds whose own text is looked for, in the order in which they are shown.
TEXTS = (
    "customer",
    "invoice",
    "subscription",
    "payment_intent",
    "product",
    "price",
    "coupon",
    "promotion_code",
    "credit_note",
    "checkout.session",
    "tax_id",
    "payout",
)

# Of these, the kinds that have an email address of their own.
ADDRESSED = ("customer", "checkout.session")


def rows_by_key(kind: Kind, ids: Iterable[Any]) -> list[Any]:
    """The rows of these ids, with the customers they belong to."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    rows = kind.model._default_manager.filter(pk__in=wanted)
    if any(field.name == "customer" for field in kind.model._meta.concrete_fields):
        rows = rows.select_related("customer")
    found = {row.pk: row for row in rows}
    return [found[id] for id in wanted if id in found]


# --- Ids ------------------------------------------------------------------------------------------------------------


def kind_for(id: str, stem: str) -> Kind | None:
    """The kind of an id, by its beginning, else by the word before it in an address."""
    return kind_of_id(id) or next((k for k in all_kinds() if k.dashboard and k.dashboard == stem), None)


def by_id(kind: Kind, id: str) -> list[Found]:
    """The object of the id; where there is none, those whose ids begin with it."""
    if exact := rows_by_key(kind, [id]):
        return [Found(row, Rank.ID) for row in exact]
    if len(id) < SHORTEST_ID:
        return []
    # SQLite's LIKE knows no case, and no index either.
    begins = Q(pk__gte=id, pk__lt=id + LAST) if connection.vendor == "sqlite" else Q(pk__startswith=id)
    ids = kind.model._default_manager.filter(begins).order_by("pk").values_list("pk", flat=True)[:LOOKED_AT]
    return [Found(row, Rank.BEGINNING) for row in rows_by_key(kind, ids)]


# --- Texts ----------------------------------------------------------------------------------------------------------


def by_text(kind: Kind, typed: Typed) -> Iterator[Found]:
    """By names, emails, numbers and phones: each word anywhere in it; and by ids of somebody's choice."""
    declared = searched(kind.model)
    if declared is None or not typed.words or ("@" in typed.text and kind.object not in ADDRESSED):
        return
    ids = _ids_by_text(declared, typed)
    if not kind.prefixes:
        ids = [typed.text, *ids]
    for row in rows_by_key(kind, ids):
        if (rank := _rank(declared, row, typed)) is not None:
            yield Found(row, rank)


def _ids_by_text(declared: Searched, typed: Typed) -> list[Any]:
    long = [word for word in typed.words if len(word) >= 3]
    found = by_beginning(declared, typed.text, limit=LOOKED_AT)
    if found and "@" in typed.text:
        # Nobody means the middle of another address; and its parts are in a million others.
        return found
    found += by_part(declared, long, limit=LOOKED_AT) or []
    if typed.digits and declared.digits:
        found += by_part(declared, [typed.digits], limit=LOOKED_AT) or []
    return found


def _rank(declared: Searched, row: Any, typed: Typed) -> Rank | None:
    """How well a row fits; None where it doesn't: short words are not in the index."""
    texts = [str(getattr(row, column) or "").casefold() for column in (*declared.columns, *declared.beginnings)]
    text = typed.text.casefold()
    if text in texts or str(row.pk).casefold() == text:
        return Rank.EXACT
    if any(one.startswith(text) for one in texts):
        return Rank.BEGINNING
    joined = "\n".join(texts)
    if all(word.casefold() in joined for word in typed.words):
        return Rank.PART
    digits = ["".join(filter(str.isdigit, str(getattr(row, column) or ""))) for column in declared.digits]
    return Rank.PART if typed.digits and any(typed.digits in one for one in digits) else None


def by_value(kind: Kind, typed: Typed) -> Iterator[Found]:
    """By a value of the metadata, or its beginning."""
    declared = searched(kind.model)
    if declared is None or not typed.words:
        return
    wanted = typed.text.casefold()
    for row in rows_by_key(kind, by_metadata(declared, typed.text, limit=LOOKED_AT)):
        for key, value in row.metadata.items():
            if str(value).casefold().startswith(wanted):
                exact = str(value).casefold() == wanted
                yield Found(row, Rank.EXACT if exact else Rank.BEGINNING, f"{key}: {value}")
                break


# --- What belongs to something else ---------------------------------------------------------------------------------


def by_card(model: type[PaymentMethod] | type[Charge], typed: Typed) -> list[Found]:
    """The newest of that card's last digits."""
    ids = model.objects.filter(last4=typed.last4).values_list("pk", flat=True)[:LOOKED_AT] if typed.last4 else []
    return [Found(row, Rank.EXACT, _card(row)) for row in rows_by_key(model.kind, ids)]


def _card(row: Any) -> str:
    return f"{str(row.brand or '').replace('_', ' ').capitalize()} •••• {row.last4}".strip()


def owners(found: Iterable[Found]) -> Iterator[Found]:
    """The customers of what was found by a card."""
    for one in found:
        if one.row.customer:
            yield Found(one.row.customer, Rank.BESIDE, one.why)


def by_user(typed: Typed) -> Iterator[Found]:
    """The customers that users are, by username, email or name."""
    declared = next(one for one in SEARCHED if one.label == USERS)
    if not typed.words or not apps.is_installed("django.contrib.auth"):
        return
    ids = dict.fromkeys(_ids_by_text(declared, typed))
    links = CustomerLink.objects.filter(user_id__in=list(ids)).select_related("user")
    names = {link.customer_id: link.user.get_username() for link in links}
    for row in rows_by_key(get_kind("customer"), names):
        yield Found(row, Rank.BESIDE, names[row.pk])
