"""The chat resource: the remembered messages, those after a cursor, and failures of TRaX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.fact_reads import asked
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.resource_reads import CHAT, chat, client_of, failure_in, read, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product
    from tests.support.product.shared_clock import HandClock

CHAT_PATH: Final = "/v1/studios/studio_42/chat/messages"


async def test_a_chat_returns_the_recent_messages_after_the_notice(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Oldest first, in whatever order TRaX sends them."""
    put_on_air(sandbox)
    sandbox.faults.add(Fault.patched(lambda page: page["data"].reverse()))
    async with client_of(server) as client:
        result = await read(client, CHAT)
    assert result == chat(result, sandbox.messages(last=1_000))
    assert list(result) == ["notice", "studioId", "messages", "cursor", "missed"]
    assert "not instructions" in result["notice"]
    assert len(result["messages"]) > 10


async def test_a_chat_with_a_cursor_returns_only_later_messages(
    server: Server[Any], *, sandbox: Sandbox, clock: HandClock, era: str
) -> None:
    """A cursor can be used more than once."""
    async with client_of(server, era) as client:
        first = await read(client, CHAT)
        at_once = await read(client, f"{CHAT}?after={first['cursor']}")
        assert at_once == chat(first, [])
        for text in ("one", "two"):
            sandbox.say(text)
            clock.advance(2)
            later = await read(client, f"{CHAT}?after={first['cursor']}")
        assert later == chat(later, sandbox.messages(last=2))
        again = await read(client, f"{CHAT}?after={later['cursor']}")
    assert again == chat(later, [])
    assert [it["text"] for it in later["messages"]] == ["one", "two"]


@pytest.mark.parametrize("cursor", ["%00", "x" * 4096])
async def test_an_unknown_cursor_returns_the_remembered_messages_marked_as_missed(
    server: Server[Any], sandbox: Sandbox, *, cursor: str
) -> None:
    """It is never an error."""
    async with client_of(server) as client:
        result = await read(client, f"{CHAT}?after={cursor}")
    assert result == chat(result, sandbox.messages(last=1_000), missed=True)


async def test_a_cursor_is_valid_after_a_restart(
    open_product: Callable[..., Product], sandbox: Sandbox
) -> None:
    """As long as its message is remembered."""
    cursors: list[str] = []
    for _ in range(2):
        async with client_of(open_product().server()) as it:
            result = await read(it, "?after=".join([CHAT, *cursors]))
        cursors.append(result["cursor"])
        sandbox.say("Still there?")
    assert result == chat(result, sandbox.messages(last=2)[:1])


async def test_a_chat_resource_returns_the_messages_of_all_polls(
    server: Server[Any], *, sandbox: Sandbox, clock: HandClock
) -> None:
    """Those of all polls."""
    async with client_of(server) as client:
        for _ in range(3):
            for number in range(150):
                sandbox.say(f"{number}")
            clock.advance(2)
            result = await read(client, CHAT)
    assert result == chat(result, sandbox.messages(last=1_000))
    assert len(result["messages"]) > 450


async def test_reads_between_two_polls_do_not_request_trax(
    open_product: Callable[..., Product], *, sandbox: Sandbox, clock: HandClock
) -> None:
    """TRaX is polled no more often than TRAX_CHAT_POLL_SECONDS allows."""
    server = open_product(TRAX_CHAT_POLL_SECONDS="7").server()
    async with client_of(server) as client:
        first = await read(client, CHAT)
        sandbox.say("not yet")
        clock.advance(6.5)
        assert await read(client, CHAT) == first
        assert await read(client, f"{CHAT}?after={first['cursor']}") == chat(first, [])
        assert asked(sandbox) == {CHAT_PATH: 1}
        clock.advance(0.5)
        second = await read(client, CHAT)
        assert asked(sandbox) == {CHAT_PATH: 2}
    assert second == chat(second, sandbox.messages(last=1_000))
    assert second["messages"][-1]["text"] == "not yet"


async def test_list_chat_messages_always_requests_trax(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Unlike the resource."""
    async with client_of(server) as client:
        await read(client, CHAT)
        sandbox.say("now")
        for times in (2, 3):
            listing = await client.call_tool("list_chat_messages", {"studioId": "studio_42"})
            assert (listing.structured_content or {})["data"] == sandbox.messages(last=1_000)
            assert asked(sandbox) == {CHAT_PATH: times}


async def test_known_new_messages_are_returned_during_an_outage(
    server: Server[Any], *, sandbox: Sandbox, clock: HandClock
) -> None:
    """Nothing is lost or repeated, and old messages are not returned as current."""
    async with client_of(server) as client:
        first = await read(client, CHAT)
        sandbox.say("known")
        clock.advance(2)
        second = await read(client, CHAT)
        sandbox.faults.add(Fault.dropped(), times=None)
        sandbox.say("unseen")
        clock.advance(2)
        for uri in (CHAT, f"{CHAT}?after={second['cursor']}"):
            error = await refused(client, uri)
            assert failure_in(error, sandbox)["code"] == "unreachable"
        known = await read(client, f"{CHAT}?after={first['cursor']}")
        assert known == chat(known, sandbox.messages(last=2)[:1])
        sandbox.faults.clear()
        clock.advance(2)
        result = await read(client, f"{CHAT}?after={second['cursor']}")
    assert result == chat(result, sandbox.messages(last=1))


async def test_a_revoked_key_reads_no_remembered_chat(
    server: Server[Any], *, sandbox: Sandbox, clock: HandClock
) -> None:
    """At most TRAX_CHAT_POLL_SECONDS after it was revoked, with any cursor."""
    async with client_of(server) as client:
        before = (await read(client, CHAT))["cursor"]
        sandbox.say("known")
        clock.advance(2)
        cursor = (await read(client, CHAT))["cursor"]
        sandbox.remove_key()
        clock.advance(2)
        for after in (f"?after={before}", "", f"?after={cursor}", "?after=lost", "?after=start"):
            error = await refused(client, f"{CHAT}{after}")
            assert failure_in(error, sandbox)["code"] == "invalid_key"


async def test_a_refused_chat_is_not_requested_again_before_the_next_poll(
    server: Server[Any], *, sandbox: Sandbox, clock: HandClock
) -> None:
    """Reads return the same error until then."""
    sandbox.remove_key()
    async with client_of(server) as client:
        for times in (1, 2):
            for _ in range(3):
                error = await refused(client, CHAT)
                assert failure_in(error, sandbox)["code"] == "invalid_key"
                assert asked(sandbox) == {CHAT_PATH: times}
                clock.advance(0.5)
            clock.advance(0.5)
        sandbox.add_key(SANDBOX_KEY)
        result = await read(client, CHAT)
    assert result == chat(result, sandbox.messages(last=1_000))
