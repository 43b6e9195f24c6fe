"""Lists: order, cursors both ways, ranges, filters, and what is left out of them."""

from __future__ import annotations

import sys

import pytest
import stripe

from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY = 86400


@pytest.fixture
def sandbox() -> Sandbox:
    """One customer a day for 25 days, named by number."""
    sandbox = Sandbox()
    sandbox.clock.set(1_700_000_000)
    for number in range(25):
        sandbox.request("POST", "/v1/customers", {"name": str(number), "email": f"{number % 5}@example.com"})
        sandbox.advance(DAY)
    return sandbox


def names(sandbox: Sandbox, **params: object) -> list[int]:
    reply = sandbox.request("GET", "/v1/customers", params)
    assert reply.status == 200, reply.body
    return [int(row["name"]) for row in reply.body["data"]]


def id_of(sandbox: Sandbox, number: int) -> str:
    return str(sandbox.select("customer", lambda row: row["name"] == str(number))[0]["id"])


def test_newest_come_first_ten_at_a_time(sandbox: Sandbox) -> None:
    assert names(sandbox) == list(range(24, 14, -1))


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-5, 1), (500, 25), (3, 3)])
def test_limits_are_clamped(sandbox: Sandbox, limit: int, count: int) -> None:
    assert len(names(sandbox, limit=limit)) == count


def test_cursors_go_both_ways(sandbox: Sandbox) -> None:
    assert names(sandbox, starting_after=id_of(sandbox, 10), limit=3) == [9, 8, 7]
    assert names(sandbox, ending_before=id_of(sandbox, 10), limit=3) == [13, 12, 11]


def test_has_more_looks_in_the_direction_of_reading(sandbox: Sandbox) -> None:
    def more(**params: object) -> bool:
        return bool(sandbox.request("GET", "/v1/customers", params).body["has_more"])

    assert more(limit=24)
    assert not more(limit=25)
    assert more(ending_before=id_of(sandbox, 20), limit=3)
    assert not more(ending_before=id_of(sandbox, 20), limit=4)


def test_deleted_cursor_is_refused(sandbox: Sandbox) -> None:
    cursor = id_of(sandbox, 10)
    sandbox.request("DELETE", f"/v1/customers/{cursor}")
    reply = sandbox.request("GET", "/v1/customers", {"starting_after": cursor})
    error = reply.body["error"]
    assert (reply.status, error["code"], error["param"]) == (400, "resource_missing", "starting_after")


def test_created_ranges_include_and_exclude_their_ends(sandbox: Sandbox) -> None:
    start = 1_700_000_000
    assert names(sandbox, created={"gte": start + 3 * DAY, "lt": start + 6 * DAY}) == [5, 4, 3]
    assert names(sandbox, created={"gt": start + 3 * DAY, "lte": start + 6 * DAY}) == [6, 5, 4]
    assert names(sandbox, created=start + 3 * DAY) == [3]


def test_cursor_from_outside_the_window_answers_an_empty_page(sandbox: Sandbox) -> None:
    """Silently: who moves the window between two pages loses rows."""
    start = 1_700_000_000
    window = {"gte": start + 3 * DAY, "lt": start + 10 * DAY}
    assert names(sandbox, created=window, starting_after=id_of(sandbox, 6), limit=2) == [5, 4]
    for outside in (2, 10, 20):
        reply = sandbox.request("GET", "/v1/customers", {"created": window, "starting_after": id_of(sandbox, outside)})
        assert (reply.status, reply.body["data"], reply.body["has_more"]) == (200, [], False)


def test_deleted_customers_are_in_no_list_but_known_by_id(sandbox: Sandbox) -> None:
    gone = id_of(sandbox, 24)
    sandbox.request("DELETE", f"/v1/customers/{gone}")
    assert names(sandbox, limit=2) == [23, 22]
    assert names(sandbox, email="4@example.com") == [19, 14, 9, 4]
    assert sandbox.request("GET", f"/v1/customers/{gone}").body == {"id": gone, "object": "customer", "deleted": True}


def test_rows_that_come_while_paging_shift_no_later_page(sandbox: Sandbox) -> None:
    first = names(sandbox, limit=10)
    for name in ("25", "26"):
        sandbox.request("POST", "/v1/customers", {"name": name})
    assert names(sandbox, starting_after=id_of(sandbox, first[-1]), limit=10) == list(range(14, 4, -1))
    assert names(sandbox, limit=2) == [26, 25]


def test_deleted_coupons_are_in_no_list_and_unknown_by_id(running: RunningSandbox) -> None:
    running.post("/v1/coupons", id="TEN", percent_off=10, duration="forever")
    subscription = subscribe(running, discounts=[{"coupon": "TEN"}])
    running.delete("/v1/coupons/TEN")
    assert running.get("/v1/coupons")["data"] == []
    with pytest.raises(SandboxError) as caught:
        running.get("/v1/coupons/TEN")
    assert caught.value.status == 404
    running.advance(32 * DAY)
    renewal = running.get("/v1/invoices", subscription=subscription["id"])["data"][0]
    assert renewal["total"] == 1800  # the discount made from it lives on


