"""What TRaX answers, for the rooms of this house that read an answer.

TRaX may add fields and enum values at any time (its compatibility promise), so unknown fields are
kept and no value is limited to a list. Callers get the answer as TRaX sent it, not these models.
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """An answer, tolerant of additions. Built only when first used, to keep the start quick."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        alias_generator=to_camel,
        defer_build=True,
        hide_input_in_errors=True,
    )


class ChatMessage(Model):
    """A viewer's or streamer's message, from any platform. The words are a stranger's."""

    id: str
    platform: str
    author_display_name: str
    text: str
    author_id: str | None = None
    timestamp: str | None = None


class ChatMessageList(Model):
    """The most recent messages; TRaX does not say in which order."""

    data: tuple[ChatMessage, ...]
    next_cursor: str | None = None


class ChatSendResult(Model):
    """Accepted for fan-out, which is not yet delivered."""

    ok: bool
    message_id: str | None = None


class Connection(Model):
    """A linked platform account. Never holds its tokens."""

    id: str
    platform: str
    display_name: str
    connection_type: str
    status: str
    avatar_url: str | None = None
    connected_at: str | None = None
    expires_at: str | None = None
    external_user_id: str | None = None
    granted_scopes: tuple[str, ...] | None = None
    updated_at: str | None = None


class ConnectionList(Model):
    """A page of connections; the last page has no `next_cursor`."""

    data: tuple[Connection, ...]
    next_cursor: str | None = None


class Destination(Model):
    """A place that a studio streams to. Never holds its stream key."""

    id: str
    studio_id: str
    name: str
    platform: str
    enabled: bool
    vertical: bool
    status: str | None = None


class DestinationList(Model):
    """A page of destinations; the last page has no `next_cursor`."""

    data: tuple[Destination, ...]
    next_cursor: str | None = None


class GoLiveResult(Model):
    """Going live has begun; the stream status tells when it is on air."""

    destination_ids: tuple[str, ...]
    encoder_stream_id: str


class GoOfflineResult(Model):
    """Going offline has begun."""

    ok: bool


class Health(Model):
    """Whether the service is up, and whether this deployment takes writes."""

    status: str
    write_enabled: bool | None = None


class MediaAsset(Model):
    """A file in the media library."""

    id: str
    filename: str
    kind: str
    status: str
    byte_size: int
    content_type: str | None = None
    created_at: str | None = None
    folder: str | None = None


class MediaAssetList(Model):
    """A page of assets; the last page has no `next_cursor`."""

    data: tuple[MediaAsset, ...]
    next_cursor: str | None = None


class MediaUpload(Model):
    """A reserved asset. Whoever holds `upload_url` may write to it, for a short while."""

    asset_id: str
    kind: str
    object_key: str
    upload_url: str


class Ok(Model):
    """Done."""

    ok: bool


class OpenapiDocument(Model):
    """The contract as TRaX serves it: an object, read by `contract`."""


class Source(Model):
    """A camera, feed or file that a studio can show."""

    id: str
    studio_id: str
    name: str
    type: str
    active: bool
    created_at: str | None = None
    status: str | None = None


class SourceList(Model):
    """A page of sources; the last page has no `next_cursor`."""

    data: tuple[Source, ...]
    next_cursor: str | None = None


class StreamStatus(Model):
    """Whether a studio is live, and since when."""

    live: bool
    broadcast_started_at: str | None = None
    encoder_stream_id: str | None = None
    live_started_at: str | None = None
    mode: str | None = None

    @property
    def since(self) -> str | None:
        """Since when it is live, as TRaX writes it; None if it is not, or TRaX does not tell."""
        return (self.live_started_at or self.broadcast_started_at) if self.live else None


class Studio(Model):
    """A studio, and what the caller may do in it (`role`)."""

    id: str
    name: str
    owner_sub: str
    role: str
    created_at: str | None = None
    description: str | None = None
    last_opened_at: str | None = None


class StudioList(Model):
    """A page of studios; the last page has no `next_cursor`."""

    data: tuple[Studio, ...]
    next_cursor: str | None = None
