"""Being told of changes, over real sockets, in both eras: who is told, of what, and at what cost.

Time is the test's; TRaX is a sandbox in which what happens is counted.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.audience import (
    CHAT,
    CHAT_PATH,
    OTHERS_CHAT,
    STATUS,
    STATUS_PATH,
    STUDIO,
    looks,
    moments,
    pauses,
    say,
    staging,
    viewer_of,
)
from tests.jsonrpc import ERAS, LEGACY
from trax_mcp.sandbox import MODERATOR_KEY, STRANGER_KEY, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trax_mcp.sandbox.messages import Answer, Answerer, Request


async def test_a_new_message_is_told_of_and_read_from_the_cursor(era: str) -> None:
    """One notification, and behind the cursor exactly what is new; then nothing any more."""
    async with staging() as front, viewer_of(front, era) as viewer:
        before = await viewer.read()
        assert await viewer.subscribe(CHAT) == [CHAT]
        said = [say(front, "Hello"), say(front, "Hello again")]
        await front.clock.pass_until(lambda: viewer.told)
        assert viewer.told == [CHAT]
        news = await viewer.read(after=before["cursor"])
        assert news == {**before, "messages": said, "cursor": news["cursor"]}
        assert await viewer.texts(after=news["cursor"]) == []
        say(front, "Third")
        await front.clock.pass_until(lambda: len(viewer.told) > 1)
        assert await viewer.texts(after=news["cursor"]) == ["Third"]
        await front.clock.pass_by(60)
        assert viewer.told == [CHAT] * 2


async def test_what_was_said_before_is_not_told_of(era: str) -> None:
    """Neither to the first who subscribes nor to those who come later."""
    async with (
        staging() as front,
        viewer_of(front, era) as first,
        viewer_of(front, era) as second,
    ):
        say(front, "Nobody listens yet")
        await first.subscribe(CHAT)
        await front.clock.pass_by(60)
        await second.subscribe(CHAT)
        await front.clock.pass_by(60)
        assert (first.told, second.told) == ([], [])


async def test_what_came_between_reading_and_subscribing_is_told_of(era: str) -> None:
    """Whoever has read and then subscribes misses nothing, and has not to read again."""
    async with staging() as front, viewer_of(front, era) as viewer:
        cursor = await viewer.cursor()
        await front.clock.pass_by(60)
        say(front, "In between")
        await front.clock.pass_by(60)
        await viewer.subscribe(CHAT)
        await front.clock.pass_by(60)
        assert viewer.told == [CHAT]
        assert await viewer.texts(after=cursor) == ["In between"]


async def test_many_clients_of_one_caller_cost_as_much_as_one() -> None:
    """One poll loop for all of them, in both eras together; and all of them are told."""
    alone = await asked_of_trax(audience=[LEGACY])
    together = await asked_of_trax(audience=[*ERAS, *ERAS, *ERAS])
    assert alone == together
    assert min(pauses(alone)) == 2
    assert 8 <= max(pauses(alone)) <= 10


async def asked_of_trax(*, audience: Sequence[str]) -> Sequence[float]:
    """When TRaX is asked for chat in two minutes, of which the second begins with a message."""
    no_chance = SimpleNamespace(random=lambda: 0.0)
    with patch("trax_mcp.chat.watcher.random", no_chance):
        async with staging() as front, AsyncExitStack() as stack:
            viewers = [await stack.enter_async_context(viewer_of(front, era)) for era in audience]
            for viewer in viewers:
                await viewer.subscribe(CHAT)
            asked = await moments(front, 60)
            say(front, "Hello")
            asked += [60 + it for it in await moments(front, 60)]
            assert [viewer.told for viewer in viewers] == [[CHAT]] * len(audience)
    return asked


async def test_two_callers_have_two_loops_with_a_key_each(era: str) -> None:
    """Even of one account and one studio: each is asked for as often as one alone would be."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=MODERATOR_KEY) as moderator,
    ):
        await owner.subscribe(CHAT)
        await moderator.subscribe(CHAT)
        await front.clock.pass_by(120)
        say(front, "Hello")
        await front.clock.pass_until(lambda: owner.told and moderator.told)
        asked = [it.key_name for it in front.trax.requests if it.path == CHAT_PATH]
    assert set(asked) == {"full", "moderator"}
    assert all(12 <= asked.count(name) <= 20 for name in set(asked))
    assert (owner.told, moderator.told) == ([CHAT], [CHAT])


