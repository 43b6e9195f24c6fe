"""A plausible company's objects, kind by kind: copies of the sandbox's, varied in what columns are derived from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.fill_people import Company, Person, drawn, token
from tests.sandbox.expand import render
from tests.sandbox.seed import seed
from tests.sandbox.server import Sandbox

Object = dict[str, Any]
MONTH = 2_629_800
# Each five hundredth subscription belongs to the first customer, who has far too many of everything.
BUSY = 500
STATUSES = (
    *(("active",) * 70),
    *(("canceled",) * 18),
    *(("trialing",) * 4),
    *(("past_due",) * 4),
    "unpaid",
    "paused",
    "incomplete",
    "incomplete_expired",
)
INVOICES = (*("paid",) * 80, *("open",) * 9, *("draft",) * 4, *("void",) * 4, *("uncollectible",) * 3)


def templates() -> dict[str, list[Object]]:
    """What the sandbox's company holds, as Stripe's API shows it."""
    sandbox = Sandbox()
    sandbox.clock.set(int(time.time()) - 1000)
    seed(sandbox, customers=60)
    found = {kind: [render(sandbox, row) for row in table.rows.values()] for kind, table in sandbox.tables.items()}
    sandbox.close()
    return {kind: rows for kind, rows in found.items() if rows}


def usual(rows: list[Object]) -> Object:
    """The one of median size."""
    return sorted(rows, key=lambda one: len(json.dumps(one)))[len(rows) // 2]


class Objects:
    """The objects of a company, by kind and number; the same number means the same life."""

    def __init__(self, company: Company, found: dict[str, list[Object]]) -> None:
        self.company = company
        self.found = found
        self.usual = {kind: usual(rows) for kind, rows in found.items()}
        self.prices = self._prices()
        size = company.customers
        self.counts: dict[str, int] = {
            "customer": size,
            "payment_method": size * 3 // 10,
            "subscription": size,
            "subscription_item": size,
            "invoice": size // 2,
            "line_item": size // 2,
            "invoice_payment": size * 2 // 5,
            "payment_intent": size * 9 // 20,
            "charge": size * 2 // 5,
            "balance_transaction": size * 2 // 5,
            "refund": size // 50,
            "dispute": size // 200,
        }
        self.makers: dict[str, Callable[[int], Object]] = {kind: getattr(self, kind) for kind in self.counts}

    def _prices(self) -> dict[str, list[Object]]:
        by_currency: dict[str, list[Object]] = {}
        for price in self.found["price"]:
            if price["type"] == "recurring" and price["unit_amount"]:
                by_currency.setdefault(price["currency"], []).append(price)
        return by_currency

    def of(self, kind: str) -> Iterator[Object]:
        """All of a kind, the oldest first. Kinds that nothing varies are copied as they are, two in a hundred."""
        if maker := self.makers.get(kind):
            yield from map(maker, range(self.counts[kind]))
        elif kind in ("product", "price", "tax_rate", "coupon"):
            yield from self.found[kind]
        else:
            count = self.company.customers // 50
            yield from (self.copy(kind, number, count) for number in range(count))

    def copy(self, kind: str, number: int, count: int) -> Object:
        """One of the sandbox's, with an id, a second and a customer of its own."""
        rows = self.found[kind]
        one = rows[number % len(rows)]
        own = {
            "id": f"{one['id'].partition('_')[0]}_{token(kind, number)}",
            "created": self.second(kind, number, count),
        }
        return {**one, **own, **({"customer": self.owner(number * 50)} if one.get("customer") else {})}

    def second(self, kind: str, number: int, count: int = 0) -> int:
        return self.company.second(number, count or self.counts[kind])

    def who(self, subscription: int) -> Person:
        """Whose subscription it is: one in ten has two, as many have none."""
        return Person(0 if subscription % BUSY == 0 else subscription - (subscription % 10 == 3))

    def owner(self, subscription: int) -> str:
        return self.who(subscription).id

    def price(self, subscription: int) -> Object:
        currency = self.who(subscription).place[1]
        offered = self.prices.get(currency) or self.prices["eur"]
        return offered[drawn(subscription, 5, len(offered))]

    def amount(self, subscription: int) -> int:
        return int(self.price(subscription)["unit_amount"]) * self.quantity(subscription)

    def quantity(self, subscription: int) -> int:
        return 1 + drawn(subscription, 11, 12) if subscription % 4 == 0 else 1

    # --- Kinds --------------------------------------------------------------------------------------------------

    def customer(self, number: int) -> Object:
        person = Person(number)
        template = self.usual["customer"]
        country, currency, _ = person.place
        method = f"pm_{token('pm', number * 3 // 10)}" if number % 10 in (0, 4, 7) else None
        return {
            **template,
            "id": person.id,
            "created": self.second("customer", number),
            "name": person.name,
            "email": person.email,
            "phone": person.phone if number % 3 else None,
            "address": {**template["address"], "country": country, "line1": f"{drawn(number, 1, 200)} High Street"},
            "currency": currency,
            "balance": drawn(number, 2, 9000) - 4500 if number % 25 == 0 else 0,
            "delinquent": number % 23 == 0,
            "invoice_prefix": token("prefix", number, 8).upper(),
            "invoice_settings": {**template["invoice_settings"], "default_payment_method": method},
            "metadata": {**template["metadata"], "crm_id": f"CRM-{number:07}"},
        }

    def payment_method(self, number: int) -> Object:
        """The cards of customers 0, 4, 7, 10, 14, …"""
        template = self.usual["payment_method"]
        owner = Person(number // 3 * 10 + (0, 4, 7)[number % 3])
        card = {
            "last4": f"{drawn(number, 1, 10_000):04}",
            "brand": ("visa", "mastercard", "amex", "discover")[drawn(number, 2, 4)],
            "exp_month": 1 + number % 12,
            "exp_year": 2026 + number % 6,
            "fingerprint": token("print", number, 16),
        }
        own = {
            "id": f"pm_{token('pm', number)}",
            "created": self.second("payment_method", number),
            "customer": owner.id,
        }
        return {**template, **own, "card": {**template["card"], **card}}

    def subscription(self, number: int) -> Object:
        created = self.second("subscription", number)
        status = STATUSES[drawn(number, 7, len(STATUSES))]
        lived = (self.company.now - created) * drawn(number, 19, 100) // 100
        ended = created + lived if status in ("canceled", "incomplete_expired") else None
        leaving = status == "active" and number % 30 == 0
        start, end = self.period(created)
        return {
            **self.usual["subscription"],
            "id": f"sub_{token('sub', number)}",
            "created": created,
            "start_date": created,
            "billing_cycle_anchor": created,
            "customer": self.owner(number),
            "status": status,
            "currency": self.price(number)["currency"],
            "collection_method": "send_invoice" if number % 9 == 0 else "charge_automatically",
            "days_until_due": 14 if number % 9 == 0 else None,
            "cancel_at_period_end": leaving,
            "cancel_at": end if leaving else None,
            "canceled_at": ended or (start if leaving else None),
            "ended_at": ended,
            "trial_start": start if status == "trialing" else None,
            "trial_end": end if status == "trialing" else None,
            "pause_collection": {"behavior": "void", "resumes_at": end} if number % 61 == 0 else None,
            "latest_invoice": f"in_{token('in', number // 2)}",
            "items": self.list_of(
                f"/v1/subscription_items?subscription=sub_{number}", [self.subscription_item(number)]
            ),
        }

    def period(self, created: int) -> tuple[int, int]:
        """The month that runs now."""
        start = created + (self.company.now - created) // MONTH * MONTH
        return start, start + MONTH

    @staticmethod
    def list_of(url: str, rows: list[Object]) -> Object:
        return {"object": "list", "data": rows, "has_more": False, "total_count": len(rows), "url": url}

    def subscription_item(self, number: int) -> Object:
        created = self.second("subscription", number)
        start, end = self.period(created)
        return {
            **self.usual["subscription_item"],
            "id": f"si_{token('si', number, 14)}",
            "created": created,
            "subscription": f"sub_{token('sub', number)}",
            "price": self.price(number),
            "quantity": self.quantity(number),
            "current_period_start": start,
            "current_period_end": end,
        }
