"""Operations on one object: the buttons, the form, and what became of a submit. Nothing here runs in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import confirming, conflicts, display, receipts
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.conflicts import Choice
from stripe_mirror.admin.forms import FieldGroup, dressed, field_groups
from stripe_mirror.admin.raw import masked
from stripe_mirror.language import said_again
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, Conflict, NothingToChange, PushError, PushIdTaken
from stripe_mirror.push.inverse import inverse_of
from stripe_mirror.push.operation import Operation, OperationForm, may, operations_for
from stripe_mirror.push.preview import Preview, preview, told
from stripe_mirror.push.submit import earlier, submit

SALT = "stripe_mirror.opened"
# So many unsettled pushes are named on a page.
NOTED = 5
OPEN_STATES = (Push.State.SENDING, Push.State.UNKNOWN)


@dataclass(frozen=True)
class Button:
    """An operation as a page offers it; `why_not` says why it is off."""

    operation: Operation
    url: str
    why_not: str


@dataclass
class Sheet:
    """A form on a page, with what travels along: the intent's UUID, and what the form showed when it was opened."""

    operation: Operation
    form: OperationForm
    push_id: UUID
    opened: str
    why_not: str = ""
    # Where somebody else changed the same fields meanwhile (S38).
    choices: list[Choice] | None = None
    # The typed form, as hidden fields beside the choices.
    typed: list[tuple[str, str]] | None = None
    # What Stripe said of this form before confirming, and the proof that it was shown; None until it was asked.
    preview: Preview | None = None
    token: str = ""
    told: Mapping[str, Any] | None = None
    # The push that this one takes back.
    undoes: Push | None = None
    # Stripe's answer; None until something was sent.
    push: Push | None = None
    # The push was there before: the form was sent twice.
    repeated: bool = False
    nothing: str = ""

    @property
    def groups(self) -> list[FieldGroup]:
        """The fields as they stand on the page."""
        return field_groups(self.form)

    @property
    def settled(self) -> bool:
        """Whether the page has nothing more to ask."""
        return bool(self.nothing) or (self.push is not None and self.push.state != Push.State.REFUSED)


def buttons(request: HttpRequest, row: StripeObject, *, without: str = "") -> list[Button]:
    """The operations that this person may run on the row; those that its state forbids say why.

    Those that staff come for most first, dangerous ones last.
    """
    offered = [o for o in operations_for(row.kind.object) if not o.creates and o.name != without]
    offered.sort(key=lambda operation: (not operation.at_hand, operation.danger))
    return [Button(o, operation_url(row, o), why_not(o, row)) for o in offered if may(request.user, o)]


def why_not(operation: Operation, row: StripeObject) -> str:
    """What forbids the operation on this row; also an object whose shape nobody here knows."""
    try:
        return operation.why_not(row)
    except display.ODD_SHAPE:
        return str(ODD_SHAPE_WORDS)


def operation_url(row: StripeObject, operation: Operation) -> str:
    """The page of an operation on a row; of one that creates, where there is no row yet."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    if operation.creates:
        return reverse(f"{name}_create", args=(operation.name,))
    return reverse(f"{name}_operation", args=(row.pk, operation.name))


def opened_token(operation: Operation, row: StripeObject, values: Mapping[str, Any]) -> str:
    """What the form showed, signed, so that a conflict is judged by what the person really saw."""
    return signing.dumps([operation.name, row.pk, dict(values)], salt=SALT, compress=True)


def read_opened(token: str, operation: Operation, row: StripeObject) -> dict[str, Any] | None:
    """The values in a token, or None where it isn't ours or belongs to another form."""
    try:
        name, pk, values = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    return values if (name, pk) == (operation.name, row.pk) else None


def fresh_sheet(
    operation: Operation, row: StripeObject, *, undoes: str = "", filled: Mapping[str, Any] | None = None
) -> Sheet:
    """A form, opened now: with what the row holds, or filled in to take an earlier push back, or by a link."""
    form = dressed(operation.get_form(row))
    undone, values = _undone(undoes, operation, row)
    if undone or filled:
        sheet, values = fresh_sheet(operation, row), values or masked(filled)
        sheet.form.initial, sheet.undoes = {**sheet.form.initial, **values}, undone
        return sheet
    # A key of Stripe's that stands in the object isn't shown (S61); a field that is left as shown is never sent.
    form.initial = masked(form.initial)
    return Sheet(operation, form, uuid4(), opened_token(operation, row, form.initial), why_not(operation, row))


def _undone(id: str, operation: Operation, row: StripeObject) -> tuple[Push | None, dict[str, Any]]:
    """The push that this operation on this row takes back, and the form's values by which it does."""
    try:
        push = Push.objects.filter(pk=UUID(id)).first() if id else None
    except ValueError:
        push = None
    undo, inverse, of_row = inverse_of(push) if push else (None, None, None)
    if push is None or undo is None or inverse is not operation or of_row is None or of_row.pk != row.pk:
        return None, {}
    return push, dict(undo.values)


def posted_sheet(request: HttpRequest, operation: Operation, row: StripeObject) -> Sheet:
    """Submit the posted form; the sheet says what became of it, and holds what was typed. Raises PermissionDenied."""
    opened = read_opened(request.POST.get("opened", ""), operation, row)
    data = conflicts.decided(request.POST, opened or {}, operation)
    sheet = Sheet(operation, dressed(operation.get_form(row, data)), _push_id(request), request.POST.get("opened", ""))
    if _sent_before(request, sheet):
        return sheet
    if opened is None:
        sheet.opened = opened_token(operation, row, operation.initial(row))
        sheet.form.add_error(None, _("Nothing was sent: this form had expired. Check it and send it again."))
    elif sheet.form.is_valid():
        sheet.undoes = _undone(request.POST.get(receipts.UNDOES, ""), operation, row)[0]
        given = request.POST.get("previewed_token", "")
        sheet.told = confirming.confirmed(operation, row, sheet.form.cleaned_data, given)
        if sheet.told is None:
            _ask_for_preview(sheet, data)
        else:
            _submit(request, sheet, opened, data)
    return sheet