async def test_what_one_key_could_read_is_never_signalled_to_another(era: str) -> None:
    """Both may read the chat; only one of them can at the moment, and only that one is told."""

    async def unavailable(asked: Request, onward: Answerer) -> Answer:
        refused = asked.secret == MODERATOR_KEY
        return await (Fault.status(502).strike(asked, onward) if refused else onward(asked))

    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=MODERATOR_KEY) as moderator,
    ):
        await owner.subscribe(CHAT)
        await moderator.subscribe(CHAT)
        cursor = await moderator.cursor()
        front.trax.faults.add(Fault("unavailable", unavailable), times=None)
        say(front, "Hello")
        await front.clock.pass_until(lambda: owner.told)
        await front.clock.pass_by(120)
        assert (owner.told, moderator.told) == ([CHAT], [])
        front.trax.faults.clear()
        await front.clock.pass_until(lambda: moderator.told)
        assert await moderator.texts(after=cursor) == ["Hello"]


async def test_nobody_hears_of_a_studio_that_is_not_theirs(era: str) -> None:
    """Two accounts: each is told of its own studio, and asked for with its own key."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=STRANGER_KEY) as stranger,
    ):
        await owner.subscribe(CHAT)
        await stranger.subscribe(OTHERS_CHAT)
        say(front, "Hello")
        await front.clock.pass_until(lambda: owner.told)
        await front.clock.pass_by(60)
        assert (owner.told, stranger.told) == ([CHAT], [])
        say(front, "Hello, stranger", studio="studio_99")
        await front.clock.pass_until(lambda: stranger.told)
        await front.clock.pass_by(60)
        assert (owner.told, stranger.told) == ([CHAT], [OTHERS_CHAT])
    assert {(it.path.split("/")[3], it.key_name) for it in front.trax.requests} == {
        ("studio_42", "full"),
        ("studio_99", "stranger"),
    }


async def test_the_status_tells_of_going_live_of_a_drop_and_of_going_offline(era: str) -> None:
    """Once for each, and reading says which it was."""
    async with staging() as front, viewer_of(front, era) as viewer:
        world = front.trax.world
        await viewer.subscribe(STATUS)
        world.go_live(world.studios[STUDIO])
        await front.clock.pass_until(lambda: viewer.told)
        assert (await viewer.read(STATUS))["live"]
        dropped = world.streams.pop(STUDIO)
        await front.clock.pass_until(lambda: len(viewer.told) > 1)
        assert not (await viewer.read(STATUS))["live"]
        world.streams[STUDIO] = dropped
        await front.clock.pass_until(lambda: len(viewer.told) > 2)
        world.go_offline(world.studios[STUDIO])
        await front.clock.pass_until(lambda: len(viewer.told) > 3)
        assert not (await viewer.read(STATUS))["live"]
        await front.clock.pass_by(60)
        assert viewer.told == [STATUS] * 4


async def test_the_status_tells_of_nothing_that_merely_ticks(era: str) -> None:
    """TRaX may add what changes all the time, such as a number of viewers: that is no news."""
    numbers = count(1)

    def tick(answer: dict[str, Any]) -> None:
        answer |= {"viewers": next(numbers), "bitrate": 1 / next(numbers)}

    async with staging() as front, viewer_of(front, era) as viewer:
        world = front.trax.world
        world.go_live(world.studios[STUDIO])
        front.clock.advance(60)
        front.trax.faults.add(Fault.patched(tick), times=None)
        await viewer.subscribe(STATUS)
        await front.clock.pass_by(120)
        assert looks(front, STATUS_PATH) > 10
        assert viewer.told == []
        world.go_offline(world.studios[STUDIO])
        await front.clock.pass_until(lambda: viewer.told)
        assert viewer.told == [STATUS]


async def test_chat_and_status_are_told_of_apart(era: str) -> None:
    """Whoever subscribed to both hears of the one that has changed."""
    async with staging() as front, viewer_of(front, era) as viewer:
        world = front.trax.world
        await viewer.subscribe(CHAT, STATUS)
        say(front, "Hello")
        await front.clock.pass_until(lambda: viewer.told)
        await front.clock.pass_by(60)
        assert viewer.told == [CHAT]
        world.go_live(world.studios[STUDIO])
        await front.clock.pass_until(lambda: STATUS in viewer.told)
