"""The pages of the Stripe side do what their buttons say, over real HTTP."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import uvicorn
from starlette.applications import Starlette

from tests.sandbox.contract.account import Account
from tests.sandbox.dashboard.page import BANNER, PAGES
from tests.sandbox.dashboard.routes import routes
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import Server, wait_for

Post = Callable[..., requests.Response]


@pytest.fixture
def account() -> Iterator[Account]:
    sandbox = Sandbox(seed=7)
    yield Account(sandbox)
    sandbox.close()


@pytest.fixture
def site(account: Account) -> Iterator[str]:
    """The address of the pages."""
    config = uvicorn.Config(Starlette(routes=routes(account.sandbox)), port=0, log_level="error", lifespan="off")
    server = Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 10, "the pages did not start", pause=0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.stop()
    thread.join(5)


@pytest.fixture
def post(site: str) -> Post:
    """Send a form and follow the redirect."""

    def send(path: str, **fields: Any) -> requests.Response:
        response = requests.post(site + path, data=fields, timeout=10)
        assert response.status_code == 200
        return response

    return send


def subscription(account: Account) -> dict[str, Any]:
    return account.call("GET", f"/v1/subscriptions/{account.subscription['id']}")


@pytest.mark.parametrize("path", [to for _, to in PAGES])
def test_every_page_says_loudly_that_it_is_a_simulation(account: Account, site: str, path: str) -> None:
    assert account.subscription
    page = requests.get(site + path, timeout=10)
    assert page.status_code == 200
    assert page.text.count(BANNER) == 2  # in the title and in the banner


def test_hostile_names_stay_text(account: Account, site: str) -> None:
    customer = account.call("POST", "/v1/customers", {"name": "<script>alert(1)</script>", "email": "a@example.com"})
    for path in ("/", f"/customers/{customer['id']}", "/?q=<script>"):
        page = requests.get(site + path, timeout=10).text
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_customers_are_found_by_name_and_email(account: Account, site: str) -> None:
    for number in range(30):
        account.call("POST", "/v1/customers", {"name": f"Boat {number}", "email": f"b{number}@example.com"})
    assert "30 customers" in requests.get(site, timeout=10).text
    assert "Boat 17" in requests.get(site, params={"q": "bOAT 17"}, timeout=10).text
    found = requests.get(site, params={"q": "b17@"}, timeout=10).text
    assert "Boat 17" in found
    assert "Boat 18" not in found


def test_edit_changes_the_customer_as_a_dashboard_user_would(account: Account, post: Post) -> None:
    path = f"/customers/{account.customer}/edit"
    post(
        path,
        name="Bea",
        email="bea@example.com",
        **{"address[city]": "Cork", "metadata_key_0": "a", "metadata_value_0": "b"},
    )
    customer = account.call("GET", f"/v1/customers/{account.customer}")
    assert (customer["name"], customer["address"]["city"], customer["metadata"]) == ("Bea", "Cork", {"a": "b"})
    event = account.sandbox.events[0]
    assert event["type"] == "customer.updated"
    assert event["request"]["id"]
    assert event["request"]["idempotency_key"] is None


def test_emptied_fields_are_cleared(account: Account, post: Post) -> None:
    account.call("POST", f"/v1/customers/{account.customer}", {"address": {"city": "Cork"}, "metadata": {"a": "b"}})
    fields = {"address[city]": "", "metadata_key_0": "a", "metadata_value_0": ""}
    post(f"/customers/{account.customer}/edit", name="", **fields)
    customer = account.call("GET", f"/v1/customers/{account.customer}")
    assert (customer["name"], customer["address"], customer["metadata"]) == (None, None, {})


def test_refusal_is_shown_in_stripes_words(account: Account, post: Post) -> None:
    page = post(f"/customers/{account.customer}/edit", email="nonsense")
    assert "Invalid email address: nonsense" in page.text
    assert 'class="message error"' in page.text


def test_deleted_customer_is_gone(account: Account, post: Post, site: str) -> None:
    assert "Deleted" in post(f"/customers/{account.customer}/delete").text
    assert requests.get(f"{site}/customers/{account.customer}", timeout=10).status_code == 404


def test_cancellation_is_scheduled_undone_and_done(account: Account, post: Post) -> None:
    to = f"/subscriptions/{account.subscription['id']}"
    post(f"{to}/cancel_at_period_end")
    assert subscription(account)["cancel_at_period_end"]
    post(f"{to}/undo_cancel")
    assert not subscription(account)["cancel_at_period_end"]
    post(f"{to}/cancel_now")
    assert subscription(account)["status"] == "canceled"


def test_cancellation_at_a_date_is_undone(account: Account, post: Post) -> None:
    to = f"/subscriptions/{account.subscription['id']}"
    account.call("POST", f"/v1{to}", {"cancel_at": account.sandbox.now() + 400 * 24 * 3600})
    post(f"{to}/undo_cancel")
    assert subscription(account)["cancel_at"] is None


def test_collection_is_paused_and_resumed(account: Account, post: Post) -> None:
    to = f"/subscriptions/{account.subscription['id']}"
    post(f"{to}/pause_collection", behavior="keep_as_draft")
    assert subscription(account)["pause_collection"]["behavior"] == "keep_as_draft"
    post(f"{to}/resume_collection")
    assert subscription(account)["pause_collection"] is None


def test_price_and_quantity_are_changed(account: Account, post: Post) -> None:
    item, price = account.subscription["items"]["data"][0]["id"], account.new_price(4200)
    post(f"/subscriptions/{account.subscription['id']}/change_item", item=item, price=price, quantity=7)
    items = subscription(account)["items"]["data"]
    assert [(item["price"]["id"], item["quantity"]) for item in items] == [(price, 7)]


@pytest.mark.parametrize(
    ("action", "status"), [("pay", "paid"), ("void", "void"), ("mark_uncollectible", "uncollectible")]
)
def test_open_invoice_is_settled(account: Account, post: Post, action: str, status: str) -> None:
    post(f"/invoices/{account.open_invoice}/{action}")
    assert account.call("GET", f"/v1/invoices/{account.open_invoice}")["status"] == status


def test_draft_is_finalized(account: Account, post: Post) -> None:
    post(f"/invoices/{account.draft}/finalize")
    assert account.call("GET", f"/v1/invoices/{account.draft}")["status"] == "open"


def test_unknown_action_changes_nothing(account: Account, post: Post) -> None:
    assert "Nothing was changed" in post(f"/invoices/{account.draft}/explode").text
    assert "Nothing was changed" in post(f"/subscriptions/{account.subscription['id']}/explode").text


def test_faults_are_switched_on_and_off(account: Account, post: Post) -> None:
    post("/faults/add/repeat", number="3", event="customer.*", times="2")
    rule = account.sandbox.faults.list()[0]
    assert (rule["repeat"], rule["event"], rule["times"]) == (3, "customer.*", 2)
    post(f"/faults/remove/{rule['id']}")
    assert account.sandbox.faults.list() == []
    post("/faults/add/answer_429")
    post("/faults/clear")
    assert account.sandbox.faults.list() == []


def test_held_webhooks_are_counted_and_released(account: Account, post: Post) -> None:
    account.sandbox.add_endpoint("http://127.0.0.1:9/", "whsec_" + "x" * 8)
    post("/faults/add/hold")
    assert account.customer
    assert 'data-held="1"' in post("/faults/clear").text
    assert "Released: 1." in post("/faults/release").text


def test_event_is_sent_again(account: Account, post: Post, site: str) -> None:
    account.sandbox.add_endpoint("http://127.0.0.1:9/", "whsec_" + "x" * 8)
    assert account.customer
    event = account.sandbox.events[0]
    assert "Sent again to 1" in post(f"/events/{event['id']}/send_again").text

    def page() -> str:
        return requests.get(f"{site}/events/{event['id']}", timeout=10).text

    wait_for(lambda: 'data-attempts="2"' in page(), 10, "there was no second attempt")


def test_time_passes_on_demand(account: Account, post: Post) -> None:
    before = account.sandbox.now()
    post("/clock/advance", days="31", back="/invoices")
    assert account.sandbox.now() - before >= 31 * 24 * 3600
    assert "not changed" in post("/clock/advance", days="-1").text


def test_forms_redirect_only_to_pages_of_the_dashboard(account: Account, site: str) -> None:
    fields = {"days": "1", "back": "//elsewhere.example.com"}
    answer = requests.post(f"{site}/clock/advance", data=fields, allow_redirects=False, timeout=10)
    assert answer.headers["location"].startswith("/?")


def test_checkout_page_is_submitted_or_expired(account: Account, site: str, post: Post) -> None:
    session = account.checkout_session
    assert session in requests.get(f"{site}/payments", timeout=10).text
    post(f"/checkout/{session}/complete", payment_method="pm_card_chargeDeclined")
    assert account.call("GET", f"/v1/checkout/sessions/{session}")["status"] == "open"
    done = post(f"/checkout/{session}/complete", payment_method="pm_card_visa")
    assert f"{session} is complete now." in done.text
    again = post(f"/checkout/{session}/expire")
    assert "can be expired" in again.text


def test_banks_dispute_decide_and_send_back(account: Account, post: Post) -> None:
    post("/happenings/fail_payout", object=account.payout)
    assert account.call("GET", f"/v1/payouts/{account.payout}")["status"] == "failed"
    page = post("/happenings/dispute_charge", object=account.charge)
    assert "needs_response now" in page.text
    dispute = account.call("GET", "/v1/disputes")["data"][0]["id"]
    post("/happenings/decide_dispute", object=dispute, won="yes")
    assert account.call("GET", f"/v1/disputes/{dispute}")["status"] == "won"
    assert "is won already" in post("/happenings/decide_dispute", object=dispute).text
    for name, object_id in (("fail_payout", "po_none"), ("dispute_charge", account.charge), ("earthquake", "")):
        assert 'role="alert"' in post(f"/happenings/{name}", object=object_id).text
