"""The schemas of the published reference: a second transcription, made from its page.

Its calls stand in `operation_table`. Both are independent of the contract document, so that each
finds mistakes in the other. `test_contract` compares them.
"""

import re
from typing import Final, NamedTuple


class DocumentedCall(NamedTuple):
    """A call as the reference shows it; `cursor?` is an optional query parameter."""

    tag: str
    scope: str | None
    parameters: str
    body: str | None
    status: int
    answer: str
    summary: str


_LINE: Final = re.compile(r"(\S+) (\S+) \((.*)\) (\S+) (\d+) (\S+)")


def documented(summary: str, line: str) -> DocumentedCall:
    """A call from its summary and one line: tag, scope, parameters, body, status and answer."""
    read = _LINE.fullmatch(line)
    assert read, line
    tag, scope, parameters, body, status, answer = read.groups()
    return DocumentedCall(
        tag,
        scope=None if scope == "-" else scope,
        parameters=parameters,
        body=None if body == "-" else body,
        status=int(status),
        answer=answer,
        summary=summary,
    )


SCHEMAS: Final = {
    "ChatMessage": (
        "authorDisplayName: string, authorId?: string, id: string, platform: string,"
        " text: string, timestamp?: string"
    ),
    "ChatMessageList": "data: ChatMessage[], nextCursor?: string",
    "ChatSendResult": "messageId?: string, ok: boolean",
    "Connection": (
        "avatarUrl?: string, connectedAt?: string, connectionType: string, displayName: string,"
        " expiresAt?: string, externalUserId?: string, grantedScopes?: string[], id: string,"
        " platform: string, status: string, updatedAt?: string"
    ),
    "ConnectionList": "data: Connection[], nextCursor?: string",
    "CreateDestinationRequest": (
        "connectionId?: string, enabled?: boolean, name: string, platform: string,"
        " rtmpUrl?: string, streamKey?: string, vertical?: boolean"
    ),
    "CreateMediaUploadRequest": (
        "byteSize: integer, contentType: string, filename: string, folder?: string"
    ),
    "CreateSourceRequest": "active?: boolean, name: string, type: string, url?: string",
    "CreateStudioRequest": "name: string",
    "Destination": (
        "enabled: boolean, id: string, name: string, platform: string, status?: string,"
        " studioId: string, vertical: boolean"
    ),
    "DestinationList": "data: Destination[], nextCursor?: string",
    "Error": "error: object",
    "GoLiveResult": "destinationIds: string[], encoderStreamId: string",
    "GoOfflineResult": "ok: boolean",
    "Health": "status: string, writeEnabled?: boolean",
    "MediaAsset": (
        "byteSize: integer, contentType?: string, createdAt?: string, filename: string,"
        " folder?: string, id: string, kind: string, status: string"
    ),
    "MediaAssetList": "data: MediaAsset[], nextCursor?: string",
    "MediaUpload": "assetId: string, kind: string, objectKey: string, uploadUrl: string",
    "Ok": "ok: boolean",
    "SendChatMessageRequest": "platforms?: string[], text: string",
    "Source": (
        "active: boolean, createdAt?: string, id: string, name: string, status?: string,"
        " studioId: string, type: string"
    ),
    "SourceList": "data: Source[], nextCursor?: string",
    "StreamStatus": (
        "broadcastStartedAt?: string, encoderStreamId?: string, live: boolean,"
        " liveStartedAt?: string, mode?: string"
    ),
    "Studio": (
        "createdAt?: string, description?: string, id: string, lastOpenedAt?: string,"
        " name: string, ownerSub: string, role: string"
    ),
    "StudioList": "data: Studio[], nextCursor?: string",
    "UpdateDestinationRequest": (
        "enabled?: boolean, name?: string, platform?: string, rtmpUrl?: string,"
        " streamKey?: string, vertical?: boolean"
    ),
    "UpdateSourceRequest": "active?: boolean, name?: string, url?: string",
    "UpdateStudioRequest": "autoGoLive?: boolean, autoGoOfflineOnDrop?: boolean, name?: string",
}
"""Fields as in the reference's tables; `?` marks optional fields."""

FIELD_DESCRIPTIONS: Final = {
    "Connection.connectionType": "oauth | manual",
    "Connection.status": "active | needs_reauth | expired | revoked",
    "CreateDestinationRequest.connectionId": (
        "Bind to a linked account; mutually exclusive with rtmpUrl+streamKey."
    ),
    "CreateDestinationRequest.streamKey": "Write-only; never returned on any read.",
    "CreateSourceRequest.type": "webcam | rtmp | srt | webrtc-input | media | ...",
    "Health.writeEnabled": "Whether mutating (write) endpoints are currently enabled.",
    "MediaAsset.kind": "video | image | audio",
    "MediaAsset.status": "UPLOADING | READY | FAILED",
    "MediaUpload.uploadUrl": "A short-lived presigned PUT URL to upload the bytes to.",
    "SendChatMessageRequest.platforms": "Subset to fan out to; empty = every enabled platform.",
    "StreamStatus.mode": "cloud | local",
    "Studio.role": "owner | VIEW | EDIT | ADMIN",
    "UpdateDestinationRequest.streamKey": "Write-only; never returned on any read.",
}
"""All field descriptions of the reference; other fields have none."""

FURTHER_DESCRIPTION: Final = {
    "PATCH /v1/studios/{id}": "There is no studio delete on the public API.",
    "POST /v1/studios/{id}/destinations": "The stream key is write-only and never returned.",
    "POST /v1/studios/{id}/go-live": "Gated behind PUBLIC_API_WRITE_ENABLED;"
    " returns 503 write_disabled while off.",
    "POST /v1/studios/{id}/go-offline": "Gated behind PUBLIC_API_WRITE_ENABLED;"
    " returns 503 write_disabled while off.",
    "GET /v1/studios/{id}/chat/messages": "Returns the most recent messages (bounded by limit);"
    " no cursor.",
    "POST /v1/studios/{id}/chat/messages": "Fans out to the enabled platforms.",
    "GET /v1/connections": "Metadata only — never tokens or stream keys.",
    "POST /v1/media": "Reserves an asset row and returns a short-lived presigned PUT URL; upload"
    " the bytes to it, then the asset transitions to READY once processed.",
}
"""Descriptions besides the required scope and the plain write gate."""

PARAMETERS: Final = {
    "cursor": ("query", "string", "Opaque pagination cursor from a prior response's nextCursor."),
    "limit": ("query", "integer", "Max items per page (default 50, max 200)."),
    "id": ("path", "string", "Studio id."),
    "destId": ("path", "string", "Destination id."),
    "sourceId": ("path", "string", "Source id."),
    "connectionId": ("path", "string", "Connection id."),
}
