"""One function per documented call: from a request to the JSON of the response.

Sandbox behaviour: unknown body fields, and any body of a call that takes none, are ignored; a
change without fields returns the record unchanged.
"""
# ruff: noqa: D103 - the decorator names the documented call

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from trax_mcp.sandbox.contract import CALLS, DOCUMENT
from trax_mcp.sandbox.seed import Record
from trax_mcp.sandbox.world import ApiError, World, format_time

_OK: Final[Record] = {"ok": True}
_DESTINATION: Final = ("name", "platform", "enabled", "vertical", "_rtmpUrl", "_streamKey")
_CURSOR: Final = "after:"
_DEFAULT_LIMIT: Final = "50"
_MAX_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request that is admitted: its key, its scope and its body are valid."""

    world: World
    account: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Record

    @property
    def studio(self) -> Record:
        """The studio in the path, else 404."""
        return self.world.find("studios", self.ids["id"], of=self.account)

    @property
    def destination(self) -> Record:
        """The destination in the path, else 404."""
        return self.world.find("destinations", self.ids["destId"], of=self.studio["id"])

    @property
    def source(self) -> Record:
        """The source in the path, else 404."""
        return self.world.find("sources", self.ids["sourceId"], of=self.studio["id"])

    def fields(self, *names: str) -> Record:
        """These fields of the body. One that begins with `_` is stored so, and never returned."""
        return {name: self.body[key] for name in names if (key := name.lstrip("_")) in self.body}


Handler = Callable[[ApiRequest], Any]
HANDLERS: Final[dict[tuple[str, str], Handler]] = {}
"""The handler of each documented call, by its method and path."""


def _handles(method: str, path: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        HANDLERS[method, f"/v1{path}"] = handler
        return handler

    return register


@_handles("GET", "/health")
def get_health(request: ApiRequest) -> Record:
    """Sandbox behaviour: the values of `status` are not documented."""
    return {"status": "ok", "writeEnabled": request.world.write_enabled}


@_handles("GET", "/openapi.json")
def get_openapi(_: ApiRequest) -> Record:
    return DOCUMENT


@_handles("GET", "/studios")
def list_studios(request: ApiRequest) -> Record:
    studios = request.world.records("studios", of=request.account)
    return _page(request, [_with_role(it, request.account) for it in studios])


@_handles("POST", "/studios")
def create_studio(request: ApiRequest) -> Record:
    studio = {
        "id": request.world.new_id("studio"),
        "ownerSub": request.account,
        "createdAt": format_time(request.world.now()),
        "_roles": {request.account: "owner"},
    }
    created = request.world.save("studios", studio, **request.fields("name"))
    return _with_role(created, request.account)


@_handles("GET", "/studios/{id}")
def get_studio(request: ApiRequest) -> Record:
    return _with_role(request.studio, request.account)


@_handles("PATCH", "/studios/{id}")
def update_studio(request: ApiRequest) -> Record:
    changes = request.fields("name", "_autoGoLive", "_autoGoOfflineOnDrop")
    return _with_role(request.world.save("studios", request.studio, **changes), request.account)


@_handles("GET", "/studios/{id}/destinations")
def list_destinations(request: ApiRequest) -> Record:
    return _page(request, request.world.records("destinations", of=request.studio["id"]))


@_handles("POST", "/studios/{id}/destinations")
def create_destination(request: ApiRequest) -> Record:
    """Sandbox behaviour: it is enabled and horizontal by default."""
    studio, world = request.studio, request.world
    if "connectionId" in request.body:
        if {"rtmpUrl", "streamKey"} & request.body.keys():
            message = "connectionId excludes rtmpUrl and streamKey."
            raise ApiError(400, "invalid_request", message)
        world.find("connections", request.body["connectionId"], of=request.account)
    destination = {
        "id": world.new_id("dest"),
        "studioId": studio["id"],
        "enabled": True,
        "vertical": False,
    }
    return world.save("destinations", destination, **request.fields(*_DESTINATION, "_connectionId"))


@_handles("PATCH", "/studios/{id}/destinations/{destId}")
def update_destination(request: ApiRequest) -> Record:
    return request.world.save("destinations", request.destination, **request.fields(*_DESTINATION))


@_handles("DELETE", "/studios/{id}/destinations/{destId}")
def delete_destination(request: ApiRequest) -> Record:
    del request.world.tables["destinations"][request.destination["id"]]
    return _OK


@_handles("GET", "/studios/{id}/sources")
def list_sources(request: ApiRequest) -> Record:
    return _page(request, request.world.records("sources", of=request.studio["id"]))


@_handles("POST", "/studios/{id}/sources")
def create_source(request: ApiRequest) -> Record:
    """Sandbox behaviour: it is active by default."""
    source = {
        "id": request.world.new_id("source"),
        "studioId": request.studio["id"],
        "active": True,
        "createdAt": format_time(request.world.now()),
    }
    return request.world.save("sources", source, **request.fields("name", "type", "active", "_url"))


@_handles("PATCH", "/studios/{id}/sources/{sourceId}")
def update_source(request: ApiRequest) -> Record:
    changes = request.fields("name", "active", "_url")
    return request.world.save("sources", request.source, **changes)


@_handles("DELETE", "/studios/{id}/sources/{sourceId}")
def delete_source(request: ApiRequest) -> Record:
    del request.world.tables["sources"][request.source["id"]]
    return _OK


@_handles("GET", "/studios/{id}/stream-status")
def get_stream_status(request: ApiRequest) -> Record:
    return request.world.stream_status(request.studio["id"])


@_handles("POST", "/studios/{id}/go-live")
def go_live(request: ApiRequest) -> Record:
    stream = request.world.go_live(request.studio["id"])
    return {"encoderStreamId": stream.id, "destinationIds": list(stream.destination_ids)}


@_handles("POST", "/studios/{id}/go-offline")
def go_offline(request: ApiRequest) -> Record:
    request.world.go_offline(request.studio["id"])
    return _OK


@_handles("GET", "/studios/{id}/chat/messages")
def list_chat_messages(request: ApiRequest) -> Record:
    """Oldest first. Sandbox behaviour: the order inside TRaX's page is not documented."""
    return {"data": request.world.chat(request.studio["id"])[-_limit(request) :]}


