"""Checks objects and requests against Stripe's own OpenAPI description; knows nothing of the sandbox.

Only the parts of OpenAPI that Stripe's file uses are understood. Enums marked `x-stripeBypassValidation` are open
(Stripe adds values without notice), so any text passes there.
"""

import gzip
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

PROJECT_ROOT = Path(__file__).resolve().parents[3]
DEFAULT_PATH = PROJECT_ROOT.parent / "shared" / "stripe" / "spec3.json.gz"

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """One thing that differs from the description: where, and what is wrong there."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path or '(top)'}: {self.problem}"


@dataclass(frozen=True)
class Operation:
    """One method of one path: what it takes and what it answers."""

    method: str
    template: str
    parameters: Schema
    response: Schema


def spec_path() -> Path:
    """Where the description is expected: STRIPE_OPENAPI, or shared/stripe beside the project."""
    return Path(os.environ.get("STRIPE_OPENAPI") or DEFAULT_PATH)


def load(path: Path) -> "Spec":
    """Read a description, gzipped or plain."""
    raw = path.read_bytes()
    return Spec(json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw))


class Spec:
    """Stripe's description of one API version."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self.version: str = document["info"]["version"]
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._operations: dict[tuple[str, str], Operation] = {}

    # What the description holds

    def resource(self, object_type: str, *, deleted: bool = False) -> Schema | None:
        """The schema of objects whose `object` field reads `object_type`."""
        return self._by_object_type.get((object_type, deleted))

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that answers a concrete path such as /v1/customers/cus_1."""
        template = self._template(method, path)
        if template is None:
            return None
        key = (method.lower(), template)
        if key not in self._operations:
            self._operations[key] = self._read_operation(*key)
        return self._operations[key]

    @cached_property
    def _by_object_type(self) -> dict[tuple[str, bool], Schema]:
        found: dict[tuple[str, bool], Schema] = {}
        for name, schema in self._schemas.items():
            values = schema.get("properties", {}).get("object", {}).get("enum", [])
            if len(values) == 1 and (schema.get("x-resourceId") or name.startswith("deleted_")):
                found.setdefault((values[0], name.startswith("deleted_")), schema)
        return found

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        # Fixed segments sort before parameters: /invoices/create_preview wins over /invoices/{invoice}.
        ordered = sorted(self._document["paths"], key=lambda template: template.replace("{", "\x7f"))
        return [(re.compile(re.sub(r"\\{.+?\\}", "[^/]+", re.escape(t)) + r"\Z"), t) for t in ordered]

    def _template(self, method: str, path: str) -> str | None:
        for pattern, template in self._templates:
            if pattern.match(path) and method.lower() in self._document["paths"][template]:
                return template
        return None

    def _read_operation(self, method: str, template: str) -> Operation:
        described = self._document["paths"][template][method]
        query = [p for p in described.get("parameters", []) if p["in"] == "query"]
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {p["name"]: p["schema"] for p in query},
            "required": [p["name"] for p in query if p.get("required")],
        }
        for content in described.get("requestBody", {}).get("content", {}).values():
            parameters["properties"] |= content["schema"].get("properties", {})
            parameters["required"] += content["schema"].get("required", [])
        answer = described["responses"]["200"]["content"]["application/json"]["schema"]
        return Operation(method.upper(), template, parameters, answer)

    def resolve(self, schema: Schema) -> Schema:
        """Follow `$ref`, keeping what stands beside it."""
        while "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._schemas[schema["$ref"].rsplit("/", 1)[1]], **rest}
        return schema

    # Checks

    def check_object(self, value: Mapping[str, Any]) -> list[Violation]:
        """Compare an object of the API, whatever its type, with its schema."""
        object_type = str(value.get("object"))
        schema = self.resource(object_type, deleted=value.get("deleted") is True)
        if schema is None:
            return [Violation("object", f"no such object type in {self.version}: {object_type!r}")]
        return list(Check(self).value(value, schema, ""))

    def check_answer(self, operation: Operation, body: Any) -> list[Violation]:
        """Compare a successful answer with the schema of its operation."""
        return list(Check(self).value(body, operation.response, ""))

    def check_error(self, body: Any) -> list[Violation]:
        """Compare the body of a refusal with the `error` schema."""
        return list(Check(self).value(body, self._schemas["error"], ""))

    def check_request(self, method: str, path: str, params: Mapping[str, Any] | None) -> list[Violation]:
        """Compare a call with the description: the path, each parameter, the required ones."""
        operation = self.operation(method, path)
        if operation is None:
            return [Violation("", f"{method} {path} is not in {self.version}")]
        return list(Check(self, form=True).value(params or {}, operation.parameters, ""))

    def parameter(self, operation: Operation, keys: tuple[str, ...]) -> list[Schema]:
        """The schemas of a nested parameter, none if there is no such one; "*" is an array's index or a free key."""
        return list(self._at(operation.parameters, keys))

    def words(self, operation: Operation, keys: tuple[str, ...]) -> set[str]:
        """The words that a parameter may be, if it may only be certain words."""
        schemas = self.parameter(operation, keys)
        words = {word for schema in schemas for word in schema.get("enum", ())}
        return words | {"true", "false"} if any(schema.get("type") == "boolean" for schema in schemas) else words

    def _at(self, schema: Schema, keys: tuple[str, ...]) -> Iterator[Schema]:
        schema = self.resolve(schema)
        if "anyOf" in schema:
            for branch in schema["anyOf"]:
                yield from self._at(branch, keys)
        elif not keys:
            yield schema
        elif keys[0] == "*" and "items" in schema:
            yield from self._at(schema["items"], keys[1:])
        elif keys[0] in schema.get("properties", {}):
            yield from self._at(schema["properties"][keys[0]], keys[1:])
        elif isinstance(schema.get("additionalProperties"), Mapping):
            yield from self._at(schema["additionalProperties"], keys[1:])


