"""Models of TRaX's answers: the fields that code reads.

TRaX may add fields and enum values at any time (its compatibility promise), so unknown fields are
kept and no value is limited to a list. Only an id is needed: another field of a wrong type counts
as absent, and a switch that cannot be read as unknown, never as off. Clients get the answer as TRaX
sent it, not these models.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from trax_mcp.api.text_safety import MOST_OF_A_NAME, truncate

ElementT = TypeVar("ElementT")

MAX_ITEMS: Final = 10_000
"""Of a list, no more is read. More bad items than a person has would take many seconds."""
_NO_DATE: Final = ("0000-", "0001-01-01", "1970-01-01T00:00:00")
"""How the times begin that mean none: the zero of Go, of SQL and of Unix."""
_NO_ID: Final = re.compile("[0-]*")
_FIRST_IN_MILLISECONDS: Final = 1e11
"""From here on, a number counts milliseconds: as seconds it would be in the year 5138."""


def read_switch(value: object) -> bool | None:
    """Whether something is on. None, so unknown, for all but a boolean or its plain word."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _read_text(value: object) -> str | None:
    return truncate(value, longest=MOST_OF_A_NAME) if isinstance(value, str) else None


def _read_time(value: object) -> str | None:
    """A time as TRaX writes it, or a number since 1970 as one. None for a zero date."""
    if isinstance(value, str):
        return None if value.startswith(_NO_DATE) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    try:
        seconds = value / 1000 if value >= _FIRST_IN_MILLISECONDS else value
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _read_stream_id(value: object) -> str | None:
    return value if isinstance(value, str) and not _NO_ID.fullmatch(value) else None


def _read_item(item: object, read: ValidatorFunctionWrapHandler) -> object:
    """An item. None for one that cannot be read."""
    try:
        return read(item)
    except ValidationError:
        return None


def _cut(items: object) -> object:
    """A list with one item more than is read, so that it shows that there are more."""
    return items[: MAX_ITEMS + 1] if isinstance(items, list) else items


Listed = Annotated[
    tuple[Annotated[ElementT | None, WrapValidator(_read_item)], ...], BeforeValidator(_cut)
]
"""A list. None stands for an item that cannot be read."""
Name = Annotated[str, AfterValidator(lambda it: truncate(it, longest=MOST_OF_A_NAME))]
"""A text that people write, of which no more is looked at."""
Text = Annotated[str | None, BeforeValidator(_read_text)]
"""A text. None for anything else."""
Time = Annotated[str | None, BeforeValidator(_read_time)]
Switch = Annotated[bool | None, BeforeValidator(read_switch)]


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


class Named(Item):
    """An item with a name. One without is known by its id."""

    _name: ClassVar[str] = "name"

    @model_validator(mode="before")
    @classmethod
    def _name_by_id(cls, data: object) -> object:
        if not isinstance(data, dict) or isinstance(data.get(cls._name), str):
            return data
        return {**data, cls._name: data.get("id")}


ItemT = TypeVar("ItemT", bound=Item)


class Page(Model, Generic[ItemT]):
    """One page of a list. The last page has no `next_cursor`.

    `data` is None where TRaX sent null: the list is empty, or so it seems.
    """

    data: Listed[ItemT] | None
    next_cursor: str | None = None

    @property
    def items(self) -> tuple[ItemT, ...]:
        """The items that can be read."""
        return tuple(it for it in self.data or () if it is not None)

    @property
    def unreadable(self) -> int:
        """The number of the others."""
        return (self.data or ()).count(None)


class Connection(Named):
    """A linked platform account. Never holds its tokens."""

    _name = "displayName"

    display_name: Name
    platform: Text = None
    status: Text = None
    expires_at: Time = None


class Destination(Named):
    """A place that a studio streams to. Never holds its stream key."""

    name: Name
    platform: Text = None
    enabled: Switch = None
    vertical: Switch = None
    status: Text = None


class Health(Model):
    """Whether the service is up, and whether this deployment takes writes."""

    status: Text = None
    write_enabled: Switch = None


class MediaAsset(Named):
    """A file in the media library."""

    _name = "filename"

    filename: Name
    status: Text = None


class MediaUpload(Model):
    """A reserved asset. For a short time, anyone with `upload_url` can write to it."""

    asset_id: str
    upload_url: str


class Source(Named):
    """A camera, feed or file that a studio can show."""

    name: Name
    type: Text = None
    active: Switch = None
    status: Text = None


class StreamStatus(Model):
    """Whether a studio is live, and since when."""

    live: Switch = None
    broadcast_started_at: Time = None
    encoder_stream_id: Annotated[str | None, BeforeValidator(_read_stream_id)] = None
    live_started_at: Time = None

    @property
    def since(self) -> str | None:
        """The time since when it is live, as TRaX writes it. None if off air or not given."""
        return (self.live_started_at or self.broadcast_started_at) if self.live else None

    @property
    def has_stream(self) -> bool:
        """Whether there is a stream. One that TRaX's own site has started may not be `live`."""
        return bool(self.encoder_stream_id or self.live_started_at)


class Studio(Named):
    """A studio, and what the caller may do in it (`role`)."""

    name: Name
    role: Text = None
    last_opened_at: Time = None
