"""A chat that is larger than an answer may be is returned in parts, and completely.

Over a socket with the SDK's own client, which in the earlier era breaks the stream at an event
above 1 MiB.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import STUDIO, Subscriber, manual_clock_server, say, subscriber_of
from tests.support.wait_client import TOOL, chat_of
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.support.served_app import Front
    from tests.support.wait_client import Json


MAX_EVENT_BYTES: Final = 1 << 20
"""The largest event that the SDK's client accepts."""

LONG_TEXTS: Final = {
    "emoji": "\U0001f525" * 900,
    "quotation marks": '"' * 900,
    "invisible characters": "\U000e0041" * 900,
}
"""Texts that are much longer in JSON or UTF-8, each for another reason."""

STEP: Final = 60
"""Messages between two tested cursors."""

OVERSIZED: Final = "x" * 600_000
"""Larger than an answer should be, but not larger than a client accepts."""


@dataclass(frozen=True)
class Reader:
    """A client that reads chat from the resource or the tool."""

    subscriber: Subscriber
    source: str

    async def read(self, after: str | None = None, *, limit: int = 200) -> Json:
        """Read once, without waiting, optionally after a cursor."""
        if self.source == "resource":
            return await self.subscriber.read(after=after)
        arguments = {"studioId": STUDIO, "limit": limit, "timeoutSeconds": 0}
        arguments |= {} if after is None else {"after": after}
        with anyio.fail_after(PATIENCE_SECONDS):
            return chat_of(await self.subscriber.client.call_tool(TOOL, arguments))

    async def read_on(self, after: str) -> Sequence[Sequence[Json]]:
        """Read on from each cursor to the end. Returns the messages of each answer."""
        pages: list[Sequence[Json]] = []
        while (read := await self.read(after))["messages"]:
            assert read["missed"] is False
            pages.append(read["messages"])
            after = read["cursor"]
        return pages


@asynccontextmanager
async def reading(source: str) -> AsyncIterator[tuple[Front, Reader]]:
    """A server on a port, and a reader."""
    async with manual_clock_server() as front, subscriber_of(front, LEGACY) as subscriber:
        yield front, Reader(subscriber, source)


async def add_messages(front: Front, reader: Reader, text: str) -> Sequence[Json]:
    """Add 300 messages, and read after every 150. Returns them as TRaX sends them.

    TRaX returns at most 200 at once, so a single read at the end would miss some.
    """
    sent = []
    for _ in range(2):
        sent += [say(front, f"{number} {text}") for number in range(150)]
        front.clock.advance(2)
        await reader.read()
    as_text = json.dumps(json.dumps(sent, ensure_ascii=False), ensure_ascii=False)
    assert len(as_text.encode()) > MAX_EVENT_BYTES
    return sent


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
    async with reading(source) as (front, reader):
        before: str = (await reader.read())["cursor"]
        sent = await add_messages(front, reader, LONG_TEXTS[text])
        pages = await reader.read_on(before)
        recent = await reader.read()
        later = say(front, "later")
        front.clock.advance(2)
        later_pages = await reader.read_on(recent["cursor"])
    assert [message for page in pages for message in page] == sent
    assert 1 < len(pages) < 30
    assert recent["messages"] == sent[-len(recent["messages"]) :]
    assert 10 < len(recent["messages"]) < len(sent)
    assert recent["missed"] is False
    assert later_pages == [[later]]


@pytest.mark.parametrize(("source", "kind"), [("resource", "emoji"), ("wait", "quotation marks")])
async def test_an_answer_after_any_cursor_fits_a_client(source: str, kind: str) -> None:
    """It has all later messages, or as many as fit."""
    async with reading(source) as (front, reader):
        cursors: list[str] = [(await reader.read())["cursor"]]
        sent = await add_messages(front, reader, LONG_TEXTS[kind])
        waiter = Reader(reader.subscriber, "wait")
        for _ in range(STEP, len(sent), STEP):
            cursors.append((await waiter.read(cursors[-1], limit=STEP))["cursor"])
        for index, cursor in enumerate(cursors):
            page = (await reader.read(cursor))["messages"]
            rest = sent[STEP * index :]
            assert page == rest[: len(page)]
            assert len(page) >= min(len(rest), STEP)


@pytest.mark.parametrize("source", ["resource", "wait"])
async def test_an_oversized_message_is_returned_alone(source: str) -> None:
    """No other message is lost."""
    async with reading(source) as (front, reader):
        before: str = (await reader.read())["cursor"]
        sent = [say(front, text) for text in ("one", "two", OVERSIZED)]
        front.clock.advance(2)
        recent = await reader.read()
        sent += [say(front, text) for text in ("three", "four")]
        front.clock.advance(2)
        pages = await reader.read_on(before)
    assert recent["messages"] == [sent[2]]
    assert [message for page in pages for message in page] == sent
    assert [sent[2]] in pages
