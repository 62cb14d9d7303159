"""A chat that is larger than an answer may be is returned in parts, and completely.

Over a socket with the SDK's own client, which in the earlier era breaks the stream at an event
above 1 MiB. `tests/units/chat/test_feed_restart` has where a part ends.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.chat.waits import TOOL, Json, chat_of, say
from tests.support.chat_polls import open_polled
from tests.support.delimited_text import as_shown
from tests.support.resource_reads import CHAT
from tests.world.wire import LEGACY
from tests.world.world import MINE

if TYPE_CHECKING:
    from tests.world.caller import Caller

MAX_EVENT_BYTES: Final = 1 << 20
"""The largest event that the SDK's client accepts."""

LONG_TEXTS: Final = {
    "emoji": "\U0001f525" * 900,
    "quotation marks": '"' * 900,
    "invisible characters": "\U000e0041" * 900,
}
"""Texts that are much longer in JSON or UTF-8, each for another reason."""

OVERSIZED: Final = "x" * 600_000
"""Larger than an answer should be, but not larger than TRaX's may be."""


async def read(caller: Caller, source: str, after: str | None = None) -> Json:
    """Read from the resource or the tool, without waiting, optionally after a cursor."""
    if source == "resource":
        return await caller.read(CHAT, after=after)
    return chat_of(await caller.call(TOOL, after=after, limit=200, timeoutSeconds=0))


async def read_on(caller: Caller, source: str, after: str) -> list[list[Json]]:
    """Read on from each cursor to the end. Returns the messages of each answer."""
    pages: list[list[Json]] = []
    while (found := await read(caller, source, after))["messages"]:
        assert found["missed"] is False
        pages.append(found["messages"])
        after = found["cursor"]
    return pages


@pytest.mark.parametrize(
    ("source", "text"),
    [("resource", "quotation marks"), *(("wait", text) for text in LONG_TEXTS)],
)
async def test_a_chat_larger_than_an_event_is_read_completely_in_parts(
    source: str, text: str
) -> None:
    """In order, without repeats, and in few parts.

    Without a cursor, the last messages are read: as many as fit. Only later ones follow.
    """
    async with open_polled(MINE, era=LEGACY) as it:
        me, sent = it[MINE], list[Json]()
        before: str = (await read(me, source))["cursor"]
        for _ in range(2):  # TRaX returns at most 200 at once
            sent += say(it, *(f"{number} {LONG_TEXTS[text]}" for number in range(150)))
            it.hand_clock.advance(2)
            await read(me, source)
        pages = await read_on(me, source, before)
        recent = await read(me, source)
        later = say(it, "later")
        it.hand_clock.advance(2)
        assert await read_on(me, source, recent["cursor"]) == [later]
    as_text = json.dumps(json.dumps(sent, ensure_ascii=False), ensure_ascii=False)
    assert len(as_text.encode()) > MAX_EVENT_BYTES
    shown = [as_shown(it) for it in sent]
    assert [message for page in pages for message in page] == shown
    assert 1 < len(pages) < (30 if source == "resource" else 200)
    assert recent["messages"] == shown[-len(recent["messages"]) :]
    assert 0 < len(recent["messages"]) < len(sent)
    assert (recent["missed"], recent["more"]) == (False, True)


@pytest.mark.parametrize("source", ["resource", "wait"])
async def test_an_oversized_message_is_cut(source: str) -> None:
    """No other message is lost."""
    async with open_polled(MINE, era=LEGACY) as it:
        before: str = (await read(it[MINE], source))["cursor"]
        sent = say(it, "one", "two", OVERSIZED, "three", "four")
        it.hand_clock.advance(2)
        pages = await read_on(it[MINE], source, before)
    assert pages == [[as_shown(it) for it in sent]]
    assert pages[0][2]["text"] == f"{OVERSIZED[:1_000]}… [cut: 599000 more characters]"
