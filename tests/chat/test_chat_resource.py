"""The chat resource: the remembered messages, those after a cursor, and failures of TRaX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.chat.waits import STUDIO, say
from tests.support.chat_polls import poll_count
from tests.support.delimited_text import as_shown
from tests.support.hostile_texts import NOTICE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox, put_on_air
from tests.support.resource_reads import CHAT, failure_in, refused
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

Json = dict[str, Any]

POLL: Final = 2.0
"""The shortest pause between two polls, in seconds."""


def chat(read: Json, messages: list[Json], *, missed: bool = False) -> Json:
    """The expected chat; only its cursor and its time are taken from `read`."""
    shown = [as_shown(it) for it in messages]
    page = {"notice": NOTICE, "now": read["now"], "studioId": STUDIO, "messages": shown}
    return {**page, "cursor": read["cursor"], "missed": missed}


async def refusal(it: World, after: str = "") -> str:
    """The code of the failure of a read."""
    return str(failure_in(await refused(it[MINE].client, f"{CHAT}{after}"), it.trax)["code"])


async def test_a_chat_returns_the_recent_messages_after_the_notice() -> None:
    """Oldest first, in whatever order TRaX sends them."""
    async with open_world(MINE) as it:
        put_on_air(it.trax)
        it.trax.faults.add(Fault.patched(lambda page: page["data"].reverse()))
        result = await it[MINE].read(CHAT)
    assert result == chat(result, it.trax.messages(last=1_000))
    assert list(result) == ["notice", "now", "studioId", "messages", "cursor", "missed"]
    assert len(result["messages"]) > 10


async def test_a_chat_with_a_cursor_returns_only_later_messages(era: str) -> None:
    """A cursor can be used more than once."""
    async with open_world(MINE, era=era) as it:
        first = await it[MINE].read(CHAT)
        assert await it[MINE].read(CHAT, after=first["cursor"]) == chat(first, [])
        for text in ("one", "two"):
            it.trax.say(text)
            it.hand_clock.advance(POLL)
            later = await it[MINE].read(CHAT, after=first["cursor"])
        assert later == chat(later, it.trax.messages(last=2))
        assert await it[MINE].read(CHAT, after=later["cursor"]) == chat(later, [])
    assert [message["text"] for message in later["messages"]] == ["one", "two"]


@pytest.mark.parametrize("cursor", ["%00", "x" * 4096])
async def test_an_unknown_cursor_returns_the_remembered_messages_marked_as_missed(
    cursor: str,
) -> None:
    """It is never an error."""
    async with open_world(MINE) as it:
        result = await it[MINE].read(CHAT, after=cursor)
    assert result == chat(result, it.trax.messages(last=1_000), missed=True)


async def test_a_cursor_is_valid_after_a_restart() -> None:
    """As long as its message is remembered."""
    trax, cursor = frozen_sandbox(), None
    for _ in range(2):
        async with open_world(MINE, trax=trax) as it:
            result = await it[MINE].read(CHAT, after=cursor)
        cursor = result["cursor"]
        trax.say("Still there?")
    assert result == chat(result, trax.messages(last=2)[:1])


async def test_a_chat_resource_returns_the_messages_of_all_polls() -> None:
    async with open_world(MINE) as it:
        for _ in range(3):
            say(it, *map(str, range(150)))
            it.hand_clock.advance(POLL)
            result = await it[MINE].read(CHAT)
    assert result == chat(result, it.trax.messages(last=1_000))
    assert len(result["messages"]) > 450


async def test_the_resource_asks_trax_as_often_as_allowed_and_the_list_each_time() -> None:
    """No more often than TRAX_CHAT_POLL_SECONDS allows."""
    async with open_world(MINE, TRAX_CHAT_POLL_SECONDS="7") as it:
        first = await it[MINE].read(CHAT)
        it.trax.say("not yet")
        it.hand_clock.advance(6.5)
        again = await it[MINE].read(CHAT)
        assert again == {**first, "now": again["now"]}
        later = await it[MINE].read(CHAT, after=first["cursor"])
        assert later == chat(later, [])
        assert poll_count(it) == 1
        listed = await it[MINE].data("list_chat_messages")
        assert (listed["data"], poll_count(it)) == (it.trax.messages(last=1_000), 2)
        it.hand_clock.advance(0.5)
        second = await it[MINE].read(CHAT)
        assert poll_count(it) == 3
    assert second == chat(second, it.trax.messages(last=1_000))
    assert second["messages"][-1]["text"] == "not yet"


async def test_known_new_messages_are_returned_during_an_outage() -> None:
    """Nothing is lost or repeated, and old messages are not returned as current."""
    async with open_world(MINE) as it:
        first = await it[MINE].read(CHAT)
        it.trax.say("known")
        it.hand_clock.advance(POLL)
        second = await it[MINE].read(CHAT)
        it.trax.faults.add(Fault.dropped(), times=None)
        it.trax.say("unseen")
        it.hand_clock.advance(POLL)
        for after in ("", f"?after={second['cursor']}"):
            assert await refusal(it, after) == "unreachable"
        known = await it[MINE].read(CHAT, after=first["cursor"])
        assert known == chat(known, it.trax.messages(last=2)[:1])
        it.trax.faults.clear()
        it.hand_clock.advance(POLL)
        result = await it[MINE].read(CHAT, after=second["cursor"])
    assert result == chat(result, it.trax.messages(last=1))


async def test_a_revoked_key_reads_no_remembered_chat_and_is_not_sent_before_the_next_poll() -> (
    None
):
    """At most TRAX_CHAT_POLL_SECONDS after it was revoked, with any cursor."""
    async with open_world(MINE) as it:
        before = (await it[MINE].read(CHAT))["cursor"]
        it.trax.say("known")
        it.hand_clock.advance(POLL)
        cursor = (await it[MINE].read(CHAT))["cursor"]
        it.trax.remove_key()
        for times in (3, 4):
            it.hand_clock.advance(POLL)
            for after in (f"?after={before}", "", f"?after={cursor}", "?after=lost"):
                assert await refusal(it, after) == "invalid_key"
            assert poll_count(it) == times
        it.trax.add_key(MINE)
        it.hand_clock.advance(POLL)
        assert await it[MINE].read(CHAT)
