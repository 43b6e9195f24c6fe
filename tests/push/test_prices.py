"""Prices: what is sent of an amount in each currency, who has a lookup key, and what can't be archived."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Job, Price, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.errors import Conflict, NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import Preview, preview
from tests.push import scenarios
from tests.push.billing import DAY, halfway, resumed, truth
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, EDIT, ARCHIVE, UNARCHIVE = map(
    get_operation, ("create_price", "edit_price", "archive_price", "unarchive_price")
)
NAMES = [operation.name for operation in (CREATE, EDIT, ARCHIVE, UNARCHIVE)]


@pytest.fixture
def pricer(staff: Callable[..., User]) -> User:
    """May do all that can be done to prices, also to many, but not replace them."""
    return staff("pricer", "run_job", *NAMES)


@pytest.fixture
def product(stripe: RunningSandbox) -> Any:
    """A product without a price."""
    return ready(stripe, scenarios.product(stripe))


@pytest.fixture
def price(stripe: RunningSandbox) -> Any:
    """29.00 eur a month, the default of nothing."""
    return ready(stripe, scenarios.price(stripe))


def ready(stripe: RunningSandbox, row: Any) -> Any:
    """The row, with the requests that made it forgotten."""
    stripe.clear_requests()
    return row


def seen(form: Doing, **values: Any) -> Preview:
    """The confirm page."""
    return preview(form.operation, form.row, form.cleaned(**values), ask=False)


# Creation


@pytest.mark.parametrize(
    ("currency", "typed", "minor", "shown"),
    [
        ("usd", "19.90", 1990, "$19.90 / month"),
        ("usd", "0", 0, "$0.00 / month"),
        ("jpy", "500", 500, "¥500 / month"),
        ("ugx", "5", 500, "UGX\xa05 / month"),
        ("isk", "5", 500, "ISK\xa05 / month"),
        ("kwd", "5.12", 5120, "KWD\xa05.120 / month"),
    ],
)
def test_s50_s51_an_amount_is_sent_in_the_minor_units_of_its_currency(
    currency: str,
    typed: str,
    minor: int,
    shown: str,
    doing: Opens,
    product: Any,
    pricer: User,
    stripe: RunningSandbox,
) -> None:
    form, values = doing(CREATE.name, product, pricer), {"unit_amount": typed, "currency": currency}
    assert seen(form, **values).summary == [f"Price: {shown}"]
    push = form.submit(**values)
    rhythm = {"interval": "month", "interval_count": "1"}
    params = {"product": product.pk, "currency": currency, "unit_amount": str(minor), "recurring": rhythm}
    assert sent(stripe) == [("POST", "/v1/prices", params)]
    row = product.prices.get()
    assert (push.state, row.unit_amount, str(row)) == (Push.State.DONE, minor, shown)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"unit_amount": ""}, "unit_amount", "required"),
        ({"unit_amount": "lots"}, "unit_amount", "as a number"),
        ({"unit_amount": "-1"}, "unit_amount", "below zero"),
        ({"unit_amount": "1.005"}, "unit_amount", "2 decimals"),
        ({"unit_amount": "500.5", "currency": "jpy"}, "unit_amount", "whole number"),
        ({"unit_amount": "5.5", "currency": "ugx"}, "unit_amount", "whole number"),
        ({"unit_amount": "5.0005", "currency": "kwd"}, "unit_amount", "at most 2 decimals"),
        ({"unit_amount": "0.000000000000001", "fractions": "on"}, "unit_amount", "at most 14 decimals"),
        ({"currency": "xxx"}, "currency", "valid choice"),
        ({"interval": "hour"}, "interval", "valid choice"),
        ({"interval_count": "0"}, "interval_count", "greater than or equal to 1"),
        ({"lookup_key": "x" * 201}, "lookup_key", "200"),
        ({"metadata": {"a[b]": "1"}}, "metadata", "square bracket"),
    ],
)
@pytest.mark.django_db
def test_what_stripe_would_refuse_is_said_at_the_field(values: dict[str, Any], field: str, words: str) -> None:
    shown = {"unit_amount": "5", "currency": "usd", **values}
    assert words in form_errors(CREATE, scenarios.new("product"), **shown)[field]


@pytest.mark.parametrize(
    ("currency", "typed", "params", "shown"),
    [
        ("usd", "0.0005", {"unit_amount_decimal": "0.05"}, "$0.0005"),
        ("jpy", "0.5", {"unit_amount_decimal": "0.5"}, "¥0.5"),
        ("usd", "0.05", {"unit_amount": "5"}, "$0.05"),
    ],
)
def test_fractions_of_the_smallest_coin_are_sent_only_where_they_are_meant(
    currency: str,
    typed: str,
    params: dict[str, str],
    shown: str,
    doing: Opens,
    product: Any,
    pricer: User,
    stripe: RunningSandbox,
) -> None:
    values = {"unit_amount": typed, "currency": currency, "interval": "", "fractions": "on"}
    form = doing(CREATE.name, product, pricer)
    assert seen(form, **values).summary == [f"Price: {shown}"]
    assert form.submit(**values).state == Push.State.DONE
    assert sent(stripe) == [("POST", "/v1/prices", {"product": product.pk, "currency": currency, **params})]
    assert str(product.prices.get()) == shown


@pytest.mark.parametrize(("interval", "most"), [("day", 1095), ("week", 156), ("month", 36), ("year", 3)])
def test_stripe_charges_at_least_every_three_years(
    interval: str, most: int, doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    values = {"unit_amount": "5", "currency": "usd", "interval": interval}
    assert f"write {most} or less" in form_errors(CREATE, product, **values, interval_count=most + 1)["interval_count"]
    doing(CREATE.name, product, pricer).submit(**values, interval_count=most)
    ((_, _, params),) = sent(stripe)
    assert params["recurring"] == {"interval": interval, "interval_count": str(most)}


def test_a_price_that_is_paid_once_has_no_rhythm(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    doing(CREATE.name, product, pricer).submit(unit_amount="5", currency="usd", interval="", interval_count="3")
    ((_, _, params),) = sent(stripe)
    assert "recurring" not in params
    assert product.prices.get().type == "one_time"


def test_everything_that_a_price_can_have_is_sent_said_and_taken_back(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    form, key = doing(CREATE.name, product, pricer), f"gold-{uuid4().hex}"
    values = {
        "unit_amount": "1.5",
        "currency": "eur",
        "interval": "year",
        "interval_count": "2",
        "tax_behavior": "inclusive",
        "nickname": "For friends",
        "lookup_key": key,
        "metadata": {"tier": "1"},
    }
    told = seen(form, **values)
    assert told.summary == [
        "Price: €1.50 every 2 years",
        "Tax is included.",
        "Nickname: For friends",
        f"Lookup key: {key}",
        "Metadata “tier”: 1",
    ]
    assert (told.effects.final, len(told.effects.follows)) == (CREATE.final_warning, 1)
    push = form.submit(**values)
    ((_, path, params),) = sent(stripe)
    assert (path, params) == (
        "/v1/prices",
        {
            "product": product.pk,
            "currency": "eur",
            "unit_amount": "150",
            "recurring": {"interval": "year", "interval_count": "2"},
            "tax_behavior": "inclusive",
            "nickname": "For friends",
            "lookup_key": key,
            "metadata": {"tier": "1"},
        },
    )
    row = product.prices.get()
    assert (push.state, push.object_id, row.lookup_key) == (Push.State.DONE, product.pk, key)
    assert truth(stripe, product)["default_price"] is None
    assert undone(push, pricer).state == Push.State.DONE
    assert truth(stripe, row)["active"] is False


def test_the_form_begins_with_the_currency_of_the_products_newest_price(stripe: RunningSandbox) -> None:
    stripe.sandbox.clock.set(int(time.time()) - DAY)
    row = mirror("product", scenarios.price(stripe, currency="eur").product_id)
    stripe.sandbox.clock.follow_real_time()
    assert CREATE.initial(row)["currency"] == "eur"
    mirror("price", stripe.post("/v1/prices", product=row.pk, currency="chf", unit_amount=1)["id"])
    assert CREATE.initial(row)["currency"] == "chf"


def test_a_new_price_of_an_archived_product_comes_with_a_warning(
    doing: Opens, pricer: User, stripe: RunningSandbox
) -> None:
    row = scenarios.product(stripe, active=False)
    told = seen(doing(CREATE.name, row, pricer), unit_amount="5", currency="usd")
    assert "until the product is unarchived" in told.effects.follows[0]


def test_a_lookup_key_is_taken_from_another_price_only_where_that_is_wished(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    key = f"gold-{uuid4().hex}"
    holder = ready(stripe, scenarios.price(stripe, lookup_key=key))
    values = {"unit_amount": "5", "currency": "usd", "lookup_key": key}
    error = form_errors(CREATE, product, **values)["lookup_key"]
    assert holder.pk in error
    assert "Tick the box" in error
    form = doing(CREATE.name, product, pricer)
    told = seen(form, **values, transfer_lookup_key="on")
    assert f"The price {holder.pk} (€29.00 / month) loses the lookup key." in told.effects.follows
    push = form.submit(**values, transfer_lookup_key="on")
    ((_, _, params),) = sent(stripe)
    assert (params["lookup_key"], params["transfer_lookup_key"]) == (key, "true")
    assert truth(stripe, holder)["lookup_key"] is None
    assert truth(stripe, product.prices.get())["lookup_key"] == key
    assert CREATE.undo(push) is None


def test_a_box_without_a_lookup_key_takes_nothing(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    doing(CREATE.name, product, pricer).submit(unit_amount="5", currency="usd", transfer_lookup_key="on")
    ((_, _, params),) = sent(stripe)
    assert "transfer_lookup_key" not in params


def test_a_lookup_key_that_stripe_alone_knows_of_is_refused_at_its_field(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    key = f"gold-{uuid4().hex}"
    stripe.post("/v1/prices", product=product.pk, currency="usd", unit_amount=1, lookup_key=key)
    push = doing(CREATE.name, product, pricer).submit(unit_amount="5", currency="usd", lookup_key=key)
    assert (push.state, CREATE.field_for_param(push.error_param)) == (Push.State.REFUSED, "lookup_key")
    assert CREATE.field_for_param("unit_amount_decimal") == "unit_amount"


def test_s31_a_price_whose_answer_was_lost_is_made_once_and_can_be_taken_back(
    doing: Opens, product: Any, pricer: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/prices", lose_answer=True, times=1)
    push = doing(CREATE.name, product, pricer).submit(unit_amount="5", currency="usd")
    assert (push.state, CREATE.undo(push)) == (Push.State.UNKNOWN, None)
    push = resumed(push)
    assert push.state == Push.State.DONE
    (only,) = [row for row in stripe.objects("price") if row["product"] == product.pk]
    assert undone(push, pricer).state == Push.State.DONE
    assert stripe.get(f"/v1/prices/{only['id']}")["active"] is False


# Edit


def test_only_what_differs_is_sent_and_can_be_taken_back(doing: Opens, pricer: User, stripe: RunningSandbox) -> None:
    key = f"gold-{uuid4().hex}"
    row = scenarios.price(stripe, nickname="Old", lookup_key=key, metadata={"tier": "1", "note": "a"})
    before = ready(stripe, truth(stripe, row))
    assert set(EDIT.get_form(row).fields) == {"nickname", "lookup_key", "transfer_lookup_key", "metadata", "reason"}
    form = doing(EDIT.name, row, pricer)
    values = {"nickname": "", "lookup_key": "", "metadata": {"note": "a"}}
    assert set(seen(form, **values).summary) == {
        "Nickname: Old → (empty)",
        f"Lookup key: {key} → (empty)",
        "Metadata “tier”: 1 → (empty)",
    }
    push = form.submit(**values)
    params = {"nickname": "", "lookup_key": "", "metadata": {"tier": ""}}
    assert sent(stripe) == [("POST", f"/v1/prices/{row.pk}", params)]
    now = truth(stripe, row)
    assert (now["nickname"], now["lookup_key"], now["metadata"]) == (None, None, {"note": "a"})
    assert undone(push, pricer).state == Push.State.DONE
    assert truth(stripe, row) == before


def test_an_unchanged_form_sends_nothing_and_a_conflict_is_asked(
    doing: Opens, price: Any, pricer: User, stripe: RunningSandbox
) -> None:
    """S38."""
    form = doing(EDIT.name, price, pricer)
    with pytest.raises(NothingToChange):
        form.submit(transfer_lookup_key="on")
    stripe.post(f"/v1/prices/{price.pk}", nickname="Theirs")
    stripe.clear_requests()
    with pytest.raises(Conflict, match="Nickname"):
        form.submit(nickname="Ours")
    assert sent(stripe) == []
    assert form.submit(metadata={"tier": "1"}).state == Push.State.DONE
    assert truth(stripe, price)["nickname"] == "Theirs"


def test_an_edit_that_takes_a_lookup_key_says_who_loses_it_and_is_final(
    doing: Opens, price: Any, pricer: User, stripe: RunningSandbox
) -> None:
    key = f"gold-{uuid4().hex}"
    holder = ready(stripe, scenarios.price(stripe, lookup_key=key))
    assert holder.pk in form_errors(EDIT, price, lookup_key=key)["lookup_key"]
    form = doing(EDIT.name, price, pricer)
    told = seen(form, lookup_key=key, transfer_lookup_key="on").effects
    assert holder.pk in told.follows[0]
    assert told.final
    push = form.submit(lookup_key=key, transfer_lookup_key="on")
    assert sent(stripe) == [("POST", f"/v1/prices/{price.pk}", {"lookup_key": key, "transfer_lookup_key": "true"})]
    assert (truth(stripe, price)["lookup_key"], truth(stripe, holder)["lookup_key"]) == (key, None)
    assert EDIT.undo(push) is None


def test_a_price_keeps_its_own_lookup_key_without_asking(doing: Opens, pricer: User, stripe: RunningSandbox) -> None:
    row = ready(stripe, scenarios.price(stripe, lookup_key=f"gold-{uuid4().hex}"))
    doing(EDIT.name, row, pricer).submit(nickname="New")
    assert sent(stripe) == [("POST", f"/v1/prices/{row.pk}", {"nickname": "New"})]


# Archive


def test_an_archived_price_leaves_its_subscriptions_and_comes_back(
    doing: Opens, price: Any, pricer: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    subscription = halfway(stripe, mirrored, price.data)
    form = doing(ARCHIVE.name, price, pricer)
    told = seen(form)
    assert told.summary == ["“€29.00 / month” becomes archived."]
    assert told.effects.follows[0] == "Goes on at this price: 1 subscription."
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/prices/{price.pk}", {"active": "false"})]
    assert (push.state, truth(stripe, price)["active"]) == (Push.State.DONE, False)
    (item,) = truth(stripe, subscription)["items"]["data"]
    assert (item["price"]["id"], truth(stripe, subscription)["status"]) == (price.pk, "active")
    price.refresh_from_db()
    assert (ARCHIVE.why_not(price), UNARCHIVE.why_not(price)) == ("This price is archived already.", "")
    stripe.clear_requests()
    assert undone(push, pricer).state == Push.State.DONE
    assert sent(stripe) == [("POST", f"/v1/prices/{price.pk}", {"active": "true"})]
    price.refresh_from_db()
    assert (ARCHIVE.why_not(price), UNARCHIVE.why_not(price)) == ("", "This price is not archived.")


def test_a_default_price_is_not_archived(doing: Opens, price: Any, pricer: User, stripe: RunningSandbox) -> None:
    form = doing(ARCHIVE.name, price, pricer)
    stripe.post(f"/v1/products/{price.product_id}", default_price=price.pk)
    mirror("product", price.product_id)
    stripe.clear_requests()
    assert "default price of its product" in ARCHIVE.why_not(price)
    with pytest.raises(NotAllowed, match="default price of its product"):
        form.submit()
    assert sent(stripe) == []


def test_a_price_that_the_mirror_does_not_know_as_a_default_is_refused_with_stripes_words(
    doing: Opens, price: Any, pricer: User, stripe: RunningSandbox
) -> None:
    stripe.post(f"/v1/products/{price.product_id}", default_price=price.pk)
    push = doing(ARCHIVE.name, price, pricer).submit()
    assert push.state == Push.State.REFUSED
    assert "default price of its product" in push.message
    assert truth(stripe, price)["active"] is True


@pytest.mark.parametrize(("active", "words"), [(True, "Payment links"), (False, "Its product is archived")])
def test_unarchiving_says_what_else_is_needed(
    active: bool, words: str, doing: Opens, pricer: User, stripe: RunningSandbox
) -> None:
    row = scenarios.price(stripe, active=False)
    stripe.post(f"/v1/products/{row.product_id}", active=active)
    mirror("product", row.product_id)
    (line,) = seen(doing(UNARCHIVE.name, row, pricer)).effects.follows
    assert words in line


def test_many_prices_are_archived_but_no_default(pricer: User, stripe: RunningSandbox) -> None:
    rows = [scenarios.price(stripe) for _ in range(2)]
    default, _ = scenarios.made_by("replace_price", stripe)
    form = ARCHIVE.get_form(ARCHIVE.new_row(), {"reason": "old"})
    assert form.is_valid()
    chosen = Price.objects.filter(pk__in=[row.pk for row in (*rows, default)])
    judged = jobs.preview(ARCHIVE, chosen, cleaned=form.cleaned_data)
    assert (judged.allowed, [row for row, _ in judged.excluded]) == (2, [default])
    job = jobs.create_job(
        ARCHIVE, chosen, user=pricer, cleaned=form.cleaned_data, reason="old", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert [truth(stripe, row)["active"] for row in (*rows, default)] == [False, False, True]
