"""`TRAX_CALLS_PER_MINUTE` over two replicas: they count together, and no call waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.presses import RAN, press, preview
from proof.replicas.replica_setup import open_replicas
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_OFFLINE
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import read_answer, tool_call

if TYPE_CHECKING:
    from tests.world.wire import HttpWire

pytestmark = pytest.mark.asyncio(loop_scope="module")

THIRD_KEY: Final = "sk_live_sandbox_third"
MOST: Final = 20
LATEST_SECONDS: Final = 2.5
"""A stop is on the wire by then."""
LESS_THAN_THE_ENGINE_GETS: Final = 0.9
"""An engine that does not answer is given up after a second."""
LIMIT: Final = str(MOST)


async def ran(caller: HttpWire) -> bool:
    """Whether one more call ran. Any other failure than the limit is one of the test."""
    response = await caller.post(tool_call(caller.era, "list_studios"))
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return False
    assert not read_answer(response)["result"].get("isError")
    return True


async def test_a_flood_at_one_replica_counts_at_the_other_and_holds_up_nobody_else() -> None:
    """Not another key, and no stop: neither of a third, nor with the very key that floods."""
    async with (
        open_replicas(TRAX_CALLS_PER_MINUTE=LIMIT) as them,
        anyio.create_task_group() as flood,
    ):
        them.trax.add_key(THIRD_KEY)
        a, b = [await them.caller(it) for it in them.both]
        other = await them.caller(them.b, key=SECOND_KEY)
        assert await ran(a)
        assert await ran(b)
        assert sum([await ran(a) for _ in range(3 * MOST)]) == MOST
        more = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await ran(b):
                more += 1
        assert more < MOST
        floods: Counter[bool] = Counter()

        async def call_again_and_again(caller: HttpWire) -> None:
            while True:
                floods[await ran(caller)] += 1

        for replica in them.both * 5:
            flood.start_soon(call_again_and_again, await them.caller(replica))
        assert all([await ran(other) for _ in range(MOST)])
        for count, key in enumerate((SANDBOX_KEY, THIRD_KEY), 1):
            them.trax.go_live()
            here, there = [await them.caller(it, key=key) for it in them.both]
            confirmation = await preview(here, GO_OFFLINE)
            stop = asyncio.create_task(press(there, GO_OFFLINE, confirmation))
            async with asyncio.timeout(LATEST_SECONDS):
                while len(them.trax.sent) < count:  # noqa: ASYNC110  the sandbox has no events
                    await asyncio.sleep(0.01)
            assert await stop == RAN
        assert them.trax.sent == [GO_OFFLINE.sent] * 2
        assert floods[False]
        assert floods[True] <= 2 * MOST  # a minute may have passed
        flood.cancel_scope.cancel()


async def test_no_call_waits_for_an_engine_that_hangs() -> None:
    """Each replica then counts by itself."""
    async with open_replicas(TRAX_CALLS_PER_MINUTE=LIMIT) as them:
        callers = [await them.caller(it) for it in them.both]
        assert all([await ran(it) for it in callers])
        them.engine.suspend()
        counts = []
        for caller in callers:
            counts.append(0)
            for _ in range(MOST + 5):
                async with asyncio.timeout(LESS_THAN_THE_ENGINE_GETS):
                    counts[-1] += await ran(caller)
        assert counts == [MOST, MOST]
        them.engine.resume()
