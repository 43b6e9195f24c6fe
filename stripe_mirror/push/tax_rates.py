"""What staff can do to tax rates. Percentage and inclusion never change: another percentage is another tax rate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.customer_forms import country, text
from stripe_mirror.push.editing import EditForm, EditOperation, SwitchActive
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import register
from stripe_mirror.push.percentages import PercentField, percent_words

TAX_TYPES = [
    ("", "—"),
    ("vat", gettext_lazy("VAT")),
    ("sales_tax", gettext_lazy("Sales tax")),
    ("gst", gettext_lazy("GST")),
    ("hst", gettext_lazy("HST")),
    ("pst", gettext_lazy("PST")),
    ("qst", gettext_lazy("QST")),
    ("rst", gettext_lazy("RST")),
    ("igst", gettext_lazy("IGST")),
    ("jct", gettext_lazy("JCT")),
    ("amusement_tax", gettext_lazy("Amusement tax")),
    ("communications_tax", gettext_lazy("Communications tax")),
    ("lease_tax", gettext_lazy("Lease tax")),
    ("mass_transit_parking_tax", gettext_lazy("Mass transit parking tax")),
    ("parking_tax", gettext_lazy("Parking tax")),
    ("retail_delivery_fee", gettext_lazy("Retail delivery fee")),
    ("service_tax", gettext_lazy("Service tax")),
]
EXCLUSIVE, INCLUSIVE = "exclusive", "inclusive"
ON_TOP = [(EXCLUSIVE, gettext_lazy("Tax comes on top of prices")), (INCLUSIVE, gettext_lazy("Prices include the tax"))]
KEPT = gettext_lazy("Subscriptions and invoices that have it already keep it.")


class EditTaxRateForm(EditForm):
    """What of a tax rate can be changed."""

    keeps = ("display_name", "tax_type")

    display_name = forms.CharField(
        label=gettext_lazy("Name"), max_length=50, help_text=gettext_lazy("Customers see it, as in “VAT”.")
    )
    description = text(gettext_lazy("Description"), help_text=gettext_lazy("Only staff see it."))
    jurisdiction = text(
        gettext_lazy("Jurisdiction"), 50, help_text=gettext_lazy("Customers see it on invoices, as in “DE”.")
    )
    country = country(gettext_lazy("Country"))
    state = text(
        pgettext_lazy("address", "State"), 10, help_text=gettext_lazy("Its code without the country, as in NY.")
    )
    tax_type = forms.ChoiceField(label=gettext_lazy("Type"), required=False, choices=TAX_TYPES)
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

    def prepare(self) -> None:
        """Let odd present values stay."""
        super().prepare()
        for name in ("country", "tax_type"):
            self.keep_choice(name)


class CreateTaxRateForm(EditTaxRateForm):
    """With what is fixed from then on."""

    field_order = ("display_name", "percentage", "inclusive")

    percentage = PercentField(label=gettext_lazy("Percentage"), decimals=4, min_value=Decimal(0))
    inclusive = forms.ChoiceField(label=gettext_lazy("Prices"), widget=forms.RadioSelect, choices=ON_TOP)


@register
class CreateTaxRate(EditOperation):
    """https://docs.stripe.com/api/tax_rates/create"""

    name = "create_tax_rate"
    label = gettext_lazy("Create tax rate")
    short_description = gettext_lazy("A tax that you put on invoices and subscriptions yourselves.")
    object_type = "tax_rate"
    form_class = CreateTaxRateForm
    creates = True
    decisions = ("inclusive",)
    importable = Importable(values={"inclusive": {"true": INCLUSIVE, "false": EXCLUSIVE}}, by_row=None)
    final_warning = gettext_lazy("A tax rate can be archived, but not deleted, and its percentage can't be changed.")

    def why_not(self, row: StripeObject) -> str:
        """Always possible."""
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Nothing; tax on top."""
        return {**super().initial(row), "inclusive": EXCLUSIVE}

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What is filled in, and which of both it is."""
        return {**super().params(row, cleaned), "inclusive": cleaned["inclusive"] == INCLUSIVE}

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What it will be."""
        return [*super().summary(row, cleaned), f"{dict(ON_TOP)[cleaned['inclusive']]}."]

    def in_words(self, name: str, value: Any) -> Any:
        """With its sign."""
        return percent_words(value) if name == "percentage" else super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Nothing is taxed by it yet."""
        return Effects(
            follows=(_("Nothing is taxed with it by itself: put it on invoices and subscriptions."),),
            final=self.final_warning,
        )

    def undo(self, push: Push) -> Undo:
        """What was made can be archived."""
        return Undo(ArchiveTaxRate.name)


@register
class EditTaxRate(EditOperation):
    """https://docs.stripe.com/api/tax_rates/update"""

    name = "edit_tax_rate"
    label = gettext_lazy("Edit tax rate")
    short_description = gettext_lazy("Name, place, type and metadata. For another percentage, make another tax rate.")
    object_type = "tax_rate"
    form_class = EditTaxRateForm
    importable = Importable()

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What customers see of it, and what can't be emptied again."""
        differing, follows = self.differing(row, cleaned), []
        if differing.keys() & {"display_name", "jurisdiction"}:
            follows.append(_("Invoices from now on show the new texts; finalized ones keep the old."))
        first = "tax_type" in differing and not self.initial(row)["tax_type"]
        return Effects(follows=tuple(follows), final=_("Stripe can't empty the type of a tax again.") if first else "")


@register
class ArchiveTaxRate(SwitchActive):
    """https://docs.stripe.com/api/tax_rates/update#update_tax_rate-active"""

    name = "archive_tax_rate"
    label = gettext_lazy("Archive tax rate")
    short_description = gettext_lazy("It can't be put on anything any more. What has it keeps it.")
    object_type = "tax_rate"
    active = False
    inverse = "unarchive_tax_rate"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What goes on."""
        never = _("It can't be used for new subscriptions, invoices and Checkout sessions.")
        return Effects(follows=(str(KEPT), never))


@register
class UnarchiveTaxRate(SwitchActive):
    """https://docs.stripe.com/api/tax_rates/update#update_tax_rate-active"""

    name = "unarchive_tax_rate"
    label = gettext_lazy("Unarchive tax rate")
    short_description = gettext_lazy("It can be put on subscriptions and invoices again.")
    object_type = "tax_rate"
    active = True
    inverse = "archive_tax_rate"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Nothing by itself."""
        return Effects(follows=(_("Nothing is taxed with it by itself: put it on invoices and subscriptions."),))
