"""Between two steps of the store anything may happen. Here it does, in every gap of a call.

A client takes a studio live, with a confirmation or with a form. Its call passes eight steps of the
store: look, look, add; then, with the yes, look, look, begin, finish, record. In one of the 16 gaps
around them a rival comes. `GO_LIVE_TABLE` says what becomes of the go-live in each `PHASE`:

    rival           asks             waits                   sends           has sent
    the same yes    -                used                    ran             ran
    another yes     nothing to do    nothing to do           ran             ran
    a stop          ran, after it    expired                 ran, before it  ran, before it
    a change        ran              changed, or asks again  ran             ran
    a cancellation  was not sent     was not sent            ran             ran

A stop passes two steps more: before it begins it waits for a go-live that is being sent, and when
it was sent it asks whether that go-live has ended after it. `STOP_TABLE` is about these 20 gaps.

Further tables are about a stop, a no, a change that needs no yes, `TRAX_CONFIRM=flag`, and a studio
that is seen on air.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast
from unittest.mock import ANY

import anyio
import mcp_types as types
import pytest
from mcp import Client

from tests.conftest import client_on
from tests.support.concurrency import Paused, afterwards, begin
from tests.support.consent_clients import (
    Clients,
    servers,
    status_and_reason,
    text_of,
    two_key_sandbox,
)
from tests.support.faults import Fault
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import HandClock, settled
from tests.support.simulated_person import Person, agreeing, declining, yes_to
from tests.support.yielding_store import YieldingStore
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from tests.support.guarded_calls import GuardedOperation
    from trax_mcp.consent.store import ConsentStore

    Told = tuple[str, str | None]
    Press = Callable[[], Awaitable[object]]
    Rival = Callable[["Scene"], Awaitable[Press]]

Phase = Literal["asks", "waits", "sends", "has sent"]

PHASES: Final[Mapping[Phase, Sequence[str]]] = {
    "asks": (
        "before look 1",
        "after look 1",
        "before look 2",
        "after look 2",
        "before add 1",
    ),
    "waits": (
        "after add 1",
        "before look 3",
        "after look 3",
        "before look 4",
        "after look 4",
        "before begin 1",
    ),
    "sends": ("after begin 1", "before finish 1"),
    "has sent": ("after finish 1", "before record 1", "after record 1"),
}
"""The gaps of a call that runs: before it has its yes, before it begins, in its turn, after it."""

STOP_PHASES: Final[Mapping[Phase, Sequence[str]]] = {
    **PHASES,
    "waits": ("after add 1", "before look 3", "after look 3", "before begin 1"),
    "sends": (
        "after begin 1",
        "before wait_for_go_live 1",
        "after wait_for_go_live 1",
        "before note_overlap 1",
        "after note_overlap 1",
        "before go_live_may_follow 1",
        "after go_live_may_follow 1",
        "before finish 1",
    ),
}
"""The gaps of a stop that runs."""

LAST_GAPS: Final = {phase: gaps[-1:] for phase, gaps in PHASES.items()}
"""One gap of each phase."""

GAPS: Final = tuple(gap for gaps in PHASES.values() for gap in gaps)
STOP_GAPS: Final = tuple(gap for gaps in STOP_PHASES.values() for gap in gaps)

RAN: Final = ("ran", None)
NOTHING_TO_DO: Final = ("nothing_to_do", None)
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
CHANGED: Final = ("confirmation_invalid", "changed")
DECLINED: Final = ("declined", "declined")
GONE: Final = None
"""A client that gave up hears nothing, or too late: in memory, the later era waits for shields."""

LIVE, OFFLINE = GO_LIVE.sent, GO_OFFLINE.sent
NOT_LIVE: Final = Fault.status(200, {"live": False})


# Who calls


@dataclass(slots=True)
class Scene:
    """A client that makes a call with a yes, and a rival that comes in one of its gaps.

    `again` gives the same yes once more; None while the client does not know its confirmation.
    """

    era: str
    clients: Clients
    store: YieldingStore
    client: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    again: Press | None = None
    result: object = None
    rival_result: object = None

    async def play(self, call: Awaitable[object], *, gap: str, rival: Rival) -> None:
        """Make the call, let the rival come in this gap, and wait for both."""
        press = await rival(self)
        async with anyio.create_task_group() as tasks:
            self.store.watch(gap, partial(tasks.start_soon, self._let_in, press))
            with self.client:
                self.result = await call
            assert gap in self.store.passed
            await self.store.left()
        await settled()  # a call that its client has given up may still run

    async def _let_in(self, press: Press) -> None:
        self.rival_result = await press()

    @property
    def sent(self) -> list[str]:
        """The starts and stops that have reached TRaX, in order."""
        return [it for it in self.clients.sent if it in (LIVE, OFFLINE)]

    @property
    def on_air(self) -> bool:
        """Whether the studio is on air or starting."""
        stream = self.clients.trax.world.streams.get("studio_42")
        return stream is not None and stream.running


@asynccontextmanager
async def scene_in(era: str, mode: Mode = Mode.AUTO) -> AsyncIterator[Scene]:
    """A server whose store yields, and its clients. Nothing here may hang."""
    trax = two_key_sandbox()
    clock, person = HandClock(trax), Person()
    store = YieldingStore(MemoryStore(clock))
    deps = ServerDeps(rules=Rules(mode), clock=clock, store=cast("ConsentStore", store))
    mine, theirs = servers(client_on(trax), deps)
    with anyio.fail_after(PATIENCE_SECONDS):
        async with (
            Client(mine, mode=era, cache=None) as plain,
            Client(mine, mode=era, cache=None, elicitation_callback=person) as asking,
            Client(theirs, mode=era, cache=None) as other,
        ):
            yield Scene(era, Clients(trax, clock, plain, asking, other, person, deps), store)


async def with_confirmation(scene: Scene, act: GuardedOperation) -> object:
    """Call, and call again with the confirmation."""
    shown = await scene.clients.call(act)
    if status_and_reason(shown) != ("confirmation_required", None):
        return shown
    confirmation = (shown.structured_content or {})["confirmation"]
    scene.again = partial(scene.clients.call, act, confirm=True, confirmation=confirmation)
    return await scene.again()


async def with_form(scene: Scene, act: GuardedOperation) -> object:
    """Call, and choose the act in each form."""
    if scene.era == LEGACY:
        scene.clients.person.answer_with(agreeing)
        return await scene.clients.call(act, scene.clients.asking)
    result = await scene.clients.answer(act)
    while isinstance(result, types.InputRequiredResult):
        said: types.InputResponses = {"consent": yes_to(result)}
        scene.again = partial(scene.clients.answer, act, result.request_state, said)
        result = await scene.again()
    return result


async def with_a_no(scene: Scene, act: GuardedOperation) -> object:
    """Call, and decline the form."""
    if scene.era == LEGACY:
        scene.clients.person.answer_with(declining)
        return await scene.clients.call(act, scene.clients.asking)
    asked = await scene.clients.answer(act)
    if not isinstance(asked, types.InputRequiredResult):
        return asked
    yes: types.InputResponses = {"consent": yes_to(asked)}
    scene.again = partial(scene.clients.answer, act, asked.request_state, yes)
    no: types.InputResponses = {"consent": types.ElicitResult(action="decline")}
    return await scene.clients.answer(act, asked.request_state, no)


WAYS: Final = {"confirmation": with_confirmation, "form": with_form}


# Who comes between


async def the_same_yes(scene: Scene) -> Press:
    """The same confirmation, from the same client."""

    async def press() -> object:
        assert scene.again is not None
        return await scene.again()

    return press


async def another_yes(scene: Scene, act: GuardedOperation = GO_LIVE) -> Press:
    """Another caller's call, with a confirmation of its own from before."""
    confirmation = await scene.clients.confirmation(act, client=scene.clients.other)
    return partial(
        scene.clients.call, act, scene.clients.other, confirm=True, confirmation=confirmation
    )


