"""The contract with its prose rules as JSON Schema, for tools that check by schema only.

Each rule is beside the sentence that it comes from. Besides the document, only a few ids of the
sandbox's seed are known here.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.contract import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string", "minLength": 1}

_CURSOR: Final = "YWZ0ZXI6c3R1ZGlvXzQy"
"""A cursor that the sandbox issues: continue after `studio_42`."""

_PARAMETERS: Final[Mapping[str, Json]] = {
    # Pagination: below 1 or not a number is 400.
    "limit": {"minimum": 1},
    # Pagination: opaque; empty starts over, malformed is 400.
    "cursor": {"enum": ["", _CURSOR]},
}

_CONNECTION_IDS: Final = ("conn_1", "conn_2", "conn_3")
"""The connections of the sandbox's owner at the start."""

_CONTENT_TYPE: Final = (
    "^([Vv][Ii][Dd][Ee][Oo]|[Ii][Mm][Aa][Gg][Ee]|[Aa][Uu][Dd][Ii][Oo])/"  # RFC 2045: in any case
)

_BODIES: Final[Mapping[str, Json]] = {
    "CreateDestinationRequest": {
        # "mutually exclusive with rtmpUrl+streamKey"
        "not": {
            "required": ["connectionId"],
            "anyOf": [{"required": ["rtmpUrl"]}, {"required": ["streamKey"]}],
        },
        # "Bind to a linked account": another account's connection is `not_found`.
        "properties": {"connectionId": {"enum": list(_CONNECTION_IDS)}},
    },
    "CreateMediaUploadRequest": {
        # `MediaAsset.kind`: "video | image | audio". Sandbox behaviour: nothing else is taken.
        "properties": {"contentType": {"pattern": _CONTENT_TYPE}},
    },
}

_CODES: Final[Mapping[str, str]] = {
    "400": "invalid_request",
    "401": "invalid_key",
    "403": "insufficient_scope",
    "404": "not_found",
    "429": "rate_limited",
    "503": "write_disabled",
}
"""All documented failures."""


def strict_contract() -> Json:
    """The contract with its prose rules as schema.

    The default error response becomes the failures that each call can have, each with its code.
    Response objects are closed, since the sandbox adds no fields.
    """
    document = copy.deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        _add_rules(schema, _BODIES.get(name, {}))
        if not name.endswith("Request"):
            schema["additionalProperties"] = False
    for path, item in document["paths"].items():
        for operation in item.values():
            _make_strict(path, operation)
    return document


def _add_rules(schema: Json, rules: Json) -> None:
    schema.update({name: rule for name, rule in rules.items() if name != "properties"})
    for name, rule in rules.get("properties", {}).items():
        schema["properties"][name].update(rule)


def _make_strict(path: str, operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        parameter["schema"].update(_PARAMETERS.get(parameter["name"], {}))
    responses = operation["responses"]
    del responses["default"]
    responses.update(
        {status: _failure_response(status) for status in _failure_statuses(path, operation)}
    )
    for response in responses.values():
        # "Every response carries an X-Request-Id."
        response.setdefault("headers", {})["X-Request-Id"] = {"required": True, "schema": _TEXT}


def _failure_statuses(path: str, operation: Json) -> Iterator[str]:
    """How this call can fail, which follows from its parameters."""
    locations = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation or "query" in locations:
        yield "400"
    if operation.get("security") != []:
        yield from ("401", "403", "429")
    if "path" in locations:
        yield "404"
    if "PUBLIC_API_WRITE_ENABLED" in operation.get("description", ""):
        yield "503"


def _failure_response(status: str) -> Json:
    """The error envelope; `requiredScope` only on 403, and "429 + Retry-After"."""
    fields: Json = {"code": {"enum": [_CODES[status]]}, "message": _TEXT, "requestId": _TEXT}
    if status == "403":
        fields["requiredScope"] = _TEXT
    schema = _closed({"error": _closed(fields)})
    headers = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
    return {
        "description": _CODES[status],
        "content": {"application/json": {"schema": schema}},
        "headers": headers if status == "429" else {},
    }


def _closed(fields: Json) -> Json:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
