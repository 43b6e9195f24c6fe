"""Payments and payouts: what customers and banks do, each as a button. Checkout pages are filled in here, too."""

from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from tests.sandbox.dashboard.markup import Html, button, card, pill, select, table, tag
from tests.sandbox.dashboard.page import Call, act, ask, customer_link, go, moment, money, render, route
from tests.sandbox.errors import StripeError
from tests.sandbox.happenings import happen

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

HERE = "/payments"
SHOWN = 10
METHODS = (
    ("pm_card_visa", "Visa, succeeds"),
    ("pm_card_chargeDeclined", "Visa, is declined"),
    ("pm_card_createDispute", "Visa, is disputed afterwards"),
    ("pm_sepaDebit", "SEPA debit, arrives after 3 days"),
    ("pm_sepaDebitFail", "SEPA debit, comes back after 3 days"),
)
DECIDED = ("won", "lost", "warning_closed", "prevented")


def routes(sandbox: "Sandbox") -> list[Route]:
    """The page about money."""
    return [
        route(sandbox, HERE, show),
        route(sandbox, "/checkout/{id}/complete", complete, "POST"),
        route(sandbox, "/checkout/{id}/expire", expire, "POST"),
        route(sandbox, "/happenings/{name}", let_happen, "POST"),
    ]


def show(sandbox: "Sandbox", call: Call) -> Response:
    """The newest of each kind, with what may happen to it next."""
    cards = [_sessions(sandbox), _charges(sandbox), _disputes(sandbox), _payouts(sandbox)]
    return render(sandbox, call, "Payments", cards, here=HERE)


def _newest(sandbox: "Sandbox", path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(sandbox, "GET", path, {"limit": SHOWN, **params})["data"]
    return rows


def _sessions(sandbox: "Sandbox") -> Html:
    rows = [
        (
            money(row["amount_total"], row["currency"]),
            row["mode"],
            customer_link(row["customer"]),
            moment(row["expires_at"]),
            _checkout_form(row["id"]),
        )
        for row in _newest(sandbox, "/v1/checkout/sessions", status="open", expand=["data.customer"])
    ]
    headings = ("Amount", "Mode", "Customer", "Expires", "")
    return card("Open Checkout pages", table(headings, rows, empty="No page is open."), id="sessions")


def _checkout_form(session: str) -> Html:
    pay = tag("button", "Submit as the customer", data_action="complete_checkout")
    fields = [select("Pays with", "payment_method", METHODS), pay]
    form = tag("form", fields, class_="actions", method="post", action=f"/checkout/{session}/complete")
    return tag(
        "div",
        form,
        button("Expire", to=f"/checkout/{session}/expire", action="expire_checkout", danger=True),
        class_="actions",
    )


def _charges(sandbox: "Sandbox") -> Html:
    rows = [
        (
            money(row["amount"], row["currency"]),
            pill("disputed" if row["disputed"] else row["status"]),
            customer_link(row["customer"]),
            moment(row["created"]),
            None
            if row["disputed"] or row["status"] != "succeeded"
            else _button("Dispute", "dispute_charge", row["id"]),
        )
        for row in _newest(sandbox, "/v1/charges", expand=["data.customer"])
    ]
    return card(
        "Payments", table(("Amount", "Status", "Customer", "Created", ""), rows, empty="No payment."), id="charges"
    )


def _disputes(sandbox: "Sandbox") -> Html:
    rows = [
        (
            money(row["amount"], row["currency"]),
            pill(row["status"]),
            row["reason"].replace("_", " "),
            moment(row["evidence_details"]["due_by"]),
            None if row["status"] in DECIDED else _verdicts(row["id"]),
        )
        for row in _newest(sandbox, "/v1/disputes")
    ]
    headings = ("Amount", "Status", "Reason", "Answer by", "")
    return card("Disputes", table(headings, rows, empty="No dispute."), id="disputes")


def _verdicts(dispute: str) -> Html:
    won = _button("We win", "decide_dispute", dispute, won="yes")
    lost = _button("We lose", "decide_dispute", dispute, won="")
    return tag("div", won, lost, class_="actions")


def _payouts(sandbox: "Sandbox") -> Html:
    rows = [
        (
            money(row["amount"], row["currency"]),
            pill(row["status"]),
            "automatic" if row["automatic"] else "by hand",
            moment(row["arrival_date"]),
            None
            if row["status"] in ("failed", "canceled")
            else _button("Bank sends it back", "fail_payout", row["id"]),
        )
        for row in _newest(sandbox, "/v1/payouts")
    ]
    return card("Payouts", table(("Amount", "Status", "Made", "Arrives", ""), rows, empty="No payout."), id="payouts")


def _button(label: str, name: str, object_id: str, **more: str) -> Html:
    return button(label, to=f"/happenings/{name}", action=name, fields={"object": object_id, **more})


def complete(sandbox: "Sandbox", call: Call) -> Response:
    """The customer submits the page."""
    method = call.form.get("payment_method", METHODS[0][0])
    return _do(sandbox, "complete_checkout", session=call.path["id"], payment_method=method)


def expire(sandbox: "Sandbox", call: Call) -> Response:
    """Close the page."""
    return act(sandbox, "POST", f"/v1/checkout/sessions/{call.path['id']}/expire", done="Expired.", back=HERE)


def let_happen(sandbox: "Sandbox", call: Call) -> Response:
    """What a bank does to the object that the form names."""
    name, object_id = call.path["name"], call.form.get("object", "")
    if name == "decide_dispute":
        return _do(sandbox, name, dispute=object_id, won=bool(call.form.get("won")))
    if name == "fail_payout":
        return _do(sandbox, name, payout=object_id)
    return _do(sandbox, name, charge=object_id)


def _do(sandbox: "Sandbox", name: str, **given: Any) -> Response:
    try:
        row = happen(sandbox, name, **given)
    except StripeError as error:
        return go(HERE, error=error.message)
    except (ValueError, TypeError) as error:
        return go(HERE, error=str(error))
    return go(HERE, done=f"{row['id']} is {row['status']} now.")
