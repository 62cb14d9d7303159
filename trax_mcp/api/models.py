"""Models of TRaX's answers: the fields that code reads.

TRaX may add fields and enum values at any time (its compatibility promise), so unknown fields are
kept and no value is limited to a list. Clients get the answer as TRaX sent it, not these models.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from trax_mcp.api.text_safety import MOST_OF_A_NAME, truncate

ElementT = TypeVar("ElementT")
Listed = Annotated[tuple[ElementT, ...], Field(fail_fast=True)]
"""A list. Its first wrong item is enough: collecting millions of errors takes many seconds."""
Name = Annotated[str, AfterValidator(lambda it: truncate(it, longest=MOST_OF_A_NAME))]
"""A text that people write, of which no more is looked at."""


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


class Connection(Item):
    """A linked platform account. Never holds its tokens."""

    platform: Name
    display_name: Name
    status: Name
    expires_at: str | None = None


class Destination(Item):
    """A place that a studio streams to. Never holds its stream key."""

    name: Name
    platform: Name
    enabled: bool
    vertical: bool
    status: Name | None = None


class Health(Model):
    """Whether the service is up, and whether this deployment takes writes."""

    status: str
    write_enabled: bool | None = None


class MediaAsset(Item):
    """A file in the media library."""

    filename: Name
    status: Name


class MediaUpload(Model):
    """A reserved asset. For a short time, anyone with `upload_url` can write to it."""

    asset_id: str
    upload_url: str


class Source(Item):
    """A camera, feed or file that a studio can show."""

    name: Name
    type: Name
    active: bool
    status: Name | None = None


class StreamStatus(Model):
    """Whether a studio is live, and since when."""

    live: bool
    broadcast_started_at: str | None = None
    encoder_stream_id: str | None = None
    live_started_at: str | None = None

    @property
    def since(self) -> str | None:
        """The time since when it is live, as TRaX writes it. None if off air or not given."""
        return (self.live_started_at or self.broadcast_started_at) if self.live else None

    @property
    def has_stream(self) -> bool:
        """Whether there is a stream. One that TRaX's own site has started may not be `live`."""
        return bool(self.encoder_stream_id or self.live_started_at)


class Studio(Item):
    """A studio, and what the caller may do in it (`role`)."""

    name: Name
    role: Name
    last_opened_at: str | None = None
