"""The built-in contract document matches the published reference exactly.

`reference` holds an independent transcription of the reference.
"""

from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.support.json_schemas import kind_of, objects_in
from tests.support.operation_table import DOCUMENTED
from tests.support.product.contract import DOCUMENT
from tests.support.published_reference import (
    FIELD_DESCRIPTIONS,
    FURTHER_DESCRIPTION,
    PARAMETERS,
    SCHEMAS,
    DocumentedCall,
)


def operations() -> dict[str, dict[str, Any]]:
    """Every operation object of the document, by its call."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }


def test_the_document_is_valid_openapi() -> None:
    """According to an independent validator."""
    assert list(OpenAPIV30SpecValidator(DOCUMENT).iter_errors()) == []
    assert DOCUMENT["openapi"] == "3.0.3"


def test_the_document_has_the_transcribed_version() -> None:
    """The reference's version and server."""
    assert DOCUMENT["info"]["version"] == "1.3.0"
    assert DOCUMENT["servers"] == [{"url": "https://api-dev.traxstreaming.live"}]


def test_the_document_has_exactly_the_calls_and_schemas_of_the_reference() -> None:
    """Both tables completely, and each schema is that of a call, of an error or of a field."""
    assert operations().keys() == DOCUMENTED.keys()
    assert DOCUMENT["components"]["schemas"].keys() == SCHEMAS.keys()
    named = ["Error", *SCHEMAS.values()]
    named += [f"{it.body or ''} {it.answer}" for it in DOCUMENTED.values()]
    assert set(re.findall(r"\b[A-Z]\w+", " ".join(named))) == SCHEMAS.keys()


def test_each_call_matches_the_reference() -> None:
    """Tag, scope, parameters, body, success status and response."""
    assert {
        call: documented_call(operation) for call, operation in operations().items()
    } == DOCUMENTED


def documented_call(operation: dict[str, Any]) -> DocumentedCall:
    """An operation object in the words of the reference."""
    (success,) = (int(status) for status in operation["responses"] if status.startswith("2"))
    answer = operation["responses"][str(success)]["content"]["application/json"]["schema"]
    body = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    scope = re.search(r"Requires scope (\S+)\.", operation.get("description", ""))
    return DocumentedCall(
        tag=" ".join(operation["tags"]),
        scope=scope[1] if scope else None,
        parameters=" ".join(
            parameter["name"] + ("" if parameter["required"] else "?")
            for parameter in operation.get("parameters", ())
        ),
        body=kind_of(body["schema"]) if body else None,
        status=success,
        answer=kind_of(answer),
        summary=operation["summary"],
    )


def test_a_description_is_the_scope_the_write_gate_and_further_text() -> None:
    """Word for word; a public call has none."""
    for call, operation in operations().items():
        scope, rest = DOCUMENTED[call].scope, FURTHER_DESCRIPTION.get(call, "")
        is_gated = not (call.startswith("GET") or rest.startswith("Gated"))
        gate = "Gated behind PUBLIC_API_WRITE_ENABLED." if is_gated else ""
        sentences = [f"Requires scope {scope}.", gate, rest] if scope else []
        assert operation.get("description", "") == " ".join(filter(None, sentences)), call


def test_each_parameter_matches_the_reference() -> None:
    """Location, type and description; path parameters are required."""
    for call, operation in operations().items():
        for parameter in operation.get("parameters", ()):
            location, kind, description = PARAMETERS[parameter["name"]]
            assert parameter == {
                "name": parameter["name"],
                "in": location,
                "required": location == "path",
                "description": description,
                "schema": {"type": kind},
            }, call


def test_every_call_documents_errors_with_the_error_schema() -> None:
    """As the default response, and no other error response."""
    expected = {
        "description": "Error envelope.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for call, operation in operations().items():
        assert operation["responses"]["default"] == expected, call
        assert len(operation["responses"]) == 2, call


def test_both_ways_to_send_a_key_are_declared() -> None:
    """A bearer token or the header, either of them."""
    schemes = DOCUMENT["components"]["securitySchemes"]
    bearer, header = schemes["bearerAuth"], schemes["apiKeyAuth"]
    assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
    assert (header["type"], header["in"], header["name"]) == ("apiKey", "header", "X-API-Key")
    assert DOCUMENT["security"] == [{"bearerAuth": []}, {"apiKeyAuth": []}]


def test_only_the_meta_calls_are_public() -> None:
    """An empty security list means no key; every other call inherits the default."""
    public = {call for call, operation in operations().items() if operation.get("security") == []}
    assert public == {"GET /v1/health", "GET /v1/openapi.json"}
    others = [operation for call, operation in operations().items() if call not in public]
    assert not any("security" in operation for operation in others)


def test_each_schema_has_the_fields_of_the_reference() -> None:
    """Names, types and required flags, in the reference's order."""
    schemas = DOCUMENT["components"]["schemas"]
    assert {name: fields_of(schema) for name, schema in schemas.items()} == SCHEMAS
    for schema in schemas.values():
        assert schema["type"] == "object"
        assert set(schema.get("required", ())) <= schema["properties"].keys()


def fields_of(schema: dict[str, Any]) -> str:
    """The fields of a schema in the words of the reference."""
    required = schema.get("required", ())
    return ", ".join(
        f"{field}{'' if field in required else '?'}: {kind_of(kind)}"
        for field, kind in schema["properties"].items()
    )


def test_fields_are_described_where_the_reference_describes_them() -> None:
    """With the same words."""
    described = {
        f"{name}.{field}": kind["description"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, kind in schema["properties"].items()
        if "description" in kind
    }
    assert described == FIELD_DESCRIPTIONS


def test_no_schema_is_narrower_than_the_reference() -> None:
    """No enum, format, bound or closed object: `a | b` in a description is an open list."""
    narrowing = {
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
    schemas = [*objects_in(DOCUMENT["components"]["schemas"]), *objects_in(DOCUMENT["paths"])]
    found = {
        word
        for node in schemas
        if isinstance(node.get("type"), str)
        for word in narrowing & node.keys()
    }
    assert found == set()
