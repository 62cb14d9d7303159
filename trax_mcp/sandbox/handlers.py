"""One function per documented call: from the world and a request to the JSON of the response.

Middleware has already checked the key, the scope, the write gate and the types of the body.
Sandbox behaviour: unknown body fields, and any body of a call that takes none, are ignored; a
change without fields returns the record unchanged.
"""
# ruff: noqa: D103 - the table at the end maps each documented call to its function

from collections.abc import Callable, Mapping
from typing import Any

from trax_mcp.sandbox.contract_calls import contract_document
from trax_mcp.sandbox.messages import Json, Request, invalid_request
from trax_mcp.sandbox.paging import list_page, read_limit
from trax_mcp.sandbox.records import Connection, Destination, Source, Studio
from trax_mcp.sandbox.world import World

Handler = Callable[[World, Request], Json]

OK: Json = {"ok": True}

STUDIO = {
    "name": "name",
    "autoGoLive": "auto_go_live",
    "autoGoOfflineOnDrop": "auto_go_offline_on_drop",
}
DESTINATION = {
    "name": "name",
    "platform": "platform",
    "enabled": "enabled",
    "vertical": "vertical",
    "rtmpUrl": "rtmp_url",
    "streamKey": "stream_key",
}
BOUND_DESTINATION = {**DESTINATION, "connectionId": "connection_id"}
SOURCE = {"name": "name", "active": "active", "url": "url"}
TYPED_SOURCE = {**SOURCE, "type": "type"}


def get_health(world: World, _request: Request) -> Json:
    """Sandbox behaviour: the values of `status` are not documented."""
    return {"status": "ok", "writeEnabled": world.deployment.write_enabled}


def get_openapi(_world: World, _request: Request) -> Json:
    return contract_document()


def list_studios(world: World, request: Request) -> Json:
    items = world.studios.of(request.account)
    return list_page(items, request.query, lambda studio: studio.to_json(request.account))


def create_studio(world: World, request: Request) -> Json:
    return world.add_studio(request.account, name=request.payload["name"]).to_json(request.account)


def get_studio(world: World, request: Request) -> Json:
    return _studio(world, request).to_json(request.account)


def update_studio(world: World, request: Request) -> Json:
    changed = world.studios.change(_studio(world, request), _fields(request, STUDIO))
    return changed.to_json(request.account)


def list_destinations(world: World, request: Request) -> Json:
    items = world.destinations.of(_studio(world, request).id)
    return list_page(items, request.query, Destination.to_json)


def create_destination(world: World, request: Request) -> Json:
    studio = _studio(world, request)
    if "connectionId" in request.payload and {"rtmpUrl", "streamKey"} & request.payload.keys():
        raise invalid_request("connectionId excludes rtmpUrl and streamKey.")
    fields = _fields(request, BOUND_DESTINATION)
    return world.add_destination(studio, request.account, fields).to_json()


def update_destination(world: World, request: Request) -> Json:
    changes = _fields(request, DESTINATION)
    return world.destinations.change(_destination(world, request), changes).to_json()


def delete_destination(world: World, request: Request) -> Json:
    world.destinations.remove(_destination(world, request))
    return OK


def list_sources(world: World, request: Request) -> Json:
    items = world.sources.of(_studio(world, request).id)
    return list_page(items, request.query, Source.to_json)


def create_source(world: World, request: Request) -> Json:
    return world.add_source(_studio(world, request), _fields(request, TYPED_SOURCE)).to_json()


def update_source(world: World, request: Request) -> Json:
    return world.sources.change(_source(world, request), _fields(request, SOURCE)).to_json()


def delete_source(world: World, request: Request) -> Json:
    world.sources.remove(_source(world, request))
    return OK


def get_stream_status(world: World, request: Request) -> Json:
    return world.stream_status(_studio(world, request))


def go_live(world: World, request: Request) -> Json:
    stream = world.go_live(_studio(world, request))
    return {
        "encoderStreamId": stream.encoder_stream_id,
        "destinationIds": list(stream.destination_ids),
    }


