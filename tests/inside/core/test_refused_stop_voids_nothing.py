"""A stop that TRaX refuses changes nothing for others. A stop is to void older yeses at once."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio

from tests.support.concurrency import Paused, begin
from tests.support.consent_clients import in_memory, status_and_reason
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault

REFUSAL: Final = Fault.error(429, "rate_limited", Retry_After="60")


async def test_it_does_not_end_the_observation_of_a_go_live() -> None:
    """The go-live is observed until it is on air."""
    held = Paused()
    async with in_memory() as clients:
        observing = partial(clients.trax.faults.add, held.fault, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        clients.trax.faults.add(REFUSAL, times=None, path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(clients.confirmed, GO_LIVE))
            await held.arrived()
            stopped = await clients.confirmed(GO_OFFLINE)
            assert status_and_reason(stopped) == ("failed", "rate_limited")
            held.release()
        assert clients.sent[:2] == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert went_live[0].structured_content["observed"]["state"] == "on_air"


async def test_it_voids_no_confirmation_of_a_go_live() -> None:
    """The person need not be asked once more."""
    async with in_memory() as clients:
        to_start = await clients.confirmation(GO_LIVE)
        clients.trax.faults.add(REFUSAL, path="*/go-offline")
        stopped = await clients.confirmed(GO_OFFLINE)
        assert status_and_reason(stopped) == ("failed", "rate_limited")
        assert status_and_reason(await clients.use(GO_LIVE, to_start)) == ("ran", None)
