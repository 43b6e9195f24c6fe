"""Who may take which rows out; asked on the page, by the worker and again when a file is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.exports.columns import RELATED, Column, columns_named

Person = User | AnonymousUser


def model_of(model_name: str) -> type[Any] | None:
    """The model of a list's rows; None where there is no such list (any more)."""
    model = apps.all_models["stripe_mirror"].get(model_name)
    return model if model in admin.site._registry else None


def rows_words(model_name: str) -> str:
    """What the rows of a list are called: "Customers"."""
    model = model_of(model_name)
    return display.words(model._meta.verbose_name_plural if model else model_name)


def may_export(user: Person, model: type[Any]) -> bool:
    """Whether this person may see and download the model's rows."""
    name = model._meta.model_name
    return user.has_perms([f"stripe_mirror.view_{name}", f"stripe_mirror.export_{name}"])


def may_schedule(user: Person) -> bool:
    """Whether this person's exports may run by themselves."""
    return user.has_perm("stripe_mirror.schedule_export")


def exports_anything(user: Person) -> bool:
    """Whether there is any list that this person may download."""
    return any(may_export(user, model) for model in admin.site._registry if model._meta.app_label == "stripe_mirror")


def may_have(user: Person, model: type[Any], column: Column) -> bool:
    """Whether this person may have a column of the model's rows: what stands on another object needs seeing those."""
    if column.group != RELATED:
        return True
    related = model._meta.get_field(column.name.partition(".")[0]).related_model
    return user.has_perm(f"stripe_mirror.view_{related._meta.model_name}")


def why_not(user: Person, model_name: str, columns: Iterable[str] = ()) -> str:
    """Why this person gets no file of these rows and columns; "" where nothing is in the way.

    Raises WrongOptions where there is no such column (any more).
    """
    model = model_of(model_name)
    if model is None:
        return _("There is no such list any more.")
    if not user.is_active:
        return _("The account that asked for it is switched off.")
    if not may_export(user, model):
        return _("The permission to export %(rows)s is missing (by now).") % {
            "rows": display.in_sentence(rows_words(model_name))
        }
    refused = [column.name for column in columns_named(model, columns) if not may_have(user, model, column)]
    if refused:
        return _("The permission to see what stands in the column “%(name)s” is missing (by now).") % {
            "name": refused[0]
        }
    return ""