async def a_change(scene: Scene, act: GuardedOperation) -> Press:
    """Another caller's change, with a yes if it needs one."""

    async def change() -> object:
        result = await scene.clients.call(act, scene.clients.other)
        confirmation = (result.structured_content or {}).get("confirmation")
        if confirmation is None:
            return result
        evidence = {"confirm": True, "confirmation": confirmation}
        return await scene.clients.call(act, scene.clients.other, **evidence)

    return change


async def a_cancellation(scene: Scene) -> Press:
    """The client of the call gives up."""

    async def give_up() -> None:
        scene.client.cancel()

    return give_up


async def a_go_live_with_a_new_yes(scene: Scene) -> object:
    """Another caller previews a go-live, and agrees."""
    confirmation = await scene.clients.confirmation(GO_LIVE, client=scene.clients.other)
    evidence = {"confirm": True, "confirmation": confirmation}
    return await scene.clients.call(GO_LIVE, scene.clients.other, **evidence)


async def a_stop_and_another_start(scene: Scene) -> Press:
    """Another caller stops, and starts again. The start is not seen on air for now."""
    clients = scene.clients

    async def restart() -> list[object]:
        stopped = await clients.confirmed(GO_OFFLINE)
        confirmation = await clients.confirmation(GO_LIVE, client=clients.other)
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        started = await clients.call(
            GO_LIVE, clients.other, confirm=True, confirmation=confirmation
        )
        return [status_and_reason(stopped), status_and_reason(started)]

    return restart


