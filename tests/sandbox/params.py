"""Parameters: declared types, single ones and those made of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.scalars import Bool as Bool
from tests.sandbox.scalars import DecimalText as DecimalText
from tests.sandbox.scalars import Email as Email
from tests.sandbox.scalars import Enum as Enum
from tests.sandbox.scalars import Float as Float
from tests.sandbox.scalars import Int as Int
from tests.sandbox.scalars import Kind as Kind
from tests.sandbox.scalars import Metadata as Metadata
from tests.sandbox.scalars import Str as Str
from tests.sandbox.scalars import Timestamp as Timestamp
from tests.sandbox.scalars import Url as Url


class Many(Kind):
    """A list; replaced as a whole."""

    def __init__(
        self,
        item: Kind,
        *,
        most: int | None = None,
        clears: bool = False,
        required: bool = False,
    ) -> None:
        super().__init__(clears=clears, required=required)
        object.__setattr__(self, "item", item)
        object.__setattr__(self, "most", most)

    item: Kind
    most: int | None

    def parse(self, value: Any, param: str) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid("Invalid array", param=param)
        if self.most is not None and len(value) > self.most:
            raise invalid(
                f"Array {param} exceeded maximum {self.most} allowed elements.",
                param=param,
            )
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [self.item.read(item, f"{param}[{position}]") for position, (_, item) in enumerate(ordered)]


class Fields(Kind):
    """Named parameters, each with its type."""

    def __init__(
        self,
        *bases: Mapping[str, Kind],
        clears: bool = False,
        required: bool = False,
        **own: Kind,
    ) -> None:
        super().__init__(clears=clears, required=required)
        members: dict[str, Kind] = {}
        for base in bases:
            members.update(base)
        members.update(own)
        object.__setattr__(self, "members", members)

    members: dict[str, Kind]

    def parse(self, value: Any, param: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=param)
        for key in value:
            if key not in self.members:
                raise unknown(inner(param, key))
        read = {key: self.members[key].read(item, inner(param, key)) for key, item in value.items()}
        for key, kind in self.members.items():
            if kind.required and key not in read:
                name = inner(param, key)
                raise invalid(
                    f"Missing required param: {name}.",
                    code="parameter_missing",
                    param=name,
                )
        return read


@dataclass(frozen=True)
class PerCurrency(Kind):
    """An object of options by currency code."""

    option: Kind

    def parse(self, value: Any, param: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=param)
        return {key.lower(): self.option.read(item, inner(param, key)) for key, item in value.items()}


@dataclass(frozen=True)
class Anything(Kind):
    """Taken as sent, kept or ignored as the resource says."""

    def parse(self, value: Any, param: str) -> Any:
        return value


@dataclass(frozen=True)
class Range(Kind):
    """An exact timestamp or `gt`, `gte`, `lt`, `lte`."""

    def parse(self, value: Any, param: str) -> dict[str, int]:
        if isinstance(value, dict):
            bounds = Fields(gt=Timestamp(), gte=Timestamp(), lt=Timestamp(), lte=Timestamp())
            return bounds.parse(value, param)
        exact = Timestamp().parse(value, param)
        return {"gte": exact, "lte": exact}


@dataclass(frozen=True)
class Either(Kind):
    """Either a plain value or one of Stripe's nested forms."""

    scalar: Kind = field(default_factory=Str)
    nested: Kind = field(default_factory=Anything)

    def parse(self, value: Any, param: str) -> Any:
        return (self.nested if isinstance(value, dict) else self.scalar).read(value, param)


def inner(param: str, key: str) -> str:
    """`address` and `city` make `address[city]`."""
    return f"{param}[{key}]" if param else key


def unknown(param: str) -> StripeError:
    """The refusal of a parameter that the endpoint does not know."""
    return invalid(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)
