"""Good calls: subscriptions and schedules."""

from tests.sandbox.contract.account import DAY
from tests.sandbox.contract.prepared import Prepare

SUBSCRIPTIONS: dict[tuple[str, str], Prepare] = {
    ("POST", "/v1/subscriptions"): lambda account: (
        (),
        {
            "customer": account.customer,
            "default_payment_method": account.card,
            "items": [
                {"price": account.price, "quantity": 3, "tax_rates": [account.tax_rate]},
                {"price": account.new_price(700), "discounts": [{"coupon": account.coupon}]},
            ],
            "default_tax_rates": [account.tax_rate],
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
    ("POST", "/v1/subscriptions/{id}/resume"): lambda account: (
        (account.paused_subscription,),
        {"billing_cycle_anchor": "unchanged", "proration_behavior": "always_invoice"},
    ),
    ("POST", "/v1/subscriptions/{id}/migrate"): lambda account: (
        (account.subscribe(default_payment_method=account.card, billing_mode={"type": "classic"})["id"],),
        {"billing_mode": {"type": "flexible"}},
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
}
