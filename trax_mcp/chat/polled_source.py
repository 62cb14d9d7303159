"""The sources that a watcher polls: a studio's chat and its stream status."""

from collections.abc import Sequence
from typing import Protocol

from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import incomplete
from trax_mcp.api.errors import TooLarge
from trax_mcp.api.models import ChatMessage, Page, StreamStatus
from trax_mcp.api.operations import GetStreamStatus, ListChatMessages
from trax_mcp.api.responses import Answer
from trax_mcp.chat.feed import Feed, Message

_SMALLEST_PAGE = 10


class PolledSource(Protocol):
    """Something that can change between two polls."""

    async def poll(self) -> bool:
        """Ask TRaX once. Return whether anything changed since the last poll.

        Raises:
            TraxError: it could not be read.
        """
        ...


class PolledChat:
    """The chat of a studio, as one caller may read it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.feed = Feed()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._limit = LARGEST_PAGE
        self._is_polled = False

    async def poll(self) -> bool:
        """Read the most recent messages. The messages of the first poll are not a change."""
        is_first, self._is_polled = not self._is_polled, True
        page = await self._read()
        # Only items with an id can be added. The others are left out and hide no message.
        messages = [it for it in page if _is_message(it)]
        new = self.feed.add_page(messages, received=len(page), limit=self._limit)
        return bool(new) and not is_first

    @property
    def _operation(self) -> ListChatMessages:
        return ListChatMessages(studio_id=self._studio_id, limit=self._limit)

    async def _read(self) -> Sequence[Message]:
        """Read a page. If it is too large, the next poll requests fewer messages."""
        try:
            # No retry: the watcher decides when TRaX is polled again.
            answer = await self._client.send(self._operation, self._caller, retry=False)
            return self._page(answer)
        except TooLarge:
            self._limit = max(self._limit // 2, _SMALLEST_PAGE)
            raise

    def _page(self, answer: Answer[Page[ChatMessage]]) -> Sequence[Message]:
        page = answer.data.get("data")
        if isinstance(page, list):
            return page
        raise incomplete(self._operation, request_id=answer.request_id, status=answer.status)


class PolledStatus:
    """The stream status of a studio, as one caller may read it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self._client = client
        self._caller = caller
        self._operation = GetStreamStatus(studio_id=studio_id)
        self._status: StreamStatus | None = None

    async def poll(self) -> bool:
        """Read the status."""
        return self.update(await self._client.call(self._operation, self._caller, retry=False))

    def update(self, status: StreamStatus) -> bool:
        """Store a status. Return whether it differs from the one before.

        Undocumented fields are ignored: a field that TRaX adds may change all the time.
        """
        before, self._status = self._status, status
        return before is not None and _documented(before) != _documented(status)


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), str)


def _documented(status: StreamStatus) -> Sequence[object]:
    return [getattr(status, name) for name in StreamStatus.model_fields]
