"""The contract with its prose made schema, for whoever judges by schema alone.

The reference says some of its rules in words alone. Here they stand beside their sentence in the
contract's own language, and so does where an answer leads. It knows the document and HTTP, nothing
of the sandbox's inside but a few ids of its seed, and nothing of our models.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string", "minLength": 1}

_CURSOR: Final = "YWZ0ZXI6c3R1ZGlvXzQy"
"""One that the sandbox gives: what comes after `studio_42`."""

_PARAMETERS: Final[Mapping[str, Json]] = {
    # Pagination: below 1 or not a number is 400.
    "limit": {"minimum": 1},
    # Pagination: opaque; empty starts over, malformed is 400.
    "cursor": {"enum": ["", _CURSOR]},
}

_LINKED: Final = ("conn_1", "conn_2", "conn_3")
"""The connections that the sandbox's owner has from the beginning."""

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
        # "Bind to a linked account": what is not the caller's is `not_found`.
        "properties": {"connectionId": {"enum": list(_LINKED)}},
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
"""Every failure that is documented."""

_CONNECTION: Final = "/v1/connections/{connectionId}"
_MADE: Final = "$response.body#/id"
_FIRST: Final = "$response.body#/data/0/id"
_WITHIN: Final = {"destinations": "destId", "sources": "sourceId"}
"""What is inside a studio, and how the paths call one of them."""


def _published() -> Json:
    """The contract as it is."""
    text = resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
    document: Json = json.loads(text)
    return document


def spelled_out() -> Json:
    """The contract, with what it says in words said in schema too.

    The one answer that stands for all failures becomes those that the call can have, each with its
    code; and answers are closed, since a witness has nothing to add.
    """
    document = _published()
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        _add(schema, _BODIES.get(name, {}))
        if not name.endswith("Request"):
            schema["additionalProperties"] = False
    for path, item in document["paths"].items():
        for operation in item.values():
            _spell_out(path, operation)
    _lead_on(document["paths"])
    return document


def _add(schema: Json, words: Json) -> None:
    schema.update({name: rule for name, rule in words.items() if name != "properties"})
    for name, rule in words.get("properties", {}).items():
        schema["properties"][name].update(rule)


def _spell_out(path: str, operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        parameter["schema"].update(_PARAMETERS.get(parameter["name"], {}))
    answers = operation["responses"]
    del answers["default"]
    answers.update({status: _failure(status) for status in _failures(path, operation)})
    for answer in answers.values():
        # "Every response carries an X-Request-Id."
        answer.setdefault("headers", {})["X-Request-Id"] = {"required": True, "schema": _TEXT}


def _lead_on(paths: Json) -> None:
    """Say as OpenAPI's links where an answer leads: to what was made, and back to what is gone."""
    inside = {path: item for path, item in paths.items() if re.search("^[^{]*{id}[^{]*$", path)}
    _link(paths["/v1/studios"]["post"], inside, id=_MADE)
    _link(paths["/v1/studios"]["get"], inside, id=_FIRST)
    for things, name in _WITHIN.items():
        many, one = f"/v1/studios/{{id}}/{things}", f"/v1/studios/{{id}}/{things}/{{{name}}}"
        there = {one: paths[one]}
        _link(paths[many]["post"], there, id="$request.path.id", **{name: _MADE})
        gone = {"id": "$request.path.id", name: f"$request.path.{name}"}
        _link(paths[one]["delete"], there, **gone)
    linked = {_CONNECTION: paths[_CONNECTION]}
    _link(paths["/v1/connections"]["get"], linked, connectionId=_FIRST)
    _link(paths[_CONNECTION]["delete"], linked, connectionId="$request.path.connectionId")


def _link(operation: Json, targets: Json, **parameters: str) -> None:
    success = next(iter(operation["responses"].values()))
    success["links"] = {
        f"{method} {path}": {
            "operationRef": f"#/paths/{path.replace('/', '~1')}/{method}",
            "parameters": parameters,
        }
        for path, item in targets.items()
        for method in item
    }


def _failures(path: str, operation: Json) -> Iterator[str]:
    """How this call can fail, which follows from what it asks for."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation or "query" in places:
        yield "400"
    if operation.get("security") != []:
        yield from ("401", "403", "429")
    if "path" in places:
        yield "404"
    if "PUBLIC_API_WRITE_ENABLED" in operation.get("description", ""):
        yield "503"


def _failure(status: str) -> Json:
    """The one envelope; `requiredScope` only on 403, and "429 + Retry-After"."""
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
