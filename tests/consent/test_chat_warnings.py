"""A chat message is sent at once; what could make it unseen is read after it, and briefly."""

from __future__ import annotations

from typing import Final

import anyio
import mcp_types as types
import pytest

from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

HELLO: Final = {**STUDIO, "text": "Hello", "platforms": ["kick"]}
ACCEPTED: Final = "Sent to the chat of the studio on Kick. TRaX can't confirm that it appeared."
OFF_AIR: Final = "Warning: the studio is off air, so viewers may not see it."
NO_KICK: Final = "Warning: the studio has no destination on Kick that is on."


@in_virtual_time
async def test_a_chat_message_is_sent_first_and_two_reads_follow() -> None:
    """They are concurrent, and lead to the warnings."""
    async with open_world(MINE, virtual=True) as it:
        result = await it[MINE].call("send_chat_message", **HELLO)
        requests = [request.path.rpartition("/")[2] for request in it.trax.requests]
    assert (requests[0], sorted(requests[1:])) == ("messages", ["destinations", "stream-status"])
    assert text_of(result).splitlines()[:-1] == [ACCEPTED, OFF_AIR, NO_KICK]


@in_virtual_time
async def test_a_slow_read_delays_the_answer_by_two_seconds_at_most() -> None:
    """Then it leads to no warning; the other one still does."""
    async with open_world(MINE, virtual=True) as it:
        it.trax.faults.slow(9, path="/stream-status")
        began = anyio.current_time()
        result = await it[MINE].call("send_chat_message", **HELLO)
        assert anyio.current_time() - began == pytest.approx(2, abs=0.5)
    assert text_of(result).splitlines()[:-1] == [ACCEPTED, NO_KICK]


@in_virtual_time
async def test_a_read_that_fails_is_no_warning_and_is_not_repeated() -> None:
    """The message was sent, and that is what the answer says."""
    async with open_world(MINE, virtual=True) as it:
        it.trax.faults.add(Fault.status(200, "<html>"), path="*/stream-status", times=None)
        it.trax.faults.add(Fault.error(429, "rate_limited"), path="*/destinations", times=None)
        result = await it[MINE].call("send_chat_message", **HELLO)
        assert len(it.trax.requests) == 3
    assert not result.is_error
    assert text_of(result).splitlines()[:-1] == [ACCEPTED]


async def test_a_platform_is_not_named_by_an_older_read() -> None:
    """It may be switched off since: here Twitch is, after a completion has read the list."""
    prompt = types.PromptReference(type="ref/prompt", name="answer_chat")
    argument, of_show = {"name": "platform", "value": ""}, {"studio": "Friday Night Show"}
    async with open_world(MINE) as it:
        await it[MINE].client.complete(prompt, argument, context_arguments=of_show)
        await it[MINE].call("update_destination", destId="dest_2", enabled=False)
        it.trax.faults.add(Fault.error(500, "internal"), path="*/destinations")
        result = await it[MINE].call("send_chat_message", text="Hello")
    assert text_of(result).splitlines()[:-1] == [
        (
            'Sent to the chat of "Friday Night Show" on every platform'
            " that is on. TRaX can't confirm that it appeared."
        ),
        'Warning: "Friday Night Show" is off air, so viewers may not see it.',
    ]
