"""The types of single parameters, and Stripe's sentences for what does not fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.errors import StripeError, invalid

CLEAR = ""
MAX_KEYS = 50
EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)*$")


@dataclass(frozen=True)
class Kind:
    """A parameter's type. `clears`: may be emptied by `""`; `required`: must be sent."""

    clears: bool = field(default=False, kw_only=True)
    required: bool = field(default=False, kw_only=True)

    def read(self, value: Any, param: str) -> Any:
        """The typed value, or Stripe's refusal naming `param`."""
        if value == "":
            if self.clears:
                return CLEAR
            raise self.empty(param)
        return self.parse(value, param)

    def parse(self, value: Any, param: str) -> Any:
        raise NotImplementedError

    @staticmethod
    def empty(param: str) -> StripeError:
        return invalid(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a "
            "non-empty value.",
            code="parameter_invalid_empty",
            param=param,
        )


@dataclass(frozen=True)
class Str(Kind):
    """Text, cleared by `""` unless it is declared otherwise (Stripe does so for names, emails, descriptions)."""

    longest: int = 5000
    clears: bool = field(default=True, kw_only=True)

    def parse(self, value: Any, param: str) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", param=param)
        if len(value) > self.longest:
            shown = value[:20] + "..." + value[-10:]
            raise invalid(
                f"Invalid string: {shown}; must be at most {self.longest} characters",
                param=param,
            )
        return value


@dataclass(frozen=True)
class Email(Str):
    """An email address."""

    longest: int = 512

    def parse(self, value: Any, param: str) -> str:
        text = super().parse(value, param)
        if not EMAIL.match(text):
            raise invalid(f"Invalid email address: {text}", code="email_invalid", param=param)
        return text


@dataclass(frozen=True)
class Url(Str):
    """An absolute http(s) address."""

    longest: int = 5000

    def parse(self, value: Any, param: str) -> str:
        text = super().parse(value, param)
        if not re.match(r"^https?://[^\s/]+", text):
            raise invalid(f"Not a valid URL: {text}", code="url_invalid", param=param)
        return text


@dataclass(frozen=True)
class Int(Kind):
    """A whole number."""

    least: int | None = None

    def parse(self, value: Any, param: str) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise invalid(
                f"Invalid integer: {value}",
                code="parameter_invalid_integer",
                param=param,
            ) from None
        if self.least is not None and number < self.least:
            raise invalid(
                f"This value must be greater than or equal to {self.least}.",
                code="parameter_invalid_integer",
                param=param,
            )
        return number


@dataclass(frozen=True)
class Float(Kind):
    """A number with decimals."""

    def parse(self, value: Any, param: str) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise invalid(f"Invalid decimal: {value}", param=param) from None


@dataclass(frozen=True)
class DecimalText(Kind):
    """A decimal kept as text, as Stripe does (`unit_amount_decimal`)."""

    def parse(self, value: Any, param: str) -> str:
        if not re.match(r"^-?\d+(\.\d{1,12})?$", str(value)):
            raise invalid(
                f"Invalid decimal: {value}; must contain at maximum twelve decimal places.",
                param=param,
            )
        return str(value)


@dataclass(frozen=True)
class Bool(Kind):
    """`true` or `false`."""

    def parse(self, value: Any, param: str) -> bool:
        if value in ("true", "false"):
            return bool(value == "true")
        raise invalid(f"Invalid boolean: {value}", param=param)


class Enum(Kind):
    """One of Stripe's words."""

    def __init__(self, *words: str, clears: bool = False, required: bool = False) -> None:
        super().__init__(clears=clears, required=required)
        object.__setattr__(self, "words", words)

    words: tuple[str, ...]

    def parse(self, value: Any, param: str) -> str:
        if value in self.words:
            return str(value)
        listed = ", ".join(self.words[:-1]) + f", or {self.words[-1]}" if len(self.words) > 1 else self.words[0]
        raise invalid(f"Invalid {param}: must be one of {listed}", param=param)


@dataclass(frozen=True)
class Timestamp(Int):
    """Unix seconds; `words` are Stripe's shorthands such as `now`."""

    words: tuple[str, ...] = ()

    def parse(self, value: Any, param: str) -> Any:
        if value in self.words:
            return value
        try:
            return int(value)
        except (TypeError, ValueError):
            message = f"Invalid timestamp: must be an integer Unix timestamp: {value}"
            raise invalid(message, code="parameter_invalid_integer", param=param) from None


@dataclass(frozen=True)
class Metadata(Kind):
    """Up to 50 keys of 40 characters with values of 500; `""` removes one key or, alone, all."""

    clears: bool = field(default=True, kw_only=True)

    def parse(self, value: Any, param: str) -> dict[str, str]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", param=param)
        if len(value) > MAX_KEYS:
            raise invalid(f"Metadata can only have up to {MAX_KEYS} keys.", param=param)
        for key, text in value.items():
            self.check(key, text, param)
        return dict(value)

    @staticmethod
    def check(key: str, text: Any, param: str) -> None:
        if len(key) > 40:
            raise invalid(
                f"Metadata keys must be at most 40 characters long. Your key: {key}",
                param=param,
            )
        if not isinstance(text, str):
            raise invalid("Metadata values must be strings.", param=f"{param}[{key}]")
        if len(text) > 500:
            message = f"Metadata values can have up to 500 characters, but you passed in a value that is {len(text)}"
            raise invalid(
                f"{message} characters. Invalid value: {text[:20]}...",
                param=f"{param}[{key}]",
            )
