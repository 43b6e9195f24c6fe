"""The money of that company: invoices with lines and payments, charges, refunds, disputes, balance transactions."""

from __future__ import annotations

from tests.bench.fill_company import INVOICES, MONTH, Object, Objects
from tests.bench.fill_people import drawn, token

DAY = 86_400


class Everything(Objects):
    """Invoice, payment intent and charge of one number pay for the subscription of twice that number."""

    def status(self, number: int) -> str:
        return INVOICES[drawn(number, 17, len(INVOICES))]

    def invoice(self, number: int) -> Object:
        subscription, created = number * 2, self.second("invoice", number)
        person, status, total = self.who(subscription), self.status(number), self.amount(subscription)
        paid, sent = status == "paid", subscription % 9 == 0
        template = self.usual["invoice"]
        return {
            **template,
            "id": f"in_{token('in', number)}",
            "created": created,
            "number": None if status == "draft" else f"{token('prefix', person.number, 8).upper()}-{number:07}",
            "customer": person.id,
            "customer_name": person.name,
            "customer_email": person.email,
            "parent": {
                **template["parent"],
                "subscription_details": {"metadata": {}, "subscription": f"sub_{token('sub', subscription)}"},
            },
            "status": status,
            "currency": self.price(subscription)["currency"],
            "collection_method": "send_invoice" if sent else "charge_automatically",
            "billing_reason": "subscription_cycle" if number % 3 else "subscription_create",
            **dict.fromkeys(("subtotal", "total", "amount_due"), total),
            "amount_paid": total if paid else 0,
            "amount_remaining": 0 if paid or status == "void" else total,
            "attempt_count": 1 + (status == "open") * (number % 4),
            "next_payment_attempt": self.company.now + DAY * (number % 5) if status == "open" and not sent else None,
            "due_date": created + 14 * DAY if sent else None,
            "period_start": created,
            "period_end": created + MONTH,
            "status_transitions": {
                **template["status_transitions"],
                "finalized_at": None if status == "draft" else created + 3600,
                "paid_at": created + 3700 if paid else None,
                "voided_at": created + DAY if status == "void" else None,
            },
            "lines": self.list_of(f"/v1/invoices/in_{token('in', number)}/lines", [self.line_item(number)]),
        }

    def line_item(self, number: int) -> Object:
        subscription, created = number * 2, self.second("invoice", number)
        return {
            **self.usual["line_item"],
            "id": f"il_{token('il', number)}",
            "invoice": f"in_{token('in', number)}",
            "amount": self.amount(subscription),
            "currency": self.price(subscription)["currency"],
            "quantity": self.quantity(subscription),
            "period": {"start": created, "end": created + MONTH},
            "description": f"{self.quantity(subscription)} × {self.price(subscription)['nickname']}",
            "subscription": f"sub_{token('sub', subscription)}",
        }

    def invoice_payment(self, number: int) -> Object:
        template = self.usual["invoice_payment"]
        amount, second = self.amount(number * 2), self.second("invoice_payment", number)
        return {
            **template,
            **self.of_payment("inpay", "invoice_payment", number),
            "invoice": f"in_{token('in', number)}",
            "status": "open" if number % 10 == 9 else "paid",
            "amount_requested": amount,
            "amount_paid": None if number % 10 == 9 else amount,
            "payment": {**template["payment"], "payment_intent": f"pi_{token('pi', number)}"},
            "status_transitions": {"canceled_at": None, "paid_at": None if number % 10 == 9 else second},
        }

    def of_payment(self, prefix: str, kind: str, number: int) -> Object:
        """Id, second and currency."""
        currency = self.price(number * 2)["currency"]
        return {"id": f"{prefix}_{token(prefix, number)}", "created": self.second(kind, number), "currency": currency}

    def payment_intent(self, number: int) -> Object:
        failed = number % 10 == 9
        amount = self.amount(number * 2)
        code = ("insufficient_funds", "expired_card", "generic_decline", "lost_card")[number // 10 % 4]
        error = {
            "code": "card_declined",
            "decline_code": code,
            "message": "Your card was declined.",
            "type": "card_error",
        }
        return {
            **self.usual["payment_intent"],
            **self.of_payment("pi", "payment_intent", number),
            "customer": self.owner(number * 2),
            "amount": amount,
            "amount_received": 0 if failed else amount,
            "status": "requires_payment_method" if failed else "succeeded",
            "last_payment_error": error if failed else None,
            "latest_charge": f"ch_{token('ch', number)}",
            "payment_method": f"pm_{token('pm', number * 3 // 5)}",
        }

    def charge(self, number: int) -> Object:
        template = self.usual["charge"]
        failed, refunded = number % 10 == 9, number % 20 == 0
        amount = self.amount(number * 2)
        details = template["payment_method_details"]
        card = {"last4": f"{drawn(number * 3 // 5, 1, 10_000):04}", "brand": ("visa", "mastercard")[number % 2]}
        return {
            **template,
            **self.of_payment("ch", "charge", number),
            "customer": self.owner(number * 2),
            "payment_intent": f"pi_{token('pi', number)}",
            "balance_transaction": None if failed else f"txn_{token('txn', number)}",
            "amount": amount,
            "amount_captured": 0 if failed else amount,
            "amount_refunded": amount if refunded else 0,
            "refunded": refunded,
            "captured": not failed,
            "paid": not failed,
            "disputed": number % 80 == 4,
            "status": "failed" if failed else "succeeded",
            "failure_code": "card_declined" if failed else None,
            "failure_message": "Your card was declined." if failed else None,
            "payment_method": f"pm_{token('pm', number * 3 // 5)}",
            "payment_method_details": {**details, "card": {**details["card"], **card}},
        }

    def balance_transaction(self, number: int) -> Object:
        amount = self.amount(number * 2)
        second = self.second("balance_transaction", number)
        return {
            **self.usual["balance_transaction"],
            **self.of_payment("txn", "balance_transaction", number),
            "amount": amount,
            "fee": amount * 29 // 1000 + 30,
            "net": amount - amount * 29 // 1000 - 30,
            "type": "charge",
            "reporting_category": "charge",
            "status": "available" if second < self.company.now - 2 * DAY else "pending",
            "available_on": (second // DAY + 2) * DAY,
            "source": f"ch_{token('ch', number)}",
        }

    def refund(self, number: int) -> Object:
        charge, created = number * 20, self.second("refund", number)
        # Banks take some days.
        waits = created > self.company.now - 14 * DAY
        return {
            **self.usual["refund"],
            "id": f"re_{token('re', number)}",
            "created": created,
            "charge": f"ch_{token('ch', charge)}",
            "payment_intent": f"pi_{token('pi', charge)}",
            "amount": self.amount(charge * 2),
            "currency": self.price(charge * 2)["currency"],
            "status": "failed" if number % 5 == 4 else "pending" if waits else "succeeded",
        }

    def dispute(self, number: int) -> Object:
        charge, template = number * 80 + 4, self.usual["dispute"]
        created = self.second("dispute", number)
        status = ("needs_response", "under_review", "won", "lost")[number % 4]
        due = self.company.now + number % 14 * DAY if status == "needs_response" else created + 7 * DAY
        return {
            **template,
            "id": f"du_{token('du', number)}",
            "created": created,
            "charge": f"ch_{token('ch', charge)}",
            "payment_intent": f"pi_{token('pi', charge)}",
            "amount": self.amount(charge * 2),
            "currency": self.price(charge * 2)["currency"],
            "status": status,
            "reason": ("fraudulent", "product_not_received", "duplicate")[number % 3],
            "evidence_details": {**template["evidence_details"], "due_by": due},
        }
