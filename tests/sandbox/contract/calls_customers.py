"""Good calls: customers and the catalog."""

from tests.sandbox.contract.account import DAY
from tests.sandbox.contract.prepared import ADDRESS, Prepare

CUSTOMERS: dict[tuple[str, str], Prepare] = {
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
            "currency_options": {"eur": {"unit_amount": 1500, "tax_behavior": "inclusive"}},
        },
    ),
    ("POST", "/v1/prices/{id}"): lambda account: ((account.price,), {"active": False, "nickname": "Old"}),
    ("POST", "/v1/coupons"): lambda account: (
        (),
        {
            "id": "FIFTY",
            "amount_off": 5000,
            "currency": "usd",
            "currency_options": {"eur": {"amount_off": 4500}},
            "duration": "once",
            "name": "Fifty off",
        },
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
            "restrictions": {
                "minimum_amount": 1000,
                "minimum_amount_currency": "usd",
                "currency_options": {"eur": {"minimum_amount": 900}},
            },
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
}
