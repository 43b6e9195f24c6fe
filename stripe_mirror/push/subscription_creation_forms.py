"""The form of a new subscription."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.push import choices, moments, state
from stripe_mirror.push.choices import ObjectField
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.discount_forms import RedeemForm
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.moments import MomentField, MomentForm
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.subscription_collection import CollectionForm
from stripe_mirror.push.subscription_facts import is_metered
from stripe_mirror.push.subscription_items import MOST_QUANTITY, NO_QUANTITY, price_named
from stripe_mirror.push.trials import MOST_SECONDS
from stripe_mirror.push.wording import Words

DAY = 86400
ERROR, ALLOW, WAIT = "error_if_incomplete", "allow_incomplete", "default_incomplete"
BEHAVIORS = [
    (ERROR, gettext_lazy("Make nothing")),
    (ALLOW, gettext_lazy("Make it anyhow: it waits for its first payment, for 23 hours")),
    (WAIT, gettext_lazy("Don't charge now: it waits until somebody pays its first invoice, for 23 hours")),
]
NO_PRICE = gettext_lazy("Choose a price that is sold: active, recurring, and in the customer's currency.")
NOT_THEIRS = gettext_lazy("Choose a payment method that is attached to this customer.")


def quantity_field(label: Words) -> forms.IntegerField:
    """How many of a price."""
    return forms.IntegerField(
        label=label, required=False, min_value=0, max_value=MOST_QUANTITY, help_text=gettext_lazy("Empty means 1.")
    )


class CreateSubscriptionForm(CollectionForm, RedeemForm, MomentForm):
    """What is billed, from when on, and how it is paid."""

    price = ObjectField(label=gettext_lazy("Price"), refusal=NO_PRICE, required=True)
    quantity = quantity_field(gettext_lazy("Quantity"))
    second_price = ObjectField(label=gettext_lazy("Second price"), refusal=NO_PRICE)
    second_quantity = quantity_field(gettext_lazy("Quantity of the second price"))
    trial_period_days = forms.IntegerField(
        label=gettext_lazy("Days for free"),
        required=False,
        min_value=1,
        max_value=MOST_SECONDS // DAY,
        help_text=gettext_lazy("A trial, counted from now. Nothing is charged for it before."),
    )
    trial_end = MomentField(
        label=gettext_lazy("Or free until"), required=False, help_text=gettext_lazy("Two years ahead at most.")
    )
    payment_behavior = forms.ChoiceField(
        label=gettext_lazy("If the first payment fails"),
        widget=forms.RadioSelect,
        required=False,
        choices=BEHAVIORS,
        help_text=gettext_lazy("Only where the payment method is charged by itself."),
    )
    default_payment_method = ObjectField(label=gettext_lazy("Charge"), refusal=NOT_THEIRS)
    description = text(
        gettext_lazy("Description"), 500, help_text=gettext_lazy("The customer may see it on Stripe's pages.")
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)
    field_order = [
        "price",
        "quantity",
        "second_price",
        "second_quantity",
        "trial_period_days",
        "trial_end",
        "collection_method",
        "days_until_due",
        "payment_behavior",
        "default_payment_method",
        "coupon",
        "promotion_code",
        "description",
        "metadata",
    ]

    def prepare(self) -> None:
        """Prices in the customer's currency where it has one, its payment methods, and what it can redeem."""
        super().prepare()
        self.offer_discounts(self.row.pk)
        offered = choices.prices(currency_of(self.row))
        self._objects("price").offer(offered, name=choices.price_name, nothing=_("Choose a price"))
        self._objects("second_price").offer(offered, name=choices.price_name, nothing=_("None"))
        methods, nothing = choices.payment_methods(self.row.pk), _("The customer's default")
        self._objects("default_payment_method").offer(methods, name=choices.payment_method_name, nothing=nothing)

    def _objects(self, name: str) -> ObjectField:
        return cast(ObjectField, self.fields[name])

    def clean(self) -> dict[str, Any]:
        """Two prices that go together, and one end of a trial."""
        cleaned = super().clean()
        self._check_prices(cleaned)
        self._check_trial(cleaned)
        if cleaned.get("collection_method") != "charge_automatically":
            cleaned["payment_behavior"] = ""
        elif not cleaned.get("payment_behavior") and "payment_behavior" not in self.errors:
            self.add_error("payment_behavior", _("Choose what happens if the first payment fails."))
        return cleaned

    def _check_prices(self, cleaned: dict[str, Any]) -> None:
        prices = {prefix: price_named(cleaned.get(f"{prefix}price")) for prefix in ("", "second_")}
        for prefix, price in prices.items():
            if cleaned.get(f"{prefix}quantity") is not None and is_metered(price):
                self.add_error(f"{prefix}quantity", NO_QUANTITY)
        first, second = prices[""], prices["second_"]
        if cleaned.get("second_quantity") is not None and not second and "second_price" not in self.errors:
            self.add_error("second_price", _("Choose the price that this quantity is of."))
        if first and second and first.get("id") == second.get("id"):
            self.add_error("second_price", _("This is the first price already. Write its quantity there."))
        elif first and second and state.text(first.get("currency")) != state.text(second.get("currency")):
            self.add_error("second_price", _("All prices of a subscription are in one currency."))

    def _check_trial(self, cleaned: dict[str, Any]) -> None:
        end = cleaned.get("trial_end")
        if end and cleaned.get("trial_period_days"):
            self.add_error("trial_end", _("Write the days or the date, not both."))
        elif end and end > moments.now() + MOST_SECONDS:
            self.add_error("trial_end", _("Stripe takes no end of a trial that is more than two years ahead."))
