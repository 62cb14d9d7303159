"""A process that is told to end during an act: at once, and what is known is written down.

Real processes and real signals; TRaX is a sandbox on a port that does not answer.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.acts import DELETE_SOURCE, GO_LIVE
from tests.consent import audited
from tests.front import plain_http
from tests.jsonrpc import FORMS, LEGACY, MODERN, HttpCaller, hello, opening, read_answer, tool_call
from tests.meanwhile import Paused, afterwards
from tests.ports import upstream
from tests.processes import PATIENCE_SECONDS, running
from tests.test_consent_wire import calling, question
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.acts import Act
    from tests.processes import Running
    from trax_mcp.sandbox import Sandbox


@asynccontextmanager
async def process(audit: Path, *command: str) -> AsyncIterator[tuple[Sandbox, Running]]:
    """A process with an audit log, and the sandbox that it talks to."""
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_AUDIT_LOG": str(audit)}
        if not command:
            settings["TRAX_API_KEY"] = SANDBOX_KEY
        async with running(*command, settings=settings) as server:
            yield trax, server


def confirming(shown: dict[str, Any]) -> dict[str, object]:
    """What a yes to a preview lets the model send."""
    return {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}


def closing(audit: Path, act: Act) -> dict[str, Any]:
    """The last line about an act, before which stands that it was about to be sent."""
    before, last = audited(audit)[-2:]
    assert [before["event"], last["event"]] == ["sending", "sent"]
    assert before["operation"] == last["operation"] == act.tool
    return last


@pytest.mark.parametrize("act", [GO_LIVE, DELETE_SOURCE], ids=lambda it: str(it.tool))
async def test_a_signal_during_an_act_ends_the_process_on_stdio(
    era: str, act: Act, tmp_path: Path
) -> None:
    """With exit code 0; the act was sent once, and its outcome is written down as unknown."""
    held = Paused()
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(*opening(era))
        shown = await server.ask(tool_call(era, act.tool, number=10, **act.arguments))
        trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
        evidence = confirming(shown["result"])
        await server.tell(tool_call(era, act.tool, number=11, **act.arguments, **evidence))
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        assert [f"{it.method} {it.path}" for it in trax.mutations] == [act.sent]
        held.release()
    assert closing(tmp_path / "audit", act)["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text


async def test_a_signal_during_an_act_ends_the_process_on_http(era: str, tmp_path: Path) -> None:
    """The same; and a caller who can still be told is told that."""
    held, act = Paused(), GO_LIVE
    async with (
        process(tmp_path / "audit", "http", "--port", "0") as (trax, server),
        plain_http(await server.address()) as http,
    ):
        caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY)
        await caller.open()
        evidence = confirming(await caller.call(act.tool, **act.arguments))
        trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
        message = tool_call(era, act.tool, number=11, **act.arguments, **evidence)
        call = asyncio.create_task(caller.post(message))
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        assert [f"{it.method} {it.path}" for it in trax.mutations] == [act.sent]
        held.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await call
    assert closing(tmp_path / "audit", act)["outcome"] == "unknown"
    assert "Traceback" not in server.stderr.text
    if era == MODERN:  # an earlier caller's stream of events may be ended before that
        failure = read_answer(answer)["result"]["structuredContent"]["error"]
        assert (failure["code"], failure["outcome"]) == ("timeout", "unknown")


async def test_a_signal_while_it_is_watched_leaves_what_is_known(tmp_path: Path) -> None:
    """TRaX has accepted the go-live; whether it is on air is not known any more."""
    held, era = Paused(), MODERN
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(*opening(era))
        shown = await server.ask(tool_call(era, "go_live", number=10, **GO_LIVE.arguments))
        watching = afterwards(lambda: trax.faults.add(held.fault, path="*/stream-status"))
        trax.faults.add(watching, path="*/go-live")
        evidence = confirming(shown["result"])
        await server.tell(tool_call(era, "go_live", number=11, **GO_LIVE.arguments, **evidence))
        await held.arrived()
        assert await server.stop(signal.SIGTERM) == 0
        held.release()
    last = closing(tmp_path / "audit", GO_LIVE)
    assert (last["outcome"], last["observed"]) == ("applied", "unknown")


async def test_a_signal_while_a_person_is_asked_sends_nothing(tmp_path: Path) -> None:
    """The form is left open, and nothing is ever made of it."""
    async with process(tmp_path / "audit") as (trax, server):
        await server.tell(hello(FORMS), *opening(LEGACY)[1:], calling(LEGACY, number=1))
        await question(server, 1)
        assert await server.stop(signal.SIGTERM) == 0
        assert trax.mutations == []
    assert [it["verdict"] for it in audited(tmp_path / "audit")] == ["Ask"]
