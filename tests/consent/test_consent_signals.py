"""A signal during a guarded call: the process ends at once and writes the known outcome.

With real processes and a sandbox that does not answer.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.concurrency import Paused
from tests.support.consent_clients import audit_lines
from tests.support.form_requests import calling, question
from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE
from tests.support.jsonrpc import (
    FORMS,
    LEGACY,
    MODERN,
    HttpCaller,
    hello,
    opening,
    read_answer,
    tool_call,
)
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.sandbox import Sandbox
    from tests.support.server_process import Running

pytestmark = pytest.mark.slow


@asynccontextmanager
async def process(audit: Path, *command: str) -> AsyncIterator[tuple[Sandbox, Running]]:
    """A server process with an audit log, and its sandbox."""
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_AUDIT_LOG": str(audit)}
        if not command:
            settings["TRAX_API_KEY"] = SANDBOX_KEY
        async with running(*command, settings=settings) as server:
            yield trax, server


def confirming(shown: dict[str, Any]) -> dict[str, object]:
    """The evidence that confirms a preview."""
    return {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}


def sent_line(audit: Path, operation: GuardedOperation) -> dict[str, Any]:
    """The `sent` line of an operation. Asserts that the `sending` line is before it."""
    before, last = audit_lines(audit)[-2:]
    assert [before["event"], last["event"]] == ["sending", "sent"]
    assert before["operation"] == last["operation"] == operation.tool
    return last


@pytest.mark.parametrize("operation", [GO_LIVE, DELETE_SOURCE], ids=lambda it: str(it.tool))
async def test_a_signal_during_a_call_ends_the_process_on_stdio(
    era: str, operation: GuardedOperation, tmp_path: Path
) -> None:
    """With exit code 0. The call is sent once, and its logged outcome is unknown."""
    held = Paused()
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(*opening(era))
        shown = await server.ask(tool_call(era, operation.tool, number=10, **operation.arguments))
        trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
        evidence = confirming(shown["result"])
        await server.tell(
            tool_call(era, operation.tool, number=11, **operation.arguments, **evidence)
        )
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        assert [f"{it.method} {it.path}" for it in trax.mutations] == [operation.sent]
        held.release()
    assert sent_line(tmp_path / "audit", operation)["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text


async def test_a_signal_during_a_call_ends_the_process_on_http(era: str, tmp_path: Path) -> None:
    """The same. A client that is still connected gets the outcome too."""
    held, operation = Paused(), GO_LIVE
    async with (
        process(tmp_path / "audit", "http", "--port", "0") as (trax, server),
        plain_http(await server.address()) as http,
    ):
        caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY)
        await caller.open()
        evidence = confirming(await caller.call(operation.tool, **operation.arguments))
        trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
        message = tool_call(era, operation.tool, number=11, **operation.arguments, **evidence)
        call = asyncio.create_task(caller.post(message))
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        assert [f"{it.method} {it.path}" for it in trax.mutations] == [operation.sent]
        held.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await call
    assert sent_line(tmp_path / "audit", operation)["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text
    if era == MODERN:  # in the earlier era the event stream may end first
        failure = read_answer(answer)["result"]["structuredContent"]["error"]
        assert (failure["code"], failure["outcome"]) == ("timeout", "unknown")


async def test_a_signal_during_observation_logs_the_outcome_as_applied(tmp_path: Path) -> None:
    """TRaX has accepted the go-live. Whether it is on air is unknown."""
    held, era = Paused(), MODERN
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(*opening(era))
        shown = await server.ask(tool_call(era, "go_live", number=10, **GO_LIVE.arguments))
        observing = Fault.followed_by(lambda: trax.faults.add(held.fault, path="*/stream-status"))
        trax.faults.add(observing, path="*/go-live")
        evidence = confirming(shown["result"])
        await server.tell(tool_call(era, "go_live", number=11, **GO_LIVE.arguments, **evidence))
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        held.release()
    last = sent_line(tmp_path / "audit", GO_LIVE)
    assert (last["outcome"], last["observed"]) == ("applied", "unknown")


async def test_a_signal_while_a_person_is_asked_sends_nothing(tmp_path: Path) -> None:
    """The form stays open without effect."""
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(hello(FORMS), *opening(LEGACY)[1:], calling(LEGACY, number=1))
        await question(server, 1)
        assert await server.stop(signal.SIGTERM) == 0
        assert trax.mutations == []
    assert [it["event"] for it in audit_lines(tmp_path / "audit")] == ["decided", "asked"]
