"""Knows the messages of a chat that were probably sent through this server.

TRaX does not say who sent a message, and what it answers to one that is sent need not have an id.
So a message counts as probably own if it has the text of one that was sent to this studio with the
same key in the last ten minutes, or the id in that answer. Each process remembers what it has sent
itself: digests, no texts.
"""

import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

from cachetools import LRUCache

from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.chat.identity import id_of
from trax_mcp.clock import Clock

_Key = tuple[str, str]
"""Whose key it is, and the studio."""
_Sent = deque[tuple[float, bytes | str]]
"""When each message was sent, with a digest of its text or with its id."""

OWN_SECONDS: Final = 600.0
"""How long a message that was sent is remembered, however many follow it."""
_MOST_CHATS: Final = 1024
"""The most chats. Those that were used longest ago are forgotten first."""


class ChatMarks:
    """What each key has sent to each chat.

    A message is marked only for the key that sent it: nobody learns here what others send.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: LRUCache[_Key, _Sent] = LRUCache(_MOST_CHATS)

    def record(
        self,
        operation: Operation[Model],
        caller: Caller,
        result: Response[Model] | TraxError | None,
    ) -> None:
        """Take note of a call. `result` is None while it is being sent.

        A message is remembered from then on, since a poll may find it before TRaX has answered, but
        no longer if TRaX certainly did not take it.
        """
        key = caller.owner, operation.studio()
        match operation, result:
            case SendChatMessage(text=text), None:
                self._remember(key, _digest(text))
            case SendChatMessage(text=text), TraxError(outcome="not_applied"):
                self._forget(key, _digest(text))
            case SendChatMessage(), Response(data={"messageId": str(message_id)}) if message_id:
                self._remember(key, message_id)

    def own(self, caller: Caller, studio_id: str, messages: object) -> tuple[str, ...]:
        """Those of these messages, as TRaX sent them, that the caller has sent.

        By their ids. One without an id is named by its text.
        """
        key = caller.owner, studio_id
        if not isinstance(messages, list | tuple):
            return ()
        after = self._clock.seconds() - OWN_SECONDS
        sent = {it for at, it in self._sent.get(key, ()) if at > after}
        return tuple(_own(messages, sent)) if sent else ()

    def _remember(self, key: _Key, sent: bytes | str) -> None:
        messages, now = self._sent.setdefault(key, deque()), self._clock.seconds()
        while messages and messages[0][0] <= now - OWN_SECONDS:
            messages.popleft()
        messages.append((now, sent))

    def _forget(self, key: _Key, digest: bytes) -> None:
        """Forget the last message with this digest. A key that TRaX refuses leaves nothing."""
        messages = self._sent.get(key, deque())
        last = [at for at, it in messages if it == digest][-1:]
        for at in last:
            messages.remove((at, digest))
        if not messages:
            self._sent.pop(key, None)


def _own(messages: Sequence[object], sent: set[bytes | str]) -> Iterator[str]:
    for message in messages:
        if not isinstance(message, dict):
            continue
        message_id, text = id_of(message), message.get("text")
        if message_id in sent:
            yield message_id
        elif isinstance(text, str) and _digest(text) in sent:
            yield message_id or text


def _digest(text: str) -> bytes:
    """A digest of a text that is the same however a platform spaces or composes its characters."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return blake2b(plain.encode(errors="replace"), digest_size=16).digest()