@_handles("POST", "/studios/{id}/chat/messages")
def send_chat_message(request: ApiRequest) -> Record:
    text, platforms = request.body["text"], request.body.get("platforms", ())
    message = request.world.send(request.studio["id"], request.account, text, platforms)
    return {"ok": True, "messageId": message["id"]}


@_handles("GET", "/connections")
def list_connections(request: ApiRequest) -> Record:
    return _page(request, request.world.records("connections", of=request.account))


@_handles("DELETE", "/connections/{connectionId}")
def unlink_connection(request: ApiRequest) -> Record:
    found = request.world.find("connections", request.ids["connectionId"], of=request.account)
    del request.world.tables["connections"][found["id"]]
    return _OK


@_handles("GET", "/media")
def list_media(request: ApiRequest) -> Record:
    return _page(request, request.world.assets(request.account))


@_handles("POST", "/media")
def create_media_upload(request: ApiRequest) -> Record:
    """Sandbox behaviour: the form of an object key, and that the sandbox receives the bytes."""
    fields = request.fields("filename", "contentType", "byteSize", "folder")
    asset, token = request.world.reserve_upload(request.account, fields)
    return {
        "assetId": asset["id"],
        "kind": asset["kind"],
        "objectKey": f"{request.account}/{asset['id']}",
        "uploadUrl": f"{request.world.base_url}/uploads/{token}",
    }


if HANDLERS.keys() != CALLS.keys():
    raise RuntimeError(
        f"the contract and these handlers differ on {HANDLERS.keys() ^ CALLS.keys()}"
    )


def _with_role(studio: Record, account: str) -> Record:
    return {**studio, "role": studio["_roles"][account]}


def _limit(request: ApiRequest) -> int:
    """Documented: the default, the clamp, and 400 unless it is a number of at least 1."""
    number = re.fullmatch(r"0*([1-9][0-9]*)", request.query.get("limit", _DEFAULT_LIMIT))
    if number is None:
        raise ApiError(400, "invalid_request", "limit must be a whole number of at least 1.")
    # `int` raises on thousands of digits, and nine digits are above the maximum anyway.
    return min(int(number[1][:9]), _MAX_LIMIT)


def _page(request: ApiRequest, records: list[Record]) -> Record:
    """The records after the cursor's, and `nextCursor` unless they are the last."""
    size, after = _limit(request), _decode_cursor(request.query.get("cursor", ""))
    rest = [it for it in records if it["id"] > after]
    page: Record = {"data": rest[:size]}
    if len(rest) > size:
        page["nextCursor"] = _encode_cursor(rest[size - 1]["id"])
    return page


def _encode_cursor(last: str) -> str:
    """Sandbox behaviour: what a cursor holds."""
    return base64.urlsafe_b64encode(f"{_CURSOR}{last}".encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> str:
    """The id in a cursor; empty without a cursor, 400 if it is malformed."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except ValueError:
        text = ""
    if cursor and not text.startswith(_CURSOR):
        raise ApiError(400, "invalid_request", "cursor is malformed.")
    return text.removeprefix(_CURSOR)
