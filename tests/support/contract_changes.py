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
COOKIE_SCHEME: Final = {"type": "apiKey", "in": "cookie", "name": "key"}
LIMIT: Final = {
    "in": "query",
    "name": "limit",
    "description": "Max items per page (default 50, max 200).",
}
TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}
TEXT_PARAMETER: Final = {"in": "query", "name": "kind", "content": TEXT}
ROLE_ENUM: Final = put(f"{STUDIO} role enum", ["owner", "VIEW"])
NAME_ENUM: Final = put(f"{NEW} name enum", ["one", "two"])

CHANGES: Final[list[tuple[Edit, *tuple[str, ...]]]] = [
    # calls
    (put("paths /v1/clips", {"get": {}}), " + GET /v1/clips: is new"),
    (cut("paths /v1/media post"), "!- POST /v1/media: is gone"),
    (cut("paths /v1/connections"), "!- GET /v1/connections: is gone"),
    (put(f"{MEDIA} summary", "Lists media."), " ~ GET /v1/media: summary was"),
    (
        put(f"{MEDIA} description", "Requires scope media:read. Sorted."),
        " ~ GET /v1/media: description was",
    ),
    (
        put(f"{MEDIA} description", "Requires scope media:list."),
        " ~ GET /v1/media: description was",
        '!~ GET /v1/media: scope was "media:read", is "media:list"',
    ),
    (
        put(f"{MEDIA} description", "Requires scopes media:read and chat:read."),
        " ~ GET /v1/media: description was",
        "!~ GET /v1/media: scope was",
    ),
    (
        cut(f"{MEDIA} description"),
        " ~ GET /v1/media: description is gone",
        "!~ GET /v1/media: scope is gone",
    ),
    (put(f"{MEDIA} deprecated", value=True), " ~ GET /v1/media: deprecated is new: true"),
    (put(f"{MEDIA} tags", ["library"]), ' ~ GET /v1/media: tags was ["media"], is ["library"]'),
    # keys
    (cut("paths /v1/health get security"), "!~ GET /v1/health: security was"),
    (put(f"{MEDIA} security", [{"bearerAuth": []}]), "!~ GET /v1/media: security was"),
    (put(f"{MEDIA} security", [{"apiKeyAuth": []}, {"bearerAuth": []}]),),
    (
        put(f"{MEDIA} security", [{"apiKeyAuth": []}, {"bearerAuth": []}, {}]),
        " ~ GET /v1/media: security was",
    ),
    (put("security", [{"bearerAuth": []}]), "!~ document: security was"),
    (
        put("components securitySchemes cookieAuth", COOKIE_SCHEME),
        " + security scheme cookieAuth: is new",
    ),
    (
        put("components securitySchemes apiKeyAuth name", "X-Key"),
        "!~ security scheme apiKeyAuth: name was",
    ),
    # parameters
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
        put(f"{MEDIA} parameters 1 required", value=True),
        "!~ GET /v1/media query parameter limit: required was",
    ),
    (
        put(f"{MEDIA} parameters 1 schema type", "string"),
        "!~ GET /v1/media query parameter limit schema: type was",
    ),
    (
        put(f"{MEDIA} parameters 1 in", "header"),
        " + GET /v1/media header parameter limit: is new",
        "!- GET /v1/media query parameter limit: is gone",
    ),
    (
        put(f"{MEDIA} parameters 1 description", "How many."),
        " ~ GET /v1/media query parameter limit: description was",
    ),
    (
        put(f"{MEDIA} parameters 1 style", "pipeDelimited"),
        "!~ GET /v1/media query parameter limit: style is new",
    ),
    (
        put(f"{MEDIA} parameters 1", {**LIMIT, "content": TEXT}),
        "!- GET /v1/media query parameter limit schema: is gone",
        " + GET /v1/media query parameter limit as text/plain: is new",
    ),
    # requests
    (
        put("paths /v1/studios/{id}/go-live post requestBody", BODY),
        " + POST /v1/studios/{id}/go-live request: is new",
    ),
    (
        put("paths /v1/studios/{id}/go-live post requestBody", {**BODY, "required": True}),
        "!+ POST /v1/studios/{id}/go-live request: is new, and required",
    ),
    (cut(f"{CREATE} requestBody"), "!- POST /v1/studios request: is gone"),
    (
        put(f"{CREATE} requestBody content", {"text/plain": {}}),
        " + POST /v1/studios request as text/plain: is new",
        "!- POST /v1/studios request as application/json: is gone",
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
    (put(f"{RENAME} nullable", value=True), " ~ schema UpdateStudioRequest.name: nullable was"),
    (put(f"{RENAME} type", ["string", "null"]), " ~ schema UpdateStudioRequest.name: nullable was"),
    (put(RENAME, {}), " ~ schema UpdateStudioRequest.name: type is gone"),
    (put(f"{RENAME} enum", ["one", "two"]), "!~ schema UpdateStudioRequest.name: enum is new"),
    (put(f"{RENAME} maxLength", 20), "!~ schema UpdateStudioRequest.name: maxLength is new: 20"),
    # responses
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
    (
        put(f"{CREATE} responses 201 description", "Made."),
        " ~ POST /v1/studios response 201: description was",
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
        "!~ schema Studio.name: nullable was false, is true",
    ),
    (put(f"{STUDIO} name", {}), "!~ schema Studio.name: type is gone"),
    (put(f"{STUDIO} role description", "Who you are."), " ~ schema Studio.role: description was"),
    (ROLE_ENUM, ' ~ schema Studio.role: enum is new: ["VIEW", "owner"]'),
    (
        put(f"{STUDIO} createdAt format", "date-time"),
        ' ~ schema Studio.createdAt: format is new: "date-time"',
    ),
    (
        put(f"{STUDIO} name", {"type": "string", "oneOf": [{}]}),
        "!~ schema Studio.name: oneOf is new: [{}]",
    ),
    (
        put(f"{SCHEMAS} GoLiveResult properties destinationIds items", {"type": "integer"}),
        "!~ schema GoLiveResult.destinationIds[]: type was",
    ),
    (
        cut(f"{SCHEMAS} GoLiveResult properties destinationIds items"),
        "!~ schema GoLiveResult.destinationIds[]: type is gone",
    ),
    (
        put(f"{SCHEMAS} Error properties error properties", {"code": {"type": "string"}}),
        " + schema Error.error.code: is new",
    ),
    # schemas
    (put(f"{SCHEMAS} Clip", {"type": "object"}), " + schema Clip: is new"),
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
        "!~ GET /v1/media response default as application/json schema.error: required was",
    ),
    (
        put(
            f"{SCHEMAS} GoLiveResult properties destinationIds items",
            {"$ref": "#/components/schemas/Studio/properties/id"},
        ),
    ),
    (
        put("paths /v1/health get responses 200 content application/json schema", reference("Ok")),
        "!- GET /v1/health response 200 as application/json schema.status: is gone",
        "!- GET /v1/health response 200 as application/json schema.writeEnabled: is gone",
        " + GET /v1/health response 200 as application/json schema.ok: is new",
    ),
    (cut(f"{SCHEMAS} Ok"), "!~ DELETE /v1/studios/{id}/destinations/{destId} response 200"),
    # the document
    (put("info version", "1.4.0"), ' ~ document: version was "1.3.0", is "1.4.0"'),
    (put("openapi", "3.1.0"), ' ~ document: openapi was "3.0.3", is "3.1.0"'),
    (put("servers", [{"url": "https://api.traxstreaming.live"}]), " ~ document: servers was"),
]

