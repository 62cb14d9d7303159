"""The sources that a watcher polls: a studio's chat and its stream status."""

import json
from collections.abc import Sequence
from typing import ClassVar, Protocol

from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import incomplete
from trax_mcp.api.errors import TooLarge
from trax_mcp.api.models import ChatMessage, Page, StreamStatus
from trax_mcp.api.operations import GetStreamStatus, ListChatMessages
from trax_mcp.api.responses import Answer
from trax_mcp.chat.feed import Feed, Message
from trax_mcp.chat.shared_feed import FeedItem

_SMALLEST_PAGE = 10


class PolledSource(Protocol):
    """Something that can change between two polls.

    Replicas share what they find as items. `kind` names the source.
    """

    kind: ClassVar[str]

    @property
    def size(self) -> int:
        """How many items are kept here, and worth keeping for all."""
        ...

    async def poll(self) -> bool:
        """Ask TRaX once. Return whether anything changed since the last poll.

        Raises:
            TraxError: it could not be read.
        """
        ...

    def unshared(self, *, nothing_is_shared: bool) -> list[FeedItem]:
        """What other replicas do not have yet."""
        ...

    def record_shared(self) -> None:
        """Record that the other replicas have all of it."""
        ...

    def add_items(self, items: Sequence[FeedItem], *, is_complete: bool) -> bool:
        """Add what other replicas found. Return whether anything changed.

        `is_complete`: nothing is missing between what was added before and this.
        """
        ...


class PolledChat:
    """The chat of a studio, as one caller may read it."""

    kind: ClassVar = "chat"

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.feed = Feed()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._limit = LARGEST_PAGE
        self._is_polled = False
        self._unshared = 0
        """How many of the last messages other replicas may not have."""

    @property
    def size(self) -> int:
        """The messages that the feed remembers."""
        return len(self.feed)

    async def poll(self) -> bool:
        """Read the most recent messages. The messages of the first poll are not a change."""
        is_first, self._is_polled = not self._is_polled, True
        page = await self._read()
        # Only items with an id can be added. The others are left out and hide no message.
        messages = [it for it in page if _is_message(it)]
        new = self.feed.add_page(messages, received=len(page), limit=self._limit)
        self._unshared += len(new)
        return bool(new) and not is_first

    def unshared(self, *, nothing_is_shared: bool) -> list[FeedItem]:
        """The messages that other replicas may not have."""
        return self.feed.items() if nothing_is_shared else self.feed.items(self._unshared)

    def record_shared(self) -> None:
        """Record that the last messages are shared."""
        self._unshared = 0

    def add_items(self, items: Sequence[FeedItem], *, is_complete: bool) -> bool:
        """Add messages. If others found any, they find for themselves what they do not have."""
        is_first, self._is_polled = not self._is_polled, True
        new = self.feed.add_items(items, is_complete=is_complete)
        if items:
            self._unshared = 0
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

    kind: ClassVar = "status"
    size = 1

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self._client = client
        self._caller = caller
        self._operation = GetStreamStatus(studio_id=studio_id)
        self._status: FeedItem | None = None
        self._shared: FeedItem | None = None

    async def poll(self) -> bool:
        """Read the status."""
        return self.update(await self._client.call(self._operation, self._caller, retry=False))

    def update(self, status: StreamStatus) -> bool:
        """Store a status. Return whether it differs from the one before.

        Undocumented fields are ignored: a field that TRaX adds may change all the time.
        """
        return self._change(_documented(status))

    def unshared(self, *, nothing_is_shared: bool) -> list[FeedItem]:
        """The status, unless the other replicas have it."""
        if self._status is None or (self._status == self._shared and not nothing_is_shared):
            return []
        return [self._status]

    def record_shared(self) -> None:
        """Record that the status is shared."""
        self._shared = self._status

    def add_items(self, items: Sequence[FeedItem], *, is_complete: bool) -> bool:  # noqa: ARG002  a status misses nothing
        """Store the last status that another replica found."""
        changed = bool(items) and self._change(items[-1])
        if items:
            self.record_shared()
        return changed

    def _change(self, status: FeedItem) -> bool:
        before, self._status = self._status, status
        return before is not None and before != status


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), str)


def _documented(status: StreamStatus) -> FeedItem:
    values = [getattr(status, name) for name in StreamStatus.model_fields]
    return FeedItem(json.dumps(values).encode())
