"""Refused subscriptions, at once and before anything is accepted, and what the server declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from mcp import MCPError

from tests.support.chat_polls import QUIET, open_polled, poll_count
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SCOPES
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.resource_reads import CHAT, STATUS, not_found
from tests.world.wire import INITIALIZE, LEGACY, MODERN, HttpWire, read_answer, request
from tests.world.world import MINE

if TYPE_CHECKING:
    from tests.world.world import World

NARROW_KEY: Final = "sk_live_sandbox_narrow"
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603

NOT_SUBSCRIBABLE: Final = (
    *("trax://openapi.json", "trax://studios", "trax://studios/studio_42", f"{CHAT}?after=start"),
)
UNKNOWN_URIS: Final = ("trax://nope", "trax://studios/studio_42/nope", "http://127.0.0.1/", "")


async def refusal(it: World, uri: str, *, key: str = MINE, era: str = MODERN) -> MCPError:
    """Subscribe to one URI and return the error. Checks that no notification follows."""
    async with it.visitor(key, era=era) as caller:
        with pytest.raises(MCPError) as refused:
            await caller.subscribe(uri)
        await it.hand_clock.pass_by(QUIET)
        assert caller.updates == []
    return refused.value


async def test_a_studio_of_another_account_is_refused_with_the_error_of_trax(era: str) -> None:
    """TRaX receives only one request with this caller's key, apart from the question about it."""
    async with open_polled(MINE) as it:
        await it[MINE].subscribe(CHAT)
        refused = await refusal(it, CHAT, key=ANOTHER_ACCOUNT_KEY, era=era)
        it.trax.say("Only for the owner")
        await it.hand_clock.pass_until(lambda: it[MINE].updates)
    assert (refused.code, refused.data["error"]["code"]) == (not_found(era), "not_found")
    assert [sent.key_name for sent in it.calls].count("other") == 1


@pytest.mark.parametrize(
    ("key", "uri", "code", "requests"),
    [
        ("", STATUS, "no_key", 0),
        ("sk_live_of_nobody", STATUS, "invalid_key", 0),
        (NARROW_KEY, CHAT, "insufficient_scope", 1),
    ],
)
async def test_a_caller_without_the_right_key_is_refused(
    *, key: str, uri: str, code: str, requests: int
) -> None:
    """TRaX receives at most one request. Without a scope for chat there is still the status."""
    async with open_polled() as it:
        it.trax.add_key(NARROW_KEY, scopes=SCOPES - {"chat:read"})
        refused = await refusal(it, uri, key=key, era=LEGACY)
        assert (refused.code, refused.data["error"]["code"]) == (INTERNAL_ERROR, code)
        assert len(it.calls) == requests
        assert await (await it.caller(NARROW_KEY)).subscribe(STATUS) == [STATUS]


async def test_only_chat_and_stream_status_can_be_subscribed_to() -> None:
    """Other resources are invalid parameters, and TRaX receives no request."""
    async with open_polled() as it:
        for uri in NOT_SUBSCRIBABLE:
            refused = await refusal(it, uri)
            assert (refused.code, refused.message) == (
                INVALID_PARAMS,
                "Only chat (without `after`) and stream-status of a studio can be subscribed to.",
            )
    assert it.calls == []


async def test_no_subscription_is_accepted_during_an_outage() -> None:
    """Whether the caller may read it is unknown."""
    async with open_polled() as it:
        it.trax.faults.add(Fault.dropped(), times=None)
        assert (await refusal(it, CHAT)).data["error"]["retryable"]


async def test_only_the_accepted_uris_of_several_are_acknowledged() -> None:
    """Each once. The others are neither notified nor polled. Changes of lists are not offered."""
    requested = ["trax://studios/studio_99/chat", CHAT, *NOT_SUBSCRIBABLE, *UNKNOWN_URIS]
    async with open_polled(MINE) as it:
        mine = it[MINE]
        assert await mine.subscribe(*requested, CHAT, STATUS) == [CHAT, STATUS]
        it.trax.say("Of another account", studio="studio_99")
        it.trax.say("Hello")
        await it.hand_clock.pass_by(QUIET)
        assert mine.updates == [CHAT]
        assert poll_count(it, "/v1/studios/studio_99/chat/messages") == 1
        async with mine.client.listen(
            tools_list_changed=True, prompts_list_changed=True, resource_subscriptions=[CHAT]
        ) as listening:
            honored = listening.honored.model_dump(exclude_none=True)
    assert honored == {"resource_subscriptions": [CHAT]}


async def test_more_than_a_hundred_uris_of_a_stream_are_refused_without_a_request() -> None:
    chats = [f"trax://studios/studio_9{number:03}/chat" for number in range(100)]
    async with open_polled(MINE) as it:
        with pytest.raises(MCPError, match="Too many subscriptions: 100 at a time") as refused:
            await it[MINE].subscribe(CHAT, *chats)
        assert (refused.value.code, it.calls) == (INVALID_PARAMS, [])
        assert await it[MINE].subscribe(CHAT, *chats[1:], CHAT) == [CHAT]
        assert len(it.calls) == 100


@pytest.mark.parametrize(
    ("tools", "watched"), [("", True), ("list_chat_messages", False), ("get_stream_status", True)]
)
async def test_subscriptions_are_declared_where_they_are_offered(
    *, era: str, tools: str, watched: bool
) -> None:
    """List changes never are."""
    message = INITIALIZE if era == LEGACY else request(era, "server/discover")
    async with open_polled(TRAX_TOOLS=tools, TRAX_ASK="form,preview") as it:
        answer = await HttpWire(it.http, era, x_api_key=MINE).post(message)
    assert read_answer(answer)["result"]["capabilities"] == {
        "completions": {},
        "prompts": {"listChanged": False},
        "resources": {"listChanged": False, "subscribe": watched},
        "tools": {"listChanged": False},
    }
