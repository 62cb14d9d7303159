"""A chat message costs one request. What was read before it leads to warnings, and names it."""

from __future__ import annotations

from typing import Final

import mcp_types as types

from tests.support.guarded_calls import STUDIO
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

HELLO: Final = {**STUDIO, "text": "Hello", "platforms": ["kick"]}
SEND: Final = "send_chat_message"
ACCEPTED: Final = "Sent to the Kick chat of {}. TRaX can't confirm that it appeared."
SHOW: Final = '"Friday Night Show"'
OFF_AIR: Final = f"Warning: {SHOW} is off air, so viewers may not see it."
NO_KICK: Final = "Warning: No Kick destination is on."


async def test_a_chat_message_costs_one_request() -> None:
    """A bot may send one with each second, and TRaX limits how much its key may ask."""
    async with open_world(MINE) as it:
        results = [await it[MINE].call(SEND, **HELLO) for _ in range(10)]
        requests = [(request.method, request.path) for request in it.trax.requests]
    assert requests == [("POST", "/v1/studios/studio_42/chat/messages")] * 10
    for result in results:
        assert text_of(result).splitlines()[:-1] == [ACCEPTED.format("the studio")]


async def test_what_was_read_for_its_question_leads_to_warnings() -> None:
    """Where the operator wants each message approved."""
    async with open_world(MINE, TRAX_GUARD_ALSO=SEND) as it:
        result = await it[MINE].confirmed(SEND, **HELLO)
    assert text_of(result).splitlines()[:-1] == [ACCEPTED.format(SHOW), OFF_AIR, NO_KICK]


async def test_a_platform_is_not_named_by_an_older_read() -> None:
    """It may be switched off since: here Twitch is, after a completion has read the list."""
    prompt = types.PromptReference(type="ref/prompt", name="answer_chat")
    argument, of_show = {"name": "platform", "value": ""}, {"studio": "Friday Night Show"}
    async with open_world(MINE) as it:
        await it[MINE].client.complete(prompt, argument, context_arguments=of_show)
        await it[MINE].call("update_destination", destId="dest_2", enabled=False)
        result = await it[MINE].call(SEND, text="Hello")
    everywhere = f"Sent to the chat of {SHOW} on every platform that's on."
    assert text_of(result).startswith(f"{everywhere} TRaX can't confirm that it appeared.\n")