async def a_look_by_another(scene: Scene) -> Press:
    """Another caller asks to go live, and so sees the studio on air."""

    async def see() -> Told:
        return status_and_reason(await scene.clients.call(GO_LIVE, scene.clients.other))

    return see


RIVALS: Final[Mapping[str, Rival]] = {
    "the same yes": the_same_yes,
    "another yes": another_yes,
    "a stop": partial(another_yes, act=GO_OFFLINE),
    "another destination": partial(
        a_change, act=GUARDED_OPERATIONS["update_destination, enabled, on air"]
    ),
    "another address": partial(a_change, act=GUARDED_OPERATIONS["update_source, url, on air"]),
    "a cancellation": a_cancellation,
}


# What comes of it


class End(NamedTuple):
    """What the client is told, what the rival is told, and what was sent."""

    told: Told | None
    rival: Told | None
    sent: tuple[str, ...]


BOTH_RAN: Final = End(RAN, RAN, (LIVE,))
NOT_AS_SHOWN: Final = End(CHANGED, RAN, ())
"""With a form the person is asked again, agrees again, and `BOTH_RAN`."""

_CHANGE: Final[Mapping[Phase, End]] = {
    "asks": BOTH_RAN,
    "waits": NOT_AS_SHOWN,
    "sends": End(RAN, ANY, (LIVE,)),  # the rival runs, unless it sees the studio on air by then
    "has sent": BOTH_RAN,
}

GO_LIVE_TABLE: Final[Mapping[str, Mapping[Phase, End]]] = {
    "the same yes": {
        "waits": End(USED, RAN, (LIVE,)),
        "sends": End(RAN, USED, (LIVE,)),
        "has sent": End(RAN, USED, (LIVE,)),
    },
    "another yes": {
        "asks": End(NOTHING_TO_DO, RAN, (LIVE,)),
        "waits": End(NOTHING_TO_DO, RAN, (LIVE,)),
        "sends": End(RAN, NOTHING_TO_DO, (LIVE,)),
        "has sent": End(RAN, NOTHING_TO_DO, (LIVE,)),
    },
    "a stop": {
        "asks": End(RAN, RAN, (OFFLINE, LIVE)),
        "waits": End(EXPIRED, RAN, (OFFLINE,)),
        "sends": End(RAN, RAN, (LIVE, OFFLINE)),
        "has sent": End(RAN, RAN, (LIVE, OFFLINE)),
    },
    "another destination": _CHANGE,
    "another address": _CHANGE,
    "a cancellation": {
        "asks": End(GONE, GONE, ()),
        "waits": End(GONE, GONE, ()),
        "sends": End(ANY, GONE, (LIVE,)),
        "has sent": End(ANY, GONE, (LIVE,)),
    },
}

