"""Products, prices, coupons, promotion codes and tax rates by a file: edited, and made in bulk (S50)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Coupon, Import, Job, Price, Product, PromotionCode
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push import jobs_again
from stripe_mirror.push.imports.columns import guess_all, importable_operations, needs_key
from stripe_mirror.push.imports.judging import needs
from stripe_mirror.push.jobs import run_job, start_job
from stripe_mirror.push.jobs_preview import preview_wishes
from stripe_mirror.push.operation import all_operations, get_operation
from tests.push.importing import brought, counts, done, pushed, said, written
from tests.sandbox.testing import RunningSandbox


@pytest.fixture
def cataloguer(staff: Callable[..., User]) -> User:
    """May do everything with the catalogue, also to many."""
    kinds = ("product", "price", "coupon", "promotion_code", "tax_rate")
    names = [o.name for o in all_operations() if o.object_type in kinds]
    return staff("cataloguer", "run_job", *names, *(f"view_{kind.replace('_', '')}" for kind in kinds))


@pytest.fixture
def product(stripe: RunningSandbox, mirrored: Any) -> Any:
    """Something to sell."""
    return mirrored(stripe.post("/v1/products", name="Gold", description="Shiny", metadata={"sku": "1"}))


@pytest.fixture
def coupon(stripe: RunningSandbox, mirrored: Any) -> Any:
    """25% off."""
    return mirrored(stripe.post("/v1/coupons", name="Loyal", percent_off=25, duration="forever"))


def made(stripe: RunningSandbox, kind: str, job: Job) -> list[dict[str, Any]]:
    """What a job made, in the order of its rows."""
    found = {obj["id"]: obj for obj in stripe.objects(kind)}
    keys = [push.after.get("promotion_code") or push.after.get("id") or push.object_id for push in ordered(job)]
    return [found[key] for key in keys]


def ordered(job: Job) -> list[Any]:
    """Its pushes in their order."""
    return list(job.pushes.order_by("position"))


def test_importable_is_each_edit_and_what_makes_things_in_bulk() -> None:
    assert {o.name for o in all_operations() if o.importable} == {
        "edit_customer",
        "create_customer",
        "edit_product",
        "create_product",
        "edit_price",
        "create_price",
        "edit_coupon",
        "create_coupon",
        "create_promotion_code",
        "edit_tax_rate",
        "create_tax_rate",
        "edit_invoice",
    }
    assert [o.name for o in importable_operations("price")] == ["edit_price", "create_price"]
    assert [o.name for o in importable_operations("coupon")] == ["edit_coupon", "create_coupon"]
    assert [o.name for o in importable_operations("promotion_code")] == ["create_promotion_code"]
    assert importable_operations("charge") == ()


@pytest.mark.parametrize("operation", [o for o in all_operations() if o.importable], ids=lambda o: o.name)
def test_every_field_of_an_importable_form_is_found_by_its_name_and_its_label(operation: Any) -> None:
    names = [name for name in operation.form_class.base_fields if name != "reason"]
    targets = [guess.target for guess in guess_all(operation, names)]
    expected = ["=key" if needs_key(operation) and name == operation.importable.key else name for name in names]
    assert targets == expected
    assert all(guess.target for guess in guess_all(operation, [operation.importable.key] * needs_key(operation)))
    for column, name in operation.importable.columns.items():
        assert guess_all(operation, [column])[0].target == name


def test_products_are_edited_and_made_with_a_first_price(
    cataloguer: User, product: Any, stripe: RunningSandbox
) -> None:
    content = written(("id", "name", "images", "metadata.sku"), [(product.pk, "Gold plus", "https://x.test/a", "2")])
    job = done(brought("edit_product", content, cataloguer))
    assert pushed(job) == [
        ("done", product.pk, {"name": "Gold plus", "images": ["https://x.test/a"], "metadata": {"sku": "2"}})
    ]
    rows = [("Tea", "4.50", "eur", "month"), ("Mug", "1200", "jpy", ""), ("Bad", "4.505", "eur", "")]
    upload = brought("create_product", written(("name", "unit_amount", "currency", "interval"), rows), cataloguer)
    assert counts(upload) == (2, 0, 1)
    assert said(upload) == {4: [("unit_amount", "EUR has 2 decimals: write for example 12.00.")]}
    assert upload.sums == {"eur": 450, "jpy": 1200}
    first, second = (params["default_price_data"] for _state, _id, params in pushed(done(upload)))
    assert first == {"currency": "eur", "unit_amount": 450, "recurring": {"interval": "month", "interval_count": 1}}
    assert second == {"currency": "jpy", "unit_amount": 1200}


def test_s50_prices_are_made_by_their_product_in_major_and_minor_units(
    cataloguer: User, product: Any, stripe: RunningSandbox
) -> None:
    headers = ("product", "unit_amount", "currency", "interval", "nickname", "metadata.region")
    rows = [
        (product.pk, "29.00", "EUR", "month", "a", "eu"),
        (product.pk, "500", "jpy", "year", "b", ""),
        (product.pk, "5.001", "eur", "month", "c", ""),
        (product.pk, "1.5", "jpy", "", "d", ""),
        (product.pk, "1", "", "", "e", ""),
        ("prod_none", "1", "eur", "", "f", ""),
    ]
    upload = brought("create_price", written(headers, rows), cataloguer)
    assert counts(upload) == (2, 0, 4)
    assert {row: errors[0][0] for row, errors in said(upload).items()} == {
        4: "unit_amount",
        5: "unit_amount",
        6: "currency",
        7: "product",
    }
    assert upload.sums == {"eur": 2900, "jpy": 500}
    job = done(upload)
    assert [(price["unit_amount"], price["currency"]) for price in made(stripe, "price", job)] == [
        (2900, "eur"),
        (500, "jpy"),
    ]
    minor = written(("product", "unit_amount (minor units)", "currency"), [(product.pk, "2950", "eur")])
    upload = brought("create_price", minor, cataloguer)
    assert upload.minor_units
    assert made(stripe, "price", done(upload))[0]["unit_amount"] == 2950
    fine = brought("create_price", minor.replace(b"2950", b"29.5"), cataloguer)
    assert said(fine)[2][0][1] == "Amounts are in minor units in this file: write a whole number."


def test_an_amount_without_a_currency_is_not_guessed() -> None:
    assert "match a column with its currency" in needs(get_operation("create_price"), ["=key", "unit_amount"])
    assert "match a column with its currency" in needs(get_operation("create_coupon"), ["amount_off", "name"])
    assert needs(get_operation("create_coupon"), ["percent_off", "name"]) == ""


def test_prices_are_edited_but_their_amount_is_not(cataloguer: User, stripe: RunningSandbox, price: Any) -> None:
    fetch_now(get_kind("price"), price["id"], patient=False)
    content = written(("id", "unit_amount", "currency", "nickname"), [(price["id"], "1.00", "eur", "Cheap")])
    upload = brought("edit_price", content, cataloguer)
    assert upload.targets == ["=key", "", "=currency", "nickname"]
    assert pushed(done(upload)) == [("done", price["id"], {"nickname": "Cheap"})]


def test_coupons_are_made_and_taken_back(cataloguer: User, stripe: RunningSandbox) -> None:
    headers = ("id", "name", "percent_off", "amount_off", "currency", "duration", "duration_in_months", "redeem_by")
    code = uuid.uuid4().hex[:8].upper()
    until = "2027-01-31T12:00:00+13:00"
    rows = [
        (code, "Spring", "12.5", "", "", "repeating", "3", until),
        ("", "Five off", "", "5.00", "usd", "once", "", ""),
        ("", "Both", "10", "5", "usd", "once", "", ""),
        ("", "Past", "10", "", "", "once", "", "2001-01-01"),
    ]
    upload = brought("create_coupon", written(headers, rows), cataloguer)
    found = said(upload)
    assert counts(upload) == (2, 0, 2), found
    assert found[4] == [("amount_off", "Write either a percentage or an amount, not both.")]
    assert found[5][0][0] == "redeem_by"
    assert upload.sums == {"usd": 500}
    job = done(upload)
    spring, five = made(stripe, "coupon", job)
    assert (spring["id"], spring["percent_off"], spring["redeem_by"]) == (code, 12.5, 1_801_350_000)
    assert (five["amount_off"], five["currency"]) == (500, "usd")
    inverse = jobs_again.undo_operation(job)
    assert inverse
    seen = preview_wishes(inverse, jobs_again.undo_wishes(job, inverse), form={})
    run_job(start_job(Job(operation=inverse.name, user=cataloguer, reason="oops", undoes=job), seen).pk)
    assert not Coupon.objects.alive().filter(pk__in=[spring["id"], five["id"]]).exists()


def test_promotion_codes_are_made_in_bulk_each_once_and_switched_off_again(
    cataloguer: User, coupon: Any, customer: Any, stripe: RunningSandbox
) -> None:
    tag = uuid.uuid4().hex[:6].upper()
    headers = ("coupon", "code", "customer", "max_redemptions", "first_time_transaction", "minimum_amount", "currency")
    rows = [(coupon.pk, f"{tag}-{n}", "", "1", "true", "10.00", "eur") for n in range(12)]
    rows += [(coupon.pk, f"{tag}-vip", customer.pk, "", "", "", ""), (coupon.pk, "nö", "", "", "", "", "")]
    upload = brought("create_promotion_code", written(headers, rows), cataloguer)
    assert counts(upload) == (13, 0, 1)
    assert said(upload)[15][0][0] == "code"
    assert upload.sums == {"eur": 12_000}
    assert stripe.requests("POST") == []
    job = done(upload)
    codes = [obj for obj in stripe.objects("promotion_code") if obj["code"].startswith(tag)]
    assert sorted(obj["code"] for obj in codes) == sorted([*(f"{tag}-{n}" for n in range(12)), f"{tag}-vip"])
    assert codes[0]["restrictions"]["minimum_amount"] == 1000
    keys = {request["idempotency_key"] for request in stripe.requests("POST")}
    assert len(keys) == 13
    inverse = jobs_again.undo_operation(job)
    assert inverse and inverse.name == "deactivate_promotion_code"
    seen = preview_wishes(inverse, jobs_again.undo_wishes(job, inverse), form={})
    assert seen.allowed == 13, seen.excluded
    run_job(start_job(Job(operation=inverse.name, user=cataloguer, reason="oops", undoes=job), seen).pk)
    assert not PromotionCode.objects.filter(code__startswith=tag, active=True).exists()


def test_tax_rates_are_made_and_edited(cataloguer: User, stripe: RunningSandbox) -> None:
    headers = ("display_name", "percentage", "inclusive", "country")
    upload = brought("create_tax_rate", written(headers, [("VAT", "19", "true", "DE"), ("", "1", "", "")]), cataloguer)
    assert counts(upload) == (1, 0, 1)
    ((state, id, params),) = pushed(done(upload))
    assert (state, params["percentage"], params["inclusive"]) == ("done", 19, True)
    content = written(("id", "display_name", "percentage", "country"), [(id, "MwSt", "20", "de")])
    assert pushed(done(brought("edit_tax_rate", content, cataloguer))) == [("done", id, {"display_name": "MwSt"})]


def test_draft_invoices_are_edited_and_finalized_ones_only_where_stripe_takes_it(
    staff: Callable[..., User], stripe: RunningSandbox, mirrored: Any, payer: Any
) -> None:
    biller = staff("biller", "edit_invoice", "run_job", "view_invoice")
    stripe.post("/v1/invoiceitems", customer=payer.pk, amount=2900, currency="eur")
    terms = {"collection_method": "send_invoice", "days_until_due": 30, "auto_advance": False}
    terms |= {"pending_invoice_items_behavior": "include"}
    draft = mirrored(stripe.post("/v1/invoices", customer=payer.pk, **terms))
    stripe.post("/v1/invoiceitems", customer=payer.pk, amount=5900, currency="eur")
    final = stripe.post("/v1/invoices", customer=payer.pk, **terms)
    final = mirrored(stripe.post(f"/v1/invoices/{final['id']}/finalize"))
    headers = ("id", "description", "due_date", "collection_method", "currency")
    due = "2091-05-01T12:00:00+00:00"
    rows = [(draft.pk, "Thanks", due, "send_invoice", "eur"), (final.pk, "Thanks", due, "send_invoice", "eur")]
    upload = brought("edit_invoice", written(headers, rows), biller)
    assert said(upload) == {3: [("due_date", "This can't be changed any more, as the object is now.")]}
    assert upload.sums == {"eur": draft.data["amount_due"]}
    ((state, _id, params),) = pushed(done(upload))
    assert (state, params) == ("done", {"description": "Thanks", "due_date": 3_828_859_200})


def test_a_deleted_product_gets_no_price(cataloguer: User, product: Any) -> None:
    Product.objects.update(deleted_at=timezone.now())
    content = written(("product", "unit_amount", "currency"), [(product.pk, "1", "eur")])
    upload = brought("create_price", content, cataloguer)
    assert said(upload) == {2: [("", "This product was deleted in Stripe.")]}
    assert not Price.objects.filter(product=product.pk).exists()
    assert Import.objects.count() == 1
