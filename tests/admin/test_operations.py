"""Operations through the browser's requests, against a stand-in for Stripe over real HTTP."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Customer, CustomerLink, Job, Push, Subscription
from stripe_mirror.pull.apply import apply_state
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.push.jobs import run_job
from stripe_mirror.push.operation import get_operation
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clerk(transactional_db: None) -> Callable[..., Client]:
    """Signed in with the permissions to see customers and subscriptions, and those named."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user("clerk", "clerk@example.com", is_staff=True)
        seen = ("view_customer", "view_subscription", "view_job")
        user.user_permissions.add(*Permission.objects.filter(codename__in=(*permissions, *seen)))
        client = Client()
        client.force_login(user)
        return client

    return make


def mirrored(obj: dict[str, Any]) -> Any:
    """The row of one of the sandbox's objects."""
    kind = get_kind(obj["object"])
    fetch_now(kind, obj["id"], patient=False)
    return kind.model._default_manager.get(pk=obj["id"])


def arrive(obj: dict[str, Any]) -> None:
    """An object reaches the mirror."""
    apply_state(get_kind(obj["object"]), obj, as_of=timezone.now(), read_until=None, origin=SYNC)


@pytest.fixture
def customer(transactional_db: None, sandbox: RunningSandbox) -> Any:
    made = sandbox.post(
        "/v1/customers", name="Jane", email="jane@example.com", phone="1", metadata={"plan": "gold", "seats": "3"}
    )
    return mirrored(made)


@pytest.fixture
def subscriptions(transactional_db: None, sandbox: RunningSandbox) -> list[Any]:
    """Three active subscriptions in two currencies."""
    product = sandbox.post("/v1/products", name="Tea")
    made = []
    for currency, amount in (("eur", 2900), ("eur", 1000), ("jpy", 500)):
        price = sandbox.post(
            "/v1/prices",
            product=product["id"],
            currency=currency,
            unit_amount=amount,
            recurring={"interval": "month"},
        )
        buyer = sandbox.post("/v1/customers", email="buyer@example.com")
        item = {"collection_method": "send_invoice", "days_until_due": 30, "items": [{"price": price["id"]}]}
        made.append(mirrored(sandbox.post("/v1/subscriptions", customer=buyer["id"], **item)))
    return made