def go_offline(world: World, request: Request) -> Json:
    world.go_offline(_studio(world, request))
    return OK


def list_chat_messages(world: World, request: Request) -> Json:
    """Oldest first. Sandbox behaviour: the order inside TRaX's page is not documented."""
    chat = world.chat(_studio(world, request))
    return {"data": [message.to_json() for message in chat.recent(read_limit(request.query))]}


def send_chat_message(world: World, request: Request) -> Json:
    studio = _studio(world, request)
    platforms = request.payload.get("platforms", ())
    message = world.send(studio, request.account, text=request.payload["text"], platforms=platforms)
    return {"ok": True, "messageId": message.id}


def list_connections(world: World, request: Request) -> Json:
    items = world.connections.of(request.account)
    return list_page(items, request.query, Connection.to_json)


def unlink_connection(world: World, request: Request) -> Json:
    connection = world.connections.find(request.ids["connectionId"], of=request.account)
    world.connections.remove(connection)
    return OK


def list_media(world: World, request: Request) -> Json:
    items = world.library.assets.of(request.account)
    return list_page(items, request.query, lambda asset: asset.to_json(world.clock.now()))


def create_media_upload(world: World, request: Request) -> Json:
    """Sandbox behaviour: the form of an object key, and that the sandbox receives the bytes."""
    asset, reservation = world.library.reserve(
        request.account,
        filename=request.payload["filename"],
        content_type=request.payload["contentType"],
        byte_size=request.payload["byteSize"],
        folder=request.payload.get("folder"),
    )
    return {
        "assetId": asset.id,
        "kind": asset.kind,
        "objectKey": f"{asset.account}/{asset.id}",
        "uploadUrl": f"{world.deployment.base_url}/uploads/{reservation.token}",
    }


def _studio(world: World, request: Request) -> Studio:
    return world.studios.find(request.ids["id"], of=request.account)


def _destination(world: World, request: Request) -> Destination:
    return world.destinations.find(request.ids["destId"], of=_studio(world, request).id)


def _source(world: World, request: Request) -> Source:
    return world.sources.find(request.ids["sourceId"], of=_studio(world, request).id)


def _fields(request: Request, names: Mapping[str, str]) -> dict[str, Any]:
    """The known fields of the body, under the names that the records have for them."""
    return {
        ours: request.payload[theirs] for theirs, ours in names.items() if theirs in request.payload
    }


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/v1/health"): get_health,
    ("GET", "/v1/openapi.json"): get_openapi,
    ("GET", "/v1/studios"): list_studios,
    ("POST", "/v1/studios"): create_studio,
    ("GET", "/v1/studios/{id}"): get_studio,
    ("PATCH", "/v1/studios/{id}"): update_studio,
    ("GET", "/v1/studios/{id}/destinations"): list_destinations,
    ("POST", "/v1/studios/{id}/destinations"): create_destination,
    ("DELETE", "/v1/studios/{id}/destinations/{destId}"): delete_destination,
    ("PATCH", "/v1/studios/{id}/destinations/{destId}"): update_destination,
    ("GET", "/v1/studios/{id}/sources"): list_sources,
    ("POST", "/v1/studios/{id}/sources"): create_source,
    ("DELETE", "/v1/studios/{id}/sources/{sourceId}"): delete_source,
    ("PATCH", "/v1/studios/{id}/sources/{sourceId}"): update_source,
    ("GET", "/v1/studios/{id}/stream-status"): get_stream_status,
    ("POST", "/v1/studios/{id}/go-live"): go_live,
    ("POST", "/v1/studios/{id}/go-offline"): go_offline,
    ("GET", "/v1/studios/{id}/chat/messages"): list_chat_messages,
    ("POST", "/v1/studios/{id}/chat/messages"): send_chat_message,
    ("GET", "/v1/connections"): list_connections,
    ("DELETE", "/v1/connections/{connectionId}"): unlink_connection,
    ("GET", "/v1/media"): list_media,
    ("POST", "/v1/media"): create_media_upload,
}
"""The handler of each documented call. `match_handlers` compares it with the contract."""
