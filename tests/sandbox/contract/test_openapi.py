"""The validator itself finds what is wrong: it runs on a small description written here."""

from typing import Any

import pytest

from tests.sandbox.contract.openapi import Spec, Violation

STRING = {"type": "string", "maxLength": 10}
DOCUMENT: dict[str, Any] = {
    "info": {"version": "2000-01-01.test"},
    "components": {
        "schemas": {
            "owner": {
                "type": "object",
                "x-resourceId": "owner",
                "properties": {"id": STRING, "object": {"type": "string", "enum": ["owner"]}},
                "required": ["id", "object"],
            },
            "boat": {
                "type": "object",
                "x-resourceId": "boat",
                "required": ["id", "object", "owner", "created"],
                "properties": {
                    "id": STRING,
                    "object": {"type": "string", "enum": ["boat"]},
                    "created": {"type": "integer", "format": "unix-time"},
                    "owner": {"anyOf": [STRING, {"$ref": "#/components/schemas/owner"}], "nullable": True},
                    "status": {"type": "string", "enum": ["afloat", "sunk"]},
                    "rig": {"type": "string", "enum": ["sloop"], "x-stripeBypassValidation": True},
                    "crew": {"type": "array", "items": STRING},
                    "weight": {"type": "string", "format": "decimal"},
                    "currency": {"type": "string", "format": "currency"},
                    "metadata": {"type": "object", "additionalProperties": STRING},
                },
            },
            "deleted_boat": {
                "type": "object",
                "required": ["id", "object", "deleted"],
                "properties": {
                    "id": STRING,
                    "object": {"type": "string", "enum": ["boat"]},
                    "deleted": {"type": "boolean", "enum": [True]},
                },
            },
            "error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object"}}},
        }
    },
    "paths": {
        "/v1/boats/{boat}": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": STRING,
                                    "length": {"type": "integer"},
                                    "draught": {"type": "number"},
                                    "masts": {
                                        "type": "array",
                                        "items": {"type": "object", "properties": {"height": {"type": "integer"}}},
                                    },
                                },
                            }
                        }
                    }
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/boat"}}}}
                },
            }
        }
    },
}
BOAT = {"id": "boat_1", "object": "boat", "created": 5, "owner": None}


@pytest.fixture
def spec() -> Spec:
    return Spec(DOCUMENT)


@pytest.mark.parametrize(
    "changed",
    [
        {"owner": "own_1"},
        {"owner": {"id": "own_1", "object": "owner"}},
        {"status": "sunk", "rig": "never heard of", "crew": ["ann"], "metadata": {"any": "key"}},
        {"weight": "1.25", "currency": "jpy"},
    ],
)
def test_accepts_what_the_description_allows(spec: Spec, changed: dict[str, Any]) -> None:
    assert spec.check_object(BOAT | changed) == []


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"id": None}, "id"),
        ({"id": "much longer than ten"}, "id"),
        ({"created": "5"}, "created"),
        ({"created": True}, "created"),
        ({"created": 5_000_000_000_000}, "created"),
        ({"owner": {"object": "owner"}}, "owner.id"),
        ({"status": "flying"}, "status"),
        ({"crew": "ann"}, "crew"),
        ({"crew": ["ann", 3]}, "crew[1]"),
        ({"weight": "heavy"}, "weight"),
        ({"currency": "JPY"}, "currency"),
        ({"metadata": {"n": 1}}, "metadata.n"),
        ({"wings": 2}, "wings"),
    ],
)
def test_names_the_place_of_a_difference(spec: Spec, changed: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in spec.check_object(BOAT | changed)] == [path]


def test_missing_field_is_named(spec: Spec) -> None:
    assert spec.check_object({"id": "b", "object": "boat", "created": 1}) == [
        Violation("owner", "is required but missing")
    ]


def test_deleted_stub_has_its_own_schema(spec: Spec) -> None:
    assert spec.check_object({"id": "b", "object": "boat", "deleted": True}) == []


def test_unknown_object_type_is_a_difference(spec: Spec) -> None:
    assert [v.path for v in spec.check_object({"object": "plane"})] == ["object"]


@pytest.mark.parametrize(
    ("params", "paths"),
    [
        ({"name": "Ann", "length": "12", "masts": [{"height": 3}]}, []),
        ({"name": "Ann", "length": "long"}, ["length"]),
        ({"name": "Ann", "draught": "1.25"}, []),
        ({"name": "Ann", "draught": "1,25"}, ["draught"]),
        ({"name": "Ann", "masts": [{"colour": "red"}]}, ["masts[0].colour"]),
        ({"length": 3}, ["name"]),
    ],
)
def test_checks_the_parameters_of_a_request(spec: Spec, params: dict[str, Any], paths: list[str]) -> None:
    assert [v.path for v in spec.check_request("POST", "/v1/boats/boat_1", params)] == paths


def test_unknown_path_and_method_are_differences(spec: Spec) -> None:
    assert spec.check_request("GET", "/v1/boats/boat_1", None)
    assert spec.check_request("POST", "/v1/boats", None)


def test_nested_parameters_can_be_looked_up(spec: Spec) -> None:
    operation = spec.operation("POST", "/v1/boats/boat_1")
    assert operation is not None
    assert spec.parameter(operation, ("masts", "*", "height"))
    assert not spec.parameter(operation, ("masts", "*", "colour"))
