"""The account that the key belongs to."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.balance_transactions import AVAILABLE_AFTER_DAYS
from tests.sandbox.resource import Plain, Resource

ACCOUNT = Resource("account", "acct_", "/v1/account", id_length=16)
BUSINESS = "Sandbox Back Office"


def shape(sandbox: Any) -> dict[str, Any]:
    """The account as the API shows it."""
    return {
        "id": sandbox.account_id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "5734",
            "minority_owned_business_designation": None,
            "name": BUSINESS,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": "https://sandbox.example",
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": 1577836800,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@sandbox.example",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{sandbox.account_id}/external_accounts",
        },
        "metadata": {},
        "payouts_enabled": True,
        "settings": settings(),
        "type": "standard",
    }


def settings() -> dict[str, Any]:
    """The account's settings, at their defaults but for weekly payouts."""
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": "SANDBOX",
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": BUSINESS, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": None},
        "payments": {
            "statement_descriptor": "SANDBOX BACK OFFICE",
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {
                "delay_days": AVAILABLE_AFTER_DAYS,
                "interval": "weekly",
                "weekly_anchor": "monday",
                "weekly_payout_days": ["monday"],
            },
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }


@ACCOUNT.on("GET")
def read(sandbox: Any, params: dict[str, Any]) -> Plain:
    """The own account."""
    return Plain(shape(sandbox))


@ACCOUNT.on("GET", "/v1/accounts/{id}")
def read_by_id(sandbox: Any, params: dict[str, Any], account_id: str) -> Plain:
    """The own account by its id."""
    if account_id != sandbox.account_id:
        sandbox.fetch("account", account_id, param="account")
    return Plain(shape(sandbox))
