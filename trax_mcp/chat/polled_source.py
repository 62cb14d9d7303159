"""What can be watched: a studio's chat, and whether it is on air. Each knows how to look once.

Nothing here waits or repeats; that is the watcher's.
"""

from collections.abc import Sequence
from typing import Protocol

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import incomplete
from trax_mcp.api.errors import TooLarge
from trax_mcp.api.models import ChatMessageList, StreamStatus
from trax_mcp.api.operations import GetStreamStatus, ListChatMessages
from trax_mcp.api.responses import Answer
from trax_mcp.chat.feed import FULL_PAGE, Feed, Message

_SMALLEST_PAGE = 10


class Subject(Protocol):
    """Something that changes."""

    async def look(self) -> bool:
        """Ask TRaX once; whether anything is new since the look before.

        Raises:
            TraxError: it could not be seen.
        """
        ...


class Chat:
    """What is said in a studio, as one caller may read it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self.feed = Feed()
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._limit = FULL_PAGE
        self._asked = False

    async def look(self) -> bool:
        """Read the most recent messages. What the very first look shows is not news."""
        first, self._asked = not self._asked, True
        page = await self._read()
        # A feed needs ids and nothing else; what has none hides no other message.
        messages = [it for it in page if _is_message(it)]
        new = self.feed.add_page(messages, shown=len(page), full=self._limit)
        return bool(new) and not first

    @property
    def _operation(self) -> ListChatMessages:
        return ListChatMessages(studio_id=self._studio_id, limit=self._limit)

    async def _read(self) -> Sequence[Message]:
        """Read a page. Of one that is too large, less is asked for next time."""
        try:
            # Not persistent: how often TRaX is asked is the watcher's to say.
            answer = await self._client.send(self._operation, self._caller, persist=False)
            return self._page(answer)
        except TooLarge:
            self._limit = max(self._limit // 2, _SMALLEST_PAGE)
            raise

    def _page(self, answer: Answer[ChatMessageList]) -> Sequence[Message]:
        page = answer.data.get("data")
        if isinstance(page, list):
            return page
        raise incomplete(self._operation, request_id=answer.request_id)


class Status:
    """Whether a studio is on air, as one caller may see it."""

    def __init__(self, client: Client, caller: Caller, studio_id: str) -> None:
        self._client = client
        self._caller = caller
        self._operation = GetStreamStatus(studio_id=studio_id)
        self._status: StreamStatus | None = None

    async def look(self) -> bool:
        """Read the status."""
        return self.saw(await self._client.read(self._operation, self._caller, persist=False))

    def saw(self, status: StreamStatus) -> bool:
        """Take in a status; whether it is another than before.

        Only what is documented counts: what TRaX may add could tick.
        """
        before, self._status = self._status, status
        return before is not None and _documented(before) != _documented(status)


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("id"), str)


def _documented(status: StreamStatus) -> Sequence[object]:
    return [getattr(status, name) for name in StreamStatus.model_fields]
