"""Good calls: payments, disputes, the balance."""

from tests.sandbox.contract.prepared import ADDRESS, Prepare

PAYMENTS: dict[tuple[str, str], Prepare] = {
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
    ("POST", "/v1/refunds/{id}/cancel"): lambda account: ((account.waiting_refund,), {}),
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
    ("POST", "/v1/payouts/{id}/reverse"): lambda account: ((account.paid_payout,), {"metadata": {"a": "b"}}),
}
