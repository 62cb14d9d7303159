"""`TRAX_CALLS_PER_MINUTE`: a flood is refused, and neither others nor a stop wait for it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.support.consent_clients import SECOND_KEY, two_key_sandbox
from tests.support.guarded_calls import GO_OFFLINE
from tests.support.product.faults import Fault
from tests.support.product.local_servers import listening
from tests.support.product.memory import CountedCalls, shared_memories
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import plain_http, sdk_connection, serving
from tests.support.served_sign_in import registered
from tests.world.wire import ERAS, MODERN, HttpWire, read_answer, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

MOST: Final = 3
LIMIT: Final = str(MOST)
SENTENCE: Final = (
    "More than 3 calls came with this key in a minute, which is this server's limit and not TRaX's,"
    " so nothing was sent. Call again in 60 s."
)
DATA: Final = {
    "code": "rate_limited",
    "message": SENTENCE,
    "retryAfterSeconds": 60.0,
    "retryable": True,
    "outcome": "not_applied",
}
JSON: Final = {"content-type": "application/json"}


async def ran(client: Client) -> bool:
    """Whether one more call of the SDK's client was not refused here."""
    with suppress(MCPError):
        await client.call_tool("list_studios", {})
        return True
    return False


async def spend(caller: HttpWire) -> None:
    """Make all calls of a minute, after one with which TRaX accepts the key."""
    for _ in range(MOST + 1):
        assert not (await caller.call("list_studios")).get("isError")


async def code(caller: HttpWire, tool: str = "list_studios", **arguments: Any) -> str:  # noqa: ANN401
    """`ran`, or the code of the error."""
    return code_of(await caller.post(tool_call(caller.era, tool, **arguments)))


