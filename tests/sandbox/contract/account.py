"""A small account in which any endpoint can be called: one customer, a plan, and what else a call needs."""

from functools import cached_property
from typing import Any

from tests.sandbox.billing.discounts import give_to_customer
from tests.sandbox.happenings import happen
from tests.sandbox.server import Reply, Sandbox
from tests.sandbox.versions import DAHLIA, ENDIVE

HEADERS = {"Authorization": "Bearer sk_test_sandboxcontract", "Stripe-Version": DAHLIA}
DAY = 24 * 3600


class Account:
    """Objects are made when they are first asked for; calls are made in the version of the description."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def ask(self, method: str, path: str, params: dict[str, Any] | None = None) -> Reply:
        """One call, whatever it answers."""
        return self.sandbox.request(method, path, params, headers=HEADERS)

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call that must succeed."""
        reply = self.ask(method, path, params)
        assert reply.status == 200, f"{method} {path} {params} answered {reply.status}: {reply.body}"
        return reply.body

    @cached_property
    def customer(self) -> str:
        """A customer."""
        return str(self.call("POST", "/v1/customers", {"name": "Ann", "email": "ann@example.com"})["id"])

    @cached_property
    def card(self) -> str:
        """The customer's card, its default."""
        card = self.call("POST", "/v1/payment_methods/pm_card_visa/attach", {"customer": self.customer})["id"]
        default = {"invoice_settings": {"default_payment_method": card}}
        self.call("POST", f"/v1/customers/{self.customer}", default)
        return str(card)

    @cached_property
    def product(self) -> str:
        """A product."""
        return str(self.call("POST", "/v1/products", {"name": "Boat"})["id"])

    def new_price(self, amount: int = 1000, **params: Any) -> str:
        """A monthly price, or a one-off one with `recurring=None`."""
        described = {"product": self.product, "currency": "usd", "unit_amount": amount}
        described |= {"recurring": {"interval": "month"}} | params
        return str(self.call("POST", "/v1/prices", described)["id"])

    @cached_property
    def price(self) -> str:
        """A monthly price."""
        return self.new_price()

    @cached_property
    def coupon(self) -> str:
        """A coupon."""
        return str(self.call("POST", "/v1/coupons", {"percent_off": 20, "duration": "forever"})["id"])

    @cached_property
    def discounted_customer(self) -> str:
        """A customer with a coupon, from the days when that could be asked for."""
        give_to_customer(self.sandbox, self.customer, self.coupon)
        return self.customer

    @cached_property
    def credit(self) -> str:
        """A transaction that gave the customer credit."""
        path = f"/v1/customers/{self.customer}/balance_transactions"
        return str(self.call("POST", path, {"amount": -500, "currency": "usd"})["id"])

    @cached_property
    def credit_note(self) -> str:
        """A credit note over a part of the open invoice."""
        return str(self.call("POST", "/v1/credit_notes", {"invoice": self.open_invoice, "amount": 300})["id"])

    @cached_property
    def tax_rate(self) -> str:
        """A tax rate."""
        described = {"display_name": "VAT", "percentage": 19, "inclusive": False}
        return str(self.call("POST", "/v1/tax_rates", described)["id"])

    @cached_property
    def promotion_code(self) -> str:
        """A promotion code for the coupon."""
        described = {"promotion": {"type": "coupon", "coupon": self.coupon}, "code": "LANTERN"}
        return str(self.call("POST", "/v1/promotion_codes", described)["id"])

    @cached_property
    def tax_id(self) -> str:
        """A tax id of the customer."""
        described = {"type": "eu_vat", "value": "DE123456789"}
        return str(self.call("POST", f"/v1/customers/{self.customer}/tax_ids", described)["id"])

    @cached_property
    def subscription(self) -> dict[str, Any]:
        """An active subscription; its first invoice is paid."""
        assert self.card
        return self.subscribe()

    def subscribe(self, **params: Any) -> dict[str, Any]:
        """A further subscription."""
        described = {"customer": self.customer, "items": [{"price": self.price, "quantity": 2}]}
        return self.call("POST", "/v1/subscriptions", described | params)

    @cached_property
    def paused_subscription(self) -> str:
        """A subscription that was paused; only newer versions can ask for that."""
        path, headers = f"/v1/subscriptions/{self.subscription['id']}/pause", HEADERS | {"Stripe-Version": ENDIVE}
        return str(self.sandbox.request("POST", path, headers=headers).body["id"])

    def subscribe_twice(self) -> dict[str, Any]:
        """A subscription with two items."""
        assert self.card
        return self.subscribe(items=[{"price": self.price}, {"price": self.new_price(300)}])

    @cached_property
    def schedule(self) -> str:
        """A schedule of the subscription."""
        params = {"from_subscription": self.subscription["id"]}
        return str(self.call("POST", "/v1/subscription_schedules", params)["id"])

    @cached_property
    def draft(self) -> str:
        """A draft invoice."""
        sent = self.subscribe(collection_method="send_invoice", days_until_due=30)
        return str(sent["latest_invoice"])

    @cached_property
    def manual_draft(self) -> str:
        """A draft that was made by hand, without lines."""
        return str(self.call("POST", "/v1/invoices", {"customer": self.customer})["id"])

    @cached_property
    def invoiceitem(self) -> str:
        """An item on that draft."""
        params = {"customer": self.customer, "invoice": self.manual_draft, "amount": 900, "currency": "usd"}
        return str(self.call("POST", "/v1/invoiceitems", params)["id"])

    @cached_property
    def filled_draft(self) -> str:
        """The draft that was made by hand, with the item on it."""
        assert self.invoiceitem
        return self.manual_draft

    @cached_property
    def open_invoice(self) -> str:
        """A finalized invoice that nobody has paid."""
        assert self.card
        return str(self.call("POST", f"/v1/invoices/{self.draft}/finalize")["id"])

    def line_of(self, invoice: str) -> str:
        """The first line of an invoice."""
        return str(self.call("GET", f"/v1/invoices/{invoice}/lines")["data"][0]["id"])

    @cached_property
    def charge(self) -> str:
        """A successful payment."""
        assert self.subscription
        return str(self.call("GET", "/v1/charges", {"limit": 1})["data"][0]["id"])

    @cached_property
    def refund(self) -> str:
        """A partial refund."""
        return str(self.call("POST", "/v1/refunds", {"charge": self.charge, "amount": 100})["id"])

    @cached_property
    def waiting_refund(self) -> str:
        """One that waits for the customer's bank account."""
        paid = self.new_intent(payment_method="pm_card_pendingRefund", confirm=True)
        refund = str(self.call("POST", "/v1/refunds", {"payment_intent": paid, "amount": 100})["id"])
        happen(self.sandbox, "ask_for_refund_details", refund=refund)
        return refund

    def new_intent(self, **params: Any) -> str:
        """A payment intent."""
        described = {"amount": 1500, "currency": "usd", "customer": self.customer, **params}
        return str(self.call("POST", "/v1/payment_intents", described)["id"])

    @cached_property
    def dispute(self) -> str:
        """A dispute that waits for an answer."""
        self.new_intent(payment_method="pm_card_createDispute", confirm=True)
        self.sandbox.tick()
        return str(self.call("GET", "/v1/disputes")["data"][0]["id"])

    @cached_property
    def setup_intent(self) -> str:
        """A setup intent that waits for a payment method."""
        return str(self.call("POST", "/v1/setup_intents", {"customer": self.customer})["id"])

    @cached_property
    def checkout_session(self) -> str:
        """An open Checkout Session."""
        lines = [{"price": self.new_price(2500, recurring=None), "quantity": 2}]
        described = {"mode": "payment", "line_items": lines, "success_url": "https://example.com/done"}
        return str(self.call("POST", "/v1/checkout/sessions", described)["id"])

    @cached_property
    def test_clock(self) -> str:
        """A test clock with a customer."""
        clock = str(self.call("POST", "/v1/test_helpers/test_clocks", {"frozen_time": self.sandbox.now()})["id"])
        self.call("POST", "/v1/customers", {"test_clock": clock})
        return clock

    @cached_property
    def payout(self) -> str:
        """A payout by hand of money that was available at once."""
        return str(self.call("POST", "/v1/payouts", {"amount": self.funds(), "currency": "usd"})["id"])

    @cached_property
    def paid_payout(self) -> str:
        """The same when it has arrived."""
        assert self.payout
        self.sandbox.advance(3 * DAY)
        return self.payout

    def funds(self) -> int:
        """Take a payment that is available at once; what it brings."""
        intent = self.new_intent(payment_method="pm_card_bypassPending", confirm=True)
        charge = self.call("GET", "/v1/charges", {"payment_intent": intent})["data"][0]
        return int(self.call("GET", f"/v1/balance_transactions/{charge['balance_transaction']}")["net"])

    @cached_property
    def endpoint(self) -> str:
        """A webhook endpoint (switched off: nothing is sent)."""
        params = {"url": "https://example.com/hooks/", "enabled_events": ["customer.created"]}
        endpoint = str(self.call("POST", "/v1/webhook_endpoints", params)["id"])
        self.call("POST", f"/v1/webhook_endpoints/{endpoint}", {"disabled": True})
        return endpoint
