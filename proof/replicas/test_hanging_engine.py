"""The engine hangs, over TLS: no replica ends, stops go out, and all works again afterwards.

Over TLS a connection to an engine that hangs cannot be closed, which once ended replicas.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.presses import (
    EXPIRED,
    RAN,
    UNAVAILABLE,
    consent,
    outcome,
    press,
    preview,
    until,
)
from proof.replicas.replica_setup import open_replicas
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas
    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import HttpWire

PAUSES: Final = 9 if "REPLICAS_WHOLE" in os.environ else 3
HANG_SECONDS: Final = 3.5
STOP_SECONDS: Final = 2.5
IDLE: Final = 12
"""Connections that wait in a replica's pool when the engine begins to hang."""

pytestmark = pytest.mark.usefixtures("on_air_at_once")


@pytest.mark.parametrize("over_tls", [True, False], ids=["TLS", "no TLS"])
async def test_replicas_outlive_an_engine_that_hangs_again_and_again(*, over_tls: bool) -> None:
    """Guarded calls are refused meanwhile."""
    async with open_replicas(over_tls=over_tls) as replicas:
        callers = [await replicas.caller(it) for it in replicas.both]
        for _ in range(PAUSES):
            await one_pause(replicas, callers)
            for it in replicas.both:
                assert it.running.process.returncode is None
                assert "Traceback" not in it.running.stderr.text


async def one_pause(replicas: Replicas, callers: list[HttpWire]) -> None:
    """Let the engine hang, and try everything at each replica, in a studio of its own."""
    starts = [in_new_studio(replicas, GO_LIVE) for _ in callers]
    stops = [in_studio(GO_OFFLINE, it.arguments["studioId"]) for it in starts]
    async with anyio.create_task_group() as tasks:
        for caller, start in zip(callers, starts, strict=True):
            for _ in range(IDLE):
                tasks.start_soon(look, caller, start)
    yeses = [await preview(caller, stop) for caller, stop in zip(callers, stops, strict=True)]
    for caller, start in zip(callers, starts, strict=True):
        await ran_when_back(caller, start)
    replicas.engine.suspend()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, HANG_SECONDS)
            for caller, start, stop, yes in zip(callers, starts, stops, yeses, strict=True):
                for late in (0.0, 0.3, 0.6, 2.0):
                    tasks.start_soon(refused, caller, start, late)
                tasks.start_soon(stopped, replicas, caller, stop, yes)
    finally:
        replicas.engine.resume()
    for caller, start, stop in zip(callers, starts, stops, strict=True):
        await ran_when_back(caller, start)
        assert await consent(caller, stop) == RAN


async def look(caller: HttpWire, operation: GuardedOperation) -> None:
    """Take a connection to the engine. One that is left of the last pause may be found dead now."""
    await caller.call(operation.tool, **operation.arguments)


async def ran_when_back(caller: HttpWire, operation: GuardedOperation) -> None:
    """Ask and say yes until it has run."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while (result := await consent_when_back(caller, operation)) != RAN:
            assert result in {UNAVAILABLE, EXPIRED}


async def refused(caller: HttpWire, operation: GuardedOperation, late: float) -> None:
    """A guarded call is refused."""
    await anyio.sleep(late)
    assert outcome(await caller.call(operation.tool, **operation.arguments)) == UNAVAILABLE


async def stopped(replicas: Replicas, caller: HttpWire, stop: GuardedOperation, yes: str) -> None:
    """A stop whose yes is from before is on the wire in time, and so is one that is asked now."""
    await press_in_time(replicas, caller, stop, yes)
    await press_in_time(replicas, caller, stop, await preview(caller, stop))


async def press_in_time(
    replicas: Replicas, caller: HttpWire, stop: GuardedOperation, yes: str
) -> None:
    sent, began = replicas.changes[stop.sent], time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press, caller, stop, yes)
        await until(lambda: replicas.changes[stop.sent] > sent)
        assert time.monotonic() - began < STOP_SECONDS


async def consent_when_back(caller: HttpWire, operation: GuardedOperation) -> object:
    """A new yes, and what comes of it."""
    shown = await caller.call(operation.tool, **operation.arguments)
    confirmation = shown["structuredContent"].get("confirmation")
    if confirmation is None:
        return outcome(shown)
    return await press(caller, operation, confirmation)
