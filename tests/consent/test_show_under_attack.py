"""Property test: whatever other keys do, stops arrive, and no invalid confirmation runs.

In virtual time: floods, stops of other keys, suspended computers, evicted confirmations and a slow
TRaX, interleaved with one honest caller who goes live and stops.
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
from tests.support.virtual_stage import CUSTOMER, MINE, NO_ACCESS, Stage, stage, status
from tests.support.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from anyio.abc import TaskGroup

pytestmark = pytest.mark.slow

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
class Show:
    """A game: the stage, what the honest caller holds, and what went wrong."""

    it: Stage
    tasks: TaskGroup
    studio: str
    """The customer's own studio."""
    stops: int = 0
    yes: list[Yes] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    void_ran: list[Yes] = field(default_factory=list)

    def start(self, call: Callable[..., Coroutine[object, object, object]], *args: object) -> None:
        """Let something happen meanwhile."""
        self.tasks.start_soon(call, *args)

    # What the honest caller does

    async def preview_go_live(self) -> None:
        """Ask, and keep the yes for later."""
        shown = (await self.it.call(MINE, "go_live")).structured_content or {}
        if "confirmation" in shown:
            clock = self.it.clock
            yes = Yes(shown["confirmation"], clock.seconds(), clock.now(), self.stops)
            self.yes.append(yes)

    async def use_oldest_yes(self) -> None:
        """Use a yes, however old it is. It must not run if a stop has begun since, or too late."""
        if not self.yes:
            return
        yes = self.yes.pop(0)
        clock, before = self.it.clock, len(self.it.times_of("studio_42/go-live"))
        is_old = (
            clock.seconds() - yes.seconds >= LIFETIME_SECONDS
            or (clock.now() - yes.wall).total_seconds() >= LIFETIME_SECONDS
        )
        is_void = is_old or yes.stops != self.stops
        await self.it.use(MINE, "go_live", yes.id)
        if is_void and len(self.it.times_of("studio_42/go-live")) > before:
            self.void_ran.append(yes)

    async def go_live(self) -> None:
        """Go live in the background, unless there is nothing to do."""

        async def ask_and_confirm() -> None:
            shown = (await self.it.call(MINE, "go_live")).structured_content or {}
            if yes := shown.get("confirmation"):
                await self.it.use(MINE, "go_live", yes)

        self.start(ask_and_confirm)

    async def stop(self) -> None:
        """Stop, and take the time until the stop is on the wire."""
        confirmation = await self.it.confirmation(MINE, "go_offline")
        pressed, before = anyio.current_time(), len(self.it.times_of("studio_42/go-offline"))
        result = await self.it.use(MINE, "go_offline", confirmation)
        self.stops += 1
        sent = self.it.times_of("studio_42/go-offline")[before:]
        if status(result) != "ran" or sent[0] - pressed >= LATEST_SECONDS:
            self.late.append(anyio.current_time() - pressed)

    # What happens around

    async def unrelated_stops(self) -> None:
        """A key without access stops the honest caller's studio many times; TRaX refuses."""
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

    async def push_out(self) -> None:
        """The honest caller's assistant asks for more confirmations than are kept."""
        for _ in range(40):
            await self.it.call(MINE, "delete_source", sourceId="source_1")

    async def suspend(self) -> None:
        """The computer sleeps for longer than a yes lives."""
        self.it.clock.suspend(2 * LIFETIME_SECONDS)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await anyio.sleep(seconds)


ACTS: Final = (
    "preview_go_live",
    "use_oldest_yes",
    "go_live",
    "stop",
    "unrelated_stops",
    "unrelated_previews",
    "flood",
    "push_out",
    "suspend",
)
steps = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 200.0])),
    min_size=3,
    max_size=14,
)


async def play(acts: list[tuple[str, float]], *, answers_after: float) -> Show:
    """Play a show, end it with a stop, and let everything come to rest."""
    async with stage(MINE, NO_ACCESS, CUSTOMER) as it:
        made = await it.clients[CUSTOMER].call_tool("create_studio", {"name": "Mine"})
        await it.call(MINE, "get_studio")
        it.slow(answers_after, path="/go-live")
        it.slow(9, path="/chat/messages")
        it.slow(0.5, caller=NO_ACCESS)
        async with anyio.create_task_group() as tasks:
            show = Show(it, tasks, str((made.structured_content or {})["id"]))
            for act, pause in acts:
                await getattr(show, act)()
                await show.wait(pause)
            await show.stop()
        assert not it.is_live, "live at the end"
    return show


@pytest.mark.fuzz
@given(acts=steps, answers_after=st.sampled_from([0.0, 1.0, 5.0, 9.0]))
@unshrunk(30)
def test_no_attack_delays_a_stop_or_runs_an_invalid_confirmation(
    acts: list[tuple[str, float]], answers_after: float
) -> None:
    """The studio is off air in the end, too."""

    async def run() -> None:
        show = await play(acts, answers_after=answers_after)
        assert show.late == []
        assert show.void_ran == []

    run_in_virtual_time(run)
