"""What staff can do to customers' tax ids: add and remove. Stripe lets nobody edit one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Push, StripeObject, TaxId
from stripe_mirror.push import state
from stripe_mirror.push.customer_money import why_not_customer
from stripe_mirror.push.customer_tax_forms import AddTaxIdForm, RemoveTaxIdForm, likely_type, type_in_words
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import Call, Operation, register

# Those that Stripe asks the authorities about (https://docs.stripe.com/billing/customer/tax-ids#validation).
VERIFIED = {
    "au_abn": gettext_lazy("Australia"),
    "eu_vat": gettext_lazy("the European Union"),
    "gb_vat": gettext_lazy("the United Kingdom"),
}


@register
class AddTaxId(Operation):
    """https://docs.stripe.com/api/tax_ids/customer_create"""

    name = "add_tax_id"
    label = gettext_lazy("Add tax ID")
    short_description = gettext_lazy("Give the customer a VAT number or another tax id, which its invoices then show.")
    object_type = "customer"
    form_class = AddTaxIdForm
    adds = True
    not_state = ("type", "value")
    decisions = ("type", "value")

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers have none."""
        return why_not_customer(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The type that its country suggests."""
        return {"type": likely_type(state.text(state.look_up(row.data, ("address", "country"))))}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation, unless the customer has the same number already."""
        params = {"type": cleaned["type"], "value": cleaned["value"]}
        if _held(row.pk, params):
            raise NothingToChange(_("Nothing was sent: the customer has this tax id already."))
        return Call("post", f"/v1/customers/{row.pk}/tax_ids", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        params = self.plan(row, cleaned).params
        return [
            _("The tax id %(value)s (%(type)s) is added to the customer.")
            % {"value": params["value"], "type": type_in_words(params["type"])}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Invoices show it from now on; some are verified later."""
        follows = [_("Invoices that are drafts now or made later show it; finalized ones stay as they are.")]
        if authority := VERIFIED.get(cleaned["type"]):
            follows.append(
                _("Stripe checks it with the authorities of %(authority)s; the result comes later by itself.")
                % {"authority": authority}
            )
        follows.append(_("Where Stripe Tax is on, it may make the next invoices free of tax (reverse charge)."))
        return Effects(follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Nothing was there; the answer is the new tax id."""
        return {"tax_id": row.pk if row.kind.object == "tax_id" else None}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The mirror has it: it comes with the customer, and by an event of its own."""
        return _held(row.pk, call.params) is not None

    def undo(self, push: Push) -> Undo | None:
        """Remove what was added."""
        added = push.after.get("tax_id") or getattr(_held(push.object_id, push.params), "pk", "")
        return Undo("remove_tax_id", object_type="tax_id", object_id=added) if added else None


def _held(customer_id: str, params: Mapping[str, Any]) -> TaxId | None:
    """The customer's tax id of this type and number, however it is spaced."""
    own: Any = TaxId.objects.alive().filter(customer=customer_id, type=params["type"])
    return next((tax_id for tax_id in own if _bare(tax_id.value) == _bare(params["value"])), None)


def _bare(value: Any) -> str:
    """Without the spaces, dots and dashes that people write and Stripe may leave out."""
    return "".join(c for c in str(value) if c.isalnum()).upper()


@register
class RemoveTaxId(Operation):
    """https://docs.stripe.com/api/tax_ids/customer_delete"""

    name = "remove_tax_id"
    label = gettext_lazy("Remove tax ID")
    short_description = gettext_lazy("Take the number off the customer.")
    object_type = "tax_id"
    form_class = RemoveTaxIdForm
    bulk = True

    def why_not(self, row: StripeObject) -> str:
        """Removed ones, and the account's own."""
        if row.deleted_at:
            return _("This tax id was removed already.")
        if not _customer_of(row):
            return _("This tax id is the account's own, not a customer's. Change it in Stripe's settings.")
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One deletion."""
        return Call("delete", f"/v1/customers/{_customer_of(row)}/tax_ids/{row.pk}", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        type = type_in_words(state.text(row.data.get("type")))
        return [
            _("The tax id %(value)s (%(type)s) is removed from the customer.")
            % {"value": row.data.get("value"), "type": type}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Invoices lack it from now on."""
        return Effects(
            follows=(
                _(
                    "Invoices that are drafts now or made later don't show it any more; finalized ones "
                    "stay as they are."
                ),
                _("Where Stripe Tax left tax out because of it (reverse charge), the next invoices are taxed."),
            )
        )

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """All that is needed to add it again."""
        return {"customer": _customer_of(row), "type": row.data.get("type"), "value": row.data.get("value")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """It is gone."""
        return bool(row.deleted_at)

    def undo(self, push: Push) -> Undo | None:
        """Add the same number again: it gets another id, and is verified again."""
        values = {name: push.before.get(name) for name in ("type", "value")}
        customer = push.before.get("customer")
        if not customer or not all(values.values()):
            return None
        return Undo(AddTaxId.name, values, object_type="customer", object_id=customer)


def _customer_of(row: StripeObject) -> str:
    """The id of the customer that a tax id or a payment method belongs to; "" for none."""
    owner = state.look_up(row.data, ("customer",)) or state.look_up(row.data, ("owner", "customer"))
    return state.text(owner)