STOP_TABLE: Final[Mapping[str, Mapping[Phase, End]]] = {
    "the same yes": {
        "waits": End(USED, RAN, (OFFLINE,)),
        "sends": End(RAN, USED, (OFFLINE,)),
        "has sent": End(RAN, USED, (OFFLINE,)),
    },
    "another yes": {
        "asks": End(RAN, RAN, (LIVE, OFFLINE)),
        "waits": End(RAN, RAN, (LIVE, OFFLINE)),
        "sends": End(RAN, EXPIRED, (OFFLINE,)),
        "has sent": End(RAN, EXPIRED, (OFFLINE,)),
    },
    "a stop": dict.fromkeys(PHASES, End(RAN, RAN, (OFFLINE, OFFLINE))),
    "another destination": dict.fromkeys(PHASES, End(RAN, RAN, (OFFLINE,))),
    "a cancellation": {
        "asks": End(GONE, GONE, ()),
        "waits": End(GONE, GONE, ()),
        "sends": End(ANY, GONE, (OFFLINE,)),
        "has sent": End(ANY, GONE, (OFFLINE,)),
    },
}


def every_gap(
    table: Mapping[str, Mapping[Phase, End]],
    phases: Mapping[Phase, Sequence[str]],
    ways: Iterable[tuple[str, str]],
) -> Iterator[Any]:
    """Combine the ways with rivals and gaps, as far as they exist."""
    for (era, way), (rival, ends) in product(ways, table.items()):
        for phase, end in ends.items():
            for gap in phases[phase]:
                if is_possible(era, way, rival, gap):
                    name = f"{era}, {way}, {rival}, {gap}"
                    yield pytest.param(era, way, rival, gap, end, id=name)


def is_possible(era: str, way: str, rival: str, gap: str) -> bool:
    """The same yes can be given twice only by a client that knows its confirmation."""
    return rival != "the same yes" or (gap != "after add 1" and (era, way) != (LEGACY, "form"))


def outcome(result: object) -> Told | None:
    """What a client is told. None if it gave up."""
    return GONE if result is None else status_and_reason(result)


async def is_usable(scene: Scene) -> None:
    """Stop, and go live once more: no turn is left held, and nothing is pending."""
    scene.clients.clock.advance(60)  # a person may have said no
    if scene.on_air:
        assert outcome(await scene.clients.confirmed(GO_OFFLINE)) == RAN
    assert outcome(await scene.clients.confirmed(GO_LIVE)) == RAN
    assert scene.on_air


# All gaps of a go-live and of a stop


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("act", "gaps"), [(GO_LIVE, GAPS), (GO_OFFLINE, STOP_GAPS)], ids=["go_live", "go_offline"]
)
async def test_a_call_without_rivals_passes_the_gaps_in_order(
    era: str, way: str, act: GuardedOperation, gaps: Sequence[str]
) -> None:
    """The tables have all gaps that there are."""
    async with scene_in(era) as scene:
        scene.store.watch()
        assert outcome(await WAYS[way](scene, act)) == RAN
        assert scene.store.passed == [*gaps]


@pytest.mark.parametrize(
    ("era", "way", "rival", "gap", "end"),
    [
        *every_gap(GO_LIVE_TABLE, PHASES, [(MODERN, "confirmation"), (LEGACY, "form")]),
        *every_gap(GO_LIVE_TABLE, LAST_GAPS, [(MODERN, "form")]),
    ],
)
async def test_a_go_live_with_a_rival_in_a_gap_ends_as_in_the_table(
    era: str, way: str, rival: str, gap: str, end: End
) -> None:
    """At most one go-live per yes is sent, and none after a stop on an older yes."""
    if way == "form" and end is NOT_AS_SHOWN:
        end = BOTH_RAN
    async with scene_in(era) as scene:
        call = WAYS[way](scene, GO_LIVE)
        await scene.play(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(scene.result), outcome(scene.rival_result), tuple(scene.sent)) == end
        assert scene.on_air == (scene.sent[-1:] == [LIVE])
        if rival == "a cancellation" and scene.again is not None:
            assert outcome(await scene.again()) == (USED if end.sent else RAN)
            assert scene.sent == [LIVE]
        await is_usable(scene)


