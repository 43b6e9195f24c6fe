"""What an operation is: one declaration per thing that staff can do to Stripe; `submit` is the path that runs it.

A new operation is a subclass with `@register` in its family's file (`customers.py`, …). Nothing here talks to Stripe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.conf import conf
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.effects import Effects, Step, Undo
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.secrets import holds_nul, holds_secret
from stripe_mirror.push.wording import Words


@dataclass(frozen=True)
class Call:
    """One request to Stripe. In `params`, "" clears a field; None, [] and {} would send nothing."""

    method: str
    path: str
    params: dict[str, Any]


class OperationForm(forms.Form):
    """Base of all operation forms; subclasses declare their fields and may override `prepare`."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        help_text=gettext_lazy("Kept in our log, not sent to Stripe."),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, operation: Operation, row: StripeObject) -> None:
        super().__init__(data, initial=operation.initial(row))
        # Where many rows are judged by this form: all of its fields, and the values that a row leaves alone.
        self._every: dict[str, forms.Field] = {}
        self._settled: dict[str, Any] = {}
        self.operation = operation
        self.row = row
        reason = self.fields.pop("reason")
        reason.required = operation.needs_reason
        self.fields["reason"] = reason
        self.prepare()

    def prepare(self) -> None:
        """Fit the fields to the row: choices, currency."""

    def keep_choice(self, name: str) -> None:
        """Offer the present value even where it is none that we know, so that it can stay."""
        field, present = self.choice_field(name), self.initial.get(name)
        offered: list[tuple[str, str]] = list(cast("Iterable[tuple[str, str]]", field.choices))
        if present and all(present != value for value, _ in offered):
            field.choices = [*offered, (present, present)]

    def choice_field(self, name: str) -> forms.ChoiceField:
        """The field, typed as what it is."""
        return cast(forms.ChoiceField, self.fields[name])

    def is_changed(self, *names: str) -> bool:
        """Whether one of these cleaned fields differs from what was shown at first."""
        return any(not state.same(self.cleaned_data.get(n), self.initial.get(n)) for n in names)

    def clean(self) -> dict[str, Any]:
        """Leave alone what was not sent, and keep secrets out of Stripe and of our log (S61)."""
        super().clean()
        cleaned = self.cleaned_data
        for name, value in [(name, value) for name, value in cleaned.items() if name in self.fields]:
            if self._is_omitted(name):
                cleaned[name] = self.initial[name]
            elif holds_secret(value):
                self.add_error(name, _("This contains what looks like a Stripe key or secret. Remove it."))
            elif holds_nul(value):
                self.add_error(name, _("This contains a NUL character, which can't be stored. Remove it."))
        return cleaned

    def judge(self, row: StripeObject, present: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Judge just these values for another row, `present` being how its form opens; as `is_valid`.

        For many rows: building a form takes much longer. What `prepare` fits to the row stays as it is.
        """
        self.row, self.initial, self.data = row, dict(present), {**present, **values}
        self._every = self._every or dict(self.fields)
        self.fields = {name: field for name, field in self._every.items() if name in values}
        cast(Any, self)._bound_fields_cache.clear()
        self._settled = {name: value for name, value in present.items() if name not in values}
        self.full_clean()
        return not self.errors

    def _clean_fields(self) -> None:
        self.cleaned_data.update(self._settled)
        super()._clean_fields()  # type: ignore[misc] # the stubs lack it

    def _is_omitted(self, name: str) -> bool:
        """A field that a request lacks, other than an empty one, must not clear what Stripe has."""
        widget = self.fields[name].widget
        return name in self.initial and widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name))


class Operation(ABC):
    """One thing that staff can do to Stripe: who may, when, with which form, by which call."""

    # Unique; also its permission's codename unless `permission` says otherwise.
    name: ClassVar[str]
    permission: ClassVar[str] = ""
    # On buttons ("Cancel subscription"), and one sentence beside them.
    label: ClassVar[Words]
    short_description: ClassVar[Words] = ""
    # Stripe's `object` value of the rows it is offered on (for `creates`: of what it makes).
    object_type: ClassVar[str]
    form_class: ClassVar[type[OperationForm]]
    # May run on selected rows, as a job.
    bulk: ClassVar[bool] = False
    # Money or access is lost: a reason is asked for; a dialog is red.
    needs_reason: ClassVar[bool] = False
    danger: ClassVar[bool] = False
    # What staff come for most: it stands beside the title of its object's page, where others are in a menu.
    at_hand: ClassVar[bool] = False
    # What can't be undone, shown before confirming; "" where it can.
    final_warning: ClassVar[Words] = ""
    # Makes an object rather than changing one: its row is `new_row()`.
    creates: ClassVar[bool] = False
    # Makes another object beside its row, as a refund does beside its charge: each push adds one and none replaces an
    # earlier one, so that the row's state doesn't tell whether one of them happened.
    adds: ClassVar[bool] = False
    # Of one that adds: the kind of what it makes, where an event about nothing else proves that it was done.
    makes: ClassVar[str] = ""
    # Collects a payment that may be declined: Stripe records that attempt, too, so that a change under our key doesn't
    # prove that it was done.
    may_be_declined: ClassVar[bool] = False
    # Groups may have limits for it (`limits`): a push with more `at_stake` waits for another person's approval.
    limited: ClassVar[bool] = False
    # Offered to staff on pages; False where only our own code submits it.
    offered: ClassVar[bool] = True
    # Parameters that steer the call and aren't read back from the object.
    not_state: ClassVar[tuple[str, ...]] = ()
    # Form fields that say what to do, not what the object holds: its present state never replaces them.
    decisions: ClassVar[tuple[str, ...]] = ()
    # How the rows of a file become its forms; None where it can't be imported.
    importable: ClassVar[Importable | None] = None
    # Operations of one topic replace each other, whichever parameters they send.
    topic: ClassVar[str] = ""

    @abstractmethod
    def why_not(self, row: StripeObject) -> str:
        """A sentence where the row's state forbids it, else ""."""

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """As `why_not`, but by the row alone: for menus of many rows, for which nothing more may be read.

        An operation whose `why_not` reads more says here what it knows without.
        """
        return self.why_not(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """What the form shows at first; values that JSON can hold, for they travel with the form as `opened`."""
        return {}

    @abstractmethod
    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The request that turns the row into what the form says: only what differs. Raises NothingToChange."""

    @abstractmethod
    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What will be sent, in words; a line each. Raises NothingToChange."""

    def get_form(self, row: StripeObject, data: Mapping[str, Any] | None = None) -> OperationForm:
        """The form for this row."""
        return self.form_class(data, operation=self, row=row)

    def new_row(self) -> StripeObject:
        """The row to pass for an operation that creates: not stored, without an id."""
        return get_kind(self.object_type).model(id="", data={})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call | None:
        """The request by which Stripe itself says what would be billed, where it has one; it changes nothing.

        Then nobody can confirm before it was answered for just this form (S43); its answer comes to `effects`. Values
        that preview and call must share (proration_date) are hidden fields of the form. Raises NothingToChange.
        """
        return None

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Money, consequences and what is final, for the confirm page; `preview` is Stripe's answer, if asked."""
        return Effects(final=self.final_warning)

    def undo(self, push: Push) -> Undo | None:
        """The inverse of a push that is done, by what its `before` and `params` say; None where Stripe has none."""
        return None

    def step_after(self, push: Push, answer: Mapping[str, Any]) -> Step | None:
        """What is to be done next, once this push is done, where one call is not enough: a push of its own."""
        return None

    def field_for_param(self, param: str) -> str:
        """The form field that Stripe's error parameter is about, or "" (address[country] → address_country)."""
        parts = param.replace("]", "").split("[")
        heads = ["_".join(parts[:n]) for n in range(len(parts), 0, -1)]
        tails = ["_".join(parts[n:]) for n in range(1, len(parts))]
        return next((name for name in heads + tails if name in self.form_class.base_fields), "")

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The touched fields as they are, for the log; after the call the same fields are read again."""
        return state.touched(row.data, call.params)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether a freshly read row is as the call wants it: decides where an answer was lost for good."""
        return state.matches(row.data, call.params, ignore=self.not_state)

    def refusal(self, push: Push, message: str) -> str:
        """Stripe's sentence about a push that it refused; may add what is known here of why."""
        return message

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """Amounts in minor units that are at stake for this row, each beside its currency (S53)."""
        return ()

    def at_stake(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
        """Of a limited operation: what this very push moves, in minor units beside its currency; rather more than less
        where only Stripe knows. The fields that say it must be `decisions`, which nobody else's change replaces."""
        return ()

    def on_done(self, push: Push, answer: Mapping[str, Any]) -> None:  # noqa: B027 - most have nothing to do
        """Called with Stripe's object once it is applied, before the push is marked done; may run twice."""


O = TypeVar("O", bound=type[Operation])  # noqa: E741
_operations: dict[str, Operation] = {}


def register(declaration: O) -> O:
    """Class decorator: put one instance into the registry."""
    if not declaration.permission:
        declaration.permission = declaration.name
    if declaration.name in _operations:
        raise ValueError(f"two operations are named {declaration.name}")
    _operations[declaration.name] = declaration()
    return declaration


def all_operations() -> tuple[Operation, ...]:
    """Every operation, in the order of declaration."""
    return tuple(_operations.values())


def operations_for(object_type: str) -> tuple[Operation, ...]:
    """The operations that staff are offered for one kind of object."""
    return tuple(o for o in _operations.values() if o.object_type == object_type and o.offered)


def get_operation(name: str) -> Operation:
    """The operation of that name. Raises KeyError."""
    return _operations[name]


def why_not_user(user: User | AnonymousUser, operation: Operation) -> str:
    """A sentence where this person may not run it at all, else ""."""
    if not user.has_perm(f"stripe_mirror.{operation.permission}"):
        return _("You may not do this: “%(label)s” needs the permission %(permission)s.") % {
            "label": operation.label,
            "permission": operation.permission,
        }
    if conf.livemode and not user.has_perm("stripe_mirror.act_live"):
        return _("You may not change the live Stripe account: that needs the permission act_live.")
    return ""


def may(user: User | AnonymousUser, operation: Operation) -> bool:
    """Whether this person may run it."""
    return not why_not_user(user, operation)


def may_in_bulk(user: User | AnonymousUser, operation: Operation) -> bool:
    """Whether this person may run it on many rows at once."""
    return operation.bulk and may(user, operation) and user.has_perm("stripe_mirror.run_job")


def demand(user: User | AnonymousUser, operation: Operation) -> None:
    """Raise PermissionDenied where this person may not run it."""
    if reason := why_not_user(user, operation):
        raise PermissionDenied(reason)
