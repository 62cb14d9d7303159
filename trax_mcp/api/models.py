"""Models of TRaX's answers, for code that reads them.

TRaX may add fields and enum values at any time (its compatibility promise), so unknown fields are
kept and no value is limited to a list. Clients get the answer as TRaX sent it, not these models.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

ElementT = TypeVar("ElementT")
Listed = Annotated[tuple[ElementT, ...], Field(fail_fast=True)]
"""A list. Its first wrong item is enough: collecting millions of errors takes many seconds."""


class Model(BaseModel):
    """An answer. Accepts additional fields. `defer_build` makes the start faster."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=to_camel,
        defer_build=True,
        hide_input_in_errors=True,
    )


class Item(Model):
    """Something that TRaX lists. Its id is as TRaX gave it, and may be unusable in a call."""

    id: str


ItemT = TypeVar("ItemT", bound=Item)


class Page(Model, Generic[ItemT]):
    """One page of a list. The last page has no `next_cursor`."""

    data: Listed[ItemT]
    next_cursor: str | None = None


class ChatMessage(Item):
    """A message of a viewer or streamer, from any platform. Untrusted text."""

    platform: str
    author_display_name: str
    text: str
    author_id: str | None = None
    timestamp: str | None = None


class ChatSendResult(Model):
    """Accepted for fan-out, not yet delivered."""

    ok: bool
    message_id: str | None = None


class Connection(Item):
    """A linked platform account. Never holds its tokens."""

    platform: str
    display_name: str
    connection_type: str
    status: str
    avatar_url: str | None = None
    connected_at: str | None = None
    expires_at: str | None = None
    external_user_id: str | None = None
    granted_scopes: Listed[str] | None = None
    updated_at: str | None = None


class Destination(Item):
    """A place that a studio streams to. Never holds its stream key."""

    studio_id: str
    name: str
    platform: str
    enabled: bool
    vertical: bool
    status: str | None = None


class GoLiveResult(Model):
    """Going live has begun. The stream status shows when the studio is on air."""

    destination_ids: Listed[str]
    encoder_stream_id: str


class GoOfflineResult(Model):
    """Going offline has begun."""

    ok: bool


class Health(Model):
    """Whether the service is up, and whether this deployment takes writes."""

    status: str
    write_enabled: bool | None = None


class MediaAsset(Item):
    """A file in the media library."""

    filename: str
    kind: str
    status: str
    byte_size: int
    content_type: str | None = None
    created_at: str | None = None
    folder: str | None = None


class MediaUpload(Model):
    """A reserved asset. For a short time, anyone with `upload_url` can write to it."""

    asset_id: str
    kind: str
    object_key: str
    upload_url: str


class Ok(Model):
    """The answer of calls that return only `ok`."""

    ok: bool


class OpenapiDocument(Model):
    """The contract as TRaX serves it. `contract` reads it."""


class Source(Item):
    """A camera, feed or file that a studio can show."""

    studio_id: str
    name: str
    type: str
    active: bool
    created_at: str | None = None
    status: str | None = None


class StreamStatus(Model):
    """Whether a studio is live, and since when."""

    live: bool
    broadcast_started_at: str | None = None
    encoder_stream_id: str | None = None
    live_started_at: str | None = None
    mode: str | None = None

    @property
    def since(self) -> str | None:
        """The time since when it is live, as TRaX writes it. None if off air or not given."""
        return (self.live_started_at or self.broadcast_started_at) if self.live else None

    @property
    def has_traces(self) -> bool:
        """Whether it tells of a stream: one that TRaX's own site has started may not be `live`."""
        return bool(self.encoder_stream_id or self.live_started_at)


class Studio(Item):
    """A studio, and what the caller may do in it (`role`)."""

    name: str
    owner_sub: str
    role: str
    created_at: str | None = None
    description: str | None = None
    last_opened_at: str | None = None
