"""Refused subscriptions, and the capabilities that the server declares.

Refusals come at once, before anything is accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError

from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY, SCOPES
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.subscribers import (
    CHAT,
    OTHER_CHAT,
    STATUS,
    manual_clock_server,
    poll_count,
    say,
    subscriber_of,
)
from tests.world.wire import INITIALIZE, LEGACY, MODERN, read_answer, request

if TYPE_CHECKING:
    from tests.support.served_app import Front

NARROW_KEY = "sk_live_sandbox_narrow"
NOT_FOUND = {LEGACY: -32002, MODERN: -32602}
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

NOT_SUBSCRIBABLE = [
    "trax://openapi.json",
    "trax://studios",
    "trax://studios/studio_42",
    f"{CHAT}?after=start",
]
UNKNOWN_URIS = ["trax://nope", "trax://studios/studio_42/nope", "http://127.0.0.1/", ""]


async def refusal_of(front: Front, era: str, uri: str, *, key: str) -> MCPError:
    """Subscribe to one URI and return the error. Checks that no notification follows."""
    async with subscriber_of(front, era, key=key) as subscriber:
        with pytest.raises(MCPError) as refused:
            await subscriber.subscribe(uri)
        await front.clock.pass_by(60)
        assert subscriber.updates == []
    return refused.value


async def test_a_studio_of_another_account_is_refused_with_the_error_of_trax(
    era: str,
) -> None:
    """TRaX receives only one request with this caller's key."""
    async with manual_clock_server() as front, subscriber_of(front, era) as owner:
        await owner.subscribe(CHAT)
        refusal = await refusal_of(front, era, CHAT, key=ANOTHER_ACCOUNT_KEY)
        say(front, "Only for the owner")
        await front.clock.pass_until(lambda: owner.updates)
    assert refusal.code == NOT_FOUND[era]
    assert refusal.data["error"]["code"] == "not_found"
    assert [it.key_name for it in front.trax.requests].count("other") == 1


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "no_key"), ("sk_live_of_nobody", "invalid_key")],
    ids=["no key", "unknown key"],
)
async def test_a_caller_without_a_valid_key_is_refused(key: str, code: str) -> None:
    """TRaX receives at most one request."""
    async with manual_clock_server() as front:
        refusal = await refusal_of(front, LEGACY, STATUS, key=key)
    assert refusal.code == INTERNAL_ERROR
    assert refusal.data["error"]["code"] == code
    assert len(front.trax.requests) == (1 if key else 0)


async def test_a_key_without_the_chat_scope_cannot_subscribe_to_chat() -> None:
    """The error names the scope. The status can be subscribed to."""
    async with manual_clock_server() as front:
        front.trax.add_key(NARROW_KEY, scopes=SCOPES - {"chat:read"})
        refusal = await refusal_of(front, MODERN, CHAT, key=NARROW_KEY)
        async with subscriber_of(front, key=NARROW_KEY) as subscriber:
            assert await subscriber.subscribe(STATUS) == [STATUS]
    assert refusal.data["error"]["requiredScope"] == "chat:read"


async def test_only_chat_and_stream_status_can_be_subscribed_to() -> None:
    """Other resources are invalid parameters, and TRaX receives no request."""
    async with manual_clock_server() as front:
        for uri in NOT_SUBSCRIBABLE:
            refusal = await refusal_of(front, MODERN, uri, key=SANDBOX_KEY)
            assert (refusal.code, refusal.message) == (
                INVALID_PARAMS,
                "Only chat (without `after`) and stream-status of a studio can be subscribed to.",
            )
    assert len(front.trax.requests) == 0


async def test_no_subscription_is_accepted_during_an_outage() -> None:
    """Whether the caller may read it is unknown."""
    async with manual_clock_server() as front:
        front.trax.faults.add(Fault.dropped(), times=None)
        refusal = await refusal_of(front, MODERN, CHAT, key=SANDBOX_KEY)
    assert refusal.data["error"]["retryable"]


async def test_only_the_accepted_uris_of_several_are_acknowledged() -> None:
    """Each once. The others are neither notified nor polled."""
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:
        requested = [OTHER_CHAT, CHAT, *NOT_SUBSCRIBABLE, *UNKNOWN_URIS, CHAT, STATUS]
        assert await subscriber.subscribe(*requested) == [CHAT, STATUS]
        say(front, "Of another account", studio="studio_99")
        say(front, "Hello")
        await front.clock.pass_until(lambda: subscriber.updates)
        await front.clock.pass_by(60)
        assert subscriber.updates == [CHAT]
        assert poll_count(front, "/v1/studios/studio_99/chat/messages") == 1


async def test_list_changes_are_not_acknowledged() -> None:
    """The lists never change."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front, MODERN) as subscriber,
        subscriber.client.listen(
            tools_list_changed=True,
            prompts_list_changed=True,
            resources_list_changed=True,
            resource_subscriptions=[CHAT],
        ) as listening,
    ):
        assert listening.honored.model_dump(exclude_none=True) == {"resource_subscriptions": [CHAT]}


async def test_more_than_a_hundred_uris_of_a_stream_are_refused_without_a_request() -> None:
    chats = [f"trax://studios/studio_9{number:03}/chat" for number in range(100)]
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:
        with pytest.raises(MCPError, match="Too many subscriptions: 100 at a time") as refused:
            await subscriber.subscribe(CHAT, *chats)
        assert (refused.value.code, len(front.trax.requests)) == (INVALID_PARAMS, 0)
        assert await subscriber.subscribe(CHAT, *chats[1:], CHAT) == [CHAT]
        assert len(front.trax.requests) == 100


async def capabilities(front: Front, era: str) -> dict[str, Any]:
    """The capabilities that the server declares."""
    caller = front.caller(era, x_api_key=SANDBOX_KEY)
    if era == LEGACY:
        answer = await caller.post(INITIALIZE)
    else:
        answer = await caller.post(request(era, "server/discover"))
    declared: dict[str, Any] = read_answer(answer)["result"]["capabilities"]
    return declared


@pytest.mark.parametrize(
    ("tools", "resources"),
    [
        ("", {"listChanged": False, "subscribe": True}),
        ("list_chat_messages", {"listChanged": False, "subscribe": False}),
        ("get_stream_status", {"listChanged": False, "subscribe": True}),
    ],
)
async def test_subscriptions_are_declared_where_they_are_offered(
    era: str, tools: str, resources: dict[str, bool]
) -> None:
    """List changes never are."""
    async with manual_clock_server(TRAX_TOOLS=tools, TRAX_ASK="form") as front:
        assert await capabilities(front, era) == {
            "completions": {},
            "prompts": {"listChanged": False},
            "resources": resources,
            "tools": {"listChanged": False},
        }
