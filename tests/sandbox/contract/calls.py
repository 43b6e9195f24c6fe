"""One good call per endpoint that writes."""

from tests.sandbox.contract.calls_account import ACCOUNT
from tests.sandbox.contract.calls_customers import CUSTOMERS
from tests.sandbox.contract.calls_invoices import INVOICES
from tests.sandbox.contract.calls_payments import PAYMENTS
from tests.sandbox.contract.calls_subscriptions import SUBSCRIPTIONS
from tests.sandbox.contract.prepared import Prepare

CALLS: dict[tuple[str, str], Prepare] = {**CUSTOMERS, **SUBSCRIPTIONS, **INVOICES, **PAYMENTS, **ACCOUNT}