POSSIBLE_CHANGES: Final[list[tuple[Edit, Edit, *tuple[str, ...]]]] = [
    (
        ROLE_ENUM,
        put(f"{STUDIO} role enum", ["owner", "VIEW", "EDIT"]),
        " ~ schema Studio.role: enum was",
    ),
    (ROLE_ENUM, put(f"{STUDIO} role enum", ["owner"]), "!~ schema Studio.role: enum was"),
    (NAME_ENUM, put(f"{NEW} name enum", ["two", "one"])),
    (NAME_ENUM, cut(f"{NEW} name enum"), " ~ schema CreateStudioRequest.name: enum is gone"),
    (
        put(f"{NEW} name nullable", value=True),
        cut(f"{NEW} name nullable"),
        "!~ schema CreateStudioRequest.name: nullable was",
    ),
    (
        put(f"{STUDIO} name nullable", value=True),
        cut(f"{STUDIO} name nullable"),
        " ~ schema Studio.name: nullable was true, is false",
    ),
    (
        put(f"{NEW} name", {}),
        put(f"{NEW} name type", "string"),
        '!~ schema CreateStudioRequest.name: type is new: "string"',
    ),
    (
        put(f"{STUDIO} name", {}),
        put(f"{STUDIO} name type", "string"),
        ' ~ schema Studio.name: type is new: "string"',
    ),
    (
        put(f"{STUDIO} createdAt format", "date-time"),
        put(f"{STUDIO} createdAt format", "date"),
        "!~ schema Studio.createdAt: format was",
    ),
    (
        put(f"{CREATE} requestBody required", value=True),
        cut(f"{CREATE} requestBody required"),
        " ~ POST /v1/studios request: required was true, is false",
    ),
    (
        put(f"{NEW} name maxLength", 20),
        cut(f"{NEW} name maxLength"),
        " ~ schema CreateStudioRequest.name: maxLength is gone",
    ),
    (
        cut(f"{CREATE} requestBody required"),
        put(f"{CREATE} requestBody required", value=True),
        "!~ POST /v1/studios request: required was false, is true",
    ),
    (
        put(f"{MEDIA} parameters 0", TEXT_PARAMETER),
        put(f"{MEDIA} parameters 0 content text/plain schema type", "integer"),
        "!~ GET /v1/media query parameter kind as text/plain schema: type was",
    ),
    (
        put("security", [{"bearerAuth": []}, {}]),
        put("security", [{"bearerAuth": []}]),
        "!~ document: security was",
    ),
    (
        put(
            f"{CREATE} responses 201 content application/json schema",
            reference("CreateStudioRequest"),
        ),
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        "!~ schema CreateStudioRequest.name: required was",
    ),
    (
        put(f"{STUDIO} parent", reference("Studio")),
        put(f"{STUDIO} name type", "integer"),
        '!~ schema Studio.name: type was "string", is "integer"',
    ),
]
"""Changes of features that the contract lacks today: an earlier edit, the edit, and the same."""
