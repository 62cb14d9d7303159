"""The sandbox's records as frozen values, and the JSON of each.

The JSON omits what the contract never returns (stream keys, auto-go-live settings), and `status`
of a source or destination, which is optional and has no documented values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trax_mcp.sandbox.system_clock import format_time


@dataclass(frozen=True, slots=True)
class Record:
    """Anything with an id."""

    id: str
    """Lists are ordered by it."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key of an account, with its scopes."""

    secret: str = field(repr=False)
    name: str
    account: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Studio(Record):
    """A studio. `roles` maps each account that may see it to its role."""

    name: str
    owner: str
    roles: Mapping[str, str]
    created_at: float
    description: str | None = None
    last_opened_at: float | None = None
    auto_go_live: bool = False
    auto_go_offline_on_drop: bool = False

    def to_json(self, account: str) -> dict[str, Any]:
        """The contract's `Studio`, with the role of `account`."""
        return _without_none(
            id=self.id,
            name=self.name,
            ownerSub=self.owner,
            role=self.roles[account],
            description=self.description,
            createdAt=format_time(self.created_at),
            lastOpenedAt=None if self.last_opened_at is None else format_time(self.last_opened_at),
        )


@dataclass(frozen=True, slots=True)
class Destination(Record):
    """A target of a studio's stream. Its stream key is never returned."""

    studio_id: str
    name: str
    platform: str
    enabled: bool = True
    vertical: bool = False
    connection_id: str | None = None
    rtmp_url: str | None = None
    stream_key: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The contract's `Destination`."""
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

    def to_json(self) -> dict[str, Any]:
        """The contract's `Source`."""
        return {
            "id": self.id,
            "studioId": self.studio_id,
            "name": self.name,
            "type": self.type,
            "active": self.active,
            "createdAt": format_time(self.created_at),
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

    def to_json(self) -> dict[str, Any]:
        """The contract's `Connection`."""
        return _without_none(
            id=self.id,
            platform=self.platform,
            displayName=self.display_name,
            connectionType=self.connection_type,
            status=self.status,
            externalUserId=self.external_user_id,
            grantedScopes=list(self.granted_scopes) or None,
            connectedAt=format_time(self.connected_at),
            updatedAt=format_time(self.connected_at),
            expiresAt=None if self.expires_at is None else format_time(self.expires_at),
        )


@dataclass(frozen=True, slots=True)
class Asset(Record):
    """A media asset. `ready_at` is the end of its processing, once its bytes have arrived."""

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
        """The status at `now`: UPLOADING becomes READY at `ready_at`."""
        processed = self.ready_at is not None and now >= self.ready_at
        return "READY" if self.status == "UPLOADING" and processed else self.status

    def to_json(self, now: float) -> dict[str, Any]:
        """The contract's `MediaAsset`."""
        return _without_none(
            id=self.id,
            filename=self.filename,
            kind=self.kind,
            byteSize=self.byte_size,
            contentType=self.content_type,
            folder=self.folder,
            status=self.status_at(now),
            createdAt=format_time(self.created_at),
        )


@dataclass(frozen=True, slots=True)
class Message(Record):
    """A chat message. One that was sent through the API has no `author_id`."""

    platform: str
    author: str
    text: str
    at: float
    author_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's `ChatMessage`."""
        return _without_none(
            id=self.id,
            platform=self.platform,
            authorDisplayName=self.author,
            authorId=self.author_id,
            text=self.text,
            timestamp=format_time(self.at),
        )


def _without_none(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
