"""A chat larger than one answer may be: it comes in parts, and all of it comes.

Over a socket with the SDK's own client, which in the earlier era takes no event above 1 MiB: what
is larger it never sees, and its stream is broken.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.audience import STUDIO, Viewer, say, staging, viewer_of
from tests.jsonrpc import LEGACY
from tests.processes import PATIENCE_SECONDS
from tests.waits import TOOL, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.front import Front
    from tests.waits import Json

MIB: Final = 1 << 20
"""Bytes of the longest event that the SDK's client takes."""

LETTERS: Final = {
    "many letters": "x" * 3_000,
    "emoji": "\U0001f525" * 900,
    "quotation marks": '"' * 900,
    "backslashes": "\\" * 900,
    "ends of lines": "\n" * 900,
    "control characters": "\x01" * 900,
    "nothing to be seen": "\U000e0041" * 900,
}
"""Texts that take more room on the wire than they look, each in another way."""

STEP: Final = 15
"""Messages from one place to the next where many are tried."""

GIANT: Final = "x" * 600_000
"""More than one answer should hold, but less than a client takes."""

each_text = pytest.mark.parametrize("text", LETTERS.values(), ids=LETTERS)
each_way = pytest.mark.parametrize("way", ["resource", "wait"])


@dataclass(frozen=True)
class Reader:
    """A client that reads chat, in one of the two ways."""

    viewer: Viewer
    way: str

    async def read(self, after: str | None = None, *, limit: int = 200) -> Json:
        """Read once, from a cursor if there is one; nothing is waited for."""
        if self.way == "resource":
            return await self.viewer.read(after=after)
        given = {"studioId": STUDIO, "limit": limit, "timeoutSeconds": 0}
        given |= {} if after is None else {"after": after}
        with anyio.fail_after(PATIENCE_SECONDS):
            return told(await self.viewer.client.call_tool(TOOL, given))

    async def read_on(self, after: str) -> Sequence[Sequence[Json]]:
        """Read on from each cursor until nothing more comes; the messages of each answer."""
        answers: list[Sequence[Json]] = []
        while (read := await self.read(after))["messages"]:
            assert read["missed"] is False
            answers.append(read["messages"])
            after = read["cursor"]
        return answers


@asynccontextmanager
async def reading(way: str, era: str) -> AsyncIterator[tuple[Front, Reader]]:
    """A server on a port, and who reads there."""
    async with staging() as front, viewer_of(front, era) as viewer:
        yield front, Reader(viewer, way)


async def crowd(front: Front, reader: Reader, text: str) -> Sequence[Json]:
    """Let viewers say this 450 times, while someone reads; returns it as TRaX tells it.

    TRaX shows no more than 200 at once, so that nobody could read them all at the end.
    """
    said = []
    for _ in range(3):
        said += [say(front, f"{number} {text}") for number in range(150)]
        front.clock.advance(2)
        await reader.read()
    as_text = json.dumps(json.dumps(said, ensure_ascii=False), ensure_ascii=False)
    assert len(as_text.encode()) > MIB
    return said


@each_text
@each_way
async def test_a_chat_of_more_than_a_mebibyte_comes_whole_by_reading_on(
    era: str, way: str, text: str
) -> None:
    """From the cursor before it: in order, each once, nothing missed, and in few answers."""
    async with reading(way, era) as (front, reader):
        before: str = (await reader.read())["cursor"]
        said = await crowd(front, reader, text)
        answers = await reader.read_on(before)
    assert [message for answer in answers for message in answer] == said
    assert 1 < len(answers) < 30


@each_text
@each_way
async def test_without_a_cursor_a_large_chat_gives_its_last_messages(
    era: str, way: str, text: str
) -> None:
    """As many as an answer holds; from its cursor on there is only what is said later."""
    async with reading(way, era) as (front, reader):
        said = await crowd(front, reader, text)
        recent = await reader.read()
        later = say(front, "later")
        front.clock.advance(2)
        answers = await reader.read_on(recent["cursor"])
    assert recent["messages"] == said[-len(recent["messages"]) :]
    assert 10 < len(recent["messages"]) < len(said)
    assert recent["missed"] is False
    assert answers == [[later]]


@each_way
@pytest.mark.parametrize("letters", ["emoji", "quotation marks"])
async def test_from_wherever_one_reads_on_an_answer_can_be_taken(way: str, letters: str) -> None:
    """However much is left, the answer with it is as long as that, or as a client bears."""
    async with reading(way, LEGACY) as (front, reader):
        cursors: list[str] = [(await reader.read())["cursor"]]
        said = await crowd(front, reader, LETTERS[letters])
        waiter = Reader(reader.viewer, "wait")
        for _ in range(STEP, len(said), STEP):
            cursors.append((await waiter.read(cursors[-1], limit=STEP))["cursor"])
        for place, cursor in enumerate(cursors):
            found = (await reader.read(cursor))["messages"]
            rest = said[STEP * place :]
            assert found == rest[: len(found)]
            assert len(found) >= min(len(rest), STEP)


@each_way
async def test_one_message_larger_than_an_answer_should_be_comes_alone(era: str, way: str) -> None:
    """Rather than never: nobody is stuck before it, and none of the others is lost."""
    async with reading(way, era) as (front, reader):
        before: str = (await reader.read())["cursor"]
        said = [say(front, text) for text in ("one", "two", GIANT)]
        front.clock.advance(2)
        recent = await reader.read()
        said += [say(front, text) for text in ("three", "four")]
        front.clock.advance(2)
        answers = await reader.read_on(before)
    assert recent["messages"] == [said[2]]
    assert [message for answer in answers for message in answer] == said
    assert [said[2]] in answers
