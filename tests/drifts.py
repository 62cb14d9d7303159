"""One change to the baked contract a row, and everything that is to be found of it.

What breaks follows TRaX's promise for /v1, which is written down here a second time, by example.
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
    broken,
    cut,
    fine,
    parameter,
    put,
    reference,
)

if TYPE_CHECKING:
    from tests.edits import Edit
    from trax_mcp.api.drift import Difference

KIND = "GET /v1/media query parameter kind"
BOTH = "chat:read and media:read"
LONG = 'description was "Requires scope media:read.", is'
MADE = "POST /v1/studios response"
ROLES = "owner | VIEW | EDIT | ADMIN"
BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}
SAFE_KEY = {"type": "apiKey", "in": "cookie", "name": "key"}
LISTED: Final = put(f"{STUDIO} role enum", ["owner", "VIEW"])
CHOSEN: Final = put(f"{NEW} name enum", ["one", "two"])

CHANGES: Final[dict[str, tuple[Edit, list[Difference]]]] = {
    # calls
    "a new call": (
        put("paths /v1/clips", {"get": {}}),
        [fine("added", "GET /v1/clips", "a new call")],
    ),
    "a call less": (
        cut("paths /v1/media post"),
        [broken("removed", "POST /v1/media", "the call is gone")],
    ),
    "a path less": (
        cut("paths /v1/connections"),
        [broken("removed", "GET /v1/connections", "the call is gone")],
    ),
    "another summary": (
        put(f"{MEDIA} summary", "Lists media."),
        [fine("changed", "GET /v1/media", 'summary is now "Lists media."')],
    ),
    "more description": (
        put(f"{MEDIA} description", "Requires scope media:read. Sorted."),
        [fine("changed", "GET /v1/media", f'{LONG} "Requires scope media:read. Sorted."')],
    ),
    "another scope": (
        put(f"{MEDIA} description", "Requires scope media:list."),
        [
            broken("changed", "GET /v1/media", 'scope was "media:read", is "media:list"'),
            fine("changed", "GET /v1/media", f'{LONG} "Requires scope media:list."'),
        ],
    ),
    "a second scope": (
        put(f"{MEDIA} description", "Requires scopes media:read and chat:read."),
        [
            broken("changed", "GET /v1/media", f'scope was "media:read", is "{BOTH}"'),
            fine("changed", "GET /v1/media", f'{LONG} "Requires scopes media:read and chat:read."'),
        ],
    ),
    "no word of a scope": (
        cut(f"{MEDIA} description"),
        [
            broken("changed", "GET /v1/media", 'scope was "media:read", is none'),
            fine("changed", "GET /v1/media", "description is gone"),
        ],
    ),
    "a call that is on its way out": (
        put(f"{MEDIA} deprecated", value=True),
        [fine("changed", "GET /v1/media", "deprecated is new: true")],
    ),
    "another tag": (
        put(f"{MEDIA} tags", ["library"]),
        [fine("changed", "GET /v1/media", "tags is now something else")],
    ),
    # keys
    "a key where none was needed": (
        cut("paths /v1/health get security"),
        [
            broken("removed", "GET /v1/health", "can no longer be called without a key"),
            fine("added", "GET /v1/health", 'can be called with "apiKeyAuth"'),
            fine("added", "GET /v1/health", 'can be called with "bearerAuth"'),
        ],
    ),
    "one way to send a key less": (
        put("security", [{"bearerAuth": []}]),
        [broken("removed", "document", 'can no longer be called with "apiKeyAuth"')],
    ),
    "one way to send a key more": (
        put("components securitySchemes cookieAuth", SAFE_KEY),
        [fine("added", "security scheme cookieAuth", "a new scheme")],
    ),
    "a key in another header": (
        put("components securitySchemes apiKeyAuth name", "X-Key"),
        [broken("changed", "security scheme apiKeyAuth", 'name was "X-API-Key", is "X-Key"')],
    ),
    # parameters
    "a new optional parameter": (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind")),
        [fine("added", KIND, "a new parameter")],
    ),
    "a new required parameter": (
        lambda document: at(document, MEDIA)["parameters"].append(parameter("kind", required=True)),
        [broken("added", KIND, "a new required parameter")],
    ),
    "a new parameter of a whole path": (
        put("paths /v1/media parameters", [parameter("kind", required=True)]),
        [
            broken("added", KIND, "a new required parameter"),
            broken("added", KIND.replace("GET", "POST"), "a new required parameter"),
        ],
    ),
    "a parameter less": (
        cut(f"{MEDIA} parameters 0"),
        [broken("removed", "GET /v1/media query parameter cursor", "the parameter is gone")],
    ),
    "a parameter that is now required": (
        put(f"{MEDIA} parameters 1 required", value=True),
        [broken("changed", "GET /v1/media query parameter limit", "is now required")],
    ),
    "a parameter of another type": (
        put(f"{MEDIA} parameters 1 schema type", "string"),
        [broken("changed", "GET /v1/media query parameter limit", 'was "integer", is "string"')],
    ),
    "a parameter that moved": (
        put(f"{MEDIA} parameters 1 in", "header"),
        [
            broken("removed", "GET /v1/media query parameter limit", "the parameter is gone"),
            fine("added", "GET /v1/media header parameter limit", "a new parameter"),
        ],
    ),
    "a parameter in other words": (
        put(f"{MEDIA} parameters 1 description", "How many."),
        [fine("changed", "GET /v1/media query parameter limit", 'description is now "How many."')],
    ),
    "a parameter written otherwise": (
        put(f"{MEDIA} parameters 1 style", "pipeDelimited"),
        [broken("changed", "GET /v1/media query parameter limit", 'style is new: "pipeDelimited"')],
    ),
    # requests
    "a body where there was none": (
        put("paths /v1/studios/{id}/go-live post requestBody", BODY),
        [fine("added", "POST /v1/studios/{id}/go-live request", "a new body")],
    ),
    "a required body where there was none": (
        put("paths /v1/studios/{id}/go-live post requestBody", {**BODY, "required": True}),
        [broken("added", "POST /v1/studios/{id}/go-live request", "a new required body")],
    ),
    "no body any more": (
        cut(f"{CREATE} requestBody"),
        [broken("removed", "POST /v1/studios request", "the body is gone")],
    ),
    "another media type": (
        put(f"{CREATE} requestBody content", {"text/plain": {}}),
        [
            broken("removed", "POST /v1/studios request as application/json", "the form is gone"),
            fine("added", "POST /v1/studios request as text/plain", "a new form"),
        ],
    ),
    "the same media type with its charset": (
        put(
            f"{CREATE} requestBody content",
            {"Application/JSON; charset=utf-8": {"schema": reference("CreateStudioRequest")}},
        ),
        [],
    ),
    "a new optional field to send": (
        put(f"{NEW} color", {"type": "string"}),
        [fine("added", "schema CreateStudioRequest.color", "a new field")],
    ),
    "a new required field to send": (
        put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
        [broken("added", "schema CreateStudioRequest.color", "a new required field")],
    ),
    "a field to send that is now required": (
        put(f"{SCHEMAS} UpdateStudioRequest required", ["name"]),
        [broken("changed", "schema UpdateStudioRequest.name", "is now required")],
    ),
    "a field to send that may be left out": (
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        [fine("changed", "schema CreateStudioRequest.name", "is no longer required")],
    ),
    "a field to send that takes null": (
        put(f"{RENAME} nullable", value=True),
        [fine("changed", "schema UpdateStudioRequest.name", "may now be null")],
    ),
    "a field to send that takes anything": (
        put(RENAME, {}),
        [fine("changed", "schema UpdateStudioRequest.name", 'was "string", is of any type')],
    ),
    "a field to send that takes one of a few": (
        put(f"{RENAME} enum", ["one", "two"]),
        [broken("changed", "schema UpdateStudioRequest.name", 'is now one of "one", "two"')],
    ),
    "a field to send with a bound": (
        put(f"{RENAME} maxLength", 20),
        [broken("changed", "schema UpdateStudioRequest.name", "maxLength is new: 20")],
    ),
    # answers
    "another success": (
        lambda document: at(document, CREATE)["responses"].update(
            {"200": at(document, CREATE)["responses"].pop("201")}
        ),
        [
            broken("removed", f"{MADE} 201", "the response is gone"),
            fine("added", f"{MADE} 200", "a new response"),
        ],
    ),
    "an error that is described": (
        put(f"{CREATE} responses 409", {"description": "There is one."}),
        [fine("added", f"{MADE} 409", "a new response")],
    ),
    "an answer in other words": (
        put(f"{CREATE} responses 201 description", "Made."),
        [fine("changed", f"{MADE} 201", 'description was "The created studio.", is "Made."')],
    ),
    "a new field": (
        put(f"{STUDIO} thumbnailUrl", {"type": "string"}),
        [fine("added", "schema Studio.thumbnailUrl", "a new field")],
    ),
    "a new field that is always there": (
        put(f"{SCHEMAS} Health required", ["status", "region"]),
        [fine("added", "schema Health.region", "a new field")],
    ),
    "a field less": (
        cut(f"{STUDIO} createdAt"),
        [broken("removed", "schema Studio.createdAt", "the field is gone")],
    ),
    "a field that may be missing": (
        cut(f"{SCHEMAS} Health required"),
        [broken("changed", "schema Health.status", "may now be missing")],
    ),
    "a field that is always there": (
        put(f"{SCHEMAS} Health required", ["status", "writeEnabled"]),
        [fine("changed", "schema Health.writeEnabled", "is now required")],
    ),
    "a field of another type": (
        put(f"{STUDIO} name type", "integer"),
        [broken("changed", "schema Studio.name", 'was "string", is "integer"')],
    ),
    "a field of the same type, as OpenAPI 3.1 writes it": (
        put(f"{STUDIO} name type", ["string"]),
        [],
    ),
    "a field that may be null": (
        put(f"{STUDIO} name type", ["string", "null"]),
        [broken("changed", "schema Studio.name", "may now be null")],
    ),
    "a field of any type": (
        put(f"{STUDIO} name", {}),
        [broken("changed", "schema Studio.name", 'was "string", is of any type')],
    ),
    "a field in other words": (
        put(f"{STUDIO} role description", "Who you are."),
        [fine("changed", "schema Studio.role", f'description was "{ROLES}", is "Who you are."')],
    ),
    "a field that lists its values": (
        LISTED,
        [fine("changed", "schema Studio.role", 'is now one of "owner", "VIEW"')],
    ),
    "a field with a format": (
        put(f"{STUDIO} createdAt format", "date-time"),
        [fine("changed", "schema Studio.createdAt", 'format is new: "date-time"')],
    ),
    "a field that is put together": (
        put(f"{STUDIO} name", {"type": "string", "oneOf": [{}]}),
        [broken("changed", "schema Studio.name", "oneOf is new")],
    ),
    "a list of something else": (
        put(f"{SCHEMAS} GoLiveResult properties destinationIds items", {"type": "integer"}),
        [broken("changed", "schema GoLiveResult.destinationIds[]", 'was "string", is "integer"')],
    ),
    "a list of anything": (
        cut(f"{SCHEMAS} GoLiveResult properties destinationIds items"),
        [broken("changed", "schema GoLiveResult.destinationIds[]", 'was "string", is of any type')],
    ),
    "fields within a field": (
        put(f"{SCHEMAS} Error properties error properties", {"code": {"type": "string"}}),
        [fine("added", "schema Error.error.code", "a new field")],
    ),
    # schemas
    "a new schema": (
        put(f"{SCHEMAS} Clip", {"type": "object"}),
        [fine("added", "schema Clip", "a new schema")],
    ),
    "a schema that is written where it is used": (
        put(
            f"{MEDIA} responses default content application/json schema",
            BAKED["components"]["schemas"]["Error"],
        ),
        [],
    ),
    "another schema with the same fields": (
        put(
            f"{SCHEMAS} GoLiveResult properties destinationIds items",
            {"$ref": "#/components/schemas/Studio/properties/id"},
        ),
        [],
    ),
    "another schema in its place": (
        put(f"{SCHEMAS} DestinationList properties data items", reference("Ok")),
        [
            fine(
                "changed", "schema DestinationList.data[]", 'was the schema "Destination", is "Ok"'
            ),
            *(
                broken("removed", f"schema DestinationList.data[].{field}", "the field is gone")
                for field in BAKED["components"]["schemas"]["Destination"]["properties"]
            ),
            fine("added", "schema DestinationList.data[].ok", "a new field"),
        ],
    ),
    "a schema less": (
        cut(f"{SCHEMAS} Ok"),
        [
            broken("changed", "schema Ok", "cannot be read"),
            broken("removed", "schema Ok", "the schema is gone"),
        ],
    ),
    # the document
    "another version": (
        put("info version", "1.4.0"),
        [fine("changed", "document", 'version was "1.3.0", is "1.4.0"')],
    ),
    "another OpenAPI": (
        put("openapi", "3.1.0"),
        [fine("changed", "document", 'openapi was "3.0.3", is "3.1.0"')],
    ),
    "another host": (
        put("servers", [{"url": "https://api.traxstreaming.live"}]),
        [fine("changed", "document", "servers is now something else")],
    ),
}
"""A change -> everything that is found of it."""
