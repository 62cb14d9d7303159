"""Subscriptions while TRaX refuses, fails or asks to wait, and after restarts.

Over real sockets. Temporary errors lose nothing. Final errors are notified, and reads return them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp import MCPError

from tests.support.chat_polls import (
    CHAT_PATH,
    STATUS_PATH,
    cursor_of,
    intervals,
    open_polled,
    poll_times,
    texts_after,
)
from tests.support.product.faults import Fault
from tests.support.resource_reads import CHAT, STATUS
from tests.world.wire import LEGACY, MODERN
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.product.sandbox import Sandbox
    from tests.world.caller import Caller

    Act = Callable[[Sandbox], object]

OUTAGES: Final = {
    "no answer": Fault.dropped(),
    "no list": Fault.status(200, {"data": "no list"}),
}

FINAL: Final[dict[str, tuple[str, str, str, Act, Act, Act]]] = {
    "invalid_key": (
        *(LEGACY, CHAT, CHAT_PATH),
        lambda it: it.remove_key(),
        lambda it: it.add_key(MINE),
        lambda it: it.say("Hello"),
    ),
    "not_found": (
        *(MODERN, STATUS, STATUS_PATH),
        lambda it: it.change("studio_42", _roles={}),
        lambda it: it.change("studio_42", _roles={"user_robin": "owner"}),
        lambda it: it.go_live(),
    ),
}
"""By code: the era, the resource and what is polled for it; what ends, restores and changes it."""


async def error_of(caller: Caller, uri: str, *, after: str | None = None) -> Any:  # noqa: ANN401  any JSON
    """The error of a read."""
    with pytest.raises(MCPError) as refused:
        await caller.read(uri, after=after)
    return refused.value.data["error"]


async def test_neither_polls_nor_reads_send_a_request_before_retry_after() -> None:
    """No message is missing afterwards."""
    async with open_polled(MINE) as it:
        mine = it[MINE]
        await mine.subscribe(CHAT)
        cursor = await cursor_of(mine)
        it.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="45"), path=CHAT_PATH)
        await it.hand_clock.pass_until(lambda: not it.trax.faults.pending)
        it.trax.say("Meanwhile")
        assert await poll_times(it, 22) == []
        error = await error_of(mine, CHAT, after=cursor)
        assert (error["code"], error["retryAfterSeconds"]) == ("rate_limited", 45)
        assert await poll_times(it, 22) == []
        assert mine.updates == []
        await it.hand_clock.pass_until(lambda: mine.updates, most=12)
        assert await texts_after(mine, cursor) == ["Meanwhile"]


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
async def test_an_outage_of_half_a_minute_loses_nothing(fault: Fault) -> None:
    """Polls become less frequent. All messages follow the same cursor."""
    async with open_polled(MINE) as it:
        mine = it[MINE]
        await mine.subscribe(CHAT)
        cursor = await cursor_of(mine)
        it.trax.faults.add(fault, times=None, path=CHAT_PATH)
        times = await poll_times(it, 10)
        it.trax.say("First")
        times += [10 + time for time in await poll_times(it, 20)]
        assert 2 <= len(times) <= 5
        assert intervals(times) == sorted(intervals(times))
        it.trax.say("Second")
        assert mine.updates == []
        it.trax.faults.clear()
        it.trax.say("Third")
        await it.hand_clock.pass_until(lambda: mine.updates, most=36)
        assert await texts_after(mine, cursor) == ["First", "Second", "Third"]
        it.trax.say("Fourth")
        await it.hand_clock.pass_until(lambda: len(mine.updates) > 1, most=10)
        assert mine.updates == [CHAT] * 2


@pytest.mark.parametrize("code", FINAL)
async def test_a_final_error_is_notified_and_reads_return_it(code: str) -> None:
    """Polling stops until a read succeeds."""
    era, uri, path, end, restore, change = FINAL[code]
    async with open_polled(MINE, era=era) as it:
        mine = it[MINE]
        await mine.subscribe(uri)
        end(it.trax)
        await it.hand_clock.pass_until(lambda: mine.updates)
        assert (await error_of(mine, uri))["code"] == code
        assert await poll_times(it, 60, path) == []
        assert mine.updates == [uri]
        restore(it.trax)
        assert await poll_times(it, 30, path) == []
        await mine.read(uri)
        await it.hand_clock.pass_by(10)
        assert mine.updates == [uri]
        change(it.trax)
        await it.hand_clock.pass_until(lambda: len(mine.updates) > 1)


@pytest.mark.parametrize(("count", "is_missed"), [(150, False), (250, True)])
async def test_a_cursor_is_valid_after_a_restart_if_trax_still_has_its_message(
    *, count: int, is_missed: bool
) -> None:
    """Only later messages are returned; with one that is too old, all that there are."""
    async with open_polled(MINE) as it:
        it.trax.say("Before")
        cursor = await cursor_of(it[MINE])
    messages = [it.trax.say(f"Message {number}") for number in range(count)]
    async with open_polled(MINE, trax=it.trax) as restarted:
        mine = restarted[MINE]
        await mine.subscribe(CHAT)
        read = await mine.read(CHAT, after=cursor)
        assert (read["messages"], read["missed"]) == (messages[-200:], is_missed)
        assert await texts_after(mine, read["cursor"]) == []
        restarted.trax.say("After")
        await restarted.hand_clock.pass_until(lambda: mine.updates)
        assert await texts_after(mine, read["cursor"]) == ["After"]
