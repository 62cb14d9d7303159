"""`TRAX_CALLS_PER_MINUTE`: a flood is refused, and neither others nor a stop wait for it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp import Client

from tests.support.consent_clients import SECOND_KEY, two_key_sandbox
from tests.support.guarded_calls import GO_OFFLINE
from tests.support.jsonrpc import LEGACY, MODERN, read_answer, request
from tests.support.product.memory import CountedCalls, shared_memories
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.jsonrpc import HttpCaller

MOST: Final = 3
LIMIT: Final = str(MOST)
SENTENCE: Final = (
    "More than 3 calls came with this key in a minute, which is this server's limit and not TRaX's,"
    " so nothing was sent. Call again in 60 s."
)


async def spend(caller: HttpCaller) -> None:
    """Make all calls of a minute, after one with which TRaX accepts the key."""
    for _ in range(MOST + 1):
        assert not (await caller.call("list_studios")).get("isError")


async def code(caller: HttpCaller, tool: str = "list_studios", **arguments: Any) -> str:  # noqa: ANN401
    """`ran`, or the code of the failure."""
    result = await caller.call(tool, **arguments)
    error: dict[str, str] = result["structuredContent"].get("error", {})
    return error.get("code", "ran")


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_call_too_many_is_a_failure_that_says_whose_limit_it_is(era: str) -> None:
    """It is an ordinary result. TRaX gets nothing of it."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller = await front.opened(era, x_api_key=SANDBOX_KEY)
        await spend(caller)
        sent = len(front.keys)
        for tool, arguments in (
            ("list_studios", {}),
            ("find_studio", {"query": "friday"}),
            ("go_live", {"studioId": GO_OFFLINE.arguments["studioId"]}),
        ):
            result = await caller.call(tool, **arguments)
            assert result["isError"]
            assert result["content"] == [{"type": "text", "text": SENTENCE}]
            assert result["structuredContent"] == {
                "error": {
                    "code": "rate_limited",
                    "message": SENTENCE,
                    "retryAfterSeconds": 60.0,
                    "retryable": True,
                    "outcome": "not_applied",
                }
            }
        assert len(front.keys) == sent


async def test_a_minute_later_as_many_calls_run_again() -> None:
    """The minute begins with the first call, and calls that were refused make it no longer."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        await spend(caller)
        front.clock.advance(59.5)
        assert await code(caller) == "rate_limited"
        front.clock.advance(0.5)
        assert [await code(caller) for _ in range(MOST + 1)] == ["ran"] * MOST + ["rate_limited"]


async def test_each_key_has_a_limit_of_its_own() -> None:
    """A flood of one caller takes nothing from another."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        flood, other = (front.caller(MODERN, x_api_key=it) for it in (SANDBOX_KEY, SECOND_KEY))
        await spend(flood)
        for _ in range(20):
            assert await code(flood) == "rate_limited"
        await spend(other)
        assert await code(other) == "rate_limited"


async def test_a_stop_and_its_preview_are_outside_of_the_limit() -> None:
    """They count for nothing either."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller, tool = front.caller(MODERN, x_api_key=SANDBOX_KEY), GO_OFFLINE.tool
        front.trax.go_live()
        for _ in range(MOST + 1):
            shown = await caller.call(tool, **GO_OFFLINE.arguments)
            assert shown["structuredContent"]["status"] == "confirmation_required"
        assert [await code(caller) for _ in range(MOST + 1)] == ["ran"] * MOST + ["rate_limited"]
        shown = await caller.call(tool, **GO_OFFLINE.arguments)
        evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
        done = await caller.call(tool, **GO_OFFLINE.arguments, **evidence)
        assert not done.get("isError")
        assert front.trax.sent == [GO_OFFLINE.sent]


async def test_a_yes_is_not_lost_in_a_flood_of_calls() -> None:
    """Answers in a form and confirmations are counted apart, up to the same number."""
    capable: dict[str, Any] = {"elicitation": {"form": {}}}
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller, go_live = front.caller(MODERN, x_api_key=SANDBOX_KEY), {"studioId": "studio_42"}
        asking = {"name": "go_live", "arguments": go_live}

        async def ask(**answer: object) -> dict[str, Any]:
            message = request(MODERN, "tools/call", {**asking, **answer}, capabilities=capable)
            result: dict[str, Any] = read_answer(await caller.post(message))["result"]
            return result

        asked = await ask()
        form = asked["inputRequests"]["consent"]["params"]["requestedSchema"]
        yes = {"action": "accept", "content": {"choice": form["properties"]["choice"]["enum"][0]}}
        assert [await code(caller) for _ in range(MOST)] == ["ran"] * MOST
        assert await code(caller, "go_live", **go_live) == "rate_limited"
        done = await ask(requestState=asked["requestState"], inputResponses={"consent": yes})
        assert not done.get("isError")
        assert front.trax.sent[-1].endswith("/go-live")
        forged = {"confirm": True, "confirmation": "forged"}
        for _ in range(MOST - 1):
            assert await code(caller, "go_live", **go_live, **forged) == "ran"
        last = await caller.call("go_live", **go_live, **forged)
        assert "More than 3 answers came" in last["content"][0]["text"]


async def test_without_the_setting_there_is_no_limit() -> None:
    async with serving(trax=two_key_sandbox()) as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        assert {await code(caller) for _ in range(30)} == {"ran"}


# Several replicas


@asynccontextmanager
async def replicas() -> AsyncIterator[tuple[HandClock, CountedCalls, list[Client]]]:
    """Two servers that share what they remember, with a client each whose key TRaX accepts."""
    trax = two_key_sandbox()
    clock, limited = HandClock(trax), {"TRAX_CALLS_PER_MINUTE": LIMIT}
    memories = shared_memories(clock)
    counts = memories[0].counts
    assert isinstance(counts, CountedCalls)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                Client(Product(trax, clock, limited, memory=it).server(), mode=MODERN, cache=None)
            )
            for it in memories
        ]
        assert [await ran(it) for it in clients] == [True, True]
        yield clock, counts, clients


async def ran(client: Client) -> bool:
    """Whether one more call ran."""
    return not (await client.call_tool("list_studios", {})).is_error


async def test_replicas_count_together() -> None:
    """Where one of them learns of it a moment later, one call more may run."""
    async with replicas() as (clock, _counts, (here, there)):
        assert [await ran(here) for _ in range(MOST + 1)] == [True] * MOST + [False]
        assert [await ran(there) for _ in range(3)] == [True, False, False]
        clock.advance(60)
        assert [await ran(it) for it in (here, there, here)] == [True] * 3
        assert [await ran(it) for it in (here, there, there)] == [False, True, False]


async def test_a_minute_is_the_same_everywhere() -> None:
    """It ends for a replica that has come late when it ends for the others."""
    async with replicas() as (clock, _counts, (here, there)):
        assert await ran(here)
        clock.advance(50)
        assert [await ran(there) for _ in range(3)] == [True, True, False]
        clock.advance(10)
        assert await ran(there)


async def test_while_the_engine_is_away_each_replica_counts_by_itself() -> None:
    """Nobody is refused for it."""
    async with replicas() as (_clock, counts, (here, there)):
        counts.is_away = True
        for it in (here, there):
            assert [await ran(it) for _ in range(MOST + 1)] == [True] * MOST + [False]
