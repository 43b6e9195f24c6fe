"""Products: created with or without a first price, edited by the difference, archived and brought back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Job, Product, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.errors import Conflict, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import Preview, preview
from tests.push import scenarios
from tests.push.billing import halfway, resumed, truth
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, EDIT, ARCHIVE, UNARCHIVE = map(
    get_operation, ("create_product", "edit_product", "archive_product", "unarchive_product")
)
NAMES = [operation.name for operation in (CREATE, EDIT, ARCHIVE, UNARCHIVE)]
FULL: dict[str, Any] = {
    "name": "Gold",
    "description": "All of it",
    "images": ["https://x.example/1.png", "https://x.example/2.png"],
    "marketing_features": [{"name": "Boats"}, {"name": "Oars"}],
    "statement_descriptor": "GOLD",
    "unit_label": "seat",
    "tax_code": "txcd_10000000",
    "url": "https://x.example/gold",
    "metadata": {"shelf": "1", "note": "a"},
}


@pytest.fixture
def seller(staff: Callable[..., User]) -> User:
    """May do all that can be done to products, also to many."""
    return staff("seller", "run_job", *NAMES)


@pytest.fixture
def product(stripe: RunningSandbox) -> Any:
    """A product with something in every field, without a price."""
    row = scenarios.mirrored(stripe.post("/v1/products", **FULL))
    stripe.clear_requests()
    return row


def priced(stripe: RunningSandbox, product: Any, amount: int, **params: Any) -> Any:
    """Another mirrored price of the product, in EUR."""
    made = stripe.post("/v1/prices", product=product.pk, currency="eur", unit_amount=amount, **params)
    row = mirror("price", made["id"])
    stripe.clear_requests()
    return row


def with_default(stripe: RunningSandbox, product: Any, price: Any) -> Any:
    """The product with this default price, mirrored."""
    stripe.post(f"/v1/products/{product.pk}", default_price=price.pk)
    row = mirror("product", product.pk)
    stripe.clear_requests()
    return row


def seen(form: Doing, **values: Any) -> Preview:
    """The confirm page."""
    return preview(form.operation, form.row, form.cleaned(**values), ask=False)


# Creation


def test_a_product_can_be_made_without_a_price_and_archived_again(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, CREATE.new_row(), seller)
    assert seen(form, name="Gold").summary == ["Name: Gold", "It has no price yet."]
    push = form.submit(name="Gold")
    assert sent(stripe) == [("POST", "/v1/products", {"name": "Gold"})]
    row = Product.objects.get(pk=push.object_id)
    assert (push.state, str(row), row.default_price_id) == (Push.State.DONE, "Gold", None)
    assert undone(push, seller).state == Push.State.DONE
    assert truth(stripe, row)["active"] is False


def test_everything_that_a_product_can_have_is_sent(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    values = {**FULL, "images": "\n".join(FULL["images"]), "marketing_features": "Boats\r\n\r\n Oars "}
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(**values)
    ((_, _, params),) = sent(stripe)
    assert params == {
        **FULL,
        "images": dict(enumerate_texts(FULL["images"])),
        "marketing_features": dict(enumerate_texts(FULL["marketing_features"])),
    }
    now = stripe.get(f"/v1/products/{push.object_id}")
    assert {name: now[name] for name in FULL} == FULL


def enumerate_texts(values: list[Any]) -> list[tuple[str, Any]]:
    """A list as the sandbox's log shows it."""
    return [(str(n), value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "price", "words"),
    [
        (
            {"unit_amount": "29", "currency": "eur", "interval": "month", "interval_count": "3"},
            {"currency": "eur", "unit_amount": "2900", "recurring": {"interval": "month", "interval_count": "3"}},
            "€29.00 every 3 months",
        ),
        (
            {"unit_amount": "500", "currency": "jpy", "interval": "", "tax_behavior": "exclusive"},
            {"currency": "jpy", "unit_amount": "500", "tax_behavior": "exclusive"},
            "¥500",
        ),
        (
            {"unit_amount": "5", "currency": "ugx", "interval": ""},
            {"currency": "ugx", "unit_amount": "500"},
            "UGX\xa05",
        ),
        ({"unit_amount": "0", "currency": "usd", "interval": ""}, {"currency": "usd", "unit_amount": "0"}, "$0.00"),
        (
            {"unit_amount": "0.0005", "currency": "usd", "interval": "", "fractions": "on"},
            {"currency": "usd", "unit_amount_decimal": "0.05"},
            "$0.0005",
        ),
    ],
)
def test_s50_s51_a_first_price_is_made_with_it_and_becomes_its_default(
    values: dict[str, Any],
    price: dict[str, Any],
    words: str,
    doing: Opens,
    seller: User,
    stripe: RunningSandbox,
) -> None:
    form = doing(CREATE.name, CREATE.new_row(), seller)
    assert f"Price: {words}" in seen(form, name="Gold", **values).summary
    push = form.submit(name="Gold", **values)
    assert sent(stripe) == [("POST", "/v1/products", {"name": "Gold", "default_price_data": price})]
    row = Product.objects.get(pk=push.object_id)
    made = mirror("price", row.default_price_id)
    assert (push.state, made.product_id, str(made)) == (Push.State.DONE, row.pk, words)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"statement_descriptor": "GOLD*<b>"}, "statement_descriptor", "Banks print none"),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor", "22"),
        ({"unit_label": "x" * 13}, "unit_label", "12"),
        ({"images": "\n".join(["https://x.example/1.png"] * 9)}, "images", "at most 8; these are 9"),
        ({"marketing_features": "\n".join(["Boats"] * 16)}, "marketing_features", "at most 15; these are 16"),
        ({"marketing_features": "x" * 81}, "marketing_features", "longer than 80"),
        ({"url": "no address"}, "url", "valid URL"),
        ({"metadata": {"a[b]": "1"}}, "metadata", "square bracket"),
        ({"unit_amount": "1.005", "currency": "usd"}, "unit_amount", "2 decimals"),
        ({"unit_amount": "500.5", "currency": "jpy"}, "unit_amount", "whole number"),
        ({"unit_amount": "5", "interval": "year", "interval_count": "4"}, "interval_count", "write 3 or less"),
    ],
)
@pytest.mark.django_db
def test_what_stripe_would_refuse_is_said_at_the_field(values: dict[str, Any], field: str, words: str) -> None:
    assert words in form_errors(CREATE, CREATE.new_row(), **{"name": "Gold", **values})[field]


