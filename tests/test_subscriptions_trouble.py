"""What becomes of subscriptions when TRaX refuses, falls silent or forgets, in both eras.

Over real sockets. What passes by itself loses nothing; what does not is told of, and the next read
says why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError

from tests.audience import (
    CHAT,
    CHAT_PATH,
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
from trax_mcp.sandbox import MODERATOR_KEY, SANDBOX_KEY, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audience import Viewer
    from tests.front import Front
    from trax_mcp.sandbox import World

OUTAGES = {
    "dropped": Fault.dropped(),
    "bad gateway": Fault.status(502, "<html>"),
    "unreadable": Fault.status(200, "{"),
    "nonsense": Fault.status(200, {"data": "no list"}),
}


def revoke(world: World) -> None:
    """The key works no more."""
    world.keys[SANDBOX_KEY] = replace(world.keys[SANDBOX_KEY], revoked=True)


def restore(world: World) -> None:
    """The key works again."""
    world.keys[SANDBOX_KEY] = replace(world.keys[SANDBOX_KEY], revoked=False)


def hide(world: World) -> None:
    """The studio is gone, as far as this account can see."""
    world.studios.change(world.studios[STUDIO], {"roles": {}})


def show(world: World) -> None:
    """The studio is back."""
    world.studios.change(world.studios[STUDIO], {"roles": {"user_robin": "owner"}})


ENDINGS = [
    pytest.param(revoke, restore, "invalid_key", id="key revoked"),
    pytest.param(hide, show, "not_found", id="studio gone"),
]


async def refusal(viewer: Viewer, uri: str, *, after: str | None = None) -> Any:  # noqa: ANN401  any JSON
    """Why a resource cannot be read."""
    with pytest.raises(MCPError) as refused:
        await viewer.read(uri, after=after)
    return refused.value.data["error"]


async def test_trax_is_left_alone_for_as_long_as_it_wishes(era: str) -> None:
    """`Retry-After` holds for the loop and for whoever reads; afterwards nothing is missing."""
    async with staging() as front, viewer_of(front, era) as viewer:
        await viewer.subscribe(CHAT)
        cursor = await viewer.cursor()
        front.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="45"), path=CHAT_PATH)
        await front.clock.pass_until(lambda: not front.trax.faults.pending)
        say(front, "Meanwhile")
        assert await moments(front, 22) == []
        told = await refusal(viewer, CHAT, after=cursor)
        assert (told["code"], told["retryAfterSeconds"]) == ("rate_limited", 45)
        assert await moments(front, 22) == []
        assert viewer.told == []
        await front.clock.pass_until(lambda: viewer.told, most=12)
        assert await viewer.texts(after=cursor) == ["Meanwhile"]


async def test_a_caller_who_is_let_wait_makes_nobody_else_wait(era: str) -> None:
    """What TRaX wishes of one key it has not wished of another."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=MODERATOR_KEY) as moderator,
    ):
        await owner.subscribe(CHAT)
        front.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="100"))
        await front.clock.pass_until(lambda: not front.trax.faults.pending)
        await moderator.subscribe(CHAT)
        say(front, "Hello")
        await front.clock.pass_until(lambda: moderator.told, most=15)
        assert owner.told == []


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
async def test_an_outage_of_half_a_minute_loses_nothing(era: str, fault: Fault) -> None:
    """TRaX is asked ever less often; after it everything is there, behind the same cursor."""
    async with staging() as front, viewer_of(front, era) as viewer:
        await viewer.subscribe(CHAT)
        cursor = await viewer.cursor()
        front.trax.faults.add(fault, times=None, path=CHAT_PATH)
        asked = await moments(front, 10)
        say(front, "First")
        asked += [10 + moment for moment in await moments(front, 20)]
        assert 2 <= len(asked) <= 5
        assert pauses(asked) == sorted(pauses(asked))
        say(front, "Second")
        assert viewer.told == []
        front.trax.faults.clear()
        say(front, "Third")
        await front.clock.pass_until(lambda: viewer.told, most=36)
        assert await viewer.texts(after=cursor) == ["First", "Second", "Third"]
        say(front, "Fourth")
        await front.clock.pass_until(lambda: len(viewer.told) > 1, most=10)
        assert viewer.told == [CHAT] * 2


async def test_in_a_long_outage_trax_is_still_asked_twice_a_minute(era: str) -> None:
    """So that its end is noticed soon; the status is told of then, too."""
    async with staging() as front, viewer_of(front, era) as viewer:
        world = front.trax.world
        await viewer.subscribe(STATUS)
        front.trax.faults.add(Fault.dropped(), times=None)
        asked = await moments(front, 600, STATUS_PATH)
        assert 15 <= len(asked) <= 25
        assert 30 <= max(pauses(asked)) <= 36
        world.go_live(world.studios[STUDIO])
        front.trax.faults.clear()
        await front.clock.pass_until(lambda: viewer.told, most=36)
        assert (await viewer.read(STATUS))["live"]


