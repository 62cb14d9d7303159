"""Property test: whatever other keys do, stops arrive, and no invalid confirmation runs.

In virtual time: floods, stops of other keys, suspended computers, evicted confirmations and a slow
TRaX, interleaved with the studio's owner, who goes live and stops.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import unshrunk
from tests.support.product.virtual_time import run_in_virtual_time
from tests.support.virtual_setup import (
    CUSTOMER,
    MINE,
    NO_ACCESS,
    VirtualSetup,
    open_virtual_setup,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from anyio.abc import TaskGroup

LATEST_SECONDS: Final = 2.5
LIFETIME_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Yes:
    """A confirmation of a go-live, with both times of its preview, and the stops until then."""

    id: str
    seconds: float
    wall: datetime
    stops: int


@dataclass(slots=True)
class AttackRun:
    """The setup, the confirmations that the owner holds, and what went wrong."""

    it: VirtualSetup
    tasks: TaskGroup
    studio: str
    """The customer's own studio."""
    stops: int = 0
    yes: list[Yes] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    invalid_ran: list[Yes] = field(default_factory=list)

    def start(self, call: Callable[..., Coroutine[object, object, object]], *args: object) -> None:
        """Make a call in the background."""
        self.tasks.start_soon(call, *args)

    # Steps of the owner

    async def preview_go_live(self) -> None:
        """Ask, and keep the yes for later."""
        shown = (await self.it.call(MINE, "go_live")).structured_content or {}
        if "confirmation" in shown:
            clock = self.it.clock
            yes = Yes(shown["confirmation"], clock.seconds(), clock.now(), self.stops)
            self.yes.append(yes)

    async def use_oldest_yes(self) -> None:
        """Use a yes of any age. It must not run if it has expired, or if a stop has begun since."""
        if not self.yes:
            return
        yes = self.yes.pop(0)
        clock, before = self.it.clock, len(self.it.times_of("studio_42/go-live"))
        is_old = (
            clock.seconds() - yes.seconds >= LIFETIME_SECONDS
            or (clock.now() - yes.wall).total_seconds() >= LIFETIME_SECONDS
        )
        is_invalid = is_old or yes.stops != self.stops
        await self.it.use(MINE, "go_live", yes.id)
        if is_invalid and len(self.it.times_of("studio_42/go-live")) > before:
            self.invalid_ran.append(yes)

    async def go_live(self) -> None:
        """Go live in the background, unless there is nothing to do."""

        async def ask_and_confirm() -> None:
            shown = (await self.it.call(MINE, "go_live")).structured_content or {}
            if yes := shown.get("confirmation"):
                await self.it.use(MINE, "go_live", yes)

        self.start(ask_and_confirm)

    async def stop(self) -> None:
        """Stop, and measure the time until TRaX gets the stop."""
        confirmation = await self.it.confirmation(MINE, "go_offline")
        pressed, before = anyio.current_time(), len(self.it.times_of("studio_42/go-offline"))
        result = await self.it.use(MINE, "go_offline", confirmation)
        self.stops += 1
        sent = self.it.times_of("studio_42/go-offline")[before:]
        if status(result) != "ran" or sent[0] - pressed >= LATEST_SECONDS:
            self.late.append(anyio.current_time() - pressed)

    # Steps of others, and of time

    async def unrelated_stops(self) -> None:
        """A key without access stops the owner's studio many times; TRaX refuses."""
        for _ in range(8):
            self.start(partial(self.it.confirmed, NO_ACCESS, "go_offline"))

    async def unrelated_previews(self) -> None:
        """A key without access asks for more confirmations than are kept."""
        for _ in range(40):
            await self.it.call(NO_ACCESS, "go_offline")

    async def flood(self) -> None:
        """Another customer has many messages in flight."""
        for number in range(60):
            send = partial(
                self.it.call,
                CUSTOMER,
                "send_chat_message",
                studioId=self.studio,
                text=f"Hello {number}",
            )
            self.start(send)

    async def evict(self) -> None:
        """The owner's assistant asks for more confirmations than are kept."""
        for _ in range(40):
            await self.it.call(MINE, "delete_source", sourceId="source_1")

    async def suspend(self) -> None:
        """The computer sleeps for longer than a yes lives."""
        self.it.clock.suspend(2 * LIFETIME_SECONDS)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await anyio.sleep(seconds)


STEPS: Final = (
    "preview_go_live",
    "use_oldest_yes",
    "go_live",
    "stop",
    "unrelated_stops",
    "unrelated_previews",
    "flood",
    "evict",
    "suspend",
)
STEP_LISTS: Final = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 200.0])),
    min_size=3,
    max_size=14,
)


async def run_steps(steps: list[tuple[str, float]], *, answers_after: float) -> AttackRun:
    """Run the steps and a last stop, and wait for all calls."""
    async with open_virtual_setup(MINE, NO_ACCESS, CUSTOMER) as it:
        made = await it.clients[CUSTOMER].call_tool("create_studio", {"name": "Mine"})
        await it.call(MINE, "get_studio")
        it.slow(answers_after, path="/go-live")
        it.slow(9, path="/chat/messages")
        it.slow(0.5, key=NO_ACCESS)
        async with anyio.create_task_group() as tasks:
            attack = AttackRun(it, tasks, str((made.structured_content or {})["id"]))
            for step, pause in steps:
                await getattr(attack, step)()
                await attack.wait(pause)
            await attack.stop()
        assert not it.is_live, "live at the end"
    return attack


@pytest.mark.fuzz
@given(steps=STEP_LISTS, answers_after=st.sampled_from([0.0, 1.0, 5.0, 9.0]))
@unshrunk(50)
def test_no_attack_delays_a_stop_or_runs_an_invalid_confirmation(
    steps: list[tuple[str, float]], answers_after: float
) -> None:
    """The studio is off air in the end, too."""

    async def run() -> None:
        attack = await run_steps(steps, answers_after=answers_after)
        assert attack.late == []
        assert attack.invalid_ran == []

    run_in_virtual_time(run)
