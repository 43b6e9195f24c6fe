"""Good calls: test clocks and webhook endpoints."""

from tests.sandbox.contract.account import DAY
from tests.sandbox.contract.prepared import Prepare

ACCOUNT: dict[tuple[str, str], Prepare] = {
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
