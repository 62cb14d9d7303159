"""A replica is killed, or sleeps, in the middle of a call: the other one goes on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import mcp_types as types
import pytest

from proof.replicas.engine_proxy import engine_proxy
from proof.replicas.replicas import (
    EXPIRED,
    NOT_KNOWN,
    SOON_SECONDS,
    USED,
    consent,
    in_new_studio,
    in_studio,
    replicas_on,
    until,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.support.product.faults import Fault
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, outcome, state_in, text_of
from tests.world.world import COLLEAGUE, Over, World

if TYPE_CHECKING:
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.world.caller import Caller
    from tests.world.replica import Replica
    from tests.world.wire import HttpWire

ASLEEP_SECONDS: Final = 3.0
KNOWN_SECONDS: Final = 4.0
"""By when others know that a call whose sender is gone has ended."""
RAN_ALREADY: Final = "the call ran"
DIED: Final = 2
"""After so many calls that end by themselves, no later step can be killed."""


@dataclass
class Loss:
    """A go-live in a studio of its own at a replica that is about to be lost, and its approval."""

    it: World
    lost: Replica
    there: HttpWire
    """Its client, which outlives it as the SDK's does not."""
    here: Caller
    """The same caller at another replica."""
    colleague: Caller
    """Somebody else at that one."""
    start: GuardedOperation
    stop: GuardedOperation
    approval: str
    approved_stop: str
    """The colleague's."""
    result: types.CallToolResult | None = None
    """What the lost replica has answered."""
    ended: anyio.Event = field(default_factory=anyio.Event)

    @classmethod
    async def of(cls, it: World, **settings: str) -> Loss:
        """Start a replica, and ask there."""
        start, lost = in_new_studio(it, GO_LIVE), await it.start_replica(**settings)
        there, here = await it.wire(at=len(it.replicas) - 1), await it.caller()
        colleague = await it.caller(COLLEAGUE)
        stop = in_studio(GO_OFFLINE, start.arguments["studioId"])
        shown = await there.call(start.tool, **start.arguments)
        approval = shown["structuredContent"]["confirmation"]
        approved_stop = await colleague.confirmation(stop)
        await here.read_preview()
        return cls(it, lost, there, here, colleague, start, stop, approval, approved_stop)

    def fault(self, fault: Fault, end: str) -> None:
        """Let the next request to this end of a path of the studio fail."""
        self.it.trax.faults.add(fault, path=f"*/{self.start.arguments['studioId']}/{end}")

    def press(self) -> None:
        """Use the approval at the replica that will be lost."""
        self.it.tasks.start_soon(self._press)

    async def _press(self) -> None:
        arguments = {**self.start.arguments, "confirm": True, "confirmation": self.approval}
        with suppress(httpx.HTTPError):
            told = await self.there.call(self.start.tool, **arguments)
            self.result = types.CallToolResult.model_validate(told)
        self.ended.set()

    async def answer(self) -> types.CallToolResult:
        """What it answers after all."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self.ended.wait()
        assert self.result is not None
        return self.result

    async def press_here(self) -> types.CallToolResult:
        """Use it at the other one."""
        return await self.here.use(self.start, self.approval)

    async def is_told(self, *sentences: str, seconds: float = SOON_SECONDS) -> None:
        """Wait, but not for long, until the other replica says one of these of the approval."""
        with anyio.fail_after(seconds):
            while outcome(told := await self.press_here()) == USED:
                if any(sentence in text_of(told) for sentence in sentences):
                    return
        assert outcome(told) == EXPIRED

    @property
    def sent(self) -> int:
        """How often the go-live was sent."""
        return self.it.sent.count(self.start.sent)

    @property
    def is_on_air(self) -> bool:
        """Whether the studio is on air, or about to be."""
        return self.it.trax.is_running(str(self.start.arguments["studioId"]))


async def test_what_a_replica_has_begun_when_it_is_lost_never_runs_again(
    engine: ThrowawayEngine,
) -> None:
    """And what it has not begun is left to others."""
    async with replicas_on(engine, over=Over.PROCESS, replicas=1) as it:
        await killed_while_it_sends(await Loss.of(it))
        await killed_before_it_begins(await Loss.of(it))
        await killed_while_it_observes(await Loss.of(it))


async def killed_while_it_sends(it: Loss) -> None:
    """The other one says that it is not known, and a stop there is sent soon."""
    it.fault(Fault.silence(when="after"), "go-live")
    it.press()
    await until(lambda: it.sent)
    it.lost.kill()
    died = anyio.current_time()
    stopping = it.colleague.start(it.stop, confirm=True, confirmation=it.approved_stop)
    await until(lambda: it.stop.sent in it.it.sent, seconds=SOON_SECONDS)
    await it.is_told(NOT_KNOWN, seconds=KNOWN_SECONDS + died - anyio.current_time())
    await stopping.result()
    assert outcome(await it.press_here()) == USED
    assert it.sent == 1
    assert await consent(it.here, it.stop) == RAN
    assert not it.is_on_air


async def killed_before_it_begins(it: Loss) -> None:
    """It was reading facts, so another one may use the approval."""
    it.fault(Fault.silence(), "destinations")
    it.press()
    await until(lambda: not it.it.trax.faults.pending)
    it.lost.kill()
    assert outcome(await it.press_here()) == RAN
    assert it.sent == 1


async def killed_while_it_observes(it: Loss) -> None:
    """The answer to its go-live had come, so the other one says that it ran."""
    it.press()
    await until(lambda: it.sent)
    await until(lambda: it.it.trax.requests[-1].path.endswith("/stream-status"))
    it.lost.kill()
    await it.is_told(RAN_ALREADY)
    assert it.sent == 1


async def test_a_replica_that_sleeps_while_it_sends_loses_its_turn_and_ends_nothing_of_others(
    engine: ThrowawayEngine,
) -> None:
    """Its approval stays used. What it learns after its sleep starts and hinders nothing."""
    async with replicas_on(engine, over=Over.PROCESS, replicas=1) as world:
        it, held = await Loss.of(world), anyio.Event()
        it.fault(Fault.delay(held, when="after"), "go-live")
        it.press()
        await until(lambda: it.sent)
        it.lost.suspend()
        await anyio.sleep(ASLEEP_SECONDS)  # it must be taken for gone
        with anyio.fail_after(2 * SOON_SECONDS):  # it is seen off the air
            assert await consent(it.here, it.stop) == RAN
        assert outcome(await it.press_here()) == USED
        it.lost.resume()
        held.set()
        assert state_in(await it.answer()) == "stopping"
        assert outcome(await it.press_here()) == USED
        await it.here.preview(it.start)
        assert it.sent == 1
        assert not it.is_on_air


async def test_a_replica_that_sleeps_before_a_stop_does_not_start_after_it(
    engine: ThrowawayEngine,
) -> None:
    """It was reading facts for a go-live. A stop has come past the approval meanwhile."""
    async with replicas_on(engine, over=Over.PROCESS, replicas=1) as world:
        it, held = await Loss.of(world), anyio.Event()
        it.fault(Fault.delay(held), "destinations")
        it.press()
        await until(lambda: not world.trax.faults.pending)
        it.lost.suspend()
        assert await consent(it.here, it.stop) == RAN
        held.set()
        await anyio.sleep(ASLEEP_SECONDS)
        it.lost.resume()
        assert outcome(await it.answer()) == EXPIRED
        assert it.sent == 0


@pytest.mark.nightly
@pytest.mark.usefixtures("on_air_at_once")
@pytest.mark.parametrize("after", [False, True], ids=["before a step", "after a step"])
async def test_a_call_of_a_replica_that_is_killed_at_any_step_runs_once_at_most(
    engine: ThrowawayEngine, *, after: bool
) -> None:
    """Another says soon that it is not known, or runs it if it has not begun."""
    async with replicas_on(engine, over=Over.PROCESS, replicas=1) as it:
        for number in count(1):
            if not await killed_at(it, engine, number, after=after):
                break
        assert number > DIED


async def killed_at(world: World, engine: ThrowawayEngine, number: int, *, after: bool) -> bool:
    """Kill a replica at this step of a go-live, and check the rest. False if it has fewer steps."""
    async with engine_proxy(engine, name=f"proxy_{number}") as proxy:
        it = await Loss.of(world, TRAX_STORE_URL=proxy.url)
        proxy.hold(number, after=after)
        it.press()
        await until(lambda: it.ended.is_set() or proxy.is_holding)
        if it.ended.is_set():
            return False
        it.lost.kill()
    began = time.monotonic()
    assert outcome(await it.colleague.use(it.stop, it.approved_stop)) == RAN
    assert time.monotonic() - began < SOON_SECONDS
    await it.is_told(NOT_KNOWN, *([RAN_ALREADY] if it.sent else []))
    assert it.sent <= 1
    assert not it.is_on_air
    return True
