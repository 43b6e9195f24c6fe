"""What each kind of object is. Importing this package declares them all."""

from tests.sandbox.resources import account as account
from tests.sandbox.resources import charges as charges
from tests.sandbox.resources import coupons as coupons
from tests.sandbox.resources import customers as customers
from tests.sandbox.resources import discounts as discounts
from tests.sandbox.resources import events as events
from tests.sandbox.resources import invoice_payments as invoice_payments
from tests.sandbox.resources import invoiceitems as invoiceitems
from tests.sandbox.resources import invoices as invoices
from tests.sandbox.resources import payment_intents as payment_intents
from tests.sandbox.resources import payment_methods as payment_methods
from tests.sandbox.resources import prices as prices
from tests.sandbox.resources import products as products
from tests.sandbox.resources import refunds as refunds
from tests.sandbox.resources import subscription_items as subscription_items
from tests.sandbox.resources import subscriptions as subscriptions
from tests.sandbox.resources import webhook_endpoints as webhook_endpoints
