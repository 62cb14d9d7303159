"""Changes of the built-in contract, each with all differences that it causes.

A difference is a mark and its beginning. `+` is added, `-` removed, `~` changed, and `!` breaking
by TRaX's compatibility promise for /v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.document_edits import (
    BAKED,
    CREATE,
    MEDIA,
    NEW,
    RENAME,
    SCHEMAS,
    STUDIO,
    at,
    cut,
    parameter,
    put,
    reference,
)

if TYPE_CHECKING:
    from tests.support.document_edits import Edit

BODY: Final = {"content": {"application/json": {"schema": {"type": "object"}}}}
LIMIT: Final = {
    "in": "query",
    "name": "limit",
    "description": "Max items per page (default 50, max 200).",
}
TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}
ROLE_ENUM: Final = put(f"{STUDIO} role enum", ["owner", "VIEW"])
NAME_ENUM: Final = put(f"{NEW} name enum", ["one", "two"])

CHANGES: Final[list[tuple[Edit, *tuple[str, ...]]]] = [
    (put("paths /v1/clips", {"get": {}}), " + GET /v1/clips: is new"),
    (cut("paths /v1/media post"), "!- POST /v1/media: is gone"),
    (put(f"{MEDIA} description", "Requires scope media:read. Sorted."),),
    (
        put(f"{MEDIA} description", "Requires scope media:list."),
        '!~ GET /v1/media: scope was "media:read", is "media:list"',
    ),
    (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind")),
        " + GET /v1/media query parameter kind: is new",
    ),
    (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind", required=True)),
        "!+ GET /v1/media query parameter kind: is new, and required",
    ),
    (
        put("paths /v1/media parameters", [parameter("kind", required=True)]),
        "!+ GET /v1/media query parameter kind: is new, and required",
        "!+ POST /v1/media query parameter kind: is new, and required",
    ),
    (cut(f"{MEDIA} parameters 0"), "!- GET /v1/media query parameter cursor: is gone"),
    (
        put(f"{MEDIA} parameters 1 schema type", "string"),
        "!~ GET /v1/media query parameter limit: type was",
    ),
    (
        put("paths /v1/studios/{id}/go-live post requestBody", {**BODY, "required": True}),
        "!+ POST /v1/studios/{id}/go-live request: is new, and required",
    ),
    (cut(f"{CREATE} requestBody"), "!- POST /v1/studios request: is gone"),
    (
        put(f"{CREATE} requestBody content", {"text/plain": {}}),
        " + POST /v1/studios request as text/plain: is new",
        "!- POST /v1/studios request: is gone",
    ),
    (
        put(
            f"{CREATE} requestBody content",
            {"Application/JSON; charset=utf-8": {"schema": reference("CreateStudioRequest")}},
        ),
    ),
    (put(f"{NEW} color", {"type": "string"}), " + schema CreateStudioRequest.color: is new"),
    (
        put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
        "!+ schema CreateStudioRequest.color: is new, and required",
    ),
    (
        put(f"{SCHEMAS} UpdateStudioRequest required", ["name"]),
        "!~ schema UpdateStudioRequest.name: required was",
    ),
    (
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        " ~ schema CreateStudioRequest.name: required was",
    ),
    (put(f"{RENAME} type", ["string", "null"]), " ~ schema UpdateStudioRequest.name: type was"),
    (put(f"{RENAME} enum", ["one", "two"]), "!~ schema UpdateStudioRequest.name: enum is new"),
    (
        lambda document: at(document, CREATE)["responses"].update(
            {"200": at(document, CREATE)["responses"].pop("201")}
        ),
        " + POST /v1/studios response 200: is new",
        "!- POST /v1/studios response 201: is gone",
    ),
    (
        put(f"{CREATE} responses 409", {"description": "There is one."}),
        " + POST /v1/studios response 409: is new",
    ),
    (put(f"{STUDIO} thumbnailUrl", {"type": "string"}), " + schema Studio.thumbnailUrl: is new"),
    (put(f"{SCHEMAS} Health required", ["status", "region"]), " + schema Health.region: is new"),
    (cut(f"{STUDIO} createdAt"), "!- schema Studio.createdAt: is gone"),
    (cut(f"{SCHEMAS} Health required"), "!~ schema Health.status: required was true, is false"),
    (
        put(f"{SCHEMAS} Health required", ["status", "writeEnabled"]),
        " ~ schema Health.writeEnabled: required was false, is true",
    ),
    (
        put(f"{STUDIO} name type", "integer"),
        '!~ schema Studio.name: type was "string", is "integer"',
    ),
    (put(f"{STUDIO} name type", ["string"]),),
    (
        put(f"{STUDIO} name type", ["string", "null"]),
        '!~ schema Studio.name: type was "string", is "null or string"',
    ),
    (ROLE_ENUM, ' ~ schema Studio.role: enum is new: ["VIEW", "owner"]'),
    (
        put(f"{SCHEMAS} GoLiveResult properties destinationIds items", {"type": "integer"}),
        "!~ schema GoLiveResult.destinationIds[]: type was",
    ),
    (put(f"{SCHEMAS} Clip", {"type": "object"}),),
    (
        put(
            f"{MEDIA} responses default content application/json schema",
            BAKED["components"]["schemas"]["Error"],
        ),
    ),
    (
        put(
            f"{MEDIA} responses default content application/json schema",
            {**BAKED["components"]["schemas"]["Error"], "required": []},
        ),
        "!~ GET /v1/media response default.error: required was",
    ),
    (cut(f"{SCHEMAS} Ok"), "!~ document: isn't an OpenAPI 3 document"),
    (put("info version", "1.4.0"), ' ~ document: version was "1.3.0", is "1.4.0"'),
    (put("servers", [{"url": "https://api.traxstreaming.live"}]),),
]

POSSIBLE_CHANGES: Final[list[tuple[Edit, Edit, *tuple[str, ...]]]] = [
    (
        ROLE_ENUM,
        put(f"{STUDIO} role enum", ["owner", "VIEW", "EDIT"]),
        " ~ schema Studio.role: enum was",
    ),
    (ROLE_ENUM, put(f"{STUDIO} role enum", ["owner"]), "!~ schema Studio.role: enum was"),
    (NAME_ENUM, put(f"{NEW} name enum", ["two", "one"])),
    (
        put(f"{STUDIO} name nullable", value=True),
        cut(f"{STUDIO} name nullable"),
        ' ~ schema Studio.name: type was "null or string", is "string"',
    ),
    (
        put(f"{CREATE} requestBody required", value=True),
        cut(f"{CREATE} requestBody required"),
        " ~ POST /v1/studios request: required was true, is false",
    ),
    (
        cut(f"{CREATE} requestBody required"),
        put(f"{CREATE} requestBody required", value=True),
        "!~ POST /v1/studios request: required was false, is true",
    ),
    (
        put(f"{STUDIO} parent", reference("Studio")),
        put(f"{STUDIO} name type", "integer"),
        '!~ schema Studio.name: type was "string", is "integer"',
    ),
]
"""Changes of features that the contract lacks today: an earlier edit, the edit, and the same."""
