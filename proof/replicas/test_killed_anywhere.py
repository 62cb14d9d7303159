"""A replica is killed at any of its steps in the engine: what it has begun never runs twice."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from proof.replicas.engine_proxy import engine_proxy
from proof.replicas.presses import RAN, USED, answer, outcome, press, preview, until
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas
    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import HttpWire

NOT_KNOWN_SECONDS: Final = 3.0
STOP_SECONDS: Final = 2.5
NOT_KNOWN: Final = "whether the call ran is not known"
RAN_ALREADY: Final = "the call ran"
DIED: Final = 2
"""After so many calls that end by themselves, no later step can be killed."""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("on_air_at_once"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before a step", "after a step"])
async def test_a_call_of_a_replica_that_is_killed_at_any_step_runs_once_at_most(
    shared_replicas: Replicas, *, after: bool
) -> None:
    """Another says within 3 s that it is not known, or runs it if it has not begun."""
    for number in count(1):
        if not await killed_at(shared_replicas, number, after=after):
            break
    assert number > DIED


async def killed_at(replicas: Replicas, number: int, *, after: bool) -> bool:
    """Kill a replica at this step of a go-live, and check the rest. False if it has fewer steps."""
    start = in_new_studio(replicas, GO_LIVE)
    stop = in_studio(GO_OFFLINE, start.arguments["studioId"])
    async with engine_proxy(replicas.engine, name=f"proxy_{number}_{after}") as proxy:
        dying = await replicas.start(TRAX_STORE_URL=proxy.url)
        a, same = await replicas.caller(dying), await replicas.caller(replicas.b)
        b = await replicas.caller(replicas.b, key=SECOND_KEY)
        yes, yes_to_stop = await preview(a, start), await preview(b, stop)
        proxy.hold(number, after=after)
        is_over = False

        async def press_in_vain() -> None:
            nonlocal is_over
            with suppress(httpx.HTTPError):
                await answer(a, start, yes)
            is_over = True

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(press_in_vain)
            await until(lambda: is_over or proxy.is_holding)
            if is_over:
                return False
            dying.kill()
    began = time.monotonic()
    assert await press(b, stop, yes_to_stop) == RAN
    assert time.monotonic() - began < STOP_SECONDS
    await check_yes(replicas, same, start, yes, began)
    return True


async def check_yes(
    replicas: Replicas, caller: HttpWire, start: GuardedOperation, yes: str, began: float
) -> None:
    """The yes is void by the stop, or it is used and says what came of it, or that is not known."""
    while outcome(told := await answer(caller, start, yes)) == USED:
        said = told["content"][0]["text"]
        if NOT_KNOWN in said or (RAN_ALREADY in said and replicas.changes[start.sent]):
            break
        assert time.monotonic() - began < NOT_KNOWN_SECONDS, said
    assert outcome(told) != RAN
    assert replicas.changes[start.sent] <= 1
    assert not replicas.trax.is_running(start.arguments["studioId"])
