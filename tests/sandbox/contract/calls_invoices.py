"""Good calls: invoices, their items, credit notes."""

from tests.sandbox.contract.prepared import Prepare

INVOICES: dict[tuple[str, str], Prepare] = {
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
            "default_tax_rates": [account.tax_rate],
            "default_payment_method": account.card,
            "metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/invoices/create_preview"): lambda account: (
        (),
        {
            "subscription": account.subscription["id"],
            "subscription_details": {
                "items": [{"id": account.subscription["items"]["data"][0]["id"], "quantity": 5}],
                "proration_behavior": "always_invoice",
                "proration_date": account.sandbox.now(),
            },
            "discounts": [{"coupon": account.coupon}],
            "invoice_items": [{"amount": 700, "currency": "usd", "description": "Set-up"}],
            "preview_mode": "next",
        },
    ),
    ("DELETE", "/v1/invoices/{id}"): lambda account: ((account.manual_draft,), {}),
    ("POST", "/v1/invoices/{id}/add_lines"): lambda account: (
        (account.manual_draft,),
        {
            "lines": [
                {"amount": 500, "description": "Fitting", "tax_rates": [account.tax_rate]},
                {"pricing": {"price": account.new_price(2500, recurring=None)}, "quantity": 2},
                {
                    "price_data": {"currency": "usd", "unit_amount": 70, "product_data": {"name": "Rope"}},
                    "discounts": [{"coupon": account.coupon}],
                },
            ],
            "invoice_metadata": {"a": "b"},
        },
    ),
    ("POST", "/v1/invoices/{id}/update_lines"): lambda account: (
        (account.filled_draft,),
        {"lines": [{"id": account.line_of(account.filled_draft), "amount": 400, "description": "Cheaper"}]},
    ),
    ("POST", "/v1/invoices/{id}/lines/{line}"): lambda account: (
        (account.filled_draft, account.line_of(account.filled_draft)),
        {"description": "As agreed", "tax_rates": [account.tax_rate], "metadata": {"a": "b"}},
    ),
    ("POST", "/v1/invoices/{id}/remove_lines"): lambda account: (
        (account.filled_draft,),
        {"lines": [{"id": account.line_of(account.filled_draft), "behavior": "unassign"}]},
    ),
    ("POST", "/v1/invoices/{id}/attach_payment"): lambda account: (
        (account.open_invoice,),
        {"payment_intent": account.new_intent(amount=700, payment_method=account.card, confirm=True)},
    ),
    ("POST", "/v1/invoiceitems"): lambda account: (
        (),
        {
            "customer": account.customer,
            "invoice": account.manual_draft,
            "pricing": {"price": account.new_price(2500, recurring=None)},
            "quantity": 3,
            "description": "Workshop",
            "discounts": [{"coupon": account.coupon}],
            "tax_rates": [account.tax_rate],
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
}
