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
from trax_mcp.sandbox.exchange import Asked, Json, invalid
from trax_mcp.sandbox.pages import limit, listed
from trax_mcp.sandbox.world import World

Handler = Callable[[World, Asked], Json]

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


def get_health(world: World, _asked: Asked) -> Json:
    """Sandbox behaviour: which words `status` can be is not documented."""
    return {"status": "ok", "writeEnabled": world.write_enabled}


def get_openapi(_world: World, _asked: Asked) -> Json:
    return contract.document()


def list_studios(world: World, asked: Asked) -> Json:
    found = world.studios_of(asked.account)
    return listed(found, asked.query, lambda studio: studio.shown(asked.account))


def create_studio(world: World, asked: Asked) -> Json:
    return world.add_studio(asked.account, name=asked.payload["name"]).shown(asked.account)


def get_studio(world: World, asked: Asked) -> Json:
    return world.studio(asked.account, asked.ids["id"]).shown(asked.account)


def update_studio(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    return world.change_studio(studio, given(asked, STUDIO)).shown(asked.account)


def list_destinations(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    return listed(world.destinations_of(studio), asked.query, lambda one: one.shown())


def create_destination(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    if "connectionId" in asked.payload and {"rtmpUrl", "streamKey"} & asked.payload.keys():
        raise invalid("connectionId excludes rtmpUrl and streamKey.")
    fields = given(asked, BOUND_DESTINATION)
    return world.add_destination(studio, asked.account, fields).shown()


def update_destination(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    destination = world.destination(studio, asked.ids["destId"])
    return world.change_destination(destination, given(asked, DESTINATION)).shown()


def delete_destination(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    del world.destinations[world.destination(studio, asked.ids["destId"]).id]
    return OK


def list_sources(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    return listed(world.sources_of(studio), asked.query, lambda source: source.shown())


def create_source(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    return world.add_source(studio, given(asked, TYPED_SOURCE)).shown()


def update_source(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    source = world.source(studio, asked.ids["sourceId"])
    return world.change_source(source, given(asked, SOURCE)).shown()


def delete_source(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    del world.sources[world.source(studio, asked.ids["sourceId"]).id]
    return OK


def get_stream_status(world: World, asked: Asked) -> Json:
    return world.stream_status(world.studio(asked.account, asked.ids["id"]))


def go_live(world: World, asked: Asked) -> Json:
    stream = world.go_live(world.studio(asked.account, asked.ids["id"]))
    return {
        "encoderStreamId": stream.encoder_stream_id,
        "destinationIds": list(stream.destination_ids),
    }


def go_offline(world: World, asked: Asked) -> Json:
    world.go_offline(world.studio(asked.account, asked.ids["id"]))
    return OK


def list_chat_messages(world: World, asked: Asked) -> Json:
    """Oldest first: sandbox behaviour, the order inside TRaX's page is not documented."""
    chat = world.chat(world.studio(asked.account, asked.ids["id"]))
    return {"data": [message.shown() for message in chat.recent(limit(asked.query))]}


def send_chat_message(world: World, asked: Asked) -> Json:
    studio = world.studio(asked.account, asked.ids["id"])
    platforms = asked.payload.get("platforms", ())
    message = world.send(studio, asked.account, text=asked.payload["text"], platforms=platforms)
    return {"ok": True, "messageId": message.id}


def list_connections(world: World, asked: Asked) -> Json:
    found = world.connections_of(asked.account)
    return listed(found, asked.query, lambda connection: connection.shown())


def unlink_connection(world: World, asked: Asked) -> Json:
    del world.connections[world.connection(asked.account, asked.ids["connectionId"]).id]
    return OK


def list_media(world: World, asked: Asked) -> Json:
    found = world.library.assets_of(asked.account)
    return listed(found, asked.query, lambda asset: asset.shown(world.clock.now()))


def create_media_upload(world: World, asked: Asked) -> Json:
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
        "uploadUrl": f"{world.base_url}/uploads/{reservation.token}",
    }


def given(asked: Asked, names: Mapping[str, str]) -> dict[str, Any]:
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
