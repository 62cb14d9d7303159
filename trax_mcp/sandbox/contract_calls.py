"""The calls of the contract document, as the sandbox reads them.

The scope and the write gate of a call are read from its description ("Requires scope
studios:read.").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

# jsonschema ships no type information.
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

Schema = Mapping[str, Any]

_SCOPE = re.compile(r"Requires scope ([a-z]+:[a-z]+)\.")
_GATED = "Gated behind PUBLIC_API_WRITE_ENABLED"


@dataclass(frozen=True, slots=True)
class Call:
    """One documented call: its scope, if it has one, its success status and its body's schema."""

    method: str
    path: str
    scope: str | None
    gated: bool
    success: int
    request: Schema | None = field(repr=False)

    def find_error(self, body: object) -> str | None:
        """The first error in a request body, as a sentence that does not quote it; or None."""
        errors = Draft202012Validator(self.request or {}).iter_errors(body)
        error = min(errors, key=lambda error: error.json_path, default=None)
        if error is None:
            return None
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{missing[0]} is required."
        where = error.json_path.removeprefix("$").lstrip(".") or "The body"
        return f"{where} must be of type {error.validator_value}."


@cache
def contract_document() -> Mapping[str, Any]:
    """Load the contract document."""
    text = resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


@cache
def documented_calls() -> tuple[Call, ...]:
    """Every documented call, in the document's order."""
    return tuple(
        _call(method.upper(), path, operation)
        for path, item in contract_document()["paths"].items()
        for method, operation in item.items()
    )


def resolve(schema: Schema) -> Schema:
    """Replace every `$ref` in a schema by its target; the document has no cycles."""
    if "$ref" in schema:
        return resolve(_follow_reference(schema["$ref"]))
    return {name: _resolve_value(value) for name, value in schema.items()}


def _resolve_value(value: object) -> object:
    if isinstance(value, dict):
        return resolve(value)
    if isinstance(value, list):
        return [_resolve_value(item) for item in value]
    return value


def _call(method: str, path: str, operation: Mapping[str, Any]) -> Call:
    description = operation.get("description", "")
    scope = _SCOPE.search(description)
    body = operation.get("requestBody")
    return Call(
        method=method,
        path=path,
        scope=scope.group(1) if scope else None,
        gated=_GATED in description,
        success=next(int(code) for code in operation["responses"] if code[0] == "2"),
        request=resolve(body["content"]["application/json"]["schema"]) if body else None,
    )


def _follow_reference(reference: str) -> Schema:
    node = contract_document()
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node