@pytest.mark.parametrize(
    ("era", "way", "rival", "gap", "end"),
    [*every_gap(STOP_TABLE, STOP_PHASES, [(MODERN, "confirmation")])],
)
async def test_a_stop_with_a_rival_in_a_gap_ends_as_in_the_table(
    era: str, way: str, rival: str, gap: str, end: End
) -> None:
    """After the stop the studio is off air. The rival `another yes` is a go-live."""
    async with scene_in(era) as scene:
        call = WAYS[way](scene, GO_OFFLINE)
        await scene.play(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(scene.result), outcome(scene.rival_result), tuple(scene.sent)) == end
        assert not scene.on_air
        if rival == "a cancellation" and scene.again is not None:
            assert outcome(await scene.again()) == (USED if end.sent else RAN)
            assert scene.sent == [OFFLINE]
        await is_usable(scene)


async def test_a_stop_in_the_gap_after_a_go_live_has_finished_ends_its_watch() -> None:
    """The go-live says that the studio is stopping, not that it is starting."""
    async with scene_in(MODERN) as scene:
        call = with_confirmation(scene, GO_LIVE)
        await scene.play(call, gap="after finish 1", rival=RIVALS["a stop"])
        assert isinstance(scene.result, types.CallToolResult)
        assert (scene.result.structured_content or {})["observed"]["state"] == "stopping"


async def test_a_go_live_in_the_gap_after_a_stop_has_finished_is_watched_to_the_end() -> None:
    """Its yes is later than the stop, which ends only the watches of earlier ones."""
    async with scene_in(MODERN) as scene:
        held = Paused()
        hold = partial(scene.clients.trax.faults.add, held.fault, path="*/stream-status")
        scene.clients.trax.faults.add(afterwards(hold), path="*/go-live")

        async def a_later_yes(scene: Scene) -> Press:
            return partial(a_go_live_with_a_new_yes, scene)

        async def stop() -> object:
            result = await with_confirmation(scene, GO_OFFLINE)
            held.release()
            return result

        await scene.play(stop(), gap="after finish 1", rival=a_later_yes)
        assert (outcome(scene.result), outcome(scene.rival_result)) == (RAN, RAN)
        assert scene.sent == [OFFLINE, LIVE]
        assert isinstance(scene.rival_result, types.CallToolResult)
        assert (scene.rival_result.structured_content or {})["observed"]["state"] == "on_air"


async def test_a_refused_call_says_nothing_about_a_later_use_of_its_confirmation() -> None:
    """The confirmation was given back and used again before the refused call ended."""
    async with scene_in(MODERN) as scene:
        refusal = Fault.error(429, "rate_limited", Retry_After="60")
        scene.clients.trax.faults.add(refusal, path="*/go-live")
        call = with_confirmation(scene, GO_LIVE)
        await scene.play(call, gap="after finish 1", rival=the_same_yes)
        assert outcome(scene.result) == ("failed", "rate_limited")
        assert outcome(scene.rival_result) == RAN
        assert scene.again is not None
        again = await scene.again()
        assert isinstance(again, types.CallToolResult)
        assert outcome(again) == USED
        assert "the call ran, and the studio was then on air" in text_of(again)


async def test_a_stop_reads_nothing_after_its_confirmation() -> None:
    """No fact can change a yes to a stop."""
    act = GUARDED_OPERATIONS["delete_source"]
    async with scene_in(MODERN) as scene:
        trax, held = scene.clients.trax, Paused()
        trax.faults.add(held.fault, method="DELETE")
        confirmation = await scene.clients.confirmation(GO_OFFLINE)
        async with anyio.create_task_group() as tasks:
            deleted = begin(tasks, partial(scene.clients.confirmed, act))
            await held.arrived()
            earlier = len(trax.requests)
            scene.store.watch("after look 1", held.release)
            evidence = {"confirm": True, "confirmation": confirmation}
            assert outcome(await scene.clients.call(GO_OFFLINE, **evidence)) == RAN
        assert outcome(deleted[0]) == RAN
        requests = [f"{it.method} {it.path}" for it in trax.requests][earlier:]
    reads = requests[: requests.index(OFFLINE)]
    assert reads == []


