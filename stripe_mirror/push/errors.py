"""Why nothing was sent. `str()` of each is a sentence for staff; what Stripe refuses stands on the push instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.push.wording import Words

# What code meets in an object that isn't shaped as Stripe's documentation says.
ODD_SHAPE = (AttributeError, KeyError, IndexError, TypeError, ValueError)
ODD_SHAPE_WORDS = gettext_lazy(
    "Stripe sent this object in a shape that isn't known here, so nothing can be done to it."
)

SAME = gettext_lazy("Nothing was sent: nothing differs from what Stripe has already.")


class PushError(Exception):
    """Nothing was sent to Stripe."""


class NothingToChange(PushError):
    """The form says what Stripe's object says already."""

    def __init__(self, message: Words = SAME) -> None:
        super().__init__(str(message))


class NotAllowed(PushError):
    """The object's present state, a missing reason or a misused push id forbids it."""


class CantCheck(PushError):
    """The object could not be read from Stripe just before sending, so nothing was sent."""


class PushIdTaken(NotAllowed):
    """The push id of a form was used before, for something else."""


class CantReach(CantCheck):
    """Stripe did not answer the read: the same may work later."""


class AlreadyDecided(PushError):
    """Somebody has approved, declined or withdrawn it before; the sentence says who."""


class StillChecking(PushError):
    """An earlier push for the same thing has no known outcome yet."""


@dataclass(frozen=True)
class FieldConflict:
    """A field that the form changes and that somebody else changed since the form was opened."""

    # The form field, and the entry where the field is a table; the label names both.
    name: str
    key: str
    label: str
    was: Any
    now: Any
    yours: Any


class Conflict(PushError):
    """Nothing was sent until a person decides (S38). The mirrored row holds the present state by now.

    To insist, submit again with `opened` taken from the row as it is now; to give way, drop the field's change.
    """

    def __init__(self, fields: Sequence[FieldConflict]) -> None:
        labels = ", ".join(field.label for field in fields)
        super().__init__(
            _("Nothing was sent: somebody else has changed this since you opened the form: %(labels)s.")
            % {"labels": labels}
        )
        self.fields = list(fields)
