"""Consent with real processes of `trax-mcp`: over stdio, and at a signal. All else is in memory."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.support.concurrency import Paused, cancel_while_held
from tests.support.consent_clients import audit_lines, status_and_reason
from tests.support.form_requests import choosing, open_wire, response_to
from tests.support.guarded_calls import DELETE_DESTINATION, DELETE_SOURCE, GO_LIVE
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.real_transports import over_stdio
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.support.simulated_person import agreeing, altering
from tests.world.wire import LEGACY, MODERN, HttpWire, read_answer, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation

YES: Final = 'Delete the destination "Main channel"'


def last_line(audit: Path, operation: GuardedOperation) -> dict[str, Any]:
    """The `sent` line of an operation. Asserts that the `sending` line is before it."""
    before, last = audit_lines(audit)[-2:]
    assert [before["event"], last["event"]] == ["sending", "sent"]
    assert before["operation"] == last["operation"] == operation.tool
    return last


async def test_a_process_asks_sends_once_and_finishes_what_was_agreed(tmp_path: Path) -> None:
    """At last the client cancels a call after a yes, and closes the pipe.

    The process writes the outcome before it ends.
    """
    held = Paused()
    async with over_stdio(MODERN, audit=tmp_path / "audit") as clients:
        clients.person.answer_with(altering(str.upper))
        result = await clients.call(GO_LIVE, confirm=True)
        assert status_and_reason(result) == ("declined", "malformed")
        assert clients.sent == []
        on_air = Fault.followed_by(partial(clients.trax.clock.advance, 60))
        clients.trax.faults.add(on_air, path="*/go-live")
        clients.person.answer_with(agreeing)
        assert status_and_reason(await clients.call(GO_LIVE)) == ("ran", None)
        assert clients.sent == [GO_LIVE.sent]
        clients.trax.faults.add(held.fault, method="DELETE")
        call = partial(clients.call, DELETE_DESTINATION)
        await cancel_while_held(call, held, seen=clients.plain.list_tools)
    assert clients.sent == [GO_LIVE.sent, DELETE_DESTINATION.sent]
    last = last_line(tmp_path / "audit", DELETE_DESTINATION)
    assert last["outcome"] == "applied"
    assert last["requestId"] == clients.trax.mutations[-1].request_id


async def test_a_signal_ends_the_process_at_once_on_stdio(tmp_path: Path) -> None:
    """With exit code 0. A call that was sent has an unknown outcome; an open form has no effect."""
    held = Paused()
    async with open_wire(LEGACY, TRAX_AUDIT_LOG=str(tmp_path / "audit")) as wire:
        wire.trax.faults.add(held.fault, method="DELETE")
        await wire.call(DELETE_DESTINATION)
        await wire.server.tell(response_to(await wire.question(), result=choosing(YES)))
        await held.arrived()
        await wire.call(DELETE_SOURCE)
        await wire.question()
        assert await wire.server.stop(signal.SIGTERM) == 0
        assert wire.trax.sent == [DELETE_DESTINATION.sent]
        held.release()
    lines = audit_lines(tmp_path / "audit")
    assert [(it["event"], it["operation"]) for it in lines[-3:]] == [
        ("decided", "delete_source"),
        ("asked", "delete_source"),
        ("sent", "delete_destination"),
    ]
    assert lines[-1]["outcome"] == "unknown"
    assert "Traceback" not in wire.server.stderr.text


async def test_a_signal_ends_the_process_at_once_on_http(tmp_path: Path) -> None:
    """A client that is still connected gets the unknown outcome too."""
    held, audit = Paused(), tmp_path / "audit"
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_AUDIT_LOG": str(audit)}
        async with (
            running("http", "--port", "0", settings=settings) as server,
            plain_http(await server.address()) as http,
        ):
            caller = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
            shown = await caller.call(GO_LIVE.tool, **GO_LIVE.arguments)
            confirmation = shown["structuredContent"]["confirmation"]
            evidence = {"confirm": True, "confirmation": confirmation}
            trax.faults.add(held.fault, method="POST")
            message = tool_call(MODERN, GO_LIVE.tool, number=11, **GO_LIVE.arguments, **evidence)
            call = asyncio.create_task(caller.post(message))
            await held.arrived()
            assert await server.stop(signal.SIGTERM) == 0
            assert trax.sent == [GO_LIVE.sent]
            held.release()
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await call
    assert last_line(audit, GO_LIVE)["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text
    failure = read_answer(answer)["result"]["structuredContent"]["error"]
    assert (failure["code"], failure["outcome"]) == ("timeout", "unknown")
