"""What a process on pipes still answers when a signal ends it: whatever it was asked and has not.

Each test starts a real process. It has little time, and its client is still reading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.audience import CHAT_PATH, STATUS
from tests.jsonrpc import LEGACY, MODERN, opening, request, tool_call
from tests.ports import Held, upstream
from tests.processes import SIGNALS, Running, running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from trax_mcp.sandbox import Sandbox

WAITING: Final = 7
LISTENING: Final = 8
STOPPED: Final = -32000


def settings(trax: Sandbox) -> dict[str, str]:
    """A key that works."""
    return {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}


async def begin_waiting(server: Running, trax: Sandbox, era: str) -> Held:
    """Wait for chat that TRaX does not tell; this is done once the call is under way."""
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
    """The one answer to a request, on a stdout that carries nothing but the protocol."""
    said = [json.loads(line) for line in server.stdout.all]
    assert all(it["jsonrpc"] == "2.0" for it in said)
    (answer,) = [it for it in said if it.get("id") == number]
    return dict(answer)


def is_stopping(answer: dict[str, Any]) -> bool:
    """Whether a call was ended because the server is."""
    error = answer["error"]
    return (error["code"], "server is stopping" in error["message"]) == (STOPPED, True)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_lets_a_call_that_waits_end_with_an_error(number: int) -> None:
    """In the earlier era, with a subscription that needs no end."""
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
async def test_a_signal_lets_a_subscription_end_with_its_result(number: int) -> None:
    """In the later era it is a request that has yet to be answered; as is the call beside it."""
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
