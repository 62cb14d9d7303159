"""On a signal, a stdio server answers all open requests before it ends. With real processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.jsonrpc import LEGACY, MODERN, opening, request, tool_call
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import SIGNALS, Running, running
from tests.support.subscribers import CHAT_PATH, STATUS
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.slow

WAITING: Final = 7
LISTENING: Final = 8
STOPPED: Final = -32000


def settings(trax: Sandbox) -> dict[str, str]:
    """Settings with a valid key."""
    return {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}


async def begin_waiting(server: Running, trax: Sandbox, era: str) -> Held:
    """Start a wait for chat that TRaX does not answer. Returns when the call is running."""
    held = Held()
    trax.faults.add(held.fault, path=CHAT_PATH)
    await server.tell(
        tool_call(
            era,
            "wait_for_chat_messages",
            number=WAITING,
            studioId="studio_42",
            after="start",
            timeoutSeconds=55,
        )
    )
    await held.arrived()
    return held


def answer_to(server: Running, number: int) -> dict[str, Any]:
    """The only answer to a request. Asserts that stdout has only protocol messages."""
    messages = [json.loads(line) for line in server.stdout.all]
    assert all(it["jsonrpc"] == "2.0" for it in messages)
    (answer,) = [it for it in messages if it.get("id") == number]
    return dict(answer)


def is_stopping(answer: dict[str, Any]) -> bool:
    """Whether a call ended because the server shut down."""
    error = answer["error"]
    return (error["code"], "server is shutting down" in error["message"]) == (STOPPED, True)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_waiting_call_ends_with_an_error_on_a_signal(number: int) -> None:
    """In the earlier era, with a subscription, which needs no answer."""
    subscribe = request(LEGACY, "resources/subscribe", {"uri": STATUS})
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(*opening(LEGACY))
        assert (await server.ask(subscribe))["result"] == {}
        held = await begin_waiting(server, trax, LEGACY)
        assert await server.stop(number) == 0
        held.release()
    assert is_stopping(answer_to(server, WAITING))
    assert server.stderr.text == ""


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_subscription_ends_with_its_result_on_a_signal(number: int) -> None:
    """In the later era it is an open request, like the call beside it."""
    wanted = {"notifications": {"resourceSubscriptions": [STATUS]}}
    listen = request(MODERN, "subscriptions/listen", wanted, number=LISTENING)
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(listen)
        await server.stdout.match("notifications/subscriptions/acknowledged")
        held = await begin_waiting(server, trax, MODERN)
        assert await server.stop(number) == 0
        held.release()
    about = {"io.modelcontextprotocol/subscriptionId": LISTENING}
    assert answer_to(server, LISTENING)["result"]["_meta"].items() >= about.items()
    assert is_stopping(answer_to(server, WAITING))
    assert server.stderr.text == ""