async def test_a_stop_without_consent_reads_once_if_another_call_ends() -> None:
    """Otherwise others could put off its question for as long as they act."""
    rival = partial(another_yes, act=GUARDED_OPERATIONS["delete_source"])
    async with scene_in(MODERN) as scene:
        requests = scene.clients.trax.requests
        assert outcome(await scene.clients.confirmed(GO_LIVE)) == RAN
        earlier = len(requests)
        await scene.play(scene.clients.call(GO_OFFLINE), gap="before look 2", rival=rival)
        assert outcome(scene.rival_result) == RAN
        assert outcome(scene.result) == ("confirmation_required", None)
        mine = [it.path for it in list(requests)[earlier:] if it.key_name != "second"]
    assert mine
    assert len(mine) == len({*mine})


@pytest.mark.parametrize(
    "gap",
    [
        "before record 1",
        "after record 1",
    ],
)
async def test_a_go_live_that_is_recorded_late_does_not_hide_a_later_start(gap: str) -> None:
    """It was seen on air. Then it was stopped, and another one is starting."""
    async with scene_in(MODERN) as scene:
        call = with_confirmation(scene, GO_LIVE)
        await scene.play(call, gap=gap, rival=a_stop_and_another_start)
        assert outcome(scene.result) == RAN
        assert scene.rival_result == [RAN, RAN]
        assert outcome(await scene.clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert scene.sent == [LIVE, OFFLINE, LIVE]


# Calls that pass fewer gaps

SHORT_GAPS: Final = ("before look 1", "after look 1", "before look 2", "after look 2", *GAPS[10:])
"""A change that needs no yes, or only the flag: it looks, reads, looks again, and begins."""

NEEDS_YES: Final = End(("confirmation_required", None), RAN, (LIVE,))
CHANGED_FIRST: Final = End(RAN, CHANGED, ())


@pytest.mark.parametrize(
    ("gap", "end"),
    [(gap, NEEDS_YES if gap in GAPS[:11] else CHANGED_FIRST) for gap in SHORT_GAPS],
)
async def test_a_change_needs_consent_if_a_go_live_comes_in_a_gap(gap: str, end: End) -> None:
    """It needed none off air. If the change comes first, the go-live is not as it was shown."""
    act = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with scene_in(MODERN) as scene:
        await scene.play(scene.clients.call(act), gap=gap, rival=another_yes)
        assert End(outcome(scene.result), outcome(scene.rival_result), tuple(scene.sent)) == end
        assert (act.sent in scene.clients.sent) == (end.told == RAN)
        await is_usable(scene)


async def a_stop_by_flag(scene: Scene) -> Press:
    """Another caller stops, where the flag is enough."""
    return partial(scene.clients.call, GO_OFFLINE, scene.clients.other, confirm=True)


STOPPED: Final = End(("confirmation_required", None), RAN, (OFFLINE,))


@pytest.mark.parametrize(
    ("gap", "end"),
    [
        ("before look 1", End(RAN, RAN, (OFFLINE, LIVE))),  # it has not begun to look
        *((gap, STOPPED) for gap in SHORT_GAPS[1:5]),
        *((gap, End(RAN, RAN, (LIVE, OFFLINE))) for gap in SHORT_GAPS[5:]),
    ],
)
async def test_a_stop_in_a_gap_invalidates_the_flag_of_a_go_live(gap: str, end: End) -> None:
    """With `TRAX_CONFIRM=flag` the store keeps no yes that a stop could void."""
    async with scene_in(MODERN, Mode.FLAG) as scene:
        call = scene.clients.call(GO_LIVE, confirm=True)
        await scene.play(call, gap=gap, rival=a_stop_by_flag)
        assert End(outcome(scene.result), outcome(scene.rival_result), tuple(scene.sent)) == end
        assert scene.on_air == (scene.sent[-1:] == [LIVE])
        assert outcome(await scene.clients.call(GO_OFFLINE, confirm=True)) == RAN
        assert outcome(await scene.clients.call(GO_LIVE, confirm=True)) == RAN


async def test_a_preview_shows_a_change_that_ends_while_it_is_made() -> None:
    """With `TRAX_CONFIRM=flag` nothing compares the yes with what was shown."""
    act = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with scene_in(MODERN, Mode.FLAG) as scene:
        rival = partial(a_change, act=act)
        await scene.play(scene.clients.call(GO_LIVE), gap="before look 2", rival=rival)
        assert outcome(scene.rival_result) == RAN
        assert isinstance(scene.result, types.CallToolResult)
        shown = text_of(scene.result)
        assert scene.clients.trax.world.destinations["dest_3"].name in shown


# All gaps of a no

NO_GAPS: Final = (
    *PHASES["asks"],
    *("after add 1", "before look 3", "after look 3", "before discard 1", "after discard 1"),
)
"""A no needs no facts, so after it there is one look."""

NO_TABLE: Final[Mapping[str, Mapping[str, End]]] = {
    "the same yes": {
        "before look 3": End(USED, RAN, (LIVE,)),
        **dict.fromkeys(("after look 3", "before discard 1"), End(DECLINED, RAN, (LIVE,))),
        "after discard 1": End(DECLINED, EXPIRED, ()),
    },
    "another yes": {
        **dict.fromkeys(PHASES["asks"], End(NOTHING_TO_DO, RAN, (LIVE,))),
        **dict.fromkeys(NO_GAPS[5:], End(DECLINED, RAN, (LIVE,))),
    },
    "a stop": {
        **dict.fromkeys(PHASES["asks"], End(DECLINED, RAN, (OFFLINE,))),
        **dict.fromkeys(("after add 1", "before look 3"), End(EXPIRED, RAN, (OFFLINE,))),
        **dict.fromkeys(NO_GAPS[7:], End(DECLINED, RAN, (OFFLINE,))),
    },
    "another destination": dict.fromkeys(NO_GAPS, End(DECLINED, RAN, ())),
    "a cancellation": {
        **dict.fromkeys(NO_GAPS[:-1], End(GONE, GONE, ())),
        NO_GAPS[-1]: End(ANY, GONE, ()),
    },
}


def every_gap_of_a_no() -> Iterator[Any]:
    """Combine rivals and gaps."""
    for rival, ends in NO_TABLE.items():
        for gap, end in ends.items():
            yield pytest.param(rival, gap, end, id=f"{rival}, {gap}")


async def test_a_no_without_rivals_passes_the_gaps_in_order(era: str) -> None:
    """The table has all gaps that there are."""
    async with scene_in(era) as scene:
        scene.store.watch()
        assert outcome(await with_a_no(scene, GO_LIVE)) == DECLINED
        assert scene.store.passed == [*NO_GAPS]


@pytest.mark.parametrize(("rival", "gap", "end"), [*every_gap_of_a_no()])
async def test_a_no_with_a_rival_in_a_gap_ends_as_in_the_table(
    rival: str, gap: str, end: End
) -> None:
    """A no sends nothing. A yes to the same question is used or void afterwards."""
    async with scene_in(MODERN) as scene:  # in the other era nobody can answer a question twice
        call = with_a_no(scene, GO_LIVE)
        await scene.play(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(scene.result), outcome(scene.rival_result), tuple(scene.sent)) == end
        if end.told is not GONE and scene.again is not None:
            assert outcome(await scene.again()) in (EXPIRED, USED, NOTHING_TO_DO)
            assert tuple(scene.sent) == end.sent
        await is_usable(scene)


# A question that is asked again


@pytest.mark.parametrize("gap", ["before look 2", "after look 2", "before add 1"])
async def test_a_person_is_asked_again_about_a_change_while_they_are_asked_again(gap: str) -> None:
    """The first change voids their yes. The second one comes before they have read of it."""
    address = GUARDED_OPERATIONS["update_destination, rtmpUrl"]
    async with scene_in(MODERN) as scene:
        asked = await scene.clients.question(GO_LIVE)
        assert outcome(await (await a_change(scene, address))()) == RAN
        said: types.InputResponses = {"consent": yes_to(asked)}
        call = scene.clients.answer(GO_LIVE, asked.request_state, said)
        await scene.play(call, gap=gap, rival=partial(a_change, act=address.other))
        assert outcome(scene.rival_result) == RAN
        again = scene.result
        assert isinstance(again, types.InputRequiredResult), again
        said = {"consent": yes_to(again)}
        assert outcome(await scene.clients.answer(GO_LIVE, again.request_state, said)) == RAN


# A studio that is seen on air


async def go_live_unseen(scene: Scene) -> None:
    """Go live. The stream status hides it for the time of the watch, so the start is pending."""
    scene.clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
    assert outcome(await scene.clients.confirmed(GO_LIVE)) == RAN
    scene.clients.trax.faults.clear()


@pytest.mark.parametrize("act", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
@pytest.mark.parametrize(
    "gap",
    [
        "before look 1",
        "after look 1",
        "before look 2",
        "after look 2",
        "before record_on_air 1",
        "after record_on_air 1",
    ],
)
async def test_a_call_that_sees_a_studio_on_air_does_not_hide_a_later_start(
    act: GuardedOperation, gap: str
) -> None:
    """The one that was on air is stopped in the gap, and another one is starting."""
    async with scene_in(MODERN) as scene:
        await go_live_unseen(scene)
        await scene.play(scene.clients.call(act), gap=gap, rival=a_stop_and_another_start)
        assert scene.rival_result == [RAN, RAN]
        assert outcome(await scene.clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert scene.sent == [LIVE, OFFLINE, LIVE]


async def test_a_studio_that_is_stopped_while_a_go_live_reads_is_not_called_live() -> None:
    """The go-live has read that it is on air. A stop ended since."""
    async with scene_in(MODERN) as scene:
        assert outcome(await scene.clients.confirmed(GO_LIVE)) == RAN
        await scene.play(scene.clients.call(GO_LIVE), gap="before look 2", rival=RIVALS["a stop"])
        assert outcome(scene.rival_result) == RAN
        assert outcome(scene.result) == ("confirmation_required", None)


@pytest.mark.parametrize("gap", ["before look 2", "after look 2"])
async def test_a_start_that_another_call_sees_on_air_is_not_sent_again(gap: str) -> None:
    """The call has read that the studio is off air, before it came on air."""
    async with scene_in(MODERN) as scene:
        await go_live_unseen(scene)
        scene.clients.trax.faults.add(NOT_LIVE, times=1, path="*/stream-status")
        await scene.play(scene.clients.call(GO_LIVE), gap=gap, rival=a_look_by_another)
        assert scene.rival_result == NOTHING_TO_DO
        assert outcome(scene.result) == NOTHING_TO_DO
        assert scene.sent == [LIVE]


@pytest.mark.parametrize("gap", ["before look 2", "after look 2"])
async def test_a_change_needs_consent_if_another_call_sees_the_start_on_air(gap: str) -> None:
    """The change has read that the studio is off air, before it came on air."""
    act = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with scene_in(MODERN) as scene:
        await go_live_unseen(scene)
        scene.clients.trax.faults.add(NOT_LIVE, times=1, path="*/stream-status")
        await scene.play(scene.clients.call(act), gap=gap, rival=a_look_by_another)
        assert scene.rival_result == NOTHING_TO_DO
        assert outcome(scene.result) == ("confirmation_required", None)
        assert act.sent not in scene.clients.sent


async def test_a_start_that_was_seen_on_air_is_not_pending_after_it_has_ended() -> None:
    """Another client saw it; then somebody stopped it on TRaX's own pages."""
    async with scene_in(MODERN) as scene:
        await go_live_unseen(scene)
        assert outcome(await scene.clients.call(GO_LIVE)) == NOTHING_TO_DO
        scene.clients.trax.world.go_offline(scene.clients.trax.world.studios["studio_42"])
        scene.clients.clock.advance(10)
        assert outcome(await scene.clients.confirmed(GO_LIVE)) == RAN
