"""People sign in at one process beside the replicas, which is killed and started elsewhere."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from proof.replicas.replicas import (
    EXPIRED,
    UNAVAILABLE,
    USED,
    consent,
    replicas_on,
    until,
    until_shown,
)
from proof.replicas.test_shared_panels import approve
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.support.hosted_process import HostedServer, hosted_server
from tests.support.loopback_ports import held_port
from tests.world.answers import RAN, outcome
from tests.world.oauth import OAuthSteps
from tests.world.panel import TICKET, Panel
from tests.world.replica import Replica
from tests.world.wire import MODERN, HttpWire, read_answer, request
from tests.world.world import COLLEAGUE, MINE, Over, World

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.world.caller import Caller

Tokens = dict[str, Any]

APPS: Final = {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}}
UNLINK: Final = GuardedOperation(
    "unlink_connection", {"connectionId": "conn_3"}, "DELETE /v1/connections/conn_3", {}
)
"""A call that changes nothing of what a go-live shows, nor is changed by it."""
LOOKS: Final = 10
"""A call that looks at a question so often waits for its answer."""

pytestmark = pytest.mark.usefixtures("on_air_at_once")


def hosted(
    it: World, folder: Path, port: int | None = None
) -> AbstractAsyncContextManager[HostedServer]:
    """A process where people sign in, with its two files in a folder, on the replicas' engine."""
    settings = {**it.settings, "TRAX_ASK": "panel,preview"}
    return hosted_server(folder, settings=settings, port=port)


async def test_a_cold_standby_goes_on_with_tokens_approvals_and_questions(
    engine: ThrowawayEngine, tmp_path: Path
) -> None:
    """It has the same two files and address. No secret of it all was ever at the engine."""
    async with (
        replicas_on(engine, over=Over.PROCESS, replicas=1) as it,
        engine.commands() as seen,
        AsyncExitStack() as stack,
    ):
        bot, port = await it.caller(), stack.enter_context(held_port())
        async with hosted(it, tmp_path, port) as first, OAuthSteps(first.address) as steps:
            it.replicas.append(Replica(address=first.address))
            await steps.register()
            tokens, others = [await steps.sign_in(key) for key in (MINE, COLLEAGUE)]
            wire = await it.wire(tokens["access_token"], at=1)
            shown = await wire.call(GO_LIVE.tool, **GO_LIVE.arguments)
            approval = shown["structuredContent"]["confirmation"]
            ticket = (await call_with_panels(wire, UNLINK.tool, **UNLINK.arguments))["_meta"][
                TICKET
            ]
            await call_with_panels(wire, "answer_approval", ticket=ticket)
            it.tasks.start_soon(wait_in_vain, wire)
            begun = looks_at_questions(seen)
            await until(lambda: looks_at_questions(seen) > begun + LOOKS)
            first.process.process.kill()
            await first.process.end()
        async with (
            hosted(it, tmp_path, port) as second,
            OAuthSteps(second.address, client_id=steps.client_id) as steps,
        ):
            stranger, their_panels = await both_clients(it, others)
            for other in (stranger, bot):
                assert outcome(await other.use(GO_LIVE, approval)) == EXPIRED
            assert (await Panel(their_panels, ticket).look())["phase"] == "gone"
            assert it.sent == []
            refreshed = (await steps.refresh(tokens["refresh_token"])).json()
            after, drawing = await both_clients(it, refreshed)
            await after.read_preview()
            assert outcome(await after.use(GO_LIVE, approval)) == RAN
            assert outcome(await after.use(GO_LIVE, approval)) == USED
            assert (await approve(Panel(drawing, ticket)))["phase"] == "ended"
            assert await consent(bot, GO_OFFLINE) == RAN
            assert it.sent == [GO_LIVE.sent, UNLINK.sent, GO_OFFLINE.sent]
        held = await engine.contents()
    given = [it[kind] for it in (tokens, others, refreshed) for kind in it if "_token" in kind]
    secret = second.secret_file.read_text(encoding="utf-8").strip()
    named = ("studio_42", "Friday", "The tests", steps.client_id)
    commands = "\n".join(seen)
    assert "EVAL" in commands
    for text in (MINE, COLLEAGUE, *given, secret, approval, ticket, *named):
        assert text not in commands
        assert text.encode() not in held


async def both_clients(it: World, tokens: Tokens) -> tuple[Caller, Caller]:
    """A person's client without panels and one with them, where people sign in."""
    token = tokens["access_token"]
    return await it.caller(token, at=1), await it.caller(token, apps=True, at=1)


async def call_with_panels(wire: HttpWire, tool: str, **arguments: object) -> dict[str, Any]:
    """Call as a client that draws panels."""
    params = {"name": tool, "arguments": arguments}
    message = request(wire.era, "tools/call", params, capabilities=APPS)
    result: dict[str, Any] = read_answer(await wire.post(message))["result"]
    return result


def looks_at_questions(seen: list[str]) -> int:
    """How often anybody has looked at a question in the engine."""
    return sum(it.startswith("EVALSHA") and ":studio:" in it for it in seen)


async def wait_in_vain(wire: HttpWire) -> None:
    """Make the call again that is asked about: it waits until its process ends."""
    with suppress(httpx.HTTPError, LookupError):
        await call_with_panels(wire, UNLINK.tool, **UNLINK.arguments)


async def test_who_has_signed_in_reads_and_stops_while_the_engine_is_away(
    engine: ThrowawayEngine, tmp_path: Path
) -> None:
    """And others sign in meanwhile. `GET /readyz` says that it is away, and when it is back."""
    async with (
        replicas_on(engine, over=Over.PROCESS, replicas=0) as it,
        hosted(it, tmp_path) as server,
        OAuthSteps(server.address) as steps,
    ):
        it.replicas.append(Replica(address=server.address))
        await steps.register()
        person = await it.caller((await steps.sign_in(MINE))["access_token"], era=MODERN)
        await engine.kill()
        await until_shown(server.address, "/readyz", '"store":"away"')
        await steps.sign_in(COLLEAGUE)
        assert outcome(await person.call("check_studio")) == RAN
        assert outcome(await person.call(GO_LIVE)) == UNAVAILABLE
        assert await consent(person, GO_OFFLINE) == RAN
        await engine.start()
        await until_shown(server.address, "/readyz", '"store":"ok"')
        assert it.sent == [GO_OFFLINE.sent]
