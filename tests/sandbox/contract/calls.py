"""One good call per endpoint that writes: the ids for its path and its parameters."""

from collections.abc import Callable
from typing import Any

from tests.sandbox.contract.account import DAY, Account

Prepared = tuple[tuple[str, ...], dict[str, Any]]
Prepare = Callable[[Account], Prepared]
ADDRESS = {"line1": "1 Quay", "line2": "B", "city": "Cork", "state": "CO", "postal_code": "T12", "country": "IE"}

CALLS: dict[tuple[str, str], Prepare] = {
    # Customers
    ("POST", "/v1/customers"): lambda account: (
        (),
        {
            "name": "O'Brien & Søn",
            "email": "ann@example.com",
            "phone": "+353 20 910 1000",
            "description": "A customer",
            "address": ADDRESS,
            "shipping": {"name": "Ann", "phone": "1", "address": ADDRESS},
            "tax_exempt": "reverse",
            "preferred_locales": ["en-IE", "ja"],
            "metadata": {"crm_id": "7"},
            "invoice_settings": {"footer": "Thanks", "custom_fields": [{"name": "PO", "value": "12"}]},
        },
    ),
    ("POST", "/v1/customers/{id}"): lambda account: (
        (account.customer,),
        {
            "name": "",
            "balance": -500,
            "address": {"city": "Galway"},
            "shipping": "",
            "invoice_settings": {"default_payment_method": account.card},
            "metadata": {"crm_id": ""},
        },
    ),
    ("DELETE", "/v1/customers/{id}"): lambda account: ((account.customer,), {}),
    # Catalog
    ("POST", "/v1/products"): lambda account: (
        (),
        {
            "name": "Boat",
            "description": "Floats",
            "metadata": {"a": "b"},
            "default_price_data": {"currency": "jpy", "unit_amount": 500, "recurring": {"interval": "year"}},
        },
    ),
    ("POST", "/v1/products/{id}"): lambda account: ((account.product,), {"name": "Ship", "active": False}),
    ("DELETE", "/v1/products/{id}"): lambda account: ((account.product,), {}),
    ("POST", "/v1/prices"): lambda account: (
        (),
        {
            "product": account.product,
            "currency": "kwd",
            "unit_amount": 5120,
            "nickname": "Monthly",
            "lookup_key": "boat_monthly",
            "recurring": {"interval": "month", "interval_count": 3},
        },
    ),
    ("POST", "/v1/prices/{id}"): lambda account: ((account.price,), {"active": False, "nickname": "Old"}),
    ("POST", "/v1/coupons"): lambda account: (
        (),
        {"id": "FIFTY", "amount_off": 5000, "currency": "usd", "duration": "once", "name": "Fifty off"},
    ),
    ("POST", "/v1/coupons/{id}"): lambda account: ((account.coupon,), {"name": "Twenty", "metadata": {"a": "b"}}),
    ("DELETE", "/v1/coupons/{id}"): lambda account: ((account.coupon,), {}),
    # Subscriptions
    ("POST", "/v1/subscriptions"): lambda account: (
        (),
        {
            "customer": account.customer,
            "default_payment_method": account.card,
            "items": [{"price": account.price, "quantity": 3}, {"price": account.new_price(700)}],
            "discounts": [{"coupon": account.coupon}],
            "trial_period_days": 14,
            "description": "Two boats",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/subscriptions/{id}"): lambda account: (
        (account.subscription["id"],),
        {
            "items": [{"id": account.subscription["items"]["data"][0]["id"], "quantity": 5}],
            "cancel_at_period_end": True,
            "cancellation_details": {"feedback": "unused", "comment": "No time"},
            "pause_collection": {"behavior": "void", "resumes_at": account.sandbox.now() + 60 * DAY},
            "proration_behavior": "always_invoice",
        },
    ),
    ("DELETE", "/v1/subscriptions/{id}"): lambda account: (
        (account.subscription["id"],),
        {"invoice_now": True, "prorate": True, "cancellation_details": {"comment": "Bye"}},
    ),
    ("DELETE", "/v1/subscriptions/{id}/discount"): lambda account: (
        (account.subscribe(default_payment_method=account.card, discounts=[{"coupon": account.coupon}])["id"],),
        {},
    ),
    ("POST", "/v1/subscription_items"): lambda account: (
        (),
        {"subscription": account.subscription["id"], "price": account.new_price(300), "quantity": 2},
    ),
    ("POST", "/v1/subscription_items/{id}"): lambda account: (
        (account.subscription["items"]["data"][0]["id"],),
        {"quantity": 9, "proration_behavior": "none"},
    ),
    ("DELETE", "/v1/subscription_items/{id}"): lambda account: (
        (account.subscribe_twice()["items"]["data"][1]["id"],),
        {"proration_behavior": "none"},
    ),
    # Invoices
    ("POST", "/v1/invoices/{id}"): lambda account: ((account.draft,), {"description": "Memo", "metadata": {"a": "b"}}),
    ("POST", "/v1/invoices/{id}/finalize"): lambda account: ((account.draft,), {}),
    ("POST", "/v1/invoices/{id}/send"): lambda account: ((account.draft,), {}),
    ("POST", "/v1/invoices/{id}/pay"): lambda account: ((account.open_invoice,), {"payment_method": account.card}),
    ("POST", "/v1/invoices/{id}/void"): lambda account: ((account.open_invoice,), {}),
    ("POST", "/v1/invoices/{id}/mark_uncollectible"): lambda account: ((account.open_invoice,), {}),
    ("POST", "/v1/invoices"): lambda account: (
        (),
        {
            "customer": account.customer,
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "auto_advance": False,
            "description": "By hand",
            "metadata": {"a": "b"},
        },
    ),
    ("DELETE", "/v1/invoices/{id}"): lambda account: ((account.manual_draft,), {}),
    ("POST", "/v1/invoiceitems"): lambda account: (
        (),
        {
            "customer": account.customer,
            "invoice": account.manual_draft,
            "pricing": {"price": account.new_price(2500, recurring=None)},
            "quantity": 3,
            "description": "Workshop",
        },
    ),
    ("POST", "/v1/invoiceitems/{id}"): lambda account: (
        (account.invoiceitem,),
        {"amount": 700, "description": "Cheaper", "metadata": {"a": "b"}},
    ),
    ("DELETE", "/v1/invoiceitems/{id}"): lambda account: ((account.invoiceitem,), {}),
    # Payments
    ("POST", "/v1/payment_methods"): lambda account: (
        (),
        {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"name": "Ann"}},
    ),
    ("POST", "/v1/payment_methods/{id}/attach"): lambda account: (("pm_card_amex",), {"customer": account.customer}),
    ("POST", "/v1/payment_methods/{id}/detach"): lambda account: ((account.card,), {}),
    ("POST", "/v1/payment_methods/{id}"): lambda account: (
        (account.card,),
        {"billing_details": {"name": "Ann", "address": ADDRESS}, "card": {"exp_month": 3, "exp_year": 2040}},
    ),
    ("POST", "/v1/payment_intents"): lambda account: (
        (),
        {
            "amount": 1500,
            "currency": "eur",
            "customer": account.customer,
            "payment_method": account.card,
            "confirm": True,
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/payment_intents/{id}"): lambda account: ((account.new_intent(),), {"description": "Changed"}),
    ("POST", "/v1/payment_intents/{id}/confirm"): lambda account: (
        (account.new_intent(),),
        {"payment_method": account.card},
    ),
    ("POST", "/v1/payment_intents/{id}/cancel"): lambda account: (
        (account.new_intent(),),
        {"cancellation_reason": "duplicate"},
    ),
    ("POST", "/v1/payment_intents/{id}/capture"): lambda account: (
        (account.new_intent(payment_method=account.card, confirm=True, capture_method="manual"),),
        {},
    ),
    ("POST", "/v1/charges/{id}"): lambda account: ((account.charge,), {"description": "Changed"}),
    ("POST", "/v1/refunds"): lambda account: (
        (),
        {"charge": account.charge, "amount": 200, "reason": "duplicate", "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/refunds/{id}"): lambda account: ((account.refund,), {"metadata": {"a": "b"}}),
    # Webhook endpoints
    ("POST", "/v1/webhook_endpoints"): lambda account: (
        (),
        {
            "url": "https://example.com/h/",
            "enabled_events": ["*"],
            "description": "Ours",
            "api_version": "2026-08-26.dahlia",
        },
    ),
    ("POST", "/v1/webhook_endpoints/{id}"): lambda account: (
        (account.endpoint,),
        {"enabled_events": ["customer.created", "customer.deleted"], "metadata": {"a": "b"}},
    ),
    ("DELETE", "/v1/webhook_endpoints/{id}"): lambda account: ((account.endpoint,), {}),
}
# Endpoints that can only refuse here, and why.
REFUSED = {
    ("POST", "/v1/refunds/{id}/cancel"): "only refunds that wait for bank details can be canceled, and there are none",
    ("DELETE", "/v1/customers/{id}/discount"): "no parameter can put a coupon on a customer any more",
}