def code_of(response: httpx.Response) -> str:
    """`ran`, or the code of the error, which the status must fit."""
    answer = read_answer(response)
    if "error" not in answer:
        assert response.status_code == 200, answer
        return "ran"
    assert response.status_code == 429, answer
    found: str = answer["error"]["data"]["code"]
    return found


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_too_many_is_429_and_says_whose_limit_it_is(era: str) -> None:
    """In both eras, before a stream begins. TRaX gets nothing of it."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller = await front.opened(era, x_api_key=SANDBOX_KEY)
        await spend(caller)
        sent = len(front.keys)
        for number, (tool, arguments) in enumerate(
            (
                ("list_studios", {}),
                ("find_studio", {"query": "friday"}),
                ("go_live", {"studioId": GO_OFFLINE.arguments["studioId"]}),
                ("no_such_tool", {}),
            )
        ):
            response = await caller.post(tool_call(era, tool, number=number, **arguments))
            assert (response.status_code, response.headers["retry-after"]) == (429, "60")
            assert response.json() == {
                "jsonrpc": "2.0",
                "id": number,
                "error": {"code": -32600, "message": SENTENCE, "data": DATA},
            }
        assert len(front.keys) == sent


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_can_tell_this_limit_from_that_of_trax(era: str) -> None:
    """This one is an error of the protocol, with its reason; that of TRaX is a failed tool call."""
    async with (
        serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front,
        sdk_connection(front.address, {"X-API-Key": SANDBOX_KEY}) as connection,
        Client(connection, mode=era, cache=None) as client,
    ):
        assert await ran(client)
        front.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="30"))
        theirs = await client.call_tool("list_studios", {})
        assert theirs.is_error
        failure = (theirs.structured_content or {})["error"]
        assert failure["message"].startswith("TRaX is rate limiting this API key")
        assert (failure["code"], failure["httpStatus"]) == ("rate_limited", 429)
        assert [await ran(client) for _ in range(MOST - 1)] == [True] * (MOST - 1)
        with pytest.raises(MCPError) as ours:
            await client.call_tool("list_studios", {})
        assert (ours.value.error.message, ours.value.error.data) == (SENTENCE, DATA)


async def test_a_page_of_an_allowed_origin_can_read_when_to_call_again() -> None:
    origin = "https://app.example.com"
    async with serving(TRAX_CALLS_PER_MINUTE=LIMIT, TRAX_ALLOWED_ORIGINS=origin) as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY, origin=origin)
        await spend(caller)
        response = await caller.post(tool_call(MODERN, "list_studios"))
        assert response.status_code == 429
        assert response.headers["access-control-allow-origin"] == origin
        exposed = response.headers["access-control-expose-headers"].split(", ")
        assert "Retry-After" in exposed


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


async def test_what_only_looks_like_a_stop_is_limited() -> None:
    """Its name elsewhere in the call, or the one name of two that JSON does not keep."""
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        await spend(caller)
        assert await code(caller, name=GO_OFFLINE.tool) == "rate_limited"
        message = tool_call(MODERN, "list_studios")
        twice = json.dumps(message).replace('"name": "list', '"name": "go_offline", "name": "list')
        escaped = json.dumps(message).replace("tools/call", "tools\\/call")
        for body in (twice, escaped):
            assert body != json.dumps(message)
            response = await front.http.post(
                "/mcp", content=body, headers=caller.all_headers(message) | JSON
            )
            assert code_of(response) == "rate_limited"


@pytest.mark.parametrize("era", ERAS)
async def test_lists_resources_and_answers_in_a_panel_are_outside_of_the_limit(era: str) -> None:
    async with serving(trax=two_key_sandbox(), TRAX_CALLS_PER_MINUTE=LIMIT) as front:
        caller = await front.opened(era, x_api_key=SANDBOX_KEY)
        await spend(caller)
        for _ in range(MOST + 1):
            for method, params in (
                ("tools/list", {}),
                ("resources/list", {}),
                ("resources/read", {"uri": "trax://studios/studio_42"}),
            ):
                answer = read_answer(await caller.post(request(era, method, params)))
                assert "result" in answer, answer
            await caller.call("answer_approval", ticket="none")
        assert await code(caller) == "rate_limited"


async def test_a_person_who_has_signed_in_is_limited_by_their_key(tmp_path: Path) -> None:
    """However many clients they have."""
    async with (
        registered(tmp_path, TRAX_CALLS_PER_MINUTE=LIMIT) as (front, steps),
        front.steps() as more_steps,
    ):
        (await more_steps.register()).raise_for_status()
        tokens = [await client.sign_in(SANDBOX_KEY) for client in (steps, more_steps)]
        callers = [front.signed_in(MODERN, it) for it in tokens]
        callers.append(front.caller(MODERN, x_api_key=SANDBOX_KEY))
        assert [await code(it) for it in callers] == ["ran"] * MOST
        assert {await code(it) for it in callers} == {"rate_limited"}
        shown = await callers[-1].call(GO_OFFLINE.tool, **GO_OFFLINE.arguments)
        assert shown["structuredContent"]["status"] == "confirmation_required"


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
        for nothing in ({}, {"confirmation": None}, {"confirmation": ""}):
            assert await code(caller, "go_live", **go_live, **nothing) == "rate_limited"
        done = await ask(requestState=asked["requestState"], inputResponses={"consent": yes})
        assert not done.get("isError")
        assert front.trax.sent[-1].endswith("/go-live")
        forged: dict[str, Any] = {"confirm": True, "confirmation": "forged"}
        for _ in range(MOST - 1):
            assert await code(caller, "go_live", **go_live, **forged) == "ran"
        last = await caller.post(tool_call(MODERN, "go_live", **{**go_live, **forged}))
        assert "More than 3 answers came" in last.json()["error"]["message"]


async def test_without_the_setting_there_is_no_limit() -> None:
    async with serving(trax=two_key_sandbox()) as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        assert {await code(caller) for _ in range(30)} == {"ran"}


# Several replicas


@asynccontextmanager
async def replicas() -> AsyncIterator[tuple[HandClock, CountedCalls, list[HttpWire]]]:
    """Two servers that share what they remember, with a caller each whose key TRaX accepts."""
    trax = two_key_sandbox()
    clock, limited = HandClock(trax), {"TRAX_CALLS_PER_MINUTE": LIMIT}
    memories = shared_memories(clock)
    counts = memories[0].counts
    assert isinstance(counts, CountedCalls)
    async with AsyncExitStack() as stack:
        callers = []
        for memory in memories:
            app = Product(trax, clock, limited, memory=memory).app()
            address = await stack.enter_async_context(listening(app))
            http = await stack.enter_async_context(plain_http(address))
            callers.append(HttpWire(http, MODERN, x_api_key=SANDBOX_KEY))
        assert [await code(it) for it in callers] == ["ran", "ran"]
        yield clock, counts, callers


async def ran_at(caller: HttpWire) -> bool:
    """Whether one more call ran."""
    return await code(caller) == "ran"


async def test_replicas_count_together() -> None:
    """Where one of them learns of it a moment later, one call more may run."""
    async with replicas() as (clock, _counts, (here, there)):
        assert [await ran_at(here) for _ in range(MOST + 1)] == [True] * MOST + [False]
        assert [await ran_at(there) for _ in range(3)] == [True, False, False]
        clock.advance(60)
        assert [await ran_at(it) for it in (here, there, here)] == [True] * 3
        assert [await ran_at(it) for it in (here, there, there)] == [False, True, False]


async def test_a_minute_is_the_same_everywhere() -> None:
    """It ends for a replica that has come late when it ends for the others."""
    async with replicas() as (clock, _counts, (here, there)):
        assert await ran_at(here)
        clock.advance(50)
        assert [await ran_at(there) for _ in range(3)] == [True, True, False]
        clock.advance(10)
        assert await ran_at(there)


async def test_while_the_engine_is_away_each_replica_counts_by_itself() -> None:
    """Nobody is refused for it."""
    async with replicas() as (_clock, counts, (here, there)):
        counts.is_away = True
        for it in (here, there):
            assert [await ran_at(it) for _ in range(MOST + 1)] == [True] * MOST + [False]