def test_what_stripe_alone_refuses_stands_at_its_field(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(name="Gold", unit_amount="1000000.00", currency="eur")
    assert (push.state, push.object_id) == (Push.State.REFUSED, "")
    assert CREATE.field_for_param(push.error_param) == "unit_amount"
    for param in ("default_price_data[unit_amount_decimal]", "default_price_data[unit_amount]"):
        assert CREATE.field_for_param(param) == "unit_amount"
    assert CREATE.field_for_param("images[0]") == "images"


def test_s31_a_product_whose_answer_was_lost_is_made_once(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    before = len(stripe.objects("product")), len(stripe.objects("price"))
    stripe.faults.add(method="POST", path="/v1/products", lose_answer=True, times=1)
    values = {"name": "Gold", "unit_amount": "5", "currency": "eur"}
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(**values)
    assert push.state == Push.State.UNKNOWN
    push = resumed(push)
    assert (push.state, push.object_id.startswith("prod_")) == (Push.State.DONE, True)
    assert (len(stripe.objects("product")), len(stripe.objects("price"))) == (before[0] + 1, before[1] + 1)


# Edit


@pytest.mark.parametrize(
    ("values", "params"),
    [
        ({"name": "Silver"}, {"name": "Silver"}),
        ({"description": "", "url": ""}, {"description": "", "url": ""}),
        ({"images": "https://x.example/2.png"}, {"images": {"0": "https://x.example/2.png"}}),
        ({"images": "", "marketing_features": ""}, {"images": "", "marketing_features": ""}),
        ({"marketing_features": "Oars"}, {"marketing_features": {"0": {"name": "Oars"}}}),
        ({"unit_label": "", "tax_code": "", "statement_descriptor": ""}, None),
        ({"metadata": {"note": "b", "new": "c"}}, {"metadata": {"shelf": "", "note": "b", "new": "c"}}),
        ({"metadata": {}}, {"metadata": {"shelf": "", "note": ""}}),
    ],
)
def test_s37_only_what_differs_is_sent_also_where_it_is_cleared_and_can_be_taken_back(
    values: dict[str, Any],
    params: dict[str, Any] | None,
    doing: Opens,
    product: Any,
    seller: User,
    stripe: RunningSandbox,
) -> None:
    push = doing(EDIT.name, product, seller).submit(**values)
    assert sent(stripe) == [("POST", f"/v1/products/{product.pk}", values if params is None else params)]
    now = truth(stripe, product)
    changed = {name for name in FULL if now[name] != FULL[name]}
    assert (push.state, changed) == (Push.State.DONE, set(values))
    assert all(not now[name] for name, value in values.items() if not value)
    product.refresh_from_db()
    assert undone(push, seller).state == Push.State.DONE
    assert {name: truth(stripe, product)[name] for name in FULL} == FULL


def test_an_unchanged_form_sends_nothing(doing: Opens, product: Any, seller: User, stripe: RunningSandbox) -> None:
    with pytest.raises(NothingToChange):
        doing(EDIT.name, product, seller).submit(description=" All of it ")
    assert sent(stripe) == []


def test_s38_what_others_changed_meanwhile_stays_or_is_asked_about(
    doing: Opens, product: Any, seller: User, stripe: RunningSandbox
) -> None:
    form = doing(EDIT.name, product, seller)
    stripe.post(f"/v1/products/{product.pk}", name="Theirs", metadata={"later": "y"})
    stripe.clear_requests()
    with pytest.raises(Conflict, match="Name") as caught:
        form.submit(name="Ours")
    (clash,) = caught.value.fields
    assert (clash.was, clash.now, clash.yours) == ("Gold", "Theirs", "Ours")
    assert sent(stripe) == []
    assert form.submit(description="Ours", metadata={"shelf": "2", "note": "a"}).state == Push.State.DONE
    now = truth(stripe, product)
    assert (now["name"], now["description"]) == ("Theirs", "Ours")
    assert now["metadata"] == {"shelf": "2", "note": "a", "later": "y"}


def test_what_stripe_can_not_empty_is_refused_at_the_field(stripe: RunningSandbox, product: Any) -> None:
    row = with_default(stripe, product, priced(stripe, product, 2900))
    assert "required" in form_errors(EDIT, row, name="")["name"]
    assert "can't empty this" in form_errors(EDIT, row, default_price="")["default_price"]


def test_the_default_price_is_one_of_its_own_that_is_sold(stripe: RunningSandbox, product: Any) -> None:
    mine, archived = priced(stripe, product, 2900), priced(stripe, product, 100, active=False)
    other = scenarios.price(stripe)
    field: Any = EDIT.get_form(product).fields["default_price"]
    assert field.choices == [("", "None"), (mine.pk, "€29.00")]
    for wrong in (archived, other):
        assert "valid choice" in form_errors(EDIT, product, default_price=wrong.pk)["default_price"]
    field = EDIT.get_form(with_default(stripe, product, mine)).fields["default_price"]
    assert field.choices == [(mine.pk, "€29.00")]


def test_a_default_price_that_is_not_mirrored_can_stay(
    doing: Opens, product: Any, seller: User, stripe: RunningSandbox
) -> None:
    made = stripe.post("/v1/prices", product=product.pk, currency="eur", unit_amount=2900)["id"]
    stripe.post(f"/v1/products/{product.pk}", default_price=made)
    row = mirror("product", product.pk)
    stripe.clear_requests()
    doing(EDIT.name, row, seller).submit(name="Silver")
    assert sent(stripe) == [("POST", f"/v1/products/{row.pk}", {"name": "Silver"})]


def test_another_default_price_reads_as_an_amount_and_can_be_taken_back(
    doing: Opens, product: Any, seller: User, stripe: RunningSandbox
) -> None:
    old, new = priced(stripe, product, 2900), priced(stripe, product, 3900)
    row = with_default(stripe, product, old)
    form = doing(EDIT.name, row, seller)
    told = seen(form, default_price=new.pk)
    assert told.summary == ["Default price: €29.00 → €39.00"]
    assert told.effects.follows == ("Running subscriptions keep their prices.",)
    push = form.submit(default_price=new.pk)
    assert sent(stripe) == [("POST", f"/v1/products/{row.pk}", {"default_price": new.pk})]
    assert truth(stripe, row)["default_price"] == new.pk
    assert undone(push, seller).state == Push.State.DONE
    assert truth(stripe, row)["default_price"] == old.pk


def test_a_first_default_price_can_not_be_taken_back(
    doing: Opens, product: Any, seller: User, stripe: RunningSandbox
) -> None:
    price = priced(stripe, product, 2900)
    form = doing(EDIT.name, product, seller)
    push = form.submit(default_price=price.pk, name="Silver")
    assert (push.state, truth(stripe, product)["default_price"]) == (Push.State.DONE, price.pk)
    assert EDIT.undo(push) is None


def test_a_default_price_that_was_archived_meanwhile_is_refused_by_stripe_at_its_field(
    doing: Opens, product: Any, seller: User, stripe: RunningSandbox
) -> None:
    price = priced(stripe, product, 2900)
    stripe.post(f"/v1/prices/{price.pk}", active=False)
    push = doing(EDIT.name, product, seller).submit(default_price=price.pk)
    assert (push.state, EDIT.field_for_param(push.error_param)) == (Push.State.REFUSED, "default_price")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "Silver"}, ["new texts"]),
        ({"tax_code": "txcd_20030000"}, ["by the new code"]),
        ({"description": "", "tax_code": ""}, ["new texts", "by the new code"]),
        ({"metadata": {}}, []),
    ],
)
def test_an_edit_says_what_customers_will_see(
    values: dict[str, Any], words: list[str], doing: Opens, product: Any, seller: User
) -> None:
    follows = seen(doing(EDIT.name, product, seller), **values).effects.follows
    assert len(follows) == len(words)
    assert all(word in line for word, line in zip(words, follows, strict=True))


