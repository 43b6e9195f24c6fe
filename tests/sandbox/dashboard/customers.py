"""Customers: find one, read all about it, edit it, delete it."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard import invoices, subscriptions
from tests.sandbox.dashboard.markup import Html, button, card, facts, link, pill, table, tag, text_input
from tests.sandbox.dashboard.page import PAGE_SIZE, Call, act, ask, customer_link, missing, moment, money, render, route

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

CONTACT = (("Name", "name", "text"), ("Email", "email", "email"), ("Phone", "phone", "text"))
ADDRESS = (
    ("Line 1", "line1"),
    ("Line 2", "line2"),
    ("Postal code", "postal_code"),
    ("City", "city"),
    ("State", "state"),
    ("Country", "country"),
)
EMPTY_METADATA_ROWS = 2


def routes(sandbox: "Sandbox") -> list[Route]:
    """The pages about customers."""
    return [
        route(sandbox, "/", show_list),
        route(sandbox, "/customers/{id}", show),
        route(sandbox, "/customers/{id}/edit", edit, "POST"),
        route(sandbox, "/customers/{id}/delete", delete, "POST"),
        route(sandbox, "/customers/{id}/refund", refund, "POST"),
    ]


def show_list(sandbox: "Sandbox", call: Call) -> Response:
    """All customers, newest first, or those whose name, email or id contains what was typed."""
    found = _search(sandbox, call.query.get("q", ""))
    page = max(1, int(call.query["page"])) if call.query.get("page", "").isdigit() else 1
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    rows = [
        (
            customer_link(customer),
            customer["email"],
            (customer.get("address") or {}).get("country"),
            (customer.get("currency") or "").upper(),
            moment(customer["created"]),
            tag("code", customer["id"]),
        )
        for customer in shown
    ]
    headings = ("Name", "Email", "Country", "Currency", "Created", "Id")
    listing = table(headings, rows, empty="No customer matches.", id="customers")
    count = tag("p", f"{len(found):,} customer{'' if len(found) == 1 else 's'}", id="count", class_="quiet")
    pages = _pages(call, page, len(found))
    return render(sandbox, call, "Customers", card("Find", _search_form(call)), count, listing, pages, here="/")


def _search(sandbox: "Sandbox", wanted: str) -> list[dict[str, Any]]:
    customers = [customer for customer in sandbox.objects("customer") if not customer.get("deleted")]
    needle = wanted.strip().casefold()
    if needle:
        fields = ("name", "email", "id")
        customers = [c for c in customers if any(needle in (c.get(f) or "").casefold() for f in fields)]
    return sorted(customers, key=lambda customer: (customer["created"], customer["id"]), reverse=True)


def _search_form(call: Call) -> Html:
    entry = text_input("Name, email or id", "q", call.query.get("q", ""), kind="search")
    return tag("form", entry, tag("button", "Search", data_action="search"), class_="actions", method="get", action="/")


def _pages(call: Call, page: int, total: int) -> Html:
    def to(number: int) -> str:
        return f"/?{urlencode({'q': call.query.get('q', ''), 'page': number})}"

    last = max(1, -(-total // PAGE_SIZE))
    newer = link("← Newer", to(page - 1)) if page > 1 else None
    older = link("Older →", to(page + 1)) if page < last else None
    return tag("p", newer, tag("span", f"Page {page} of {last}", class_="quiet"), older, class_="pages")


def show(sandbox: "Sandbox", call: Call) -> Response:
    """One customer with everything that belongs to it."""
    reply = sandbox.request("GET", f"/v1/customers/{call.path['id']}")
    if reply.status != 200 or reply.body.get("deleted"):
        return missing(sandbox, call, "customer")
    customer = reply.body
    title = customer["name"] or customer["email"] or customer["id"]
    left = [_edit_card(customer), _about_card(customer)]
    right = [
        subscriptions.of_customer(sandbox, customer["id"]),
        invoices.of_customer(sandbox, customer["id"]),
        _methods_card(sandbox, customer),
        _charges_card(sandbox, customer["id"]),
    ]
    return render(sandbox, call, title, tag("div", tag("div", left), tag("div", right), class_="columns"), here="/")


def _about_card(customer: dict[str, Any]) -> Html:
    known = facts(
        [
            ("Id", tag("code", customer["id"])),
            ("Created", moment(customer["created"])),
            ("Currency", (customer.get("currency") or "").upper()),
            ("Balance", money(customer.get("balance"), customer.get("currency"))),
            ("Delinquent", "yes" if customer.get("delinquent") else "no"),
        ]
    )
    remove = button("Delete customer", to=f"/customers/{customer['id']}/delete", action="delete_customer", danger=True)
    return card("About", known, tag("div", remove, class_="below"))


def _edit_card(customer: dict[str, Any]) -> Html:
    address = customer.get("address") or {}
    metadata = [*(customer.get("metadata") or {}).items(), *[("", "")] * EMPTY_METADATA_ROWS]
    fields = [
        *[text_input(label, name, customer.get(name), kind=kind, width="wide") for label, name, kind in CONTACT],
        text_input("Description", "description", customer.get("description"), width="wide"),
        tag("fieldset", tag("legend", "Address"), _address_inputs(address)),
        tag("fieldset", tag("legend", "Metadata (clear a value to delete its key)"), _metadata_inputs(metadata)),
        tag("button", "Save", data_action="save_customer"),
    ]
    form = tag("form", fields, class_="fields", method="post", action=f"/customers/{customer['id']}/edit", id="edit")
    return card("Edit", form)


def _address_inputs(address: dict[str, Any]) -> Html:
    inputs = [text_input(label, f"address[{name}]", address.get(name)) for label, name in ADDRESS]
    return tag("div", inputs, class_="fields")


def _metadata_inputs(pairs: list[tuple[str, str]]) -> Html:
    inputs = [
        (
            tag("input", name=f"metadata_key_{row}", value=key, aria_label=f"Metadata key {row + 1}"),
            tag("input", name=f"metadata_value_{row}", value=value, aria_label=f"Metadata value {row + 1}"),
        )
        for row, (key, value) in enumerate(pairs)
    ]
    return tag("div", inputs, class_="pairs")


def _methods_card(sandbox: "Sandbox", customer: dict[str, Any]) -> Html:
    default = (customer.get("invoice_settings") or {}).get("default_payment_method")
    rows = []
    for method in ask(sandbox, "GET", "/v1/payment_methods", {"customer": customer["id"], "limit": 100})["data"]:
        details = method.get(method["type"]) or {}
        expires = f"{details['exp_month']}/{details['exp_year']}" if "exp_year" in details else ""
        described = f"{details.get('brand', method['type'].replace('_', ' '))} •••• {details.get('last4', '')}"
        rows.append((described, expires, "default" if method["id"] == default else "", tag("code", method["id"])))
    empty = "No payment method."
    return card("Payment methods", table(("Card", "Expires", "", "Id"), rows, empty=empty), id="payment-methods")


def _charges_card(sandbox: "Sandbox", customer: str) -> Html:
    charges = ask(sandbox, "GET", "/v1/charges", {"customer": customer, "limit": 10})["data"]
    rows = [
        (
            money(charge["amount"], charge["currency"]),
            pill(charge["status"]),
            charge.get("failure_code") or _refunded(charge),
            moment(charge["created"]),
            _refund_button(charge),
        )
        for charge in charges
    ]
    headings = ("Amount", "Status", "", "Created", "")
    return card("Payments (last 10)", table(headings, rows, empty="No payment yet."), id="charges")


def _refunded(charge: dict[str, Any]) -> Html | str:
    if not charge["amount_refunded"]:
        return ""
    return tag("span", "refunded ", money(charge["amount_refunded"], charge["currency"]))


def _refund_button(charge: dict[str, Any]) -> Html | None:
    if charge["status"] != "succeeded" or charge["refunded"]:
        return None
    to = f"/customers/{charge['customer']}/refund"
    return button("Refund", to=to, action="refund", danger=True, fields={"charge": charge["id"]})


def edit(sandbox: "Sandbox", call: Call) -> Response:
    """Save the form: every field as shown, an emptied one clears it."""
    customer = call.path["id"]
    params: dict[str, Any] = {name: call.form[name] for _, name, _ in CONTACT if name in call.form}
    if "description" in call.form:
        params["description"] = call.form["description"]
    address = {name: call.form[f"address[{name}]"].strip() for _, name in ADDRESS if f"address[{name}]" in call.form}
    if address:
        params["address"] = address if any(address.values()) else ""
    if metadata := _metadata(call.form):
        params["metadata"] = metadata
    return act(sandbox, "POST", f"/v1/customers/{customer}", params, done="Saved.", back=f"/customers/{customer}")


def _metadata(form: Any) -> dict[str, str]:
    rows = [match[1] for name in form if (match := re.fullmatch(r"metadata_key_(\d+)", name))]
    return {
        form[f"metadata_key_{row}"]: form.get(f"metadata_value_{row}", "")
        for row in rows
        if form[f"metadata_key_{row}"]
    }


def delete(sandbox: "Sandbox", call: Call) -> Response:
    """Delete the customer, which cancels its subscriptions."""
    return act(sandbox, "DELETE", f"/v1/customers/{call.path['id']}", done=f"Deleted {call.path['id']}.", back="/")


def refund(sandbox: "Sandbox", call: Call) -> Response:
    """Give back all that is left of a payment."""
    params = {"charge": call.form.get("charge", "")}
    return act(sandbox, "POST", "/v1/refunds", params, done="Refunded.", back=f"/customers/{call.path['id']}")