def _ask_for_preview(sheet: Sheet, data: QueryDict) -> None:
    """Let Stripe say what it would bill, and keep what the form's hidden fields pin for the real call."""
    operation, row, form = sheet.operation, sheet.form.row, sheet.form
    sheet.preview = preview(operation, row, form.cleaned_data, ask=True)
    if sheet.preview.may_confirm:
        words = told(operation, row, form.cleaned_data, sheet.preview)
        sheet.token = confirming.token(operation, row, form.cleaned_data, words)
    for field in form.hidden_fields():
        data[field.name] = str(form.cleaned_data.get(field.name) or "")
    sheet.form = dressed(operation.get_form(row, data))
    sheet.form.is_valid()


def _sent_before(request: HttpRequest, sheet: Sheet) -> bool:
    """Whether this very form was sent already (S30). Asked first: what that did may make the same form invalid now."""
    user = cast(User, request.user)
    try:
        sheet.push = earlier(sheet.push_id, sheet.operation, sheet.form.row, user)
    except PushIdTaken:
        return False
    sheet.repeated = sheet.push is not None
    if sheet.push and sheet.push.state == Push.State.REFUSED:
        sheet.form.full_clean()
        _note_refusal(sheet)
    return sheet.repeated


def _submit(request: HttpRequest, sheet: Sheet, opened: dict[str, Any], data: QueryDict) -> None:
    operation, row, form = sheet.operation, sheet.form.row, sheet.form
    try:
        sheet.push = submit(
            operation,
            row,
            user=cast(User, request.user),
            push_id=sheet.push_id,
            cleaned=form.cleaned_data,
            opened=opened,
            reason=form.cleaned_data.get("reason", ""),
            ip=client_address(request),
            told=sheet.told,
            undoes=sheet.undoes,
        )
    except Conflict as conflict:
        sheet.choices = conflicts.choices(conflict)
        sheet.typed = conflicts.typed(data)
        sheet.opened = opened_token(operation, row, conflicts.merged(opened, sheet.choices))
    except NothingToChange as nothing:
        sheet.nothing = str(nothing)
    except PushError as error:
        form.add_error(None, str(error))
        if isinstance(error, PushIdTaken):
            sheet.push_id = uuid4()
    else:
        _note_refusal(sheet)


def _note_refusal(sheet: Sheet) -> None:
    """Stripe's sentence at the field that it is about; another try is another intent, with a UUID of its own."""
    if sheet.push is None or sheet.push.state != Push.State.REFUSED:
        return
    field = sheet.operation.field_for_param(sheet.push.error_param) if sheet.push.error_param else ""
    sheet.form.add_error(field if field in sheet.form.fields else None, said_again(sheet.push.message))
    sheet.push_id = uuid4()


def _push_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("push_id", ""))
    except ValueError:
        return uuid4()


def tell(request: HttpRequest, sheet: Sheet) -> None:
    """The outcome as a message on the next page."""
    label = sheet.operation.label
    if sheet.nothing:
        messages.info(request, sheet.nothing)
    elif sheet.push and sheet.push.state in OPEN_STATES:
        messages.warning(
            request,
            # Stays true when the page's own note is gone because the outcome is known by then.
            _(
                "%(label)s: no clear answer came from Stripe. What you typed is kept, and a note on "
                "the page says “checking” until the outcome is known."
            )
            % {"label": label},
        )
    elif sheet.push and sheet.push.state == Push.State.WAITING:
        messages.warning(
            request, _("%(label)s: it waits for approval by another person. Nothing was sent yet.") % {"label": label}
        )
    elif sheet.push and sheet.push.state in (Push.State.PLANNED, Push.State.SKIPPED):
        later = _("%(label)s: it is sent in a moment, and can be taken back until then.") % {"label": label}
        messages.info(request, f"{label}: {sheet.push.message}" if sheet.push.message else later)
    elif sheet.push and sheet.repeated:
        messages.info(request, _("%(label)s: this was done already, it was not sent a second time.") % {"label": label})
    elif sheet.push:
        messages.success(request, _("%(label)s: done.") % {"label": label})


def object_page(sheet: Sheet, row: StripeObject) -> str:
    """Where to go once it is settled: the object, or the push while a new object isn't known."""
    if row.pk:
        return display.object_url(row)
    if sheet.push and sheet.push.object_id:
        return display.admin_url(type(row), "change", sheet.push.object_id)
    return display.object_url(sheet.push) if sheet.push else display.list_url(type(row))


@dataclass(frozen=True)
class Checking:
    """A push with an open outcome, as a note on its object's page."""

    label: str
    url: str


def checking(request: HttpRequest, row: StripeObject, pushes: list[Push]) -> list[Checking]:
    """Notes on those of the row's unsettled pushes whose outcome isn't known yet."""
    labels = {operation.name: str(operation.label) for operation in operations_for(row.kind.object)}
    linked = request.user.has_perm("stripe_mirror.view_push")
    return [
        Checking(labels.get(p.operation, display.words(p.operation)), display.object_url(p) if linked else "")
        for p in [push for push in pushes if push.state in OPEN_STATES][:NOTED]
    ]


def creating(request: HttpRequest, model: type[StripeObject]) -> list[Button]:
    """Operations that make a new object of this kind, for the list's page."""
    offered = [o for o in operations_for(model.kind.object) if o.creates and may(request.user, o)]
    return [Button(o, operation_url(o.new_row(), o), "") for o in offered]
