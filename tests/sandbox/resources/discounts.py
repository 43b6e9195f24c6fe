"""Discounts: a coupon at work on a subscription or an invoice. They have no endpoints of their own."""

from __future__ import annotations

from tests.sandbox.resource import Resource

DISCOUNT = Resource(
    "discount",
    "di_",
    "/v1/discounts",
    id_length=24,
    indexes=("subscription", "invoice"),
    created="start",
    expands={"customer": "customer", "promotion_code": "promotion_code", "source.coupon": "coupon"},
    keep_deleted=True,
)
