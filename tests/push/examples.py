"""Rows to which an operation can be done, for those that not every row of its kind is good for."""

from __future__ import annotations

from typing import Any

MONTHLY = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
PRICE = {"id": "price_1", "object": "price", "currency": "eur", "unit_amount": 2900, "recurring": MONTHLY}
PERIOD = {"current_period_start": 1_900_000_000, "current_period_end": 1_902_000_000}
ITEM = {"id": "si_1", "object": "subscription_item", "price": PRICE, "quantity": 1, **PERIOD}
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "status": "active",
    "currency": "eur",
    "customer": "cus_1",
    "collection_method": "charge_automatically",
    "billing_mode": {"type": "flexible"},
    "items": {"object": "list", "data": [ITEM], "has_more": False},
}
TWO_ITEMS = {"object": "list", "data": [ITEM, {**ITEM, "id": "si_2"}], "has_more": False}
INVOICE: dict[str, Any] = {
    "object": "invoice",
    "status": "open",
    "currency": "eur",
    "customer": "cus_1",
    "collection_method": "charge_automatically",
    "total": 2900,
    "amount_due": 2900,
    "amount_paid": 0,
    "amount_remaining": 2900,
}
DRAFT = {**INVOICE, "status": "draft"}
CHARGE = {"object": "charge", "status": "succeeded", "amount": 2900, "amount_captured": 2900, "currency": "eur"}
HELD = {"object": "payment_intent", "status": "requires_capture", "amount": 2900, "currency": "eur"}
DISPUTE = {"object": "dispute", "status": "needs_response", "amount": 2900, "currency": "eur"}
COUPON: dict[str, Any] = {
    "object": "coupon",
    "name": "Loyal",
    "percent_off": 25,
    "amount_off": None,
    "currency": None,
    "duration": "forever",
    "valid": True,
}
PROMOTION_CODE: dict[str, Any] = {
    "object": "promotion_code",
    "code": "SPRING",
    "promotion": {"type": "coupon", "coupon": "LOYAL"},
    "active": True,
}
TAX_RATE: dict[str, Any] = {
    "object": "tax_rate",
    "display_name": "VAT",
    "percentage": 19,
    "inclusive": False,
    "active": True,
}
PHASE = {"start_date": 1_900_000_000, "end_date": 1_902_000_000, "items": [{"price": "price_1", "quantity": 1}]}
SCHEDULE: dict[str, Any] = {
    "object": "subscription_schedule",
    "status": "active",
    "customer": "cus_1",
    "subscription": "sub_1",
    "end_behavior": "release",
    "current_phase": {"start_date": 1_900_000_000, "end_date": 1_902_000_000},
    "phases": [PHASE],
}
BY_OPERATION: dict[str, dict[str, Any]] = {
    "apply_discount": SUBSCRIPTION,
    "remove_discount": {**SUBSCRIPTION, "discounts": ["di_1", "di_2"]},
    "create_schedule": SUBSCRIPTION,
    "change_subscription_plan": SUBSCRIPTION,
    "add_subscription_item": SUBSCRIPTION,
    "change_trial": SUBSCRIPTION,
    "reset_billing_anchor": SUBSCRIPTION,
    "switch_collection_method": SUBSCRIPTION,
    "change_subscription_payment_method": SUBSCRIPTION,
    "pause_collection": SUBSCRIPTION,
    "unpause_collection": {**SUBSCRIPTION, "pause_collection": {"behavior": "void", "resumes_at": None}},
    "pause_subscription": SUBSCRIPTION,
    "resume_subscription": {**SUBSCRIPTION, "status": "paused"},
    "remove_subscription_item": {**SUBSCRIPTION, "items": TWO_ITEMS},
    "edit_invoice": DRAFT,
    "add_invoice_lines": DRAFT,
    "submit_dispute_evidence": {**DISPUTE, "evidence": {"uncategorized_text": "They got it."}},
    "finalize_invoice": DRAFT,
    "delete_draft_invoice": DRAFT,
    "send_invoice": {**INVOICE, "collection_method": "send_invoice"},
    "capture_payment": {**HELD, "amount_capturable": 2900},
    "cancel_refund": {"object": "refund", "status": "requires_action", "amount": 2900, "currency": "eur"},
    "unarchive_product": {"object": "product", "name": "Basic", "active": False},
    "reactivate_promotion_code": {**PROMOTION_CODE, "active": False},
    "unarchive_tax_rate": {**TAX_RATE, "active": False},
    "unarchive_price": {**PRICE, "object": "price", "active": False},
    "archive_replaced_price": {**PRICE, "product": "prod_1", "active": True},
}
