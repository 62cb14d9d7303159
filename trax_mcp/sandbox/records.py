"""The things of the sandbox's world as frozen values, and how each reads as JSON.

What the contract never returns (stream keys, auto-go-live settings) is kept and left out of JSON.
`Source.status` and `Destination.status` are optional, their values undocumented: both are omitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trax_mcp.sandbox.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Record:
    """Anything with an id."""

    id: str
    """What its place in a list goes by."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: acts as its account, inside its scopes."""

    secret: str = field(repr=False)
    name: str
    account: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Studio(Record):
    """A studio and who may see it: `roles` maps an account to its role."""

    name: str
    owner: str
    roles: Mapping[str, str]
    created_at: float
    description: str | None = None
    last_opened_at: float | None = None
    auto_go_live: bool = False
    auto_go_offline_on_drop: bool = False

    def shown(self, account: str) -> dict[str, Any]:
        """As the contract's `Studio`, with the role that `account` has in it."""
        return _present(
            id=self.id,
            name=self.name,
            ownerSub=self.owner,
            role=self.roles[account],
            description=self.description,
            createdAt=stamp(self.created_at),
            lastOpenedAt=None if self.last_opened_at is None else stamp(self.last_opened_at),
        )


@dataclass(frozen=True, slots=True)
class Destination(Record):
    """Where a studio streams to. Its stream key goes in and never comes out."""

    studio_id: str
    name: str
    platform: str
    enabled: bool = True
    vertical: bool = False
    connection_id: str | None = None
    rtmp_url: str | None = None
    stream_key: str | None = field(default=None, repr=False)

    def shown(self) -> dict[str, Any]:
        """As the contract's `Destination`."""
        return {
            "id": self.id,
            "studioId": self.studio_id,
            "name": self.name,
            "platform": self.platform,
            "enabled": self.enabled,
            "vertical": self.vertical,
        }


@dataclass(frozen=True, slots=True)
class Source(Record):
    """A camera, a feed or a file inside a studio."""

    studio_id: str
    name: str
    type: str
    active: bool
    created_at: float
    url: str | None = None

    def shown(self) -> dict[str, Any]:
        """As the contract's `Source`."""
        return {
            "id": self.id,
            "studioId": self.studio_id,
            "name": self.name,
            "type": self.type,
            "active": self.active,
            "createdAt": stamp(self.created_at),
        }


@dataclass(frozen=True, slots=True)
class Connection(Record):
    """A linked platform account: metadata only, never tokens."""

    account: str
    platform: str
    display_name: str
    status: str
    connected_at: float
    connection_type: str = "oauth"
    expires_at: float | None = None
    external_user_id: str | None = None
    granted_scopes: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """As the contract's `Connection`."""
        return _present(
            id=self.id,
            platform=self.platform,
            displayName=self.display_name,
            connectionType=self.connection_type,
            status=self.status,
            externalUserId=self.external_user_id,
            grantedScopes=list(self.granted_scopes) or None,
            connectedAt=stamp(self.connected_at),
            updatedAt=stamp(self.connected_at),
            expiresAt=None if self.expires_at is None else stamp(self.expires_at),
        )


@dataclass(frozen=True, slots=True)
class Asset(Record):
    """A media asset. `ready_at` is when bytes that have arrived will have been processed."""

    account: str
    filename: str
    kind: str
    byte_size: int
    content_type: str
    created_at: float
    status: str = "UPLOADING"
    folder: str | None = None
    ready_at: float | None = None

    def status_at(self, now: float) -> str:
        """UPLOADING turns into READY once `ready_at` has come."""
        processed = self.ready_at is not None and now >= self.ready_at
        return "READY" if self.status == "UPLOADING" and processed else self.status

    def shown(self, now: float) -> dict[str, Any]:
        """As the contract's `MediaAsset`."""
        return _present(
            id=self.id,
            filename=self.filename,
            kind=self.kind,
            byteSize=self.byte_size,
            contentType=self.content_type,
            folder=self.folder,
            status=self.status_at(now),
            createdAt=stamp(self.created_at),
        )


@dataclass(frozen=True, slots=True)
class Message(Record):
    """One chat message; `author_id` is absent for what was sent through the API."""

    platform: str
    author: str
    text: str
    at: float
    author_id: str | None = None

    def shown(self) -> dict[str, Any]:
        """As the contract's `ChatMessage`."""
        return _present(
            id=self.id,
            platform=self.platform,
            authorDisplayName=self.author,
            authorId=self.author_id,
            text=self.text,
            timestamp=stamp(self.at),
        )


def _present(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