def inputs(html: str, form: str = "sm-form") -> dict[str, Any]:
    """The fields of the page's form as a browser would send them."""
    body = html.split(form, 1)[1].split("</form>", 1)[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        attrs = dict(re.findall(r'([\w:-]+)="([^"]*)"', tag))
        if attrs.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        if "name" in attrs:
            unsaid = "on" if attrs.get("type") == "checkbox" else ""
            found.setdefault(unescape(attrs["name"]), []).append(unescape(attrs.get("value", unsaid)))
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?([^<]*)</textarea>', body):
        found.setdefault(name, []).append(unescape(text))
    for name, options in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', body, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found.setdefault(name, []).append(unescape(chosen.group(1)) if chosen else "")
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def opened(client: Client, url: str) -> dict[str, Any]:
    answer = client.get(url)
    assert answer.status_code == 200
    return inputs(answer.content.decode())


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def writes(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [request for request in sandbox.requests() if request["method"] != "GET"]


def test_opening_pages_changes_nothing_and_asks_stripe_nothing(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client = clerk("edit_customer")
    sandbox.clear_requests()
    opened(client, display.object_url(customer))
    assert sandbox.requests() == []
    assert not Push.objects.exists()


def test_an_edit_on_the_customers_page_reaches_stripe(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"phone": "+49 30"}
    form["metadata-key"] = [*form["metadata-key"], "colour"]
    form["metadata-value"] = [*form["metadata-value"], "red"]
    sandbox.clear_requests()
    answer = client.post(url, form, follow=True)
    assert messages_of(answer) == ["Edit customer: done."]
    assert [request["params"] for request in writes(sandbox)] == [{"phone": "+49 30", "metadata": {"colour": "red"}}]
    assert "+49 30" in answer.content.decode()
    # A fragment of its own: the browser would keep that of the form, and open the page at it again.
    assert answer.redirect_chain[-1][0] == f"{url}#"


def test_s30_a_form_that_is_sent_twice_is_done_once(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"phone": "2"}
    client.post(url, form, follow=True)
    sandbox.clear_requests()
    answer = client.post(url, form, follow=True)
    assert messages_of(answer) == ["Edit customer: this was done already, it was not sent a second time."]
    assert writes(sandbox) == []
    assert Push.objects.count() == 1


def test_s30_a_form_that_is_sent_again_is_known_though_it_would_not_be_valid_any_more(
    clerk: Callable[..., Client], subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    """What was sent first is told, not what forbids it now."""
    subscription = subscriptions[0]
    client = clerk("cancel_subscription")
    url = operation_url(subscription, get_operation("cancel_subscription"))
    form = opened(client, url) | {"when": "period_end", "reason": "asked"}
    assert messages_of(client.post(url, form, follow=True)) == ["Cancel subscription: done."]
    arrive(sandbox.delete(f"/v1/subscriptions/{subscription.pk}"))
    sandbox.clear_requests()
    answer = client.post(url, form, follow=True)
    assert messages_of(answer) == ["Cancel subscription: this was done already, it was not sent a second time."]
    assert sandbox.requests() == []


def test_s30_a_refused_form_that_is_sent_again_shows_the_refusal_and_sends_nothing(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"email": "ann@mail..example", "phone": "typed"}
    client.post(url, form)
    sandbox.clear_requests()
    html = client.post(url, form).content.decode()
    assert "Invalid email address" in html.split('for="id_email"', 1)[1].split("sm-field", 1)[0]
    assert inputs(html)["phone"] == "typed"
    assert writes(sandbox) == []


def test_stripes_refusal_stands_at_its_field_and_nothing_typed_is_lost(
    clerk: Callable[..., Client], customer: Any
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url)
    answer = client.post(url, form | {"email": "ann@mail..example", "phone": "typed <b>", "reason": "because"})
    html = answer.content.decode()
    email_field = html.split('for="id_email"', 1)[1].split("sm-field", 1)[0]
    assert "Invalid email address" in email_field
    again = inputs(html)
    assert (again["email"], again["phone"], again["reason"]) == ("ann@mail..example", "typed <b>", "because")
    assert again["push_id"] != form["push_id"]
    assert client.post(url, again | {"email": "right@example.com"}, follow=True).status_code == 200
    customer.refresh_from_db()
    assert (customer.email, customer.phone) == ("right@example.com", "typed <b>")


def test_saving_an_unchanged_form_sends_nothing(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    answer = client.post(url, opened(client, url), follow=True)
    assert messages_of(answer) == ["Nothing was sent: nothing differs from what Stripe has already."]
    assert [request for request in writes(sandbox) if customer.pk in request["path"]] == []


def test_s38_other_fields_that_changed_meanwhile_are_kept(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url)
    sandbox.post(f"/v1/customers/{customer.pk}", email="dashboard@example.com")
    client.post(url, form | {"phone": "2"})
    customer.refresh_from_db()
    assert (customer.email, customer.phone) == ("dashboard@example.com", "2")


@pytest.mark.parametrize(
    ("email", "plan", "expected"),
    [
        ("theirs", "theirs", ("theirs@example.com", "silver")),
        ("mine", "theirs", ("mine@example.com", "silver")),
        ("theirs", "mine", ("theirs@example.com", "bronze")),
        ("mine", "mine", ("mine@example.com", "bronze")),
    ],
)
def test_s38_a_conflict_is_decided_field_by_field(
    clerk: Callable[..., Client],
    customer: Any,
    sandbox: RunningSandbox,
    email: str,
    plan: str,
    expected: tuple[str, str],
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"email": "mine@example.com", "phone": "typed"}
    form["metadata-value"] = ["bronze", *form["metadata-value"][1:]]
    sandbox.post(f"/v1/customers/{customer.pk}", email="theirs@example.com", metadata={"plan": "silver"})
    sandbox.clear_requests()
    html = client.post(url, form).content.decode()
    for shown in ("jane@example.com", "theirs@example.com", "mine@example.com", "gold", "silver", "bronze"):
        assert shown in html
    assert writes(sandbox) == []
    decision = inputs(html) | {"decide:email:": email, "decide:metadata:plan": plan}
    client.post(url, decision)
    customer.refresh_from_db()
    assert (customer.email, customer.metadata["plan"]) == expected
    assert (customer.phone, customer.metadata["seats"]) == ("typed", "3")


def test_s38_who_decides_too_late_is_asked_again(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"email": "mine@example.com"}
    sandbox.post(f"/v1/customers/{customer.pk}", email="theirs@example.com")
    decision = inputs(client.post(url, form).content.decode()) | {"decide:email:": "mine"}
    sandbox.post(f"/v1/customers/{customer.pk}", email="third@example.com")
    html = client.post(url, decision).content.decode()
    assert "third@example.com" in html
    client.post(url, inputs(html) | {"decide:email:": "mine"})
    customer.refresh_from_db()
    assert customer.email == "mine@example.com"


@pytest.mark.parametrize("token", ["", "forged", "eyJ:1:x"])
def test_a_form_whose_token_is_not_ours_is_shown_again(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox, token: str
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"phone": "typed", "opened": token}
    sandbox.clear_requests()
    html = client.post(url, form).content.decode()
    assert "this form had expired" in html
    assert inputs(html)["phone"] == "typed"
    assert sandbox.requests() == []


def test_s31_a_lost_answer_is_shown_as_checking(
    clerk: Callable[..., Client], customer: Any, sandbox: RunningSandbox
) -> None:
    client, url = clerk("edit_customer"), display.object_url(customer)
    form = opened(client, url) | {"phone": "2"}
    sandbox.faults.add(method="POST", path=f"/v1/customers/{customer.pk}", lose_answer=True, times=9)
    answer = client.post(url, form, follow=True)
    assert "no clear answer came from Stripe" in messages_of(answer)[0]
    html = answer.content.decode()
    assert "Checking: Edit customer" in html
    assert "data-live-poll" in html


def test_s58_a_forced_post_without_permission_is_refused(
    clerk: Callable[..., Client], customer: Any, subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    client = clerk("keep_subscription")
    sandbox.clear_requests()
    cancel = display.admin_url(subscriptions[0], "operation", subscriptions[0].pk, "cancel_subscription")
    bulk = display.admin_url(Subscription, "bulk", "cancel_subscription")
    form = {"when": "now", "reason": "x", "push_id": str(uuid.uuid4())}
    for url in (cancel, bulk, display.object_url(customer)):
        assert client.post(url, form).status_code == 403
    assert sandbox.requests() == []
    assert not Push.objects.exists()


def test_a_subscription_is_cancelled_with_a_reason(
    clerk: Callable[..., Client], subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    client, row = clerk("cancel_subscription"), subscriptions[0]
    url = display.admin_url(row, "operation", row.pk, "cancel_subscription")
    form = opened(client, url)
    refused = client.post(url, form)
    assert "This field is required" in refused.content.decode()
    answer = client.post(url, form | {"reason": "Asked by mail"}, follow=True)
    assert messages_of(answer) == ["Cancel subscription: done."]
    assert "ends on" in answer.content.decode()
    assert Push.objects.get().reason == "Asked by mail"


def test_the_page_says_in_words_what_will_be_sent(clerk: Callable[..., Client], subscriptions: list[Any]) -> None:
    client, row = clerk("cancel_subscription"), subscriptions[0]
    url = display.admin_url(row, "operation", row.pk, "cancel_subscription")
    assert "ends at the end of the current period" in client.get(url).content.decode()
    assert "The subscription ends now." in client.get(url, {"when": "now"}).content.decode()


def test_s36_what_the_state_forbids_is_off_with_its_reason(
    clerk: Callable[..., Client], subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    client, row = clerk("keep_subscription"), subscriptions[0]
    html = client.get(display.object_url(row)).content.decode()
    assert "No cancellation is scheduled" in html
    assert "operation/keep_subscription/" not in html
    url = display.admin_url(row, "operation", row.pk, "keep_subscription")
    assert "No cancellation is scheduled" in client.get(url).content.decode()
    token = {"push_id": str(uuid.uuid4()), "opened": ""}
    client.post(url, token)
    assert writes(sandbox)[-1]["path"] == "/v1/subscriptions"


def test_a_new_customer_is_created_from_the_list(clerk: Callable[..., Client], sandbox: RunningSandbox) -> None:
    client = clerk("create_customer")
    url = display.admin_url(Customer, "create", "create_customer")
    assert url in client.get(display.list_url(Customer)).content.decode()
    answer = client.post(url, opened(client, url) | {"name": "Newcomer"}, follow=True)
    made = Customer.objects.get(name="Newcomer")
    assert answer.redirect_chain[-1][0] == display.object_url(made)


@pytest.mark.parametrize("name", ["nonsense", "edit_customer", "create_customer_for_user"])
def test_an_operation_of_another_kind_is_not_found(
    clerk: Callable[..., Client], subscriptions: list[Any], name: str
) -> None:
    client = clerk("cancel_subscription", "edit_customer", "create_customer")
    row = subscriptions[0]
    assert client.get(display.admin_url(row, "operation", row.pk, name)).status_code == 404


# --- Many rows ------------------------------------------------------------------------------------------------------


def choose(client: Client, rows: list[Any], query: str = "", **more: str) -> str:
    """The address of the preview, as the list's action leads to it."""
    posted = {"action": "bulk_cancel_subscription", "_selected_action": [row.pk for row in rows], "index": "0", **more}
    answer = client.post(display.list_url(Subscription) + query, posted)
    assert answer.status_code == 302
    return str(answer["Location"])


def test_ticked_rows_are_previewed_planned_and_run(
    clerk: Callable[..., Client], subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    client = clerk("cancel_subscription", "run_job")
    preview = choose(client, subscriptions[1:])
    html = client.get(preview).content.decode()
    assert "€10.00" in html
    assert "¥500" in html
    assert "€39.00" not in html
    form = inputs(html) | {"reason": "Product ends"}
    answer = client.post(preview, form)
    job = Job.objects.get()
    assert answer["Location"] == display.object_url(job)
    assert client.post(preview, form)["Location"] == display.object_url(job)
    run_job(job.pk)
    html = client.get(display.object_url(job)).content.decode()
    assert "2 of 2 settled" in html
    ended = [s["id"] for s in sandbox.objects("subscription") if s["cancel_at_period_end"]]
    assert sorted(ended) == sorted(row.pk for row in subscriptions[1:])


def test_all_that_match_travel_as_the_lists_query(clerk: Callable[..., Client], subscriptions: list[Any]) -> None:
    client = clerk("cancel_subscription", "run_job")
    preview = choose(client, subscriptions[:1], "?currency=eur&p=1", select_across="1")
    assert preview.endswith("/bulk/cancel_subscription/?currency=eur")
    html = client.get(preview).content.decode()
    assert "€39.00" in html
    assert "¥500" not in html


def test_a_list_that_grew_since_the_preview_is_shown_again_before_anything_starts(
    clerk: Callable[..., Client], subscriptions: list[Any]
) -> None:
    client = clerk("cancel_subscription", "run_job")
    preview = choose(client, subscriptions[:1], "?currency=eur", select_across="1")
    form = inputs(client.get(preview).content.decode()) | {"reason": "Product ends"}
    arrive(subscriptions[0].data | {"id": "sub_meanwhile"})
    html = client.post(preview, form).content.decode()
    assert "Nothing was started" in html
    assert not Job.objects.exists()
    answer = client.post(preview, inputs(html) | {"reason": "Product ends"})
    job = Job.objects.get()
    assert answer["Location"] == display.object_url(job)
    # The same form again finds the job, although the list has changed once more.
    arrive(subscriptions[0].data | {"id": "sub_later"})
    assert client.post(preview, inputs(html) | {"reason": "Product ends"})["Location"] == display.object_url(job)


def test_the_preview_names_what_is_left_out_and_why(
    clerk: Callable[..., Client], subscriptions: list[Any], sandbox: RunningSandbox
) -> None:
    client = clerk("cancel_subscription", "run_job")
    sandbox.delete(f"/v1/subscriptions/{subscriptions[0].pk}")
    mirrored({"object": "subscription", "id": subscriptions[0].pk})
    html = client.get(choose(client, subscriptions)).content.decode()
    assert "1 left out, and why" in html
    assert "This subscription has ended" in html


def test_a_job_is_paused_resumed_and_stopped_by_post_only(
    clerk: Callable[..., Client], subscriptions: list[Any]
) -> None:
    client = clerk("cancel_subscription", "run_job")
    preview = choose(client, subscriptions)
    client.post(preview, inputs(client.get(preview).content.decode()) | {"reason": "x"})
    job = Job.objects.get()
    pause, resume, stop = (display.admin_url(job, page, job.pk) for page in ("pause", "resume", "stop"))
    for url in (pause, resume, stop):
        assert client.get(url).status_code == 405
    client.post(pause)
    job.refresh_from_db()
    assert job.state == Job.State.PAUSED
    assert resume in client.get(display.object_url(job)).content.decode()
    client.post(resume)
    job.refresh_from_db()
    assert job.state == Job.State.READY
    client.post(stop)
    job.refresh_from_db()
    assert job.state == Job.State.STOPPED
    html = client.get(display.object_url(job)).content.decode()
    assert not any(url in html for url in (pause, resume, stop))
    assert "stopped by clerk" in html


def test_a_job_says_what_was_chosen_in_the_words_of_the_form(
    clerk: Callable[..., Client], transactional_db: None
) -> None:
    client = clerk("cancel_subscription")
    chosen = {"when": "period_end", "invoice_now": True, "comment": "", "until": ["soon"]}
    job = Job.objects.create(
        operation="cancel_subscription", object_type="subscription", user=User.objects.get(), form=chosen
    )
    html = client.get(display.object_url(job)).content.decode()
    assert "When: At the end of the period, Invoice outstanding items now: Yes, Until: [&#x27;soon&#x27;]" in html


def test_who_may_only_look_steers_no_job(clerk: Callable[..., Client], transactional_db: None) -> None:
    client = clerk()
    job = Job.objects.create(operation="cancel_subscription", object_type="subscription", user=User.objects.get())
    for page in ("pause", "resume", "stop", "retry", "undo"):
        expected = 302 if page == "undo" else 403
        assert client.post(display.admin_url(job, page, job.pk)).status_code == expected, page
    assert "Stop for good" not in client.get(display.object_url(job)).content.decode()


# --- Users who are customers ----------------------------------------------------------------------------------------


def test_a_user_becomes_a_customer_by_the_endpoint(clerk: Callable[..., Client], sandbox: RunningSandbox) -> None:
    client = clerk("create_customer")
    user = User.objects.create_user("ann", "ann@example.com", first_name="Ann")
    url = display.admin_url(CustomerLink, "create", user.pk)
    assert client.get(url).status_code == 405
    first = client.post(url, headers={"Accept": "application/json"}).json()
    again = client.post(url, headers={"Accept": "application/json"}).json()
    assert first["customer"] == again["customer"] == CustomerLink.objects.get(user=user).customer_id
    assert len(sandbox.objects("customer")) == 1


def test_who_may_not_create_customers_is_refused(clerk: Callable[..., Client], sandbox: RunningSandbox) -> None:
    client = clerk("edit_customer")
    user = User.objects.create_user("ann", "ann@example.com")
    assert client.post(display.admin_url(CustomerLink, "create", user.pk)).status_code == 403
    assert sandbox.objects("customer") == []


def test_the_users_page_shows_customer_and_subscription(clerk: Callable[..., Client], subscriptions: list[Any]) -> None:
    client = clerk("view_user", "create_customer")
    row = subscriptions[0]
    fetch_now(get_kind("customer"), row.customer_id, patient=False)
    user = User.objects.create_user("ann", "ann@example.com")
    page = display.object_url(user)
    assert "Create customer in Stripe" in client.get(page).content.decode()
    CustomerLink.objects.create(user=user, customer_id=row.customer_id)
    html = client.get(page).content.decode()
    assert display.object_url(row.customer) in html
    assert display.object_url(row) in html
    assert "Active" in html
    assert "This user is no customer" not in html


def test_selected_users_become_customers(clerk: Callable[..., Client], sandbox: RunningSandbox) -> None:
    client = clerk("view_user", "create_customer")
    users = [User.objects.create_user(name, f"{name}@example.com") for name in ("ann", "ben")]
    posted = {"action": "create_customers", "_selected_action": [user.pk for user in users], "index": "0"}
    client.post(display.list_url(User), posted)
    assert CustomerLink.objects.count() == len(sandbox.objects("customer")) == 2
