"""Tax rates, which can only be archived, and tax ids, which are listed per owner and verified later."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.conftest import make_customer
from tests.sandbox.testing import RunningSandbox, SandboxError


def tax_rate(running: RunningSandbox, **params: object) -> str:
    described = {"display_name": "VAT", "percentage": 19, "inclusive": False, **params}
    return str(running.post("/v1/tax_rates", **described)["id"])


def test_tax_rate_is_archived_never_deleted_and_keeps_its_percentage(running: RunningSandbox) -> None:
    rate = tax_rate(running, country="DE", tax_type="vat")
    archived = running.post(f"/v1/tax_rates/{rate}", active=False, jurisdiction="Germany")
    assert (archived["active"], archived["percentage"], archived["jurisdiction"]) == (False, 19, "Germany")
    event = running.sandbox.events[0]
    assert event["type"] == "tax_rate.updated"
    assert event["data"]["previous_attributes"] == {"active": True, "jurisdiction": None}
    for method, params in (("POST", {"percentage": 20}), ("DELETE", {})):
        with pytest.raises(SandboxError):
            running.call(method, f"/v1/tax_rates/{rate}", **params)


def test_tax_rates_are_listed_archived_ones_too_and_by_both_filters(running: RunningSandbox) -> None:
    old, inclusive = tax_rate(running), tax_rate(running, inclusive=True)
    running.post(f"/v1/tax_rates/{old}", active=False)

    def listed(**filters: object) -> list[str]:
        return [row["id"] for row in running.get("/v1/tax_rates", **filters)["data"]]

    assert listed() == [inclusive, old]
    assert listed(active=False) == [old]
    assert listed(inclusive=True) == [inclusive]
    assert listed(active=True, inclusive=False) == []


def test_plain_list_of_tax_ids_holds_the_accounts_own_only(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    theirs = running.post(f"/v1/customers/{customer}/tax_ids", type="eu_vat", value="DE123456789")
    assert running.get("/v1/tax_ids")["data"] == []
    ours = running.post("/v1/tax_ids", type="us_ein", value="12-3456789")
    assert [row["id"] for row in running.get("/v1/tax_ids")["data"]] == [ours["id"]]
    assert (ours["customer"], ours["owner"]) == (None, {"type": "self"})
    owner = {"type": "customer", "customer": customer}
    assert [row["id"] for row in running.get("/v1/tax_ids", owner=owner)["data"]] == [theirs["id"]]
    own_list = running.get(f"/v1/customers/{customer}/tax_ids")
    assert [row["id"] for row in own_list["data"]] == [theirs["id"]]
    assert own_list["url"] == f"/v1/customers/{customer}/tax_ids"


@pytest.mark.parametrize(
    ("kind", "value", "first", "later"),
    [
        ("eu_vat", "IE1234567FA", "pending", "verified"),
        ("eu_vat", "111111111", "pending", "unverified"),
        ("gb_vat", "222222222", "pending", "pending"),
        ("us_ein", "12-3456789", "unavailable", "unavailable"),
    ],
)
def test_tax_id_is_verified_some_time_later(
    running: RunningSandbox, kind: str, value: str, first: str, later: str
) -> None:
    customer = make_customer(running, name="Ann Ltd")["id"]
    path = f"/v1/customers/{customer}/tax_ids"
    made = running.post(path, type=kind, value=value)
    assert made["verification"]["status"] == first
    running.advance(600)
    assert running.get(f"{path}/{made['id']}")["verification"]["status"] == later
    told = [event for event in running.sandbox.events if event["type"] == "customer.tax_id.updated"]
    assert len(told) == (first != later)
    assert all(event["request"]["id"] is None for event in told)
    assert all(event["data"]["previous_attributes"]["verification"]["status"] == first for event in told)


def test_authority_may_think_again(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    made = running.post(f"/v1/customers/{customer}/tax_ids", type="eu_vat", value="DE123456789")
    for status in ("verified", "unverified"):
        running.happens("verify_tax_id", tax_id=made["id"], status=status)
    assert running.get(f"/v1/tax_ids/{made['id']}")["verification"]["status"] == "unverified"
    first, second = running.get("/v1/events", type="customer.tax_id.updated")["data"][::-1]
    assert first["data"]["previous_attributes"]["verification"]["status"] == "pending"
    assert second["data"]["previous_attributes"]["verification"]["status"] == "verified"


def test_tax_id_is_deleted_and_made_again_not_edited(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    path = f"/v1/customers/{customer}/tax_ids"
    made = running.post(path, type="eu_vat", value="DE123456789")
    with pytest.raises(SandboxError):
        running.post(f"{path}/{made['id']}", value="DE999999999")
    with pytest.raises(SandboxError) as caught:
        running.post(path, type="eu_vat", value="not a number")
    assert (caught.value.error["code"], caught.value.error["param"]) == ("tax_id_invalid", "value")
    assert running.delete(f"{path}/{made['id']}") == {"id": made["id"], "object": "tax_id", "deleted": True}
    event = running.sandbox.events[0]
    assert (event["type"], event["data"]["object"]) == ("customer.tax_id.deleted", made)
    with pytest.raises(SandboxError) as caught:
        running.get(f"/v1/tax_ids/{made['id']}")
    assert caught.value.status == 404


def test_tax_id_of_another_customer_is_not_found(running: RunningSandbox) -> None:
    one, other = make_customer(running)["id"], make_customer(running)["id"]
    made = running.post(f"/v1/customers/{one}/tax_ids", type="us_ein", value="12-3456789")
    for verb in (running.get, running.delete):
        with pytest.raises(SandboxError) as caught:
            verb(f"/v1/customers/{other}/tax_ids/{made['id']}")
        assert caught.value.status == 404


def test_customers_show_their_tax_ids_when_asked(running: RunningSandbox, client: stripe.StripeClient) -> None:
    described: list[stripe.params.CustomerCreateParamsTaxIdDatum] = [{"type": "eu_vat", "value": "DE123456789"}]
    customer = client.v1.customers.create({"name": "Ann", "tax_id_data": described})
    assert "tax_ids" not in customer
    shown = client.v1.customers.retrieve(customer.id, {"expand": ["tax_ids"]})
    assert shown.tax_ids is not None
    assert [tax_id.value for tax_id in shown.tax_ids.data] == ["DE123456789"]
    listed = client.v1.customers.list({"expand": ["data.tax_ids"]}).data[0]
    assert listed.tax_ids is not None
    assert listed.tax_ids.data[0].id == shown.tax_ids.data[0].id
    assert "tax_ids" not in running.sandbox.events[-1]["data"]["object"]


def test_invoices_show_the_tax_ids_that_their_customer_had(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    made = running.post(f"/v1/customers/{customer}/tax_ids", type="us_ein", value="12-3456789")
    running.post("/v1/invoiceitems", customer=customer, amount=900, currency="usd")
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    final = running.post(f"/v1/invoices/{draft['id']}/finalize")
    running.delete(f"/v1/tax_ids/{made['id']}")
    held = [{"type": "us_ein", "value": "12-3456789"}]
    assert final["customer_tax_ids"] == held
    assert running.get(f"/v1/invoices/{draft['id']}")["customer_tax_ids"] == held
