"""The baked contract says what the published reference says: no less, and nothing of our own.

What the reference says stands in `reference`, transcribed apart from the document.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any, Final

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.reference import BEYOND_THE_SCOPE, CALLS, DESCRIBED, PARAMETERS, SCHEMAS, Documented
from tests.schemas import everything, kind_of
from trax_mcp.api.contract import CONTRACT, Contract

DOCUMENT: Final[dict[str, Any]] = json.loads(
    resources.files("trax_mcp").joinpath("api/openapi.json").read_bytes()
)


def operations() -> dict[str, dict[str, Any]]:
    """Every operation object of the document, by its call."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }


def test_the_document_is_valid_openapi() -> None:
    """An independent validator has no complaint, so any client generator can read it."""
    assert list(OpenAPIV30SpecValidator(DOCUMENT).iter_errors()) == []
    assert DOCUMENT["openapi"] == "3.0.3"


def test_it_is_the_version_that_was_transcribed() -> None:
    """The reference's own version and address."""
    assert CONTRACT.version == "1.3.0"
    assert DOCUMENT["servers"] == [{"url": "https://api-dev.traxstreaming.live"}]


def test_it_has_all_calls_and_schemas_and_no_others() -> None:
    """Both tables, whole."""
    assert operations().keys() == CALLS.keys()
    assert DOCUMENT["components"]["schemas"].keys() == SCHEMAS.keys()
    assert (len(CALLS), len(SCHEMAS)) == (23, 28)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_says_what_the_reference_says(call: str) -> None:
    """Tag, scope, parameters, body, success and answer, each as on the page."""
    operation = operations()[call]
    success = [int(status) for status in operation["responses"] if status.startswith("2")]
    answer = operation["responses"][str(success[0])]["content"]["application/json"]["schema"]
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    scope = re.search(r"Requires scope (\S+)\.", operation.get("description", ""))
    assert CALLS[call] == Documented(
        tag=" ".join(operation["tags"]),
        scope=scope[1] if scope else None,
        parameters=" ".join(
            parameter["name"] + ("" if parameter["required"] else "?")
            for parameter in operation.get("parameters", ())
        ),
        body=kind_of(body["schema"]) if body else None,
        status=success[0],
        answer=kind_of(answer),
        summary=operation["summary"],
    )
    assert len(success) == 1


@pytest.mark.parametrize("call", CALLS)
def test_a_description_is_the_scope_the_write_gate_and_the_rest(call: str) -> None:
    """Word for word; a public call has none."""
    scope, rest = CALLS[call].scope, BEYOND_THE_SCOPE.get(call, "")
    gate = (
        ""
        if call.startswith("GET") or rest.startswith("Gated")
        else ("Gated behind PUBLIC_API_WRITE_ENABLED.")
    )
    words = [f"Requires scope {scope}.", gate, rest] if scope else []
    assert operations()[call].get("description", "") == " ".join(filter(None, words))


@pytest.mark.parametrize("call", CALLS)
def test_a_parameter_says_what_the_reference_says(call: str) -> None:
    """Place, type and words of each; what stands in the path is required."""
    for parameter in operations()[call].get("parameters", ()):
        place, kind, words = PARAMETERS[parameter["name"]]
        assert parameter == {
            "name": parameter["name"],
            "in": place,
            "required": place == "path",
            "description": words,
            "schema": {"type": kind},
        }


@pytest.mark.parametrize("call", CALLS)
def test_every_call_answers_errors_in_the_one_envelope(call: str) -> None:
    """The default response is the `Error` schema, and nothing else is said of failures."""
    responses = operations()[call]["responses"]
    assert responses["default"] == {
        "description": "Error envelope.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    assert len(responses) == 2


def test_both_ways_to_send_a_key_are_declared() -> None:
    """A bearer token or the header alias, either of them."""
    schemes = DOCUMENT["components"]["securitySchemes"]
    bearer, header = schemes["bearerAuth"], schemes["apiKeyAuth"]
    assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
    assert (header["type"], header["in"], header["name"]) == ("apiKey", "header", "X-API-Key")
    assert DOCUMENT["security"] == [{"bearerAuth": []}, {"apiKeyAuth": []}]


def test_only_the_meta_calls_are_public() -> None:
    """An empty security list switches the key off; every other call inherits it."""
    public = {call for call, operation in operations().items() if operation.get("security") == []}
    assert public == {"GET /v1/health", "GET /v1/openapi.json"}
    assert public == {call.name for call in CONTRACT.calls.values() if call.public}
    others = [operation for call, operation in operations().items() if call not in public]
    assert not any("security" in operation for operation in others)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_has_the_fields_of_the_reference(name: str) -> None:
    """Names, types and required flags, in the reference's order."""
    schema = DOCUMENT["components"]["schemas"][name]
    required = schema.get("required", [])
    fields = [
        f"{field}{'' if field in required else '?'}: {kind_of(kind)}"
        for field, kind in schema["properties"].items()
    ]
    assert ", ".join(fields) == SCHEMAS[name]
    assert schema["type"] == "object"
    assert set(required) <= schema["properties"].keys()


def test_fields_are_described_where_the_reference_describes_them() -> None:
    """The same words, and none of ours."""
    described = {
        f"{name}.{field}": kind["description"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, kind in schema["properties"].items()
        if "description" in kind
    }
    assert described == DESCRIBED


def test_nothing_is_narrower_than_the_reference() -> None:
    """No enum, format, bound or closed object: `a | b` notes are descriptions of open values."""
    invented = {
        "enum",
        "format",
        "pattern",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "nullable",
        "default",
        "additionalProperties",
        "x-enum",
    }
    schemas = [*everything(DOCUMENT["components"]["schemas"]), *everything(DOCUMENT["paths"])]
    found = {
        word
        for node in schemas
        if isinstance(node.get("type"), str)
        for word in invented & node.keys()
    }
    assert found == set()


@pytest.mark.parametrize("missing", ["paths", "components"])
def test_a_document_without_its_parts_is_no_contract(missing: str) -> None:
    """The reader fails at once, and not at the first call."""
    document = {name: part for name, part in DOCUMENT.items() if name != missing}
    with pytest.raises(KeyError, match=missing):
        Contract(document)