_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


class Check:
    """One walk through a value and its schema. With `form`, numbers and booleans may be text, as in a form body."""

    def __init__(self, spec: Spec, *, form: bool = False) -> None:
        self._spec = spec
        self._form = form

    def value(self, value: Any, schema: Schema, path: str) -> Iterator[Violation]:
        """Everything that is wrong with a value."""
        schema = self._spec.resolve(schema)
        if value is None:
            if not schema.get("nullable"):
                yield Violation(path, "is null, and the description does not allow that")
        elif "anyOf" in schema:
            yield from self._any_of(value, schema["anyOf"], path)
        elif schema.get("type") == "object":
            yield from self._object(value, schema, path)
        elif schema.get("type") == "array":
            yield from self._array(value, schema, path)
        else:
            yield from self._scalar(value, schema, path)

    def _any_of(self, value: Any, branches: list[Schema], path: str) -> Iterator[Violation]:
        """The branch with the fewest violations speaks for all, so that a message names the likely mistake."""
        results = [list(self.value(value, branch, path)) for branch in self._likely(value, branches)]
        yield from min(results, key=len)

    def _likely(self, value: Any, branches: list[Schema]) -> list[Schema]:
        if not isinstance(value, Mapping):
            return branches
        wanted = (value.get("object"), value.get("deleted") is True)
        resolved = [self._spec.resolve(branch) for branch in branches]
        same = [b for b in resolved if (_object_type(b), "deleted" in b.get("properties", {})) == wanted]
        return same or [b for b in resolved if b.get("type") == "object" or "anyOf" in b] or branches

    def _object(self, value: Any, schema: Schema, path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            yield Violation(path, f"is {_describe(value)}, expected an object")
            return
        properties: Mapping[str, Schema] = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield Violation(_join(path, name), "is required but missing")
        for name, item in value.items():
            if name in properties:
                yield from self.value(item, properties[name], _join(path, name))
            else:
                yield from self._additional(name, item, schema, path)

    def _additional(self, name: str, item: Any, schema: Schema, path: str) -> Iterator[Violation]:
        additional = schema.get("additionalProperties")
        if isinstance(additional, Mapping):
            yield from self.value(item, additional, _join(path, name))
        elif additional is not True:
            yield Violation(_join(path, name), "is not in the description")

    def _array(self, value: Any, schema: Schema, path: str) -> Iterator[Violation]:
        if not isinstance(value, list | tuple):
            yield Violation(path, f"is {_describe(value)}, expected an array")
            return
        for index, item in enumerate(value):
            yield from self.value(item, schema["items"], f"{path}[{index}]")

    def _scalar(self, value: Any, schema: Schema, path: str) -> Iterator[Violation]:
        kind = schema.get("type", "string")
        value = self._from_form(value, kind) if self._form else value
        if not isinstance(value, _SCALARS[kind]) or (isinstance(value, bool) and kind != "boolean"):
            yield Violation(path, f"is {_describe(value)}, expected {kind}")
            return
        if "enum" in schema and not schema.get("x-stripeBypassValidation") and value not in schema["enum"]:
            yield Violation(path, f"is {value!r}, expected one of {', '.join(map(repr, schema['enum']))}")
        if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
            yield Violation(path, f"has {len(value)} characters, at most {schema['maxLength']} are allowed")
        if problem := _format_problem(value, schema.get("format")):
            yield Violation(path, f"is {value!r}, {problem}")

    @staticmethod
    def _from_form(value: Any, kind: str) -> Any:
        if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if kind == "boolean" and value in ("true", "false"):
            return value == "true"
        if kind == "integer" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value)
        if kind == "number" and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        return value


def _object_type(schema: Schema) -> str | None:
    values = schema.get("properties", {}).get("object", {}).get("enum", [None])
    return str(values[0]) if values[0] else None


def _format_problem(value: Any, wanted: str | None) -> str:
    if wanted == "unix-time" and not 0 <= value < 10**11:
        return "expected seconds since 1970"
    if wanted == "currency" and not re.fullmatch(r"[a-z]{3}", value):
        return "expected a currency in lower case"
    if wanted == "decimal" and not _is_decimal(value):
        return "expected a decimal number as text"
    return ""


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _describe(value: Any) -> str:
    return f"{type(value).__name__} {json.dumps(value, default=str)[:60]}"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
