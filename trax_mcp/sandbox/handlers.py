"""One function per documented call: from what was asked and the world to the JSON of the answer.

Each stands behind the gates, so key, scope, write gate and the body's types are settled here; a
handler knows no status and no header. Sandbox behaviour: unknown body fields, and any body of a
call that takes none, are ignored; a change of nothing answers the thing as it is.
"""
# ruff: noqa: D103 - the table at the end says which documented call each function answers

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trax_mcp.sandbox import contract
from trax_mcp.sandbox.messages import Json, Request, invalid
from trax_mcp.sandbox.paging import limit, listed
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


def get_health(world: World, _asked: Request) -> Json:
    """Sandbox behaviour: which words `status` can be is not documented."""
    return {"status": "ok", "writeEnabled": world.deployment.write_enabled}


def get_openapi(_world: World, _asked: Request) -> Json:
    return contract.document()


def list_studios(world: World, asked: Request) -> Json:
    found = world.studios.of(asked.account)
    return listed(found, asked.query, lambda studio: studio.shown(asked.account))


def create_studio(world: World, asked: Request) -> Json:
    return world.add_studio(asked.account, name=asked.payload["name"]).shown(asked.account)


def get_studio(world: World, asked: Request) -> Json:
    return _studio(world, asked).shown(asked.account)


def update_studio(world: World, asked: Request) -> Json:
    changed = world.studios.change(_studio(world, asked), _given(asked, STUDIO))
    return changed.shown(asked.account)


def list_destinations(world: World, asked: Request) -> Json:
    found = world.destinations.of(_studio(world, asked).id)
    return listed(found, asked.query, Destination.shown)


def create_destination(world: World, asked: Request) -> Json:
    studio = _studio(world, asked)
    if "connectionId" in asked.payload and {"rtmpUrl", "streamKey"} & asked.payload.keys():
        raise invalid("connectionId excludes rtmpUrl and streamKey.")
    fields = _given(asked, BOUND_DESTINATION)
    return world.add_destination(studio, asked.account, fields).shown()


def update_destination(world: World, asked: Request) -> Json:
    changes = _given(asked, DESTINATION)
    return world.destinations.change(_destination(world, asked), changes).shown()


def delete_destination(world: World, asked: Request) -> Json:
    world.destinations.remove(_destination(world, asked))
    return OK


def list_sources(world: World, asked: Request) -> Json:
    found = world.sources.of(_studio(world, asked).id)
    return listed(found, asked.query, Source.shown)


def create_source(world: World, asked: Request) -> Json:
    return world.add_source(_studio(world, asked), _given(asked, TYPED_SOURCE)).shown()


def update_source(world: World, asked: Request) -> Json:
    return world.sources.change(_source(world, asked), _given(asked, SOURCE)).shown()


def delete_source(world: World, asked: Request) -> Json:
    world.sources.remove(_source(world, asked))
    return OK


def get_stream_status(world: World, asked: Request) -> Json:
    return world.stream_status(_studio(world, asked))


def go_live(world: World, asked: Request) -> Json:
    stream = world.go_live(_studio(world, asked))
    return {
        "encoderStreamId": stream.encoder_stream_id,
        "destinationIds": list(stream.destination_ids),
    }


def go_offline(world: World, asked: Request) -> Json:
    world.go_offline(_studio(world, asked))
    return OK


def list_chat_messages(world: World, asked: Request) -> Json:
    """Oldest first: sandbox behaviour, the order inside TRaX's page is not documented."""
    chat = world.chat(_studio(world, asked))
    return {"data": [message.shown() for message in chat.recent(limit(asked.query))]}


def send_chat_message(world: World, asked: Request) -> Json:
    studio = _studio(world, asked)
    platforms = asked.payload.get("platforms", ())
    message = world.send(studio, asked.account, text=asked.payload["text"], platforms=platforms)
    return {"ok": True, "messageId": message.id}


def list_connections(world: World, asked: Request) -> Json:
    found = world.connections.of(asked.account)
    return listed(found, asked.query, Connection.shown)


def unlink_connection(world: World, asked: Request) -> Json:
    connection = world.connections.find(asked.ids["connectionId"], of=asked.account)
    world.connections.remove(connection)
    return OK


def list_media(world: World, asked: Request) -> Json:
    found = world.library.assets.of(asked.account)
    return listed(found, asked.query, lambda asset: asset.shown(world.clock.now()))


def create_media_upload(world: World, asked: Request) -> Json:
    """Sandbox behaviour: what an object key looks like, and that the sandbox takes the bytes."""
    asset, reservation = world.library.reserve(
        asked.account,
        filename=asked.payload["filename"],
        content_type=asked.payload["contentType"],
        byte_size=asked.payload["byteSize"],
        folder=asked.payload.get("folder"),
    )
    return {
        "assetId": asset.id,
        "kind": asset.kind,
        "objectKey": f"{asset.account}/{asset.id}",
        "uploadUrl": f"{world.deployment.base_url}/uploads/{reservation.token}",
    }


def _studio(world: World, asked: Request) -> Studio:
    return world.studios.find(asked.ids["id"], of=asked.account)


def _destination(world: World, asked: Request) -> Destination:
    return world.destinations.find(asked.ids["destId"], of=_studio(world, asked).id)


def _source(world: World, asked: Request) -> Source:
    return world.sources.find(asked.ids["sourceId"], of=_studio(world, asked).id)


def _given(asked: Request, names: Mapping[str, str]) -> dict[str, Any]:
    """The body's fields that we know, under the world's names for them."""
    return {
        ours: asked.payload[theirs] for theirs, ours in names.items() if theirs in asked.payload
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
"""Judged by the contract at the start: nothing documented may be missing, nothing else be here."""
