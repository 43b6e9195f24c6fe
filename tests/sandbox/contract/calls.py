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
    ("DELETE", "/v1/customers/{id}/discount"): lambda account: ((account.discounted_customer,), {}),
    ("POST", "/v1/customers/{id}/tax_ids"): lambda account: (
        (account.customer,),
        {"type": "us_ein", "value": "12-3456789"},
    ),
    ("DELETE", "/v1/customers/{id}/tax_ids/{txi}"): lambda account: ((account.customer, account.tax_id), {}),
    ("POST", "/v1/customers/{id}/balance_transactions"): lambda account: (
        (account.customer,),
        {"amount": -700, "currency": "usd", "description": "Goodwill", "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/customers/{id}/balance_transactions/{transaction}"): lambda account: (
        (account.customer, account.credit),
        {"description": "For the outage", "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/tax_ids"): lambda account: (
        (),
        {"type": "gb_vat", "value": "GB123456789", "owner": {"type": "customer", "customer": account.customer}},
    ),
    ("DELETE", "/v1/tax_ids/{id}"): lambda account: ((account.tax_id,), {}),
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
    ("POST", "/v1/promotion_codes"): lambda account: (
        (),
        {
            "promotion": {"type": "coupon", "coupon": account.coupon},
            "code": "FRIENDS",
            "customer": account.customer,
            "expires_at": account.sandbox.now() + 60 * DAY,
            "max_redemptions": 5,
            "restrictions": {"minimum_amount": 1000, "minimum_amount_currency": "usd"},
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/promotion_codes/{id}"): lambda account: (
        (account.promotion_code,),
        {"active": False, "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/tax_rates"): lambda account: (
        (),
        {
            "display_name": "Sales Tax",
            "percentage": 8.25,
            "inclusive": False,
            "country": "US",
            "state": "TX",
            "jurisdiction": "Austin",
            "description": "City and state",
            "tax_type": "sales_tax",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/tax_rates/{id}"): lambda account: ((account.tax_rate,), {"active": False, "description": "Old"}),
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
    ("POST", "/v1/subscription_schedules"): lambda account: (
        (),
        {
            "customer": account.customer,
            "start_date": account.sandbox.now() + 10 * DAY,
            "end_behavior": "cancel",
            "phases": [
                {
                    "items": [{"price": account.price, "quantity": 2}],
                    "duration": {"interval": "month", "interval_count": 3},
                    "discounts": [{"coupon": account.coupon}],
                    "default_payment_method": account.card,
                },
                {"items": [{"price": account.new_price(700)}], "collection_method": "send_invoice"},
            ],
            "default_settings": {"description": "Two boats, then one"},
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/subscription_schedules/{id}"): lambda account: (
        (account.schedule,),
        {
            "phases": [
                {"items": [{"price": account.price, "quantity": 3}], "proration_behavior": "none"},
                {"items": [{"price": account.new_price(700)}], "duration": {"interval": "year"}},
            ],
            "end_behavior": "release",
            "proration_behavior": "none",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/subscription_schedules/{id}/cancel"): lambda account: ((account.schedule,), {"prorate": False}),
    ("POST", "/v1/subscription_schedules/{id}/release"): lambda account: (
        (account.schedule,),
        {"preserve_cancel_date": True},
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
    ("POST", "/v1/credit_notes"): lambda account: (
        (),
        {
            "invoice": account.subscription["latest_invoice"],
            "lines": [
                {
                    "type": "invoice_line_item",
                    "invoice_line_item": account.line_of(account.subscription["latest_invoice"]),
                    "quantity": 1,
                },
                {"type": "custom_line_item", "description": "Goodwill", "quantity": 2, "unit_amount": 100},
            ],
            "refund_amount": 500,
            "credit_amount": 600,
            "out_of_band_amount": 100,
            "reason": "product_unsatisfactory",
            "memo": "Sorry",
            "email_type": "none",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/credit_notes/{id}"): lambda account: (
        (account.credit_note,),
        {"memo": "As agreed", "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/credit_notes/{id}/void"): lambda account: ((account.credit_note,), {}),
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
    ("POST", "/v1/disputes/{id}"): lambda account: (
        (account.dispute,),
        {
            "evidence": {"customer_name": "Ann", "uncategorized_text": "She signed for it"},
            "submit": False,
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/disputes/{id}/close"): lambda account: ((account.dispute,), {}),
    ("POST", "/v1/setup_intents"): lambda account: (
        (),
        {
            "customer": account.customer,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "description": "For later",
            "usage": "off_session",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/setup_intents/{id}"): lambda account: ((account.setup_intent,), {"metadata": {"a": "b"}}),
    ("POST", "/v1/setup_intents/{id}/confirm"): lambda account: (
        (account.setup_intent,),
        {"payment_method": "pm_card_authenticationRequired"},
    ),
    ("POST", "/v1/setup_intents/{id}/cancel"): lambda account: (
        (account.setup_intent,),
        {"cancellation_reason": "abandoned"},
    ),
    ("POST", "/v1/checkout/sessions"): lambda account: (
        (),
        {
            "mode": "subscription",
            "customer": account.customer,
            "line_items": [{"price": account.price, "quantity": 2}],
            "discounts": [{"coupon": account.coupon}],
            "subscription_data": {"description": "By Checkout", "trial_period_days": 7, "metadata": {"a": "b"}},
            "success_url": "https://example.com/done",
            "cancel_url": "https://example.com/back",
            "client_reference_id": "order 7",
            "expires_at": account.sandbox.now() + 7200,
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/checkout/sessions/{id}"): lambda account: ((account.checkout_session,), {"metadata": {"a": "b"}}),
    ("POST", "/v1/checkout/sessions/{id}/expire"): lambda account: ((account.checkout_session,), {}),
    # The balance
    ("POST", "/v1/payouts"): lambda account: (
        (),
        {
            "amount": account.funds() - 500,
            "currency": "usd",
            "description": "By hand",
            "method": "instant",
            "statement_descriptor": "LANTERN",
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/payouts/{id}"): lambda account: ((account.payout,), {"metadata": {"a": "b"}}),
    ("POST", "/v1/payouts/{id}/cancel"): lambda account: ((account.payout,), {}),
    # Test clocks
    ("POST", "/v1/test_helpers/test_clocks"): lambda account: (
        (),
        {"frozen_time": account.sandbox.now() + DAY, "name": "Renewal"},
    ),
    ("POST", "/v1/test_helpers/test_clocks/{id}/advance"): lambda account: (
        (account.test_clock,),
        {"frozen_time": account.sandbox.now() + DAY},
    ),
    ("DELETE", "/v1/test_helpers/test_clocks/{id}"): lambda account: ((account.test_clock,), {}),
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
}
