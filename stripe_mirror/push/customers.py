"""What staff can do to customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.conf import conf
from stripe_mirror.models import Customer, CustomerLink, PaymentMethod, Push, StripeObject
from stripe_mirror.push import metadata, state
from stripe_mirror.push.customer_forms import (
    PATHS,
    SHIPPING,
    SHIPPING_ADDRESS,
    CreateCustomerForm,
    CustomerForm,
    EditCustomerForm,
)
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange, PushIdTaken, StillChecking
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.operation import Call, Operation, OperationForm, demand, get_operation, register
from stripe_mirror.push.submit import submit
from stripe_mirror.push.wording import change_line, metadata_lines

ADDRESS = tuple(name for name, path in PATHS.items() if path[0] == "address")
# Marks a customer in Stripe as one of our users, for whoever looks at it there.
USER_KEY = "django_user_id"
# What exports call these fields, and how Stripe writes their paths.
COLUMNS = {"country": "address_country", **{".".join(path): name for name, path in PATHS.items()}}


class CustomerOperation(Operation):
    """The difference between a form and a customer, as parameters and in words."""

    object_type = "customer"
    form_class: ClassVar[type[OperationForm]] = CustomerForm

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The customer's present values, "" where it has none (no tax status is the same as taxable)."""
        values = {name: state.text(state.look_up(row.data, path)) for name, path in PATHS.items()}
        # Stripe's own default of a new customer.
        values["tax_exempt"] = values["tax_exempt"] or "none"
        lists = {
            "preferred_locales": state.texts(row.data.get("preferred_locales")),
            "metadata": state.table(row.data.get("metadata")),
        }
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
            params["metadata"] = metadata.difference(self.initial(row)["metadata"], differing["metadata"])
        if not params:
            raise NothingToChange
        return params

    def _differing(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        present = self.initial(row)
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
                lines += metadata_lines(present["metadata"], new)
            else:
                lines.append(change_line(label, present[name], new))
        return lines


@register
class EditCustomer(CustomerOperation):
    """https://docs.stripe.com/api/customers/update"""

    name = "edit_customer"
    label = gettext_lazy("Edit customer")
    short_description = gettext_lazy("Change the customer's details in Stripe. Only what you change is sent.")
    form_class = EditCustomerForm
    importable = Importable(columns=COLUMNS, by_row=("default_payment_method",))

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers can't be edited."""
        return _("This customer was deleted in Stripe.") if row.deleted_at else ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update with the difference."""
        return Call("post", f"/v1/customers/{row.pk}", self.params(row, cleaned))

    def undo(self, push: Push) -> Undo | None:
        """The same edit back to the old values; None where Stripe can't go back, or the log no longer holds them."""
        paths = [path for path, _ in state.leaves(push.params)]
        if not all(".".join(path) in push.before for path in paths):
            return None
        shown = self.initial(_as_it_was(push, paths))
        values = {
            name: shown[name]
            for name, where in [*PATHS.items(), ("preferred_locales", ("preferred_locales",))]
            if any(where[: len(path)] == path for path in paths)
        }
        if not _is_possible(push, values):
            return None
        if "metadata" in push.params:
            values["metadata"] = _old_metadata(push)
        return Undo(self.name, values)


@register
class CreateCustomer(CustomerOperation):
    """https://docs.stripe.com/api/customers/create"""

    name = "create_customer"
    label = gettext_lazy("Create customer")
    short_description = gettext_lazy("Make a new customer in Stripe.")
    form_class = CreateCustomerForm
    creates = True
    importable: ClassVar[Importable | None] = Importable(columns=COLUMNS)

    def why_not(self, row: StripeObject) -> str:
        """Always possible."""
        return ""

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation with what is filled in."""
        return Call("post", "/v1/customers", self.params(row, cleaned))

    def undo(self, push: Push) -> Undo | None:
        """A customer can be deleted; what was made for it meanwhile stands on that form."""
        return Undo("delete_stripe_customer")


@register
class CreateCustomerForUser(CreateCustomer):
    """Makes a Django user a customer and links the two; `create_customer_for` submits it."""

    name = "create_customer_for_user"
    permission = "create_customer"
    importable = None
    label = gettext_lazy("Create customer in Stripe")
    short_description = gettext_lazy("Make this user a customer in Stripe and link the two.")
    offered = False

    def on_done(self, push: Push, answer: Mapping[str, Any]) -> None:
        """Link the user that the push was about, if it still exists; a second run finds the link."""
        user = User.objects.filter(pk=push.params["metadata"][USER_KEY]).first()
        taken = CustomerLink.objects.filter(customer_id=answer.get("id")).exclude(user=user).exists()
        if user and answer.get("id") and not taken:
            CustomerLink.objects.get_or_create(
                user=user, defaults={"customer_id": answer["id"], "created_by": push.user}
            )


def create_customer_for(user: User, *, by: User) -> CustomerLink:
    """Make a Django user a Stripe customer and link the two, once, however often and wherever it is asked for.

    Raises PermissionDenied (`by` may not), StillChecking (asked for, outcome open: the link appears by itself),
    NotAllowed with Stripe's sentence, or another PushError.
    """
    demand(by, get_operation(CreateCustomerForUser.name))
    for attempt in count():
        if link := CustomerLink.objects.filter(user=user).first():
            return link
        push_id = _push_id(user, attempt)
        earlier = Push.objects.filter(pk=push_id).first()
        push = earlier or _submit_for(user, push_id, by)
        if push.state in (Push.State.SENDING, Push.State.UNKNOWN):
            raise StillChecking(_("The customer is being created in Stripe. The link appears here by itself."))
        if push.state == Push.State.REFUSED and not earlier:
            raise NotAllowed(_("No customer was created. %(message)s") % {"message": push.message})
        if push.state == Push.State.DONE:
            _link_again(user, push, by)
    raise AssertionError("count() has no end")


def _submit_for(user: User, push_id: UUID, by: User) -> Push:
    operation = get_operation(CreateCustomerForUser.name)
    cleaned = {
        "name": user.get_full_name() or user.get_username(),
        "email": user.email,
        "metadata": {USER_KEY: str(user.pk)},
    }
    try:
        return submit(operation, operation.new_row(), user=by, push_id=push_id, cleaned=cleaned, opened={})
    except PushIdTaken:
        # Somebody else asked for the same at the same time.
        return Push.objects.get(pk=push_id)


def _link_again(user: User, push: Push, by: User) -> None:
    """A customer that was made for this user, but isn't linked (any more): take it, unless Stripe deleted it."""
    if Customer.objects.filter(pk=push.object_id, deleted_at=None, user_link=None).exists():
        CustomerLink.objects.get_or_create(user=user, defaults={"customer_id": push.object_id, "created_by": by})


def _push_id(user: User, attempt: int) -> UUID:
    """The same for everyone who asks for the same, so that they find one push.

    The joining date tells apart users of the same number in a database that was made anew: Stripe would answer a key
    that it knows with the first one's customer.
    """
    name = f"{CreateCustomerForUser.name} {conf.mode} {user.pk} {user.date_joined.isoformat()} {attempt}"
    return uuid5(NAMESPACE_URL, name)


def _as_it_was(push: Push, paths: Iterable[tuple[str, ...]]) -> Customer:
    """The customer with only the fields that the push changed, as they were."""
    held: dict[str, Any] = {}
    for path in paths:
        _put(held, path, push.before[".".join(path)])
    return Customer(id=push.object_id, data=held)


def _is_possible(push: Push, old: Mapping[str, Any]) -> bool:
    """Stripe can't empty the languages, nor make a detached payment method the default again."""
    method = old.get("default_payment_method")
    attached = not method or PaymentMethod.objects.filter(pk=method, customer=push.object_id).exists()
    return attached and old.get("preferred_locales") != []


def _old_metadata(push: Push) -> dict[str, str]:
    """The old values of the keys that the push changed, beside what the other keys hold by now."""
    row = Customer.objects.filter(pk=push.object_id).first()
    olds = {key: push.before[f"metadata.{key}"] for key in push.params["metadata"]}
    return state.table({**(row.metadata if row else {}), **olds})


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