@pytest.mark.parametrize(
    ("path", "missing"),
    [("payment_intents", "status"), ("refunds", "customer"), ("coupons", "valid"), ("customers", "updated")],
)
def test_filters_that_stripe_lacks_are_refused(running: RunningSandbox, path: str, missing: str) -> None:
    with pytest.raises(SandboxError) as caught:
        running.get(f"/v1/{path}", **{missing: "x"})
    assert (caught.value.error["code"], caught.value.error["param"]) == ("parameter_unknown", missing)


def test_archived_prices_are_listed_only_when_asked_for(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Gold")["id"]
    one, old = (running.post("/v1/prices", product=product, currency="usd", unit_amount=n)["id"] for n in (100, 200))
    running.post(f"/v1/prices/{old}", active=False)

    def listed(**params: object) -> list[str]:
        return [row["id"] for row in running.get("/v1/prices", **params)["data"]]

    assert listed() == listed(active=True) == listed(product=product) == [one]
    assert listed(active=False) == [old]


def test_filters_combine_with_ranges_and_cursors(sandbox: Sandbox) -> None:
    assert names(sandbox, email="2@example.com") == [22, 17, 12, 7, 2]
    assert names(sandbox, email="2@EXAMPLE.com") == []
    assert names(sandbox, email="2@example.com", starting_after=id_of(sandbox, 17), limit=2) == [12, 7]
    assert names(sandbox, email="2@example.com", created={"lt": 1_700_000_000 + 8 * DAY}) == [7, 2]


def test_stripe_package_pages_through_everything_in_both_directions(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    for number in range(25):
        running.sandbox.request("POST", "/v1/customers", {"name": str(number)})
    down = [customer.name for customer in client.v1.customers.list(params={"limit": 10}).auto_paging_iter()]
    assert down == [str(number) for number in range(24, -1, -1)]
    oldest = running.objects("customer")[0]["id"]
    params: dict[str, object] = {"limit": 10, "ending_before": oldest}
    up = [customer.name for customer in client.v1.customers.list(params=params).auto_paging_iter()]  # type: ignore[arg-type]
    assert up == [str(number) for number in range(1, 25)]


def test_subscriptions_hide_canceled_ones_unless_asked(running: RunningSandbox) -> None:  # S21
    kept, ended = subscribe(running)["id"], subscribe(running)["id"]
    running.delete(f"/v1/subscriptions/{ended}")

    def listed(**params: object) -> set[str]:
        return {row["id"] for row in running.get("/v1/subscriptions", **params)["data"]}

    assert listed() == {kept}
    assert listed(status="all") == {kept, ended}
    assert listed(status="ended") == listed(status="canceled") == {ended}


def test_inline_prices_are_found_by_id_only(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Gold")
    inline = {"currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}, "product": product["id"]}
    subscription = subscribe(running, items=[{"price_data": inline}])
    price = subscription["items"]["data"][0]["price"]
    assert running.get("/v1/prices")["data"] == []
    assert running.get(f"/v1/prices/{price['id']}")["unit_amount"] == 900


def test_nested_lists_page_on_at_their_url(running: RunningSandbox) -> None:  # S25
    customer = make_customer(running)
    invoice = running.post("/v1/invoices", customer=customer["id"])
    for number in range(12):
        running.post("/v1/invoiceitems", customer=customer["id"], invoice=invoice["id"], amount=number + 100)
    lines = running.get(f"/v1/invoices/{invoice['id']}")["lines"]
    assert (len(lines["data"]), lines["has_more"]) == (10, True)
    rest = running.get(lines["url"], starting_after=lines["data"][-1]["id"])
    assert [line["amount"] for line in rest["data"]] == [110, 111]
    assert not rest["has_more"]


def test_twenty_items_are_shown_and_the_rest_paged_oldest_first(running: RunningSandbox) -> None:
    prices = [make_price(running, unit_amount=100 + number) for number in range(22)]
    subscription = subscribe(running, items=[{"price": price} for price in prices[:20]])
    for price in prices[20:]:
        running.post("/v1/subscription_items", subscription=subscription["id"], price=price)
    items = running.get(f"/v1/subscriptions/{subscription['id']}")["items"]
    assert (len(items["data"]), items["has_more"]) == (20, True)
    cursor = items["data"][-1]["id"]
    rest = running.get("/v1/subscription_items", subscription=subscription["id"], starting_after=cursor)
    assert [item["price"]["id"] for item in rest["data"]] == prices[20:]
    with pytest.raises(SandboxError):
        running.get("/v1/subscription_items")


def test_deep_pages_cost_no_more_than_the_first() -> None:
    sandbox = Sandbox()
    for number in range(20_000):
        sandbox.request("POST", "/v1/customers", {"name": str(number)})
    oldest = sandbox.table("customer").order[150][2]

    def cost(**params: object) -> int:
        """How many calls of functions an answer takes: the same on a busy machine."""
        calls = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            sandbox.request("GET", "/v1/customers", {"limit": 100, **params})
        finally:
            sys.setprofile(None)
        return calls

    first, deep = cost(), cost(starting_after=oldest)
    assert deep < 1.5 * first
