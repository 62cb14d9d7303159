"""What replicas know together of a key: in which studios TRaX has accepted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.presses import EXPIRED, RAN, Outcome, outcome, press, preview
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.concurrency import Paused
from tests.support.consent_clients import SECOND_KEY
from tests.support.product.faults import Fault
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas

REFUSED: Final[Outcome] = ("failed", "invalid_key")

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_stop_voids_yeses_also_where_only_another_replica_knows_its_key(
    shared_replicas: Replicas,
) -> None:
    """From the moment in which it is sent, before TRaX has answered there."""
    start = in_new_studio(shared_replicas, GO_LIVE)
    stop = in_studio(GO_OFFLINE, start.arguments["studioId"])
    owner = await shared_replicas.caller(shared_replicas.a)
    yes = await preview(owner, start)
    known_at_a = await shared_replicas.caller(shared_replicas.a, key=SECOND_KEY)
    await preview(known_at_a, stop)
    at_b = await shared_replicas.caller(shared_replicas.b, key=SECOND_KEY)
    faults, held = shared_replicas.trax.faults, Paused()
    faults.add(held.fault, path="*/go-offline")
    faults.add(Fault.error(503, "internal"), times=None)  # so that B learns nothing of the key
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press, at_b, stop, await preview(at_b, stop))
        await held.arrived()
        faults.clear()
        assert await press(owner, start, yes) == EXPIRED
        held.release()


async def test_a_key_that_trax_refuses_voids_no_yes_although_a_replica_knew_it(
    shared_replicas: Replicas,
) -> None:
    start = in_new_studio(shared_replicas, GO_LIVE)
    stop = in_studio(GO_OFFLINE, start.arguments["studioId"])
    owner = await shared_replicas.caller(shared_replicas.a)
    yes = await preview(owner, start)
    revoked = [await shared_replicas.caller(it, key=SECOND_KEY) for it in shared_replicas.both]
    given = await preview(revoked[0], stop)
    key = shared_replicas.trax.world.keys.pop(SECOND_KEY)
    for it in revoked:
        assert await press(it, stop, given) == REFUSED
        asked_anew = await it.call(stop.tool, **stop.arguments)
        assert outcome(asked_anew) == REFUSED
    shared_replicas.trax.world.keys[SECOND_KEY] = key
    assert await press(owner, start, yes) == RAN
