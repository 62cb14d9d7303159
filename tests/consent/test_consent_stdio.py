"""Consent with real processes of `trax-mcp`, since pipes and signals belong to a process."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.support.concurrency import Paused, cancel_while_held
from tests.support.guarded_calls import DELETE_DESTINATION, DELETE_SOURCE, GO_LIVE
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.support.simulated_person import Person, agreeing, altering
from tests.world.answers import RAN, audit_lines, data_of, outcome
from tests.world.wire import LEGACY, StdioWire, choosing, read_answer, response_to, tool_call
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation

YES: Final = "Delete the YouTube destination"


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
    held, audit, person = Paused(), tmp_path / "audit", Person(altering(str.upper))
    async with open_world(MINE, over=Over.STDIO, person=person, TRAX_AUDIT_LOG=str(audit)) as it:
        mine, trax = it[MINE], it.trax
        assert outcome(await mine.call(GO_LIVE, confirm=True)) == ("declined", "malformed")
        assert it.sent == []
        on_air = Fault.followed_by(partial(trax.clock.advance, 60))
        trax.faults.add(on_air, path="*/go-live")
        person.answer_with(agreeing)
        assert outcome(await mine.call(GO_LIVE)) == RAN
        assert it.sent == [GO_LIVE.sent]
        trax.faults.add(held.fault, method="DELETE")
        call = partial(mine.call, DELETE_DESTINATION)
        await cancel_while_held(call, held, seen=mine.client.list_tools)
    assert trax.sent == [GO_LIVE.sent, DELETE_DESTINATION.sent]
    last = last_line(audit, DELETE_DESTINATION)
    assert last["outcome"] == "applied"
    assert last["requestId"] == trax.mutations[-1].request_id


async def test_a_signal_ends_the_process_at_once_on_stdio(tmp_path: Path) -> None:
    """With exit code 0. A call that was sent has an unknown outcome; an open form has no effect."""
    held, audit = Paused(), tmp_path / "audit"
    async with upstream() as trax:
        settings = {
            "TRAX_API_KEY": MINE,
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_AUDIT_LOG": str(audit),
        }
        async with running(settings=settings) as server:
            wire = StdioWire(server, LEGACY)
            await wire.open()
            trax.faults.add(held.fault, method="DELETE")
            for operation in (DELETE_DESTINATION, DELETE_SOURCE):
                await wire.send("tools/call", name=operation.tool, arguments=operation.arguments)
                question = await wire.question()
                if operation is DELETE_DESTINATION:
                    await server.tell(response_to(question, result=choosing(YES)))
                    await held.arrived()
            assert await server.stop(signal.SIGTERM) == 0
            assert trax.sent == [DELETE_DESTINATION.sent]
            held.release()
    lines = audit_lines(audit)
    assert [(it["event"], it["operation"]) for it in lines[-3:]] == [
        ("decided", "delete_source"),
        ("asked", "delete_source"),
        ("sent", "delete_destination"),
    ]
    assert lines[-1]["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text


async def test_a_signal_ends_the_process_at_once_on_http(tmp_path: Path) -> None:
    """A client that is still connected gets the unknown outcome too."""
    held, audit = Paused(), tmp_path / "audit"
    world = partial(open_world, over=Over.PROCESS, TRAX_ASK="confirm_alone")
    async with world(TRAX_AUDIT_LOG=str(audit)) as it:
        caller, process = await it.wire(), it.replicas[0].process
        assert process is not None
        it.trax.faults.add(held.fault, method="POST")
        message = tool_call(it.era, GO_LIVE.tool, number=11, **GO_LIVE.arguments, confirm=True)
        call = asyncio.create_task(caller.post(message))
        await held.arrived()
        assert await process.stop(signal.SIGTERM) == 0
        assert it.sent == [GO_LIVE.sent]
        held.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await call
    assert last_line(audit, GO_LIVE)["outcome"] == "unknown"
    assert "Traceback" not in process.stderr.text
    failure = read_answer(answer)["result"]["structuredContent"]["error"]
    assert (failure["code"], failure["outcome"]) == ("timeout", "unknown")


NEVER_GIVEN: Final = (
    "Not done yet: this server has given no `confirmation` since it started. If your client starts"
    " a new server for each call, no `confirmation` can ever work. Tell the user that the client"
    " must keep one session, or use HTTP. "
)
NO_FORMS: Final[dict[str, Any]] = {}


async def test_a_process_that_never_gave_a_confirmation_says_what_may_be_wrong() -> None:
    """Some frameworks start a process for each call. To one that did give some it is unknown."""
    go_live, found = GO_LIVE.arguments, "AAAAAAAAAAAAAAAAAAAAAA"
    async with upstream() as trax:
        settings = {"TRAX_API_KEY": MINE, "TRAX_BASE_URL": trax.base_url}
        said = []
        for _ in range(2):
            async with running(settings=settings) as server:
                wire = StdioWire(server, LEGACY, NO_FORMS)
                await wire.open()
                yes = {"confirm": True, "confirmation": found}
                first = await wire.call(GO_LIVE.tool, **go_live, **yes)
                again = await wire.call(GO_LIVE.tool, **go_live, **yes)
                said.append([it["structuredContent"]["message"] for it in (first, again)])
                found = again["structuredContent"]["confirmation"]
    assert trax.sent == []
    for first, again in said:
        assert first.startswith(NEVER_GIVEN)
        assert again.startswith(
            "Not done yet: this `confirmation` has expired or isn't valid here."
        )


async def test_over_http_an_unknown_confirmation_is_simply_unknown() -> None:
    """Another replica may have given it, or the server was restarted."""
    async with open_world(MINE, over=Over.HTTP) as it:
        yes = {"confirm": True, "confirmation": "AAAAAAAAAAAAAAAAAAAAAA"}
        answer = await it[MINE].call(GO_LIVE, **yes)
    assert "has expired or isn't valid here" in data_of(answer)["message"]
