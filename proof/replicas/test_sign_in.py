"""People sign in at one process beside the replicas, which is ended and started elsewhere."""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from proof.replicas.panel_client import APPS, PanelClient
from proof.replicas.presses import (
    EXPIRED,
    RAN,
    UNAVAILABLE,
    USED,
    consent,
    outcome,
    press,
    preview,
    until,
)
from proof.replicas.replica_setup import until_told
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, STUDIO, GuardedOperation
from tests.support.hosted_process import HostedServer, hosted_server
from tests.support.loopback_ports import held_port
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_app import plain_http
from tests.world.oauth import OAuthSteps
from tests.world.wire import LEGACY, MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from proof.replicas.replica_setup import Replicas

Tokens = dict[str, Any]

UNLINK: Final = GuardedOperation(
    "unlink_connection", {"connectionId": "conn_3"}, "DELETE /v1/connections/conn_3", {}
)
"""A call that changes nothing of what a go-live shows, nor is changed by it."""
LOOKS: Final = 10
"""A call that looks at a question so often waits for its answer."""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("on_air_at_once"),
]


def hosted(
    replicas: Replicas, folder: Path, port: int | None = None
) -> AbstractAsyncContextManager[HostedServer]:
    """A process where people sign in, with its two files in a folder, on the replicas' engine."""
    settings = {**replicas.settings, "TRAX_SIGN_IN_REGISTRATION": "1", "TRAX_ASK": "panel"}
    return hosted_server(folder, settings=settings, port=port)


@asynccontextmanager
async def clients(server: HostedServer, era: str, *people: Tokens) -> AsyncIterator[list[HttpWire]]:
    """For each person, a client without panels and one with them."""
    async with plain_http(server.address) as http:
        found = []
        for tokens in people:
            for capabilities in ({}, APPS):
                caller = HttpWire(http, era, authorization=f"Bearer {tokens['access_token']}")
                await caller.open(capabilities)
                found.append(caller)
        yield found


@pytest.mark.parametrize(
    ("era", "how"), [(MODERN, signal.SIGKILL), (LEGACY, signal.SIGTERM)], ids=["killed", "ended"]
)
async def test_a_cold_standby_goes_on_with_tokens_yeses_and_questions(
    shared_replicas: Replicas, tmp_path: Path, era: str, how: signal.Signals
) -> None:
    """It has the same two files and address. No secret of it all was ever at the engine."""
    shared_replicas.trax.reset()
    earlier = shared_replicas.changes
    bot = await shared_replicas.caller(shared_replicas.a)
    async with shared_replicas.engine.commands() as seen, AsyncExitStack() as stack:
        port = stack.enter_context(held_port())
        async with (
            hosted(shared_replicas, tmp_path, port) as first,
            OAuthSteps(first.address) as steps,
        ):
            await steps.register()
            tokens = await steps.sign_in(SANDBOX_KEY)
            others = await steps.sign_in(SECOND_KEY)
            async with (
                clients(first, era, tokens) as (before, drawing),
                anyio.create_task_group() as tasks,
            ):
                yes, panel = await preview(before, GO_LIVE), PanelClient(drawing)
                ticket = await panel.asked(UNLINK.tool, **UNLINK.arguments)
                await panel.show(ticket)
                tasks.start_soon(wait_in_vain, panel)
                begun = looks_at_questions(seen)
                await until(lambda: looks_at_questions(seen) > begun + LOOKS)
                await first.process.stop(how)
        async with (
            hosted(shared_replicas, tmp_path, port) as second,
            OAuthSteps(second.address, client_id=steps.client_id) as steps,
            clients(second, era, tokens, others) as (after, drawing, stranger, strange),
        ):
            if era == LEGACY:
                after.session, again = before.session, after.session
                assert (await after.post(tool_call(era, "list_studios"))).status_code == 404
                after.session = again
            for other in (stranger, bot):
                assert await press(other, GO_LIVE, yes) == EXPIRED
            assert (await PanelClient(strange).press(ticket))["phase"] == "gone"
            assert shared_replicas.changes == earlier
            refreshed = (await steps.refresh(tokens["refresh_token"])).json()
            after.headers["authorization"] = f"Bearer {refreshed['access_token']}"
            assert await press(after, GO_LIVE, yes) == RAN
            assert await press(after, GO_LIVE, yes) == USED
            panel = PanelClient(drawing)
            assert (await panel.say(ticket, (await panel.show(ticket))["yes"]))["phase"] == "ended"
            assert await consent(bot, GO_OFFLINE) == RAN
        held = await shared_replicas.engine.contents()
    sent_once = {it.sent: 1 for it in (GO_LIVE, UNLINK, GO_OFFLINE)}
    assert shared_replicas.changes - earlier == sent_once
    given = [it[kind] for it in (tokens, others, refreshed) for kind in it if "_token" in kind]
    secret = second.secret_file.read_text(encoding="utf-8").strip()
    named = ("studio_42", "Friday", "The tests", steps.client_id)
    wire = "\n".join(seen)
    assert "EVAL" in wire
    for it in (SANDBOX_KEY, SECOND_KEY, *given, secret, yes, ticket, *named):
        assert it not in wire
        assert it.encode() not in held


def looks_at_questions(seen: list[str]) -> int:
    """How often anybody has looked at a question in the engine."""
    return sum(it.startswith("MGET") and ":question:" in it for it in seen)


async def wait_in_vain(panel: PanelClient) -> None:
    """Make the call again that is asked about: it waits until its process ends."""
    with suppress(httpx.HTTPError, LookupError):
        await panel.call(UNLINK.tool, **UNLINK.arguments)


async def test_who_has_signed_in_reads_and_stops_while_the_engine_is_away(
    shared_replicas: Replicas, tmp_path: Path
) -> None:
    """And others sign in meanwhile. `GET /readyz` says that it is away, and when it is back."""
    shared_replicas.trax.reset()
    earlier = shared_replicas.changes
    async with (
        hosted(shared_replicas, tmp_path) as server,
        OAuthSteps(server.address) as steps,
    ):
        await steps.register()
        tokens = await steps.sign_in(SANDBOX_KEY)
        async with clients(server, MODERN, tokens) as (person, _):
            await shared_replicas.engine.kill()
            await until_told(server.address, "away")
            await steps.sign_in(SECOND_KEY)
            assert outcome(await person.call("check_studio", **STUDIO)) == RAN
            assert outcome(await person.call(GO_LIVE.tool, **STUDIO)) == UNAVAILABLE
            assert await consent(person, GO_OFFLINE) == RAN
            await shared_replicas.engine.start()
            await until_told(server.address, "ok")
    assert shared_replicas.changes - earlier == {GO_OFFLINE.sent: 1}