# Archive


def test_an_archived_product_leaves_its_prices_and_subscriptions_and_comes_back(
    doing: Opens, seller: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    price = scenarios.price(stripe)
    subscription = halfway(stripe, mirrored, price.data)
    row = mirror("product", price.product_id)
    stripe.clear_requests()
    form = doing(ARCHIVE.name, row, seller)
    told = seen(form)
    assert told.summary == ["“Gold” becomes archived."]
    assert told.effects.follows[0] == "Goes on, charged as before: 1 subscription."
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/products/{row.pk}", {"active": "false"})]
    assert (push.state, truth(stripe, row)["active"]) == (Push.State.DONE, False)
    assert (truth(stripe, price)["active"], truth(stripe, subscription)["status"]) == (True, "active")
    row.refresh_from_db()
    assert (ARCHIVE.why_not(row), UNARCHIVE.why_not(row)) == ("This product is archived already.", "")
    stripe.clear_requests()
    assert undone(push, seller).state == Push.State.DONE
    assert sent(stripe) == [("POST", f"/v1/products/{row.pk}", {"active": "true"})]
    row.refresh_from_db()
    assert (ARCHIVE.why_not(row), UNARCHIVE.why_not(row)) == ("", "This product is not archived.")


def test_subscriptions_that_have_ended_are_not_counted(
    doing: Opens, seller: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    price = scenarios.price(stripe)
    ended = halfway(stripe, mirrored, price.data)
    mirrored(stripe.delete(f"/v1/subscriptions/{ended.pk}"))
    row = mirror("product", price.product_id)
    assert seen(doing(ARCHIVE.name, row, seller)).effects.follows[0] == "No running subscription has it."


def test_many_products_are_archived_as_a_job(seller: User, stripe: RunningSandbox) -> None:
    rows, archived = [scenarios.product(stripe) for _ in range(2)], scenarios.product(stripe, active=False)
    form = ARCHIVE.get_form(ARCHIVE.new_row(), {"reason": "end of season"})
    assert form.is_valid()
    chosen = Product.objects.filter(pk__in=[row.pk for row in (*rows, archived)])
    judged = jobs.preview(ARCHIVE, chosen, cleaned=form.cleaned_data)
    assert (judged.allowed, [row for row, _ in judged.excluded]) == (2, [archived])
    job = jobs.create_job(
        ARCHIVE, chosen, user=seller, cleaned=form.cleaned_data, reason="end of season", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert [truth(stripe, row)["active"] for row in rows] == [False, False]
