"""The evidence of a dispute as a form: every text that Stripe takes, what fits the dispute's reason first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.language import number_words
from stripe_mirror.models import Charge, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.operation import OperationForm
from stripe_mirror.push.wording import Words

# Characters, all texts together, and in the longest single ones (docs.stripe.com/api/disputes/update).
LONGEST_EVIDENCE = 150_000
LONG = 20_000
SHORT = 5_000
PREFIX = "evidence_"
TEXTS: dict[str, tuple[Words, int]] = {
    "product_description": (gettext_lazy("Product or service"), LONG),
    "customer_name": (gettext_lazy("Customer's name"), SHORT),
    "customer_email_address": (gettext_lazy("Customer's e-mail address"), SHORT),
    "customer_purchase_ip": (gettext_lazy("IP address at the purchase"), SHORT),
    "billing_address": (gettext_lazy("Billing address"), SHORT),
    "access_activity_log": (gettext_lazy("Log of the customer's use"), LONG),
    "service_date": (gettext_lazy("Date of the service"), SHORT),
    "shipping_address": (gettext_lazy("Shipping address"), SHORT),
    "shipping_carrier": (gettext_lazy("Carrier"), SHORT),
    "shipping_date": (gettext_lazy("Shipping date"), SHORT),
    "shipping_tracking_number": (gettext_lazy("Tracking number"), SHORT),
    "refund_policy_disclosure": (gettext_lazy("How the customer was shown the refund policy"), LONG),
    "refund_refusal_explanation": (gettext_lazy("Why there is no refund"), LONG),
    "cancellation_policy_disclosure": (gettext_lazy("How the customer was shown the cancellation policy"), LONG),
    "cancellation_rebuttal": (gettext_lazy("Why the subscription was not cancelled"), LONG),
    "duplicate_charge_id": (gettext_lazy("The other charge"), SHORT),
    "duplicate_charge_explanation": (gettext_lazy("How the two charges differ"), LONG),
    "uncategorized_text": (gettext_lazy("Anything else"), LONG),
}
# Ids of files; they are uploaded in the Dashboard.
FILES = {
    "receipt": gettext_lazy("Receipt"),
    "customer_communication": gettext_lazy("Communication with the customer"),
    "customer_signature": gettext_lazy("Customer's signature"),
    "service_documentation": gettext_lazy("Proof of the service"),
    "shipping_documentation": gettext_lazy("Proof of the shipping"),
    "refund_policy": gettext_lazy("Refund policy"),
    "cancellation_policy": gettext_lazy("Cancellation policy"),
    "duplicate_charge_documentation": gettext_lazy("Proof of the other charge"),
    "uncategorized_file": gettext_lazy("Another file"),
}
ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")
DELIVERY = ("shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number", "service_date")
WHO = ("customer_name", "customer_email_address", "customer_purchase_ip", "billing_address")
# What Stripe's guide asks for by the reason of a dispute (docs.stripe.com/disputes/reason-codes-defense-requirements).
FITTING: dict[str, tuple[str, ...]] = {
    "fraudulent": (*WHO, "access_activity_log", "product_description", *DELIVERY),
    "unrecognized": (*WHO, "product_description", "access_activity_log", *DELIVERY),
    "product_not_received": (*DELIVERY, "access_activity_log", "product_description"),
    "product_unacceptable": (
        "product_description",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        *DELIVERY,
    ),
    "credit_not_processed": ("refund_policy_disclosure", "refund_refusal_explanation"),
    "subscription_canceled": (
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "access_activity_log",
        "service_date",
    ),
    "duplicate": ("duplicate_charge_id", "duplicate_charge_explanation", "product_description"),
    "general": ("product_description", *WHO),
}
# What the payment itself says, offered beside the field.
ON_THE_PAYMENT = {
    "customer_name": ("billing_details", "name"),
    "customer_email_address": ("billing_details", "email"),
    "billing_address": ("billing_details", "address"),
}


def texts_of(dispute: StripeObject) -> dict[str, str]:
    """The texts that are staged, "" where there is none."""
    return {name: state.text(state.look_up(dispute.data, ("evidence", name))) for name in TEXTS}


def files_of(dispute: StripeObject) -> dict[str, str]:
    """The files that are staged, by their ids."""
    found = {name: state.text(state.look_up(dispute.data, ("evidence", name))) for name in FILES}
    return {name: id for name, id in found.items() if id}


def _field(label: Words, longest: int) -> forms.CharField:
    rows = forms.Textarea(attrs={"rows": 3}) if longest == LONG else None
    return forms.CharField(label=label, required=False, max_length=longest, widget=rows)


class EvidenceFormBase(OperationForm):
    """All but the fields."""

    def prepare(self) -> None:
        """What fits the reason first, and what the payment says beside it."""
        fitting = FITTING.get(state.text(self.row.data.get("reason")), ())
        self.order_fields([*(f"{PREFIX}{name}" for name in (*fitting, *TEXTS)), "reason"])
        charge = Charge.objects.filter(pk=state.text(state.look_up(self.row.data, ("charge",)))).first()
        for name, path in ON_THE_PAYMENT.items() if charge else ():
            if charge and (said := _said(state.look_up(charge.data, path))):
                self.fields[f"{PREFIX}{name}"].help_text = _("The payment says: %(said)s") % {"said": said}

    def clean(self) -> dict[str, Any]:
        """Stripe's limit for all texts together."""
        cleaned = super().clean()
        total = sum(len(str(value or "")) for name, value in cleaned.items() if name.startswith(PREFIX))
        if total > LONGEST_EVIDENCE:
            self.add_error(
                None,
                _("These texts have %(number)s characters; Stripe takes %(most)s, all together.")
                % {"number": number_words(total), "most": number_words(LONGEST_EVIDENCE)},
            )
        return cleaned


# A field per text, named as Stripe's parameter: evidence[customer_name].
EvidenceForm: type[OperationForm] = type(
    "EvidenceForm", (EvidenceFormBase,), {f"{PREFIX}{name}": _field(*declared) for name, declared in TEXTS.items()}
)


def _said(value: Any) -> str:
    """A text, or an address in one line."""
    # Not in the order in which it came: PostgreSQL sorts the names inside JSON.
    parts = [value.get(name) for name in ADDRESS] if isinstance(value, dict) else [value]
    return ", ".join(part for part in parts if isinstance(part, str) and part)


class SubmitForm(OperationForm):
    """What the person has read: evidence that was changed since is not submitted."""

    staged = forms.CharField(required=False, widget=forms.HiddenInput)


class AcceptForm(OperationForm):
    """Only a reason."""
