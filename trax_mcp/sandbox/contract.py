"""What the contract document says about each call: the only thing of ours that the sandbox knows.

A call's scope and its write gate stand in the document's prose ("Requires scope studios:read."),
and are read from there.
"""

from __future__ import annotations

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
    """One documented call: where it is, what it asks of a key, what it takes, what it answers."""

    method: str
    path: str
    scope: str | None
    gated: bool
    success: int
    request: Schema | None = field(repr=False)

    def complaint(self, body: object) -> str | None:
        """What is wrong with a request body, in one sentence without its own words; or None."""
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
def document() -> Mapping[str, Any]:
    """The contract document, as published."""
    text = resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


@cache
def calls() -> tuple[Call, ...]:
    """Every documented call, in the document's order."""
    return tuple(
        _call(method.upper(), path, operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    )


def resolved(schema: Schema) -> Schema:
    """A schema with every `$ref` replaced by what it points at; the document has no cycles."""
    if "$ref" in schema:
        return resolved(_pointed(schema["$ref"]))
    return {name: _resolved(value) for name, value in schema.items()}


def _resolved(value: object) -> object:
    if isinstance(value, dict):
        return resolved(value)
    if isinstance(value, list):
        return [_resolved(item) for item in value]
    return value


def _call(method: str, path: str, operation: Mapping[str, Any]) -> Call:
    prose = operation.get("description", "")
    scope = _SCOPE.search(prose)
    body = operation.get("requestBody")
    return Call(
        method=method,
        path=path,
        scope=scope.group(1) if scope else None,
        gated=_GATED in prose,
        success=next(int(code) for code in operation["responses"] if code[0] == "2"),
        request=_schema(body) if body else None,
    )


def _schema(carrier: Mapping[str, Any]) -> Schema:
    return resolved(carrier["content"]["application/json"]["schema"])


def _pointed(reference: str) -> Schema:
    node = document()
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node
