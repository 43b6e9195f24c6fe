"""Invoices: the list by status; pay, void, finalize, mark uncollectible."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Html, button, card, facts, link, pill, select, table, tag
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
    render,
    route,
)

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

STATUSES = ("all", "draft", "open", "paid", "uncollectible", "void")
HEADINGS = ("Invoice", "Customer", "Status", "Total", "Due", "Created", "")
# What can be done in which status, in Stripe's own words for the verb.
ACTIONS = {
    "finalize": ("Finalize", ("draft",), "Finalized."),
    "pay": ("Pay", ("open", "uncollectible"), "Paid."),
    "void": ("Void", ("open", "uncollectible"), "Voided."),
    "mark_uncollectible": ("Mark uncollectible", ("open",), "Marked uncollectible."),
}


def routes(sandbox: "Sandbox") -> list[Route]:
    """The pages about invoices."""
    return [
        route(sandbox, "/invoices", show_list),
        route(sandbox, "/invoices/{id}", show),
        route(sandbox, "/invoices/{id}/{action}", change, "POST"),
    ]


def show_list(sandbox: "Sandbox", call: Call) -> Response:
    """Invoices of one status, newest first."""
    status = call.query.get("status") or "all"
    params = list_params(call) | {"expand": ["data.customer"]}
    if status != "all":
        params["status"] = status
    listed = ask(sandbox, "GET", "/v1/invoices", params)
    choice = select("Status", "status", [(value, value) for value in STATUSES], status)
    form = tag("form", choice, tag("button", "Show", data_action="filter"), class_="filters", action="/invoices")
    pages = cursors(listed, call, "/invoices")
    found = table(HEADINGS, _rows(listed["data"]), empty="No invoice.", id="invoices")
    return render(sandbox, call, "Invoices", form, found, pages, here="/invoices")


def of_customer(sandbox: "Sandbox", customer: str) -> Html:
    """The card on a customer's page."""
    listed = ask(sandbox, "GET", "/v1/invoices", {"customer": customer, "limit": 10})
    headings, rows = (HEADINGS[0], *HEADINGS[2:]), [(row[0], *row[2:]) for row in _rows(listed["data"])]
    return card("Invoices (last 10)", table(headings, rows, empty="No invoice.", id="invoices"))


def _rows(invoices: Iterable[dict[str, Any]]) -> list[tuple[Html, ...]]:
    return [
        (
            link(invoice["number"] or invoice["id"], f"/invoices/{invoice['id']}"),
            customer_link(invoice["customer"]),
            pill(invoice["status"]),
            money(invoice["total"], invoice["currency"]),
            moment(invoice["due_date"]),
            moment(invoice["created"]),
            tag("div", _buttons(invoice), class_="actions"),
        )
        for invoice in invoices
    ]


def _buttons(invoice: dict[str, Any]) -> list[Html]:
    return [
        button(label, to=f"/invoices/{invoice['id']}/{action}", action=action, danger=action != "pay")
        for action, (label, statuses, _) in ACTIONS.items()
        if invoice["status"] in statuses
    ]


def show(sandbox: "Sandbox", call: Call) -> Response:
    """One invoice with its lines."""
    reply = sandbox.request("GET", f"/v1/invoices/{call.path['id']}", {"expand": ["customer"]})
    if reply.status != 200:
        return missing(sandbox, call, "invoice")
    invoice = reply.body
    buttons = tag("div", _buttons(invoice), class_="actions below")
    title = f"Invoice {invoice['number'] or invoice['id']}"
    body = [card("About", _facts(invoice), buttons), _lines_card(invoice)]
    return render(sandbox, call, title, body, here="/invoices")


def _facts(invoice: dict[str, Any]) -> Html:
    currency = invoice["currency"]
    parent = (invoice.get("parent") or {}).get("subscription_details") or {}
    subscription = parent.get("subscription")
    return facts(
        [
            ("Id", tag("code", invoice["id"])),
            ("Customer", customer_link(invoice["customer"])),
            ("Subscription", subscription and link(subscription, f"/subscriptions/{subscription}")),
            ("Status", pill(invoice["status"])),
            ("Total", money(invoice["total"], currency)),
            ("Paid", money(invoice["amount_paid"], currency)),
            ("Remaining", money(invoice["amount_remaining"], currency)),
            ("Attempts", invoice["attempt_count"]),
            ("Next attempt", moment(invoice["next_payment_attempt"])),
            ("Due", moment(invoice["due_date"])),
            ("Created", moment(invoice["created"])),
        ]
    )


def _lines_card(invoice: dict[str, Any]) -> Html:
    rows = [
        (line["description"], line["quantity"], money(line["amount"], line["currency"]))
        for line in invoice["lines"]["data"]
    ]
    return card("Lines", table(("Description", "Quantity", "Amount"), rows, empty="No line."), id="lines")


def change(sandbox: "Sandbox", call: Call) -> Response:
    """Do what the pressed button says."""
    invoice, action = call.path["id"], call.path["action"]
    back = f"/invoices/{invoice}"
    if action not in ACTIONS:
        return go(back, error=f"There is no action {action!r}. Nothing was changed.")
    return act(sandbox, "POST", f"/v1/invoices/{invoice}/{action}", done=ACTIONS[action][2], back=back)
