"""Subscriptions: the list by status, and everything that staff do to one in the Dashboard."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Html, button, card, facts, join, link, pill, select, table, tag, text_input
from tests.sandbox.dashboard.page import (
    Call,
    act,
    ask,
    cursors,
    customer_link,
    go,
    list_params,
    missing,
    moment,
    money,
    money_text,
    render,
    route,
)

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

STATUSES = ("all", "active", "trialing", "past_due", "unpaid", "incomplete", "incomplete_expired", "paused", "canceled")
ENDED = frozenset({"canceled", "incomplete_expired"})
HEADINGS = ("Customer", "Status", "What", "Current period ends", "Created", "")
PAUSES = (("void", "void invoices"), ("keep_as_draft", "keep as drafts"), ("mark_uncollectible", "mark uncollectible"))


def routes(sandbox: "Sandbox") -> list[Route]:
    """The pages about subscriptions."""
    return [
        route(sandbox, "/subscriptions", show_list),
        route(sandbox, "/subscriptions/{id}", show),
        route(sandbox, "/subscriptions/{id}/{action}", change, "POST"),
    ]


def show_list(sandbox: "Sandbox", call: Call) -> Response:
    """Subscriptions of one status, newest first."""
    status = call.query.get("status") or "all"
    params = list_params(call) | {"status": status, "expand": ["data.customer"]}
    listed = ask(sandbox, "GET", "/v1/subscriptions", params)
    choice = select("Status", "status", [(value, value.replace("_", " ")) for value in STATUSES], status)
    form = tag("form", choice, tag("button", "Show", data_action="filter"), class_="filters", action="/subscriptions")
    pages = cursors(listed, call, "/subscriptions")
    found = table(HEADINGS, _rows(listed["data"]), empty="No subscription.", id="subscriptions")
    return render(sandbox, call, "Subscriptions", form, found, pages, here="/subscriptions")


def of_customer(sandbox: "Sandbox", customer: str) -> Html:
    """The card on a customer's page."""
    params = {"customer": customer, "status": "all", "limit": 100}
    rows = [row[1:] for row in _rows(ask(sandbox, "GET", "/v1/subscriptions", params)["data"])]
    return card("Subscriptions", table(HEADINGS[1:], rows, empty="No subscription.", id="subscriptions"))


def _rows(subscriptions: Iterable[dict[str, Any]]) -> list[tuple[Html, ...]]:
    return [
        (
            customer_link(subscription["customer"]),
            _state(subscription),
            link(_summary(subscription), f"/subscriptions/{subscription['id']}"),
            moment(_period_end(subscription)),
            moment(subscription["created"]),
            tag("div", _cancel_buttons(subscription), class_="actions"),
        )
        for subscription in subscriptions
    ]


def _state(subscription: dict[str, Any]) -> Html:
    ends = subscription["cancel_at"] or (_period_end(subscription) if subscription["cancel_at_period_end"] else None)
    notes = []
    if ends and subscription["status"] not in ENDED:
        notes.append(tag("div", "ends ", moment(ends), class_="quiet"))
    if subscription["pause_collection"]:
        behavior = subscription["pause_collection"]["behavior"].replace("_", " ")
        notes.append(tag("div", f"collection paused: {behavior}", class_="quiet"))
    return join([pill(subscription["status"]), *notes])


def _summary(subscription: dict[str, Any]) -> str:
    parts = []
    for item in subscription["items"]["data"]:
        name = item["price"].get("nickname") or item["price"]["id"]
        parts.append(f"{item.get('quantity', 1)} × {name}")
    return ", ".join(parts)


def _period_end(subscription: dict[str, Any]) -> int | None:
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    return max(ends, default=None)


def _cancel_buttons(subscription: dict[str, Any]) -> list[Html]:
    to = f"/subscriptions/{subscription['id']}"
    if subscription["status"] in ENDED:
        return []
    now = button("Cancel now", to=f"{to}/cancel_now", action="cancel_now", danger=True)
    if subscription["cancel_at_period_end"] or subscription["cancel_at"]:
        return [button("Undo cancellation", to=f"{to}/undo_cancel", action="undo_cancel"), now]
    if subscription["status"] == "incomplete":
        return [now]
    return [button("Cancel at period end", to=f"{to}/cancel_at_period_end", action="cancel_at_period_end"), now]


def show(sandbox: "Sandbox", call: Call) -> Response:
    """One subscription with its forms."""
    path = f"/v1/subscriptions/{call.path['id']}"
    reply = sandbox.request("GET", path, {"expand": ["customer", "latest_invoice"]})
    if reply.status != 200:
        return missing(sandbox, call, "subscription")
    subscription = reply.body
    body = [_about_card(subscription), _items_card(sandbox, subscription)]
    if subscription["status"] not in ENDED:
        body.insert(1, _actions_card(subscription))
    return render(sandbox, call, f"Subscription {subscription['id']}", body, here="/subscriptions")


