"""The engine is away, full or silent: reads and stops go on, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.engine_proxy import engine_proxy
from proof.replicas.presses import (
    EXPIRED,
    RAN,
    UNAVAILABLE,
    consent,
    outcome,
    press,
    press_when_back,
    preview,
)
from proof.replicas.replica_setup import until_told
from tests.support.consent_clients import status_and_reason
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, STUDIO
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person, agreeing, refusing

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas
    from tests.world.wire import HttpWire

SOON_SECONDS: Final = 3.0
AWAY: Final = "The engine at TRAX_STORE_URL does not answer: guarded calls but stops are refused."
BACK: Final = "The engine at TRAX_STORE_URL answers again."

pytestmark = pytest.mark.usefixtures("on_air_at_once")


async def asked(caller: HttpWire) -> object:
    """What comes of a guarded call without a yes."""
    return outcome(await caller.call(GO_LIVE.tool, **GO_LIVE.arguments))


async def test_reads_and_stops_go_on_without_the_engine_and_nothing_else(
    replicas: Replicas,
) -> None:
    """A stop's yes from before works, given at one replica and pressed at the other; once there."""
    a, b = [await replicas.caller(it) for it in replicas.both]
    assert await consent(a, GO_LIVE) == RAN
    stop = await preview(a, GO_OFFLINE)
    await replicas.engine.kill()
    for look in ("check_studio", "get_stream_status"):
        assert outcome(await b.call(look, **STUDIO)) == RAN
    assert await asked(b) == UNAVAILABLE
    assert await press(b, GO_OFFLINE, stop) == RAN
    assert await press(b, GO_OFFLINE, stop) != RAN
    assert await consent(b, GO_OFFLINE) == RAN
    assert replicas.changes == {GO_LIVE.sent: 1, GO_OFFLINE.sent: 2}
    await until_told(replicas.a.address, "away")
    await replicas.engine.start()
    await until_told(replicas.a.address, "ok")
    assert await press_when_back(b, GO_LIVE, "of before") == EXPIRED
    with anyio.fail_after(PATIENCE_SECONDS):
        while (again := await consent(b, GO_LIVE)) == EXPIRED:
            pass  # the engine was told of the stops meanwhile
    assert again == RAN
    told = [it for it in (AWAY, BACK) for line in replicas.a.running.stderr.all if it in line]
    assert told == [AWAY, BACK]


async def test_the_metrics_say_whether_the_engine_answers(replicas: Replicas) -> None:
    measured = await replicas.start(TRAX_METRICS_PORT="0")
    url = (await measured.running.stderr.match(r"metrics at (http://[\d.]+:\d+)/metrics"))[1]
    async with plain_http(url) as http:

        async def until_up(value: str) -> None:
            with anyio.fail_after(PATIENCE_SECONDS):
                while f"\ntrax_mcp_engine_up {value}\n" not in (await http.get("/metrics")).text:  # noqa: ASYNC110  it can only be asked
                    await anyio.sleep(0.02)

        await until_up("1.0")
        await replicas.engine.kill()
        await until_up("0.0")
        await replicas.engine.start()
        await until_up("1.0")


async def test_a_form_asks_about_a_stop_without_the_engine(replicas: Replicas) -> None:
    person = Person()
    async with replicas.client(replicas.a, person=person) as client:
        await client.call_tool("list_studios", {})
        await replicas.engine.kill()
        person.answer_with(refusing)
        refused = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
        assert status_and_reason(refused) == ("declined", "declined")
        assert replicas.changes == {}
        person.answer_with(agreeing)
        done = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
        assert status_and_reason(done) == RAN
    assert replicas.changes == {GO_OFFLINE.sent: 1}


async def test_an_engine_without_memory_keeps_no_yes_and_answers_when_it_has_some(
    replicas: Replicas,
) -> None:
    """`GET /readyz` says so. Chat is read all the same."""
    a = await replicas.caller(replicas.a)
    async with replicas.engine.client() as client:
        await client.config_set("maxmemory", 1)
        await until_told(replicas.a.address, "away")
        assert await asked(a) == UNAVAILABLE
        chat = await a.call("wait_for_chat_messages", **STUDIO, timeoutSeconds=1)
        assert not chat.get("isError")
        await client.config_set("maxmemory", 0)
    await until_told(replicas.a.address, "ok")
    assert await consent(a, GO_LIVE) == RAN


async def test_connections_that_fell_silent_are_given_up_together(replicas: Replicas) -> None:
    """As when the machine of the engine fails: nobody closes them."""
    async with engine_proxy(replicas.engine) as proxy:
        a = await replicas.caller(await replicas.start(TRAX_STORE_URL=proxy.url))
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(asked, a)
        proxy.silence()
        assert await asked(a) == UNAVAILABLE
        began = time.monotonic()
        with anyio.fail_after(PATIENCE_SECONDS):
            while await asked(a) == UNAVAILABLE:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.02)
        assert time.monotonic() - began < SOON_SECONDS
        assert await consent(a, GO_LIVE) == RAN
