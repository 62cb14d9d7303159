"""What cannot be subscribed to, by whom, and how many: said at once, before anything is accepted.

Also what the server says of itself: it promises subscriptions where there are some, and no more.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError

from tests.audience import (
    CHAT,
    OTHERS_CHAT,
    STATUS,
    looks,
    say,
    spellings,
    staging,
    viewer_of,
)
from tests.jsonrpc import INITIALIZE, LEGACY, MODERN, read_answer, request
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY, Fault

if TYPE_CHECKING:
    from tests.front import Front

NOT_FOUND = {LEGACY: -32002, MODERN: -32602}
NO_SUCH_METHOD = -32601
WRONG = -32602
FAILED = -32603

NOT_WATCHED = [
    "trax://openapi.json",
    "trax://studios",
    "trax://studios/studio_42",
    f"{CHAT}?after=start",
]
NOWHERE = ["trax://nope", "trax://studios/studio_42/nope", "http://127.0.0.1/", ""]


async def asked_in_vain(front: Front, era: str, uri: str, *, key: str) -> MCPError:
    """Have a client subscribe to one address, and return why it may not; nothing else happens."""
    async with viewer_of(front, era, key=key) as viewer:
        with pytest.raises(MCPError) as refused:
            await viewer.subscribe(uri)
        await front.clock.pass_by(60)
        assert viewer.told == []
    return refused.value


async def test_a_studio_that_the_caller_may_not_see_is_refused_before_it_is_accepted(
    era: str,
) -> None:
    """With TRaX's own answer to this caller's key, which is the last that it is asked."""
    async with staging() as front, viewer_of(front, era) as owner:
        await owner.subscribe(CHAT)
        refusal = await asked_in_vain(front, era, CHAT, key=STRANGER_KEY)
        say(front, "Not for strangers")
        await front.clock.pass_until(lambda: owner.told)
    assert refusal.code == NOT_FOUND[era]
    assert refusal.data["error"]["code"] == "not_found"
    assert [it.key_name for it in front.trax.requests].count("stranger") == 1


@pytest.mark.parametrize(
    ("key", "code"), [("", "no_key"), ("sk_live_of_nobody", "invalid_key")], ids=["none", "unknown"]
)
async def test_without_a_key_that_works_nothing_is_accepted(era: str, key: str, code: str) -> None:
    """And nothing is asked of TRaX again."""
    async with staging() as front:
        refusal = await asked_in_vain(front, era, STATUS, key=key)
    assert refusal.code == FAILED
    assert refusal.data["error"]["code"] == code
    assert len(front.trax.requests) == (1 if key else 0)


async def test_a_key_that_may_not_read_chat_may_not_subscribe_to_it(era: str) -> None:
    """The refusal names the scope that is missing; the status can be subscribed to all the same."""
    async with staging() as front:
        keys = front.trax.world.keys
        scopes = keys[SANDBOX_KEY].scopes - {"chat:read"}
        keys[SANDBOX_KEY] = replace(keys[SANDBOX_KEY], scopes=scopes)
        refusal = await asked_in_vain(front, era, CHAT, key=SANDBOX_KEY)
        async with viewer_of(front, era) as viewer:
            assert await viewer.subscribe(STATUS) == [STATUS]
    assert refusal.data["error"]["requiredScope"] == "chat:read"


@pytest.mark.parametrize("uri", NOT_WATCHED)
async def test_only_chat_and_status_can_be_subscribed_to(era: str, uri: str) -> None:
    """Anything else that can be read is a wrong parameter, and TRaX is not asked."""
    async with staging() as front:
        refusal = await asked_in_vain(front, era, uri, key=SANDBOX_KEY)
    assert (refusal.code, refusal.message) == (
        WRONG,
        "Only chat (without `after`) and stream-status of a studio can be subscribed to.",
    )
    assert len(front.trax.requests) == 0


@pytest.mark.parametrize("uri", NOWHERE)
async def test_what_is_nowhere_cannot_be_subscribed_to(era: str, uri: str) -> None:
    """As where it is read: there is no such resource."""
    async with staging() as front:
        refusal = await asked_in_vain(front, era, uri, key=SANDBOX_KEY)
    assert (refusal.code, refusal.data) == (NOT_FOUND[era], {"uri": uri})
    assert len(front.trax.requests) == 0


async def test_a_stopped_trax_lets_nobody_subscribe(era: str) -> None:
    """Whether this caller may read it cannot be seen, so nothing is accepted."""
    async with staging() as front:
        front.trax.faults.add(Fault.dropped(), times=None)
        refusal = await asked_in_vain(front, era, CHAT, key=SANDBOX_KEY)
    assert refusal.data["error"]["retryable"]


async def test_of_several_only_what_can_be_told_is_acknowledged() -> None:
    """Each once; of the others nothing is ever told, and nothing asked of TRaX again."""
    async with staging() as front, viewer_of(front, MODERN) as viewer:
        asked = [OTHERS_CHAT, CHAT, *NOT_WATCHED, *NOWHERE, CHAT, STATUS]
        assert await viewer.subscribe(*asked) == [CHAT, STATUS]
        say(front, "Not for him", studio="studio_99")
        say(front, "Hello")
        await front.clock.pass_until(lambda: viewer.told)
        await front.clock.pass_by(60)
        assert viewer.told == [CHAT]
        assert looks(front, "/v1/studios/studio_99/chat/messages") == 1


async def test_lists_that_never_change_are_not_subscribed_to() -> None:
    """They may be asked for together with an address; the acknowledgement leaves them out."""
    async with (
        staging() as front,
        viewer_of(front, MODERN) as viewer,
        viewer.client.listen(
            tools_list_changed=True,
            prompts_list_changed=True,
            resources_list_changed=True,
            resource_subscriptions=[CHAT],
        ) as listening,
    ):
        assert listening.honored.model_dump(exclude_none=True) == {"resource_subscriptions": [CHAT]}


async def test_a_client_subscribes_to_a_hundred_addresses_and_no_more(era: str) -> None:
    """They may all be one chat, which is looked at for all of them at once."""
    hundred = list(islice(spellings(), 100))
    async with staging() as front, viewer_of(front, era) as viewer:
        assert await viewer.subscribe(*hundred) == hundred
        with pytest.raises(MCPError, match="Too many subscriptions: 100 at a time"):
            await viewer.subscribe(*islice(spellings(), 101))
        asked = looks(front)
        say(front, "Hello")
        await front.clock.pass_until(lambda: len(viewer.told) == 100)
        assert sorted(viewer.told) == sorted(hundred)
        assert looks(front) - asked <= 2


async def test_room_is_made_by_unsubscribing() -> None:
    """A hundred at a time, not a hundred in all."""
    first, *others = islice(spellings(), 101)
    async with staging() as front, viewer_of(front, LEGACY) as viewer:
        await viewer.subscribe(first, *others[:-1])
        await viewer.subscribe(first)
        with pytest.raises(MCPError, match="Too many subscriptions"):
            await viewer.subscribe(others[-1])
        await viewer.unsubscribe(first)
        assert await viewer.subscribe(others[-1]) == [others[-1]]


async def capabilities(front: Front, era: str) -> dict[str, Any]:
    """What the server says that it can do, as it stands on the wire."""
    caller = front.caller(era, x_api_key=SANDBOX_KEY)
    if era == LEGACY:
        answer = await caller.post(INITIALIZE)
    else:
        answer = await caller.post(request(era, "server/discover"))
    told: dict[str, Any] = read_answer(answer)["result"]["capabilities"]
    return told


@pytest.mark.parametrize(
    ("tools", "resources"),
    [
        ("", {"listChanged": False, "subscribe": True}),
        ("list_chat_messages", {"listChanged": False, "subscribe": False}),
        ("get_stream_status", {"listChanged": False, "subscribe": True}),
        ("wait_for_chat_messages", {"listChanged": False, "subscribe": True}),
        ("media", {"listChanged": False, "subscribe": False}),
    ],
)
async def test_subscriptions_are_promised_where_there_are_some(
    era: str, tools: str, resources: dict[str, bool]
) -> None:
    """And never that a list changes: ours do not."""
    async with staging(TRAX_TOOLS=tools) as front:
        assert await capabilities(front, era) == {
            "completions": {},
            "prompts": {"listChanged": False},
            "resources": resources,
            "tools": {"listChanged": False},
        }


async def test_where_nothing_can_be_watched_there_is_no_way_to_subscribe(era: str) -> None:
    """The method does not exist, as was said."""
    async with staging(TRAX_TOOLS="media") as front:
        refusal = await asked_in_vain(front, era, CHAT, key=SANDBOX_KEY)
    assert refusal.code == NO_SUCH_METHOD