def _about_card(subscription: dict[str, Any]) -> Html:
    invoice = subscription["latest_invoice"]
    known = facts(
        [
            ("Customer", customer_link(subscription["customer"])),
            ("Status", _state(subscription)),
            ("Current period ends", moment(_period_end(subscription))),
            ("Trial ends", moment(subscription["trial_end"])),
            ("Cancellation asked", moment(subscription["canceled_at"])),
            ("Ended", moment(subscription["ended_at"])),
            ("Collection", subscription["collection_method"].replace("_", " ")),
            ("Latest invoice", invoice and link(invoice["number"] or invoice["id"], f"/invoices/{invoice['id']}")),
            ("Created", moment(subscription["created"])),
        ]
    )
    return card("About", known)


def _actions_card(subscription: dict[str, Any]) -> Html:
    to = f"/subscriptions/{subscription['id']}"
    forms = _cancel_buttons(subscription)
    if subscription["pause_collection"]:
        forms.append(button("Resume collection", to=f"{to}/resume_collection", action="resume_collection"))
    else:
        behavior = select("Pause collection", "behavior", PAUSES)
        pause = tag("button", "Pause collection", data_action="pause_collection")
        forms.append(tag("form", behavior, pause, class_="actions", method="post", action=f"{to}/pause_collection"))
    return card("Actions", tag("div", forms, class_="actions"), id="actions")


def _items_card(sandbox: "Sandbox", subscription: dict[str, Any]) -> Html:
    prices = _prices(sandbox, subscription["currency"])
    rows = []
    for item in subscription["items"]["data"]:
        price = item["price"]
        amount = money(price["unit_amount"], price["currency"])
        form = _item_form(subscription, item, prices) if subscription["status"] not in ENDED else None
        rows.append((price.get("nickname") or price["id"], amount, item.get("quantity", 1), form))
    return card("Items", table(("Price", "Unit amount", "Quantity", ""), rows, empty="No item."), id="items")


def _item_form(subscription: dict[str, Any], item: dict[str, Any], prices: list[dict[str, Any]]) -> Html:
    known = {price["id"]: price for price in [item["price"], *prices]}
    options = [(price["id"], _price_label(price)) for price in known.values()]
    fields = [
        tag("input", type="hidden", name="item", value=item["id"]),
        select("Price", "price", options, item["price"]["id"]),
        text_input("Quantity", "quantity", item.get("quantity", 1), kind="number"),
        tag("button", "Change", data_action="change_item"),
    ]
    to = f"/subscriptions/{subscription['id']}/change_item"
    return tag("form", fields, class_="actions", method="post", action=to)


def _prices(sandbox: "Sandbox", currency: str) -> Any:
    params = {"active": True, "type": "recurring", "currency": currency, "limit": 100}
    return ask(sandbox, "GET", "/v1/prices", params)["data"]


def _price_label(price: dict[str, Any]) -> str:
    return f"{price.get('nickname') or price['id']}, {money_text(price['unit_amount'], price['currency'])}"


def change(sandbox: "Sandbox", call: Call) -> Response:
    """Do what the pressed button says."""
    subscription, action = call.path["id"], call.path["action"]
    back = f"/subscriptions/{subscription}"
    if action == "cancel_now":
        return act(sandbox, "DELETE", f"/v1{back}", done="Canceled.", back=back)
    if action == "undo_cancel":
        return act(sandbox, "POST", f"/v1{back}", _undo(sandbox, back), done="The cancellation is undone.", back=back)
    known = _updates(call.form)
    if action not in known:
        return go(back, error=f"There is no action {action!r}. Nothing was changed.")
    params, done = known[action]
    return act(sandbox, "POST", f"/v1{back}", params, done=done, back=back)


def _updates(form: Any) -> dict[str, tuple[dict[str, Any], str]]:
    item = {key: form[key] for key in ("price", "quantity") if form.get(key)}
    return {
        "cancel_at_period_end": ({"cancel_at_period_end": True}, "Will be canceled when the period ends."),
        "pause_collection": ({"pause_collection": {"behavior": form.get("behavior", "void")}}, "Collection is paused."),
        "resume_collection": ({"pause_collection": ""}, "Collection goes on."),
        "change_item": ({"items": [{"id": form.get("item", ""), **item}]}, "Changed."),
    }


def _undo(sandbox: "Sandbox", path: str) -> dict[str, Any]:
    """A scheduled cancellation is undone by the field that scheduled it (both are set by `cancel_at_period_end`)."""
    reply = sandbox.request("GET", f"/v1{path}")
    by_flag = reply.status == 200 and reply.body["cancel_at_period_end"]
    return {"cancel_at_period_end": False} if by_flag else {"cancel_at": ""}
