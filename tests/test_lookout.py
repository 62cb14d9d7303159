"""What is looked at before a yes, and at what price: which requests, in how many stages.

What becomes of a fact that cannot be read is in `test_lookout_unknown`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.looks import (
    AROUND,
    FIRST,
    GO_LIVE,
    GO_OFFLINE,
    PLACES,
    SECOND,
    STATUS,
    STUDIOS,
    UNLINK,
    S,
    asked,
    each_operation,
    enable_many,
    failing,
    names,
    see,
)
from trax_mcp.api.operations import UpdateDestination
from trax_mcp.consent.rules import GUARDABLE
from trax_mcp.sandbox import Fault
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.messages import Answer, encoded
from trax_mcp.sandbox.records import Studio
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Unknown

if TYPE_CHECKING:
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Answerer, Request

_MANY_TURNS: Final = 200
"""Of the event loop: several times what a request takes here from beginning to end."""


# What it costs


def test_whatever_can_be_guarded_can_be_looked_around() -> None:
    """An operator may guard any of them."""
    assert {operation.tool_name for operation in FIRST} == GUARDABLE


@each_operation
async def test_what_a_look_costs(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """Each fact once, and no fact that nobody is shown."""
    await see(trax, operation)
    assert asked(sandbox) == Counter(FIRST[operation] + SECOND.get(operation, ()))


@each_operation
async def test_a_look_takes_two_stages_at_most(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """While the first answers are held back, everything that does not need them is asked."""
    stages: list[Counter[str]] = []
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            held = _hold_back(sandbox)
            tasks.start_soon(see, trax, operation)
            seen = 0
            while await _settled(sandbox, seen):
                stages.append(asked(sandbox, since=seen))
                seen = len(sandbox.requests)
                sandbox.faults.clear()
                previous, held = held, _hold_back(sandbox)
                previous.set()
    assert stages == [Counter(it[operation]) for it in (FIRST, SECOND) if operation in it]


def _hold_back(sandbox: Sandbox) -> anyio.Event:
    held = anyio.Event()
    sandbox.faults.add(Fault.delay(held), times=None)
    return held


async def _settled(sandbox: Sandbox, seen: int) -> bool:
    """Let everyone go as far as they can; whether more has been asked by then."""
    for _ in range(_MANY_TURNS):
        await anyio.lowlevel.checkpoint()
    return len(sandbox.requests) > seen


async def test_whether_it_is_live_is_read_once(trax: Client, sandbox: Sandbox) -> None:
    """What needs a yes only while live looks at that first, and then at the rest."""
    operation = UpdateDestination(**S, dest_id="dest_1", enabled=False)
    lookout = FactReader(trax, operation, OWNER)
    known = await lookout.see_live()
    assert known.live is False
    assert asked(sandbox) == Counter([STATUS])
    facts = await lookout.see(known)
    assert facts.status == known.status
    assert asked(sandbox) == Counter(AROUND)


# What is seen


async def test_everything_around_a_go_live(trax: Client, sandbox: Sandbox) -> None:
    """Names, what is enabled and active, whether it is live and whether writes are on."""
    facts = await see(trax, GO_LIVE)
    assert facts.studio is not None
    assert facts.studio.name == "Friday Night Show"
    assert (facts.live, facts.since) == (False, None)
    assert names(facts.destinations) == ["Main channel", "Late crowd", "Kick (trying out)"]
    assert names(facts.enabled) == ["Main channel", "Late crowd"]
    assert names(facts.sources) == ["Host camera", "Guest feed", "Intro clip"]
    assert names(facts.active) == ["Host camera", "Intro clip"]
    assert [it.id for it in facts.connections or ()] == ["conn_1", "conn_2", "conn_3"]
    assert facts.health is not None
    assert facts.health.write_enabled is True
    assert facts.unknown == ()
    assert facts.around == ()


async def test_on_air_since_when(trax: Client, sandbox: Sandbox) -> None:
    """As TRaX writes it."""
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    facts = await see(trax, GO_OFFLINE)
    assert (facts.live, facts.since) == (True, "2026-06-05T18:00:03.000Z")


async def test_where_an_account_may_be_in_use(trax: Client, sandbox: Sandbox) -> None:
    """In which studios, what is enabled there, and which of them is on air."""
    sandbox.world.go_live(sandbox.world.studios["studio_51"])
    sandbox.clock.advance(60)
    facts = await see(trax, UNLINK)
    assert names(facts.studios) == names(it.studio for it in facts.around)
    assert [(names(it.enabled), it.live) for it in facts.around] == [
        (["Main channel", "Late crowd"], False),
        (["Private preview"], False),
        (["Morning page", "Shorts"], True),
        ([], False),
    ]
    assert facts.unknown == ()


@pytest.mark.parametrize(("count", "note"), [(10, False), (11, True), (250, True)])
async def test_only_ten_studios_are_read_for_an_account(
    trax: Client, sandbox: Sandbox, *, count: int, note: bool
) -> None:
    """And it is said that there are more."""
    sandbox.world.studios.clear()
    for number in range(count):
        which = f"studio_{number:03}"
        sandbox.world.studios[which] = Studio(which, "N", ACCOUNT, {ACCOUNT: "owner"}, 0)
    facts = await see(trax, UNLINK)
    assert len(facts.studios or ()) == count
    assert len(facts.around) == 10
    further = Unknown("further studios", "only the first 10 are read")
    assert facts.unknown == ((further,) if note else ())
    assert asked(sandbox)[STUDIOS] == (2 if count > 200 else 1)
    assert sum(asked(sandbox).values()) == 2 + asked(sandbox)[STUDIOS] + 20


# Pages


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_list_is_read_to_its_end(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """In the largest pages there are: a destination on the third page is on air like any other."""
    enable_many(sandbox, 400)
    facts = await see(trax, operation)
    assert len(facts.destinations or ()) == 403
    assert len({it.id for it in facts.enabled}) == 402
    pages = [it for it in sandbox.requests if it.path == PLACES]
    assert [it.query["limit"] for it in pages] == ["200"] * 3
    assert len({it.query.get("cursor") for it in pages}) == 3


@pytest.mark.parametrize(("cursors", "pages"), [(1, 2), (2, 3), (1000, 51)])
async def test_pages_that_do_not_end_are_a_failure(
    trax: Client, sandbox: Sandbox, *, cursors: int, pages: int
) -> None:
    """Cursors that repeat, and cursors that never do: an end is made of it, and no yes asked."""
    sandbox.faults.add(_endless(cursors), times=None, path=PLACES)
    assert await failing(trax, GO_LIVE) == "bad_answer"
    assert asked(sandbox)[PLACES] == pages


async def test_pages_that_do_not_end_hold_up_no_stop(trax: Client, sandbox: Sandbox) -> None:
    """Where it goes out is then not known."""
    sandbox.faults.add(_endless(1000), times=None, path=PLACES)
    facts = await see(trax, GO_OFFLINE)
    assert facts.destinations is None
    assert facts.unknown == (Unknown("the destinations", "TRaX did not tell"),)


def _endless(cursors: int) -> Fault:
    """Always one more page, by as many different cursors in turn."""
    given = 0

    async def strike(_asked: Request, _onward: Answerer) -> Answer:
        nonlocal given
        given += 1
        return Answer(200, encoded({"data": [], "nextCursor": f"next-{given % cursors}"}))

    return Fault("pagination_loop", strike)
