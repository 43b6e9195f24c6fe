"""What staff can do to customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from stripe_mirror.models import CustomerLink, Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.customer_forms import (
    PATHS,
    SHIPPING,
    SHIPPING_ADDRESS,
    CreateCustomerForm,
    CustomerForm,
    EditCustomerForm,
)
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import Call, Operation, OperationForm, register

ADDRESS = tuple(name for name, path in PATHS.items() if path[0] == "address")
# Marks a customer in Stripe as one of our users, for whoever looks at it there.
USER_KEY = "django_user_id"


class CustomerOperation(Operation):
    """The difference between a form and a customer, as parameters and in words."""

    object_type = "customer"
    form_class: ClassVar[type[OperationForm]] = CustomerForm

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The customer's present values, "" where it has none."""
        values = {name: state.look_up(row.data, path) or "" for name, path in PATHS.items()}
        lists = {"preferred_locales": list(row.data.get("preferred_locales") or []), "metadata": row.metadata}
        return {name: value for name, value in {**values, **lists}.items() if name in self.form_class.base_fields}

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What differs, nested as Stripe wants it. Raises NothingToChange."""
        differing = self._differing(row, cleaned)
        params: dict[str, Any] = {}
        for name in differing.keys() & PATHS.keys() - set(SHIPPING):
            _put(params, PATHS[name], differing[name])
        if differing.keys() & set(ADDRESS) and not any(cleaned.get(name) for name in ADDRESS):
            params["address"] = ""
        if differing.keys() & set(SHIPPING):
            params["shipping"] = _shipping(cleaned, differing)
        if "preferred_locales" in differing:
            params["preferred_locales"] = differing["preferred_locales"]
        if "metadata" in differing:
            params["metadata"] = _metadata(row.metadata, differing["metadata"])
        if not params:
            raise NothingToChange
        return params

    def _differing(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        present = self.initial(row)
        if not row.pk:
            # Stripe's own default of a new customer: not worth a parameter.
            present["tax_exempt"] = "none"
        return {
            name: cleaned[name] for name in present if name in cleaned and not state.same(present[name], cleaned[name])
        }

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Each field that changes, with its old and new value."""
        present, differing = self.initial(row), self._differing(row, cleaned)
        if not differing:
            raise NothingToChange
        lines = []
        for name, new in differing.items():
            label = str(self.form_class.base_fields[name].label)
            if name == "metadata":
                lines += _metadata_lines(present["metadata"], new)
            else:
                lines.append(_line(label, present[name], new))
        return lines


@register
class EditCustomer(CustomerOperation):
    """https://docs.stripe.com/api/customers/update"""

    name = "edit_customer"
    label = "Edit customer"
    short_description = "Change the customer's details in Stripe. Only what you change is sent."
    form_class = EditCustomerForm

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers can't be edited."""
        return "This customer was deleted in Stripe." if row.deleted_at else ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update with the difference."""
        return Call("post", f"/v1/customers/{row.pk}", self.params(row, cleaned))


@register
class CreateCustomer(CustomerOperation):
    """https://docs.stripe.com/api/customers/create"""

    name = "create_customer"
    label = "Create customer"
    short_description = "Make a new customer in Stripe."
    form_class = CreateCustomerForm
    creates = True

    def why_not(self, row: StripeObject) -> str:
        """Always possible."""
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation with what is filled in."""
        return Call("post", "/v1/customers", self.params(row, cleaned))


@register
class CreateCustomerForUser(CreateCustomer):
    """Makes a Django user a customer and links the two; `create_customer_for` submits it."""

    name = "create_customer_for_user"
    permission = "create_customer"
    label = "Create customer in Stripe"
    short_description = "Make this user a customer in Stripe and link the two."
    offered = False

    def on_done(self, push: Push, answer: Mapping[str, Any]) -> None:
        """Link the user that the push was about; a second run finds the link."""
        CustomerLink.objects.get_or_create(
            user_id=int(push.params["metadata"][USER_KEY]),
            defaults={"customer_id": answer["id"], "created_by": push.user},
        )


def _put(params: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        params = params.setdefault(key, {})
    params[path[-1]] = value


def _shipping(cleaned: Mapping[str, Any], differing: Mapping[str, Any]) -> Any:
    """Stripe wants name and address whenever anything of it is sent; "" clears the whole."""
    if not any(cleaned.get(name) for name in SHIPPING):
        return ""
    shipping: dict[str, Any] = {"name": cleaned["shipping_name"], "address": {}}
    if "shipping_phone" in differing:
        shipping["phone"] = differing["shipping_phone"]
    for name in SHIPPING_ADDRESS:
        if cleaned.get(name) or name in differing:
            shipping["address"][PATHS[name][-1]] = cleaned.get(name) or ""
    return shipping


def _metadata(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Key by key, so that keys that somebody adds meanwhile stay; "" deletes one."""
    changed = {key: value for key, value in wanted.items() if not state.same(present.get(key), value)}
    return {**changed, **dict.fromkeys(sorted(present.keys() - wanted.keys()), "")}


def _metadata_lines(present: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [_line(f"Metadata “{k}”", present.get(k, ""), v) for k, v in _metadata(present, wanted).items()]


def _line(label: str, old: Any, new: Any) -> str:
    """ "Email: old → new" """
    return f"{label}: {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "(empty)")