@pytest.mark.parametrize("uri", [CHAT, STATUS])
@pytest.mark.parametrize(("end", "mend", "code"), ENDINGS)
async def test_when_nothing_can_come_any_more_it_is_told_and_reading_says_why(
    era: str,
    uri: str,
    end: Callable[[World], None],
    mend: Callable[[World], None],
    code: str,
) -> None:
    """TRaX is then left alone, until a read finds that it answers again."""
    async with staging() as front, viewer_of(front, era) as viewer:
        path = CHAT_PATH if uri == CHAT else STATUS_PATH
        await viewer.subscribe(uri)
        end(front.trax.world)
        await front.clock.pass_until(lambda: viewer.told)
        assert (await refusal(viewer, uri))["code"] == code
        assert await moments(front, 120, path) == []
        assert (await refusal(viewer, uri))["code"] == code
        assert viewer.told == [uri]
        mend(front.trax.world)
        assert await moments(front, 60, path) == []
        await viewer.read(uri)
        await front.clock.pass_by(10)
        assert viewer.told == [uri]
        happen(front, uri)
        await front.clock.pass_until(lambda: len(viewer.told) > 1)


def happen(front: Front, uri: str) -> None:
    """Let happen what subscribers to this are told of."""
    if uri == CHAT:
        say(front, "Hello")
    else:
        front.trax.world.go_live(front.trax.world.studios[STUDIO])


async def test_a_key_that_is_revoked_ends_no_other_keys_subscription(era: str) -> None:
    """One caller is told that it is over, the other of what is said."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=MODERATOR_KEY) as moderator,
    ):
        await owner.subscribe(CHAT)
        await moderator.subscribe(CHAT)
        cursor = await moderator.cursor()
        revoke(front.trax.world)
        await front.clock.pass_until(lambda: owner.told)
        await front.clock.pass_by(60)
        assert moderator.told == []
        say(front, "Hello")
        await front.clock.pass_until(lambda: moderator.told)
        assert await moderator.texts(after=cursor) == ["Hello"]
        assert owner.told == [CHAT]


async def test_all_who_listen_are_told_of_the_end_and_one_read_brings_all_back(era: str) -> None:
    """The loop is theirs together, and so is its end."""
    async with (
        staging() as front,
        viewer_of(front, era) as first,
        viewer_of(front, era) as second,
    ):
        await first.subscribe(CHAT)
        await second.subscribe(CHAT)
        revoke(front.trax.world)
        await front.clock.pass_until(lambda: first.told and second.told)
        restore(front.trax.world)
        await front.clock.pass_by(10)
        await first.read()
        asked = looks(front)
        say(front, "Hello")
        await front.clock.pass_until(lambda: len(second.told) > 1)
        assert (first.told, second.told) == ([CHAT] * 2, [CHAT] * 2)
        assert looks(front) > asked


async def test_after_a_restart_an_old_cursor_holds_where_its_message_is_still_there(
    era: str,
) -> None:
    """Another server, the same TRaX: only what is newer, and nothing missed."""
    async with staging() as front, viewer_of(front, era) as viewer:
        say(front, "Before")
        cursor = await viewer.cursor()
    for number in range(150):
        say(front, f"Message {number}")
    async with staging(trax=front.trax) as again, viewer_of(again, era) as viewer:
        await viewer.subscribe(CHAT)
        assert await viewer.texts(after=cursor) == [f"Message {it}" for it in range(150)]
        newest = await viewer.cursor()
        say(again, "After")
        await again.clock.pass_until(lambda: viewer.told)
        assert await viewer.texts(after=newest) == ["After"]


async def test_after_a_restart_a_cursor_of_what_trax_has_forgotten_is_no_error(era: str) -> None:
    """Nobody can tell what came in between, so that even little is not known to be all."""
    async with staging() as front, viewer_of(front, era) as viewer:
        cursor = await viewer.cursor()
    front.trax.world.chats.clear()
    said = [say(front, "Before"), say(front, "After")]
    async with staging(trax=front.trax) as again, viewer_of(again, era) as viewer:
        read = await viewer.read(after=cursor)
        assert (read["messages"], read["missed"]) == (said, True)


async def test_after_a_restart_a_cursor_that_is_too_old_gives_all_that_is_there(era: str) -> None:
    """With `missed`, in order and without repeats; and it is no error."""
    async with staging() as front, viewer_of(front, era) as viewer:
        cursor = await viewer.cursor()
    said = [say(front, f"Message {number}") for number in range(250)]
    async with staging(trax=front.trax) as again, viewer_of(again, era) as viewer:
        await viewer.subscribe(CHAT)
        read = await viewer.read(after=cursor)
        assert (read["messages"], read["missed"]) == (said[-200:], True)
        assert await viewer.texts(after=read["cursor"]) == []
