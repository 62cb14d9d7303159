"""One change to the baked contract per row, with all differences that it causes.

The expected verdicts follow TRaX's compatibility promise for /v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.edits import (
    BAKED,
    CREATE,
    MEDIA,
    NEW,
    RENAME,
    SCHEMAS,
    STUDIO,
    at,
    breaking,
    compatible,
    cut,
    parameter,
    put,
    reference,
)

if TYPE_CHECKING:
    from tests.edits import Edit
    from trax_mcp.api.drift import Difference

KIND_PARAMETER = "GET /v1/media query parameter kind"
BOTH_SCOPES = "chat:read and media:read"
DESCRIPTION_CHANGED = 'description was "Requires scope media:read.", is'
CREATED = "POST /v1/studios response"
ROLES = "owner | VIEW | EDIT | ADMIN"
BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}
COOKIE_SCHEME = {"type": "apiKey", "in": "cookie", "name": "key"}
ROLE_ENUM: Final = put(f"{STUDIO} role enum", ["owner", "VIEW"])
NAME_ENUM: Final = put(f"{NEW} name enum", ["one", "two"])

CHANGES: Final[dict[str, tuple[Edit, list[Difference]]]] = {
    # calls
    "new call": (
        put("paths /v1/clips", {"get": {}}),
        [compatible("added", "GET /v1/clips", "a new call")],
    ),
    "call removed": (
        cut("paths /v1/media post"),
        [breaking("removed", "POST /v1/media", "the call is gone")],
    ),
    "path removed": (
        cut("paths /v1/connections"),
        [breaking("removed", "GET /v1/connections", "the call is gone")],
    ),
    "summary changed": (
        put(f"{MEDIA} summary", "Lists media."),
        [compatible("changed", "GET /v1/media", 'summary is now "Lists media."')],
    ),
    "description extended": (
        put(f"{MEDIA} description", "Requires scope media:read. Sorted."),
        [
            compatible(
                "changed",
                "GET /v1/media",
                f'{DESCRIPTION_CHANGED} "Requires scope media:read. Sorted."',
            )
        ],
    ),
    "scope changed": (
        put(f"{MEDIA} description", "Requires scope media:list."),
        [
            breaking("changed", "GET /v1/media", 'scope was "media:read", is "media:list"'),
            compatible(
                "changed", "GET /v1/media", f'{DESCRIPTION_CHANGED} "Requires scope media:list."'
            ),
        ],
    ),
    "second scope": (
        put(f"{MEDIA} description", "Requires scopes media:read and chat:read."),
        [
            breaking("changed", "GET /v1/media", f'scope was "media:read", is "{BOTH_SCOPES}"'),
            compatible(
                "changed",
                "GET /v1/media",
                f'{DESCRIPTION_CHANGED} "Requires scopes media:read and chat:read."',
            ),
        ],
    ),
    "scope removed": (
        cut(f"{MEDIA} description"),
        [
            breaking("changed", "GET /v1/media", 'scope was "media:read", is none'),
            compatible("changed", "GET /v1/media", "description is gone"),
        ],
    ),
    "call deprecated": (
        put(f"{MEDIA} deprecated", value=True),
        [compatible("changed", "GET /v1/media", "deprecated is new: true")],
    ),
    "tag changed": (
        put(f"{MEDIA} tags", ["library"]),
        [compatible("changed", "GET /v1/media", "tags is now something else")],
    ),
    # keys
    "public call now needs a key": (
        cut("paths /v1/health get security"),
        [
            breaking("removed", "GET /v1/health", "can no longer be called without a key"),
            compatible("added", "GET /v1/health", 'can be called with "apiKeyAuth"'),
            compatible("added", "GET /v1/health", 'can be called with "bearerAuth"'),
        ],
    ),
    "security scheme no longer accepted": (
        put("security", [{"bearerAuth": []}]),
        [breaking("removed", "document", 'can no longer be called with "apiKeyAuth"')],
    ),
    "new security scheme": (
        put("components securitySchemes cookieAuth", COOKIE_SCHEME),
        [compatible("added", "security scheme cookieAuth", "a new scheme")],
    ),
    "key header renamed": (
        put("components securitySchemes apiKeyAuth name", "X-Key"),
        [breaking("changed", "security scheme apiKeyAuth", 'name was "X-API-Key", is "X-Key"')],
    ),
    # parameters
    "new optional parameter": (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind")),
        [compatible("added", KIND_PARAMETER, "a new parameter")],
    ),
    "new required parameter": (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind", required=True)),
        [breaking("added", KIND_PARAMETER, "a new required parameter")],
    ),
    "new parameter of a whole path": (
        put("paths /v1/media parameters", [parameter("kind", required=True)]),
        [
            breaking("added", KIND_PARAMETER, "a new required parameter"),
            breaking("added", KIND_PARAMETER.replace("GET", "POST"), "a new required parameter"),
        ],
    ),
    "parameter removed": (
        cut(f"{MEDIA} parameters 0"),
        [breaking("removed", "GET /v1/media query parameter cursor", "the parameter is gone")],
    ),
    "parameter now required": (
        put(f"{MEDIA} parameters 1 required", value=True),
        [breaking("changed", "GET /v1/media query parameter limit", "is now required")],
    ),
    "parameter type changed": (
        put(f"{MEDIA} parameters 1 schema type", "string"),
        [breaking("changed", "GET /v1/media query parameter limit", 'was "integer", is "string"')],
    ),
    "parameter moved": (
        put(f"{MEDIA} parameters 1 in", "header"),
        [
            breaking("removed", "GET /v1/media query parameter limit", "the parameter is gone"),
            compatible("added", "GET /v1/media header parameter limit", "a new parameter"),
        ],
    ),
    "parameter description changed": (
        put(f"{MEDIA} parameters 1 description", "How many."),
        [
            compatible(
                "changed", "GET /v1/media query parameter limit", 'description is now "How many."'
            )
        ],
    ),
    "parameter style changed": (
        put(f"{MEDIA} parameters 1 style", "pipeDelimited"),
        [
            breaking(
                "changed", "GET /v1/media query parameter limit", 'style is new: "pipeDelimited"'
            )
        ],
    ),
    # requests
    "new optional body": (
        put("paths /v1/studios/{id}/go-live post requestBody", BODY),
        [compatible("added", "POST /v1/studios/{id}/go-live request", "a new body")],
    ),
    "new required body": (
        put("paths /v1/studios/{id}/go-live post requestBody", {**BODY, "required": True}),
        [breaking("added", "POST /v1/studios/{id}/go-live request", "a new required body")],
    ),
    "body removed": (
        cut(f"{CREATE} requestBody"),
        [breaking("removed", "POST /v1/studios request", "the body is gone")],
    ),
    "media type changed": (
        put(f"{CREATE} requestBody content", {"text/plain": {}}),
        [
            breaking("removed", "POST /v1/studios request as application/json", "the form is gone"),
            compatible("added", "POST /v1/studios request as text/plain", "a new form"),
        ],
    ),
    "media type with charset": (
        put(
            f"{CREATE} requestBody content",
            {"Application/JSON; charset=utf-8": {"schema": reference("CreateStudioRequest")}},
        ),
        [],
    ),
    "new optional request field": (
        put(f"{NEW} color", {"type": "string"}),
        [compatible("added", "schema CreateStudioRequest.color", "a new field")],
    ),
    "new required request field": (
        put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
        [breaking("added", "schema CreateStudioRequest.color", "a new required field")],
    ),
    "request field now required": (
        put(f"{SCHEMAS} UpdateStudioRequest required", ["name"]),
        [breaking("changed", "schema UpdateStudioRequest.name", "is now required")],
    ),
    "request field now optional": (
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        [compatible("changed", "schema CreateStudioRequest.name", "is no longer required")],
    ),
    "request field now nullable": (
        put(f"{RENAME} nullable", value=True),
        [compatible("changed", "schema UpdateStudioRequest.name", "may now be null")],
    ),
    "request field now of any type": (
        put(RENAME, {}),
        [compatible("changed", "schema UpdateStudioRequest.name", 'was "string", is of any type')],
    ),
    "request field now an enum": (
        put(f"{RENAME} enum", ["one", "two"]),
        [breaking("changed", "schema UpdateStudioRequest.name", 'is now one of "one", "two"')],
    ),
    "request field now bounded": (
        put(f"{RENAME} maxLength", 20),
        [breaking("changed", "schema UpdateStudioRequest.name", "maxLength is new: 20")],
    ),
    # responses
    "success status changed": (
        lambda document: at(document, CREATE)["responses"].update(
            {"200": at(document, CREATE)["responses"].pop("201")}
        ),
        [
            breaking("removed", f"{CREATED} 201", "the response is gone"),
            compatible("added", f"{CREATED} 200", "a new response"),
        ],
    ),
    "error response documented": (
        put(f"{CREATE} responses 409", {"description": "There is one."}),
        [compatible("added", f"{CREATED} 409", "a new response")],
    ),
    "response description changed": (
        put(f"{CREATE} responses 201 description", "Made."),
        [
            compatible(
                "changed", f"{CREATED} 201", 'description was "The created studio.", is "Made."'
            )
        ],
    ),
    "new response field": (
        put(f"{STUDIO} thumbnailUrl", {"type": "string"}),
        [compatible("added", "schema Studio.thumbnailUrl", "a new field")],
    ),
    "new required response field": (
        put(f"{SCHEMAS} Health required", ["status", "region"]),
        [compatible("added", "schema Health.region", "a new field")],
    ),
    "response field removed": (
        cut(f"{STUDIO} createdAt"),
        [breaking("removed", "schema Studio.createdAt", "the field is gone")],
    ),
    "response field now optional": (
        cut(f"{SCHEMAS} Health required"),
        [breaking("changed", "schema Health.status", "may now be missing")],
    ),
    "response field now required": (
        put(f"{SCHEMAS} Health required", ["status", "writeEnabled"]),
        [compatible("changed", "schema Health.writeEnabled", "is now required")],
    ),
    "response field type changed": (
        put(f"{STUDIO} name type", "integer"),
        [breaking("changed", "schema Studio.name", 'was "string", is "integer"')],
    ),
    "same type in OpenAPI 3.1 notation": (
        put(f"{STUDIO} name type", ["string"]),
        [],
    ),
    "response field now nullable": (
        put(f"{STUDIO} name type", ["string", "null"]),
        [breaking("changed", "schema Studio.name", "may now be null")],
    ),
    "response field now of any type": (
        put(f"{STUDIO} name", {}),
        [breaking("changed", "schema Studio.name", 'was "string", is of any type')],
    ),
    "field description changed": (
        put(f"{STUDIO} role description", "Who you are."),
        [
            compatible(
                "changed", "schema Studio.role", f'description was "{ROLES}", is "Who you are."'
            )
        ],
    ),
    "response field now an enum": (
        ROLE_ENUM,
        [compatible("changed", "schema Studio.role", 'is now one of "owner", "VIEW"')],
    ),
    "field format added": (
        put(f"{STUDIO} createdAt format", "date-time"),
        [compatible("changed", "schema Studio.createdAt", 'format is new: "date-time"')],
    ),
    "oneOf added": (
        put(f"{STUDIO} name", {"type": "string", "oneOf": [{}]}),
        [breaking("changed", "schema Studio.name", "oneOf is new")],
    ),
    "list item type changed": (
        put(f"{SCHEMAS} GoLiveResult properties destinationIds items", {"type": "integer"}),
        [breaking("changed", "schema GoLiveResult.destinationIds[]", 'was "string", is "integer"')],
    ),
    "list item type removed": (
        cut(f"{SCHEMAS} GoLiveResult properties destinationIds items"),
        [
            breaking(
                "changed", "schema GoLiveResult.destinationIds[]", 'was "string", is of any type'
            )
        ],
    ),
    "new nested field": (
        put(f"{SCHEMAS} Error properties error properties", {"code": {"type": "string"}}),
        [compatible("added", "schema Error.error.code", "a new field")],
    ),
    # schemas
    "new schema": (
        put(f"{SCHEMAS} Clip", {"type": "object"}),
        [compatible("added", "schema Clip", "a new schema")],
    ),
    "schema inlined": (
        put(
            f"{MEDIA} responses default content application/json schema",
            BAKED["components"]["schemas"]["Error"],
        ),
        [],
    ),
    "reference to an equal schema": (
        put(
            f"{SCHEMAS} GoLiveResult properties destinationIds items",
            {"$ref": "#/components/schemas/Studio/properties/id"},
        ),
        [],
    ),
    "reference to another schema": (
        put(f"{SCHEMAS} DestinationList properties data items", reference("Ok")),
        [
            compatible(
                "changed", "schema DestinationList.data[]", 'was the schema "Destination", is "Ok"'
            ),
            *(
                breaking("removed", f"schema DestinationList.data[].{field}", "the field is gone")
                for field in BAKED["components"]["schemas"]["Destination"]["properties"]
            ),
            compatible("added", "schema DestinationList.data[].ok", "a new field"),
        ],
    ),
    "schema removed": (
        cut(f"{SCHEMAS} Ok"),
        [
            breaking("changed", "schema Ok", "cannot be read"),
            breaking("removed", "schema Ok", "the schema is gone"),
        ],
    ),
    # the document
    "version changed": (
        put("info version", "1.4.0"),
        [compatible("changed", "document", 'version was "1.3.0", is "1.4.0"')],
    ),
    "OpenAPI version changed": (
        put("openapi", "3.1.0"),
        [compatible("changed", "document", 'openapi was "3.0.3", is "3.1.0"')],
    ),
    "servers changed": (
        put("servers", [{"url": "https://api.traxstreaming.live"}]),
        [compatible("changed", "document", "servers is now something else")],
    ),
}
"""A change -> all differences that it causes."""
