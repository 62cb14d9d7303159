"""A stop and a go-live cross at two replicas. `tests/model` has such races by the hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from proof.replicas.presses import press, preview, until
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.concurrency import Paused
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas

pytestmark = pytest.mark.usefixtures("on_air_at_once")


async def test_a_studio_is_off_air_after_a_stop_that_a_slow_go_live_at_another_replica_follows(
    replicas: Replicas,
) -> None:
    """The stop does not wait for it for long. TRaX receives the go-live after the first stop."""
    held = Paused()
    start = in_new_studio(replicas, GO_LIVE)
    studio = start.arguments["studioId"]
    stop = in_studio(GO_OFFLINE, studio)
    host = await replicas.caller(replicas.a)
    other = await replicas.caller(replicas.b, key=SECOND_KEY)
    yes_to_start, yes_to_stop = await preview(host, start), await preview(other, stop)
    replicas.trax.faults.add(held.fault, path=f"*/{studio}/go-live")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press, host, start, yes_to_start)
        await held.arrived()
        tasks.start_soon(press, other, stop, yes_to_stop)
        await until(lambda: replicas.changes[stop.sent])
        held.release()
    assert replicas.changes[stop.sent] == 2
    assert not replicas.trax.is_running(studio)
