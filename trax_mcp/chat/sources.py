"""What a watcher polls: a studio's chat, its stream status, and all else that belongs to it."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, Protocol

from trax_mcp.api.arguments import DEFAULT_PAGE, LARGEST_PAGE
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import Refused, TooLarge
from trax_mcp.api.models import Model, StreamStatus
from trax_mcp.api.reads import GetStreamStatus, ListChatMessages
from trax_mcp.api.responses import read_model
from trax_mcp.chat.feed import Feed
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.readiness import READINESS_READS
from trax_mcp.studio.reading import FactReader

_SMALLEST_PAGE: Final = 10
_READS: Final = tuple(it for it in READINESS_READS if it is not GetStreamStatus)


class Source(Protocol):
    """Something that can change between two polls."""

    async def read(self) -> JsonObject:
        """Ask TRaX once.

        Raises:
            TraxError: it could not be read.
        """
        ...

    def add(self, content: JsonObject) -> bool:
        """Add what was read. Return whether anything has changed."""
        ...


class Chat:
    """The chat of a studio, as one caller may read it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.feed = Feed()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._limit: int | None = LARGEST_PAGE
        """None after TRaX has refused one: then it decides how many it returns."""
        self._is_first = True

    async def read(self) -> JsonObject:
        """Read the most recent messages: fewer the next time if these are too large."""
        try:
            return await self._read(self._limit)
        except Refused as error:
            if self._limit is None or error.http_status != HTTPStatus.BAD_REQUEST:
                raise
        page = await self._read(None)
        self._limit = None
        return page

    def add(self, content: JsonObject) -> bool:
        """Add a page to the feed. The messages of the first one are not a change.

        What is left out is a change too: readers are told that some may be missing.
        """
        before, is_first = self.feed.end, self._is_first
        self.feed.add_page(content["messages"], limit=content["limit"])
        self._is_first = False
        return self.feed.end != before and not is_first

    async def _read(self, limit: int | None) -> JsonObject:
        operation = ListChatMessages(studio_id=self._studio_id, limit=limit)
        try:
            # No retry: the watcher decides when TRaX is polled again.
            answer = await self._client.send(operation, self._caller, retry=False)
        except TooLarge:
            self._limit = max((limit or DEFAULT_PAGE) // 2, _SMALLEST_PAGE)
            raise
        read_model(
            operation, answer
        )  # which refuses an answer without a list; null is an empty one
        return {"messages": answer.data["data"] or [], "limit": limit or DEFAULT_PAGE}


class Status:
    """The stream status of a studio, as one caller may read it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self._client = client
        self._caller = caller
        self._operation = GetStreamStatus(studio_id=studio_id)
        self._last: JsonObject | None = None

    async def read(self) -> JsonObject:
        """Read the status."""
        return documented(await self._client.call(self._operation, self._caller, retry=False))

    def add(self, content: JsonObject) -> bool:
        """Keep a status. Return whether it differs from the one before."""
        before, self._last = self._last, content
        return before is not None and before != content

    def is_known(self, content: JsonObject) -> bool:
        """Whether a status is the one that was read last."""
        return content == self._last

    @property
    def last(self) -> StreamStatus | None:
        """What was read last."""
        return None if self._last is None else StreamStatus.model_construct(**self._last)


def documented(status: StreamStatus) -> JsonObject:
    """The documented fields of a status: one that TRaX adds may change all the time."""
    return {name: getattr(status, name) for name in StreamStatus.model_fields}


class Setup:
    """A studio, what is in it, the linked accounts, and whether TRaX takes changes.

    They change seldom and take five requests, so they are read less often.
    """

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.facts = Facts()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id

    async def read(self) -> JsonObject:
        """Read all of them. What cannot be read is missing, unless nothing can."""
        reader = FactReader(self._client, self._caller, self._studio_id, tolerant=True)
        facts = await reader.read(_READS)
        if reader.failed and all(facts[it].value is None for it in _READS):
            raise next(iter(reader.failed.values()))
        return {"facts": Facts({it: _documented(read) for it, read in facts.reads.items()})}

    def add(self, content: JsonObject) -> bool:
        """Keep them. Return whether they differ from those before."""
        before, self.facts = self.facts, content["facts"]
        return bool(before.reads) and before != self.facts


def _documented(read: Any) -> Any:  # noqa: ANN401  the fact of any read
    """A fact with documented fields alone: one that TRaX adds may change all the time."""
    match read.value:
        case Model() as model:
            return replace(read, value=_plain(model))
        case tuple() as items:
            return replace(read, value=tuple(map(_plain, items)))
    return read


def _plain(model: Model) -> Model:
    return type(model).model_construct(**vars(model))
