"""The forms of customers' operations: what staff may say about a customer."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.language import spoken
from stripe_mirror.models import PaymentMethod
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import OperationForm
from stripe_mirror.push.wording import Words

# The least of what Stripe asks of an email (its code email_invalid); the rest is Stripe's to judge.
NAME_AT_HOST = re.compile(r"[^\s@]+@[^\s@]+")
# Form field → where the value stands, in Stripe's object and in the parameters alike.
PATHS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "email": ("email",),
    "phone": ("phone",),
    "description": ("description",),
    "address_line1": ("address", "line1"),
    "address_line2": ("address", "line2"),
    "address_city": ("address", "city"),
    "address_postal_code": ("address", "postal_code"),
    "address_state": ("address", "state"),
    "address_country": ("address", "country"),
    "shipping_name": ("shipping", "name"),
    "shipping_phone": ("shipping", "phone"),
    "shipping_address_line1": ("shipping", "address", "line1"),
    "shipping_address_line2": ("shipping", "address", "line2"),
    "shipping_address_city": ("shipping", "address", "city"),
    "shipping_address_postal_code": ("shipping", "address", "postal_code"),
    "shipping_address_state": ("shipping", "address", "state"),
    "shipping_address_country": ("shipping", "address", "country"),
    "tax_exempt": ("tax_exempt",),
    "default_payment_method": ("invoice_settings", "default_payment_method"),
}
SHIPPING = tuple(name for name in PATHS if name.startswith("shipping_"))
SHIPPING_ADDRESS = tuple(name for name in PATHS if name.startswith("shipping_address_"))
# In babel's table of territories, but no countries.
NOT_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


def countries() -> list[tuple[str, str]]:
    """ISO's countries, code and name, by name in the person's language."""
    return _countries(spoken())


@cache
def _countries(language: Locale) -> list[tuple[str, str]]:
    names = language.territories.items()
    found = [(c, n) for c, n in names if len(c) == 2 and c.isalpha() and c not in NOT_COUNTRIES]
    return [("", "—"), *sorted(found, key=lambda pair: pair[1])]


# Stripe's values of `tax_exempt`, in words.
TAX_STATUS = {
    "none": gettext_lazy("Taxable"),
    "exempt": gettext_lazy("Exempt"),
    "reverse": gettext_lazy("Reverse charge"),
}


class TextField(forms.CharField):
    """A text whose lines end as Stripe's own pages end them; browsers post "\\r\\n"."""

    def to_python(self, value: Any) -> str:
        """One character ends a line, so that its length is what a person counts, too."""
        return str(super().to_python(value)).replace("\r\n", "\n")


def text(label: Words, longest: int = 5000, **more: Any) -> forms.CharField:
    """An optional text; Stripe judges what stands in it."""
    return TextField(label=label, required=False, max_length=longest, **more)


def country(label: Words) -> forms.ChoiceField:
    """An optional country."""
    return forms.ChoiceField(label=label, required=False, choices=countries)


class LocalesField(forms.CharField):
    """Languages as "de, en-GB"; gives a list."""

    def prepare_value(self, value: Any) -> Any:
        """A list as text."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Text as a list; a stored form holds the list already."""
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [part.strip() for part in parts if part.strip()]

    def run_validators(self, value: Any) -> None:
        """None of a text's validators fits a list."""


class CustomerForm(OperationForm):
    """What a customer's edit and creation have in common."""

    name = text(gettext_lazy("Name"), 256)
    email = text(gettext_lazy("Email"), 512, widget=forms.EmailInput)
    phone = text(gettext_lazy("Phone"), 20)
    description = text(gettext_lazy("Description"), widget=forms.Textarea(attrs={"rows": 2}))
    address_line1 = text(gettext_lazy("Address line 1"))
    address_line2 = text(gettext_lazy("Address line 2"))
    address_city = text(gettext_lazy("City"))
    address_postal_code = text(gettext_lazy("Postal code"))
    address_state = text(gettext_lazy("State, county or region"))
    address_country = country(gettext_lazy("Country"))
    shipping_name = text(gettext_lazy("Shipping name"))
    shipping_phone = text(gettext_lazy("Shipping phone"))
    shipping_address_line1 = text(gettext_lazy("Shipping address line 1"))
    shipping_address_line2 = text(gettext_lazy("Shipping address line 2"))
    shipping_address_city = text(gettext_lazy("Shipping city"))
    shipping_address_postal_code = text(gettext_lazy("Shipping postal code"))
    shipping_address_state = text(gettext_lazy("Shipping state, county or region"))
    shipping_address_country = country(gettext_lazy("Shipping country"))
    tax_exempt = forms.ChoiceField(
        label=gettext_lazy("Tax status"),
        required=False,
        choices=list(TAX_STATUS.items()),
    )
    preferred_locales = LocalesField(
        label=gettext_lazy("Preferred languages"),
        required=False,
        help_text=gettext_lazy("In order of preference, for example: de, en-GB."),
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

    def prepare(self) -> None:
        """Let odd present values stay."""
        for name in ("address_country", "shipping_address_country", "tax_exempt"):
            self.keep_choice(name)

    def clean(self) -> dict[str, Any]:
        """Stripe can't empty the languages, and takes shipping details only with a name and an address."""
        cleaned = super().clean()
        email = str(cleaned.get("email") or "")
        if email and self.is_changed("email") and not NAME_AT_HOST.fullmatch(email):
            self.add_error("email", _("This is no email address. Write one like name@example.com."))
        if self.is_changed("preferred_locales") and cleaned.get("preferred_locales") == []:
            self.add_error("preferred_locales", _("Stripe can't empty this list. Name at least one language."))
        if self.is_changed(*SHIPPING) and any(cleaned.get(name) for name in SHIPPING):
            if not cleaned.get("shipping_name"):
                self.add_error("shipping_name", _("Stripe needs a name with shipping details."))
            if not any(cleaned.get(name) for name in SHIPPING_ADDRESS):
                self.add_error("shipping_address_line1", _("Stripe needs an address with shipping details."))
        return cleaned


class EditCustomerForm(CustomerForm):
    """All that can be edited of a customer."""

    default_payment_method = forms.ChoiceField(
        label=gettext_lazy("Default payment method"),
        required=False,
        help_text=gettext_lazy("For invoices and for subscriptions that name none of their own."),
    )

    def prepare(self) -> None:
        """Offer the payment methods that are attached to this customer."""
        super().prepare()
        attached = PaymentMethod.objects.alive().filter(customer=self.row.pk)
        choices = [(method.pk, str(method)) for method in attached[:100]]
        self.choice_field("default_payment_method").choices = [("", _("None")), *choices]
        self.keep_choice("default_payment_method")


class CreateCustomerForm(CustomerForm):
    """A new customer needs at least something to be found by."""

    def clean(self) -> dict[str, Any]:
        """Ask for a name or an email."""
        cleaned = super().clean()
        if not cleaned.get("name") and not cleaned.get("email"):
            self.add_error("name", _("Write a name or an email address."))
        return cleaned
