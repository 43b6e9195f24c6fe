"""Coupons, promotion codes and tax rates are made and changed from their pages, as a browser sends the forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.models import Coupon, Product, PromotionCode, TaxRate
from stripe_mirror.push.operation import get_operation, operations_for
from tests.admin.test_operations import mirrored, opened, writes
from tests.push.scenarios_catalog import coupon, promotion_code, tax_rate
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(transactional_db: None) -> Client:
    """Signed in as somebody who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("boss", "boss@example.com"))
    return client


@pytest.mark.parametrize("make", [coupon, promotion_code, tax_rate])
def test_pages_and_lists_offer_what_can_be_done(
    make: Callable[..., Any], boss: Client, sandbox: RunningSandbox
) -> None:
    row = make(sandbox)
    page = boss.get(display.object_url(row)).content.decode()
    listed = boss.get(display.list_url(type(row))).content.decode()
    operations = operations_for(row.kind.object)
    assert len(operations) == {"coupon": 4, "promotion_code": 2, "tax_rate": 4}[row.kind.object]
    for operation in operations:
        shown = listed if operation.creates else page
        off = f'id="why-not-{operation.name}"' in page
        assert (operation_url(row, operation) in shown) is not off, operation.name
        assert (f'"bulk_{operation.name}"' in listed) is operation.bulk, operation.name


def test_a_coupon_for_two_products_is_made_from_the_list(boss: Client, sandbox: RunningSandbox) -> None:
    boats = [mirrored(sandbox.post("/v1/products", name=name)).pk for name in ("Boat", "Raft", "Ship")]
    url = display.admin_url(Coupon, "create", "create_coupon")
    form = opened(boss, url) | {"name": "Ahoy", "amount_off": "12.50", "currency": "eur"}
    form["applies_to"] = boats[:2]
    told = boss.get(url, {name: form[name] for name in ("name", "amount_off", "currency", "applies_to", "duration")})
    assert "€12.50 off, once" in told.content.decode()
    assert "Only for these products: Boat, Raft" in told.content.decode()
    answer = boss.post(url, form, follow=True)
    made = Coupon.objects.get(name="Ahoy")
    assert answer.redirect_chain[-1][0] == display.object_url(made)
    (request,) = [write for write in writes(sandbox) if write["path"] == "/v1/coupons"]
    assert request["params"]["applies_to"] == {"products": {"0": boats[0], "1": boats[1]}}
    assert Product.objects.count() == 3


def test_a_coupon_without_terms_is_asked_for_them_and_keeps_what_was_typed(
    boss: Client, sandbox: RunningSandbox
) -> None:
    url = display.admin_url(Coupon, "create", "create_coupon")
    html = boss.post(url, opened(boss, url) | {"name": "Empty"}).content.decode()
    assert "Write a percentage or an amount." in html
    assert 'value="Empty"' in html
    assert writes(sandbox) == []


def test_a_code_is_made_from_its_coupons_page(boss: Client, sandbox: RunningSandbox) -> None:
    row = coupon(sandbox)
    url = operation_url(row, get_operation("create_promotion_code"))
    assert boss.post(url, opened(boss, url) | {"code": "AHOY"}).status_code == 302
    made = PromotionCode.objects.get(code="AHOY")
    assert display.object_url(made) in boss.get(display.object_url(row)).content.decode()


def test_a_code_that_is_taken_at_stripe_is_refused_at_its_field(boss: Client, sandbox: RunningSandbox) -> None:
    row = coupon(sandbox)
    sandbox.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": row.pk}, code="AHOY")
    url = operation_url(row, get_operation("create_promotion_code"))
    html = boss.post(url, opened(boss, url) | {"code": "ahoy"}).content.decode()
    assert "already exists" in html.split('id="id_code_error"')[1].split("</div>")[0]


def test_a_tax_rate_is_made_from_the_list_and_edited_on_its_page(boss: Client, sandbox: RunningSandbox) -> None:
    url = display.admin_url(TaxRate, "create", "create_tax_rate")
    form = opened(boss, url)
    assert form["inclusive"] == "exclusive"
    boss.post(url, form | {"display_name": "VAT", "percentage": "7.7", "country": "CH", "tax_type": "vat"})
    made = TaxRate.objects.get(display_name="VAT")
    edit = operation_url(made, get_operation("edit_tax_rate"))
    form = opened(boss, edit)
    assert (form["country"], form["tax_type"]) == ("CH", "vat")
    assert boss.post(edit, form | {"jurisdiction": "Schweiz"}).status_code == 302
    made.refresh_from_db()
    assert (made.data["jurisdiction"], made.data["percentage"]) == ("Schweiz", 7.7)
