"""A replica is killed, or sleeps, in the middle of a call: the other one goes on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from proof.replicas.presses import (
    EXPIRED,
    RAN,
    USED,
    Outcome,
    answer,
    consent,
    outcome,
    press,
    preview,
    until,
)
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replica, Replicas
    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import HttpWire

NOT_KNOWN_SECONDS: Final = 5.0
STOP_SECONDS: Final = 2.5
ASLEEP_SECONDS: Final = 3.0
NOT_KNOWN: Final = "whether the call ran is not known"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Loss:
    """A go-live in a studio of its own at a replica that is about to be lost, and its yes."""

    replicas: Replicas
    lost: Replica
    a: HttpWire
    b: HttpWire
    """The same caller at another replica."""
    start: GuardedOperation
    stop: GuardedOperation
    yes: str

    @classmethod
    async def at(cls, replicas: Replicas) -> Loss:
        """Start a replica, and ask there."""
        start, lost = in_new_studio(replicas, GO_LIVE), await replicas.start()
        a, b = await replicas.caller(lost), await replicas.caller(replicas.b)
        stop = in_studio(GO_OFFLINE, start.arguments["studioId"])
        return cls(replicas, lost, a, b, start, stop, await preview(a, start))

    def fault(self, fault: Fault, end: str) -> None:
        """Let the next request to this end of a path of the studio fail."""
        self.replicas.trax.faults.add(fault, path=f"/v1/studios/{self._studio}/{end}")

    async def press_in_vain(self) -> None:
        """Press the yes on the replica that will be killed."""
        with suppress(httpx.HTTPError):
            await answer(self.a, self.start, self.yes)

    async def is_told_as_not_known(self) -> None:
        """Wait, but not for long, until the other replica says so of the yes."""
        began = time.monotonic()
        while True:
            told = await answer(self.b, self.start, self.yes)
            assert outcome(told) == USED
            if NOT_KNOWN in told["content"][0]["text"]:
                return
            assert time.monotonic() - began < NOT_KNOWN_SECONDS

    @property
    def sent(self) -> int:
        """How often the go-live was sent."""
        return self.replicas.changes[self.start.sent]

    @property
    def is_on_air(self) -> bool:
        """Whether the studio is on air, or about to be."""
        return self.replicas.trax.is_running(self._studio)

    @property
    def _studio(self) -> str:
        return str(self.start.arguments["studioId"])


async def test_a_call_of_a_replica_that_is_killed_while_it_sends_is_not_known_and_never_runs_again(
    shared_replicas: Replicas,
) -> None:
    """The other replica says so within 3 s, and a stop there is sent within 2.5 s."""
    it = await Loss.at(shared_replicas)
    other = await shared_replicas.caller(shared_replicas.b, key=SECOND_KEY)
    stop = await preview(other, it.stop)
    it.fault(Fault.silence(when="after"), "go-live")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.press_in_vain)
        await until(lambda: it.sent)
        it.lost.kill()
        began = time.monotonic()
        tasks.start_soon(press, other, it.stop, stop)
        await until(lambda: shared_replicas.changes[it.stop.sent])
        assert time.monotonic() - began < STOP_SECONDS
        await it.is_told_as_not_known()
    assert await press(it.b, it.start, it.yes) == USED
    assert it.sent == 1
    assert await consent(it.b, it.stop) == RAN
    assert not it.is_on_air


async def test_a_replica_that_is_killed_before_a_call_begins_leaves_the_yes_to_others(
    shared_replicas: Replicas,
) -> None:
    it = await Loss.at(shared_replicas)
    it.fault(Fault.silence(), "destinations")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.press_in_vain)
        await until(lambda: not shared_replicas.trax.faults.pending)
        it.lost.kill()
    assert await press(it.b, it.start, it.yes) == RAN
    assert it.sent == 1


async def test_a_replica_that_is_killed_while_it_observes_leaves_the_yes_used(
    shared_replicas: Replicas,
) -> None:
    """The answer to its go-live had come, so the other one says that it ran."""
    it = await Loss.at(shared_replicas)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(it.press_in_vain)
        await until(lambda: it.sent)
        await until(lambda: shared_replicas.trax.requests[-1].path.endswith("/stream-status"))
        it.lost.kill()
    told = await answer(it.b, it.start, it.yes)
    assert outcome(told) == USED
    assert "the call ran" in told["content"][0]["text"]
    assert it.sent == 1


async def test_a_replica_that_sleeps_while_it_sends_loses_its_turn_and_ends_nothing_of_others(
    shared_replicas: Replicas,
) -> None:
    """Its yes stays used. What it learns after its sleep starts nothing, and hinders no start."""
    it = await Loss.at(shared_replicas)
    held, results = anyio.Event(), []
    it.fault(Fault.delay(held, when="after"), "go-live")

    async def press_at_a() -> None:
        results.append(await answer(it.a, it.start, it.yes))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_at_a)
        await until(lambda: it.sent)
        it.lost.suspend()
        await anyio.sleep(ASLEEP_SECONDS)  # it must be taken for gone
        began = time.monotonic()
        assert await consent(it.b, it.stop) == RAN
        assert time.monotonic() - began < STOP_SECONDS + 2 * 1.0  # it is seen off the air
        assert await press(it.b, it.start, it.yes) == USED
        it.lost.resume()
        held.set()
    assert results[0]["structuredContent"]["observed"]["state"] == "stopping"
    assert await press(it.b, it.start, it.yes) == USED
    await preview(it.b, it.start)
    assert it.sent == 1
    assert not it.is_on_air


async def test_a_replica_that_sleeps_before_a_stop_does_not_start_after_it(
    shared_replicas: Replicas,
) -> None:
    """It was reading facts for a go-live. A stop has come past the yes meanwhile."""
    it = await Loss.at(shared_replicas)
    held, results = anyio.Event(), list[Outcome]()
    it.fault(Fault.delay(held), "destinations")

    async def press_at_a() -> None:
        results.append(await press(it.a, it.start, it.yes))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_at_a)
        await until(lambda: not shared_replicas.trax.faults.pending)
        it.lost.suspend()
        assert await consent(it.b, it.stop) == RAN
        held.set()
        await anyio.sleep(ASLEEP_SECONDS)
        it.lost.resume()
    assert results == [EXPIRED]
    assert it.sent == 0
