"""Which facts are read, with which requests, and how many of them at a time.

`test_fact_reader_unknown` is about facts that cannot be read.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.support.fact_reads import (
    FIRST,
    PLACES,
    SECOND,
    STATUS,
    STUDIOS,
    asked,
    enable_many,
    names,
    read,
    reader_for,
)
from tests.support.operation_table import GO_LIVE, GO_OFFLINE, UNLINK, WITH_DESTINATIONS, S
from tests.support.product.faults import Fault
from trax_mcp.api.operations import UpdateDestination
from trax_mcp.consent.plans import PLANS, plan_for
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Studio
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Fact, Facts, Unknown

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

DIFFERENT_READS: Final = {
    (it.tool_name, FIRST[it], SECOND.get(it)): it for it in reversed(FIRST)
}.values()
"""An example of each operation, and of each set of facts that it may read."""

_MANY_TURNS: Final = 200
"""Turns of the event loop: several times as many as one request takes here."""


# Requests


def test_facts_can_be_read_for_every_guardable_operation() -> None:
    """An operator may guard any of them."""
    assert {operation.tool_name for operation in FIRST} == {it.tool_name for it in PLANS}


@pytest.mark.parametrize("operation", DIFFERENT_READS, ids=lambda it: it.tool_name)
async def test_facts_are_read_once_and_in_two_stages_at_most(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """While the first answers are held back, every request that does not need them is sent."""
    stages: list[Counter[str]] = []
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            held = _hold_back(sandbox)
            tasks.start_soon(read, trax, operation)
            seen = 0
            while await _has_settled(sandbox, seen):
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


async def _has_settled(sandbox: Sandbox, seen: int) -> bool:
    """Let every task run as far as it can. Return whether more was requested by then."""
    for _ in range(_MANY_TURNS):
        await anyio.lowlevel.checkpoint()
    return len(sandbox.requests) > seen


async def test_a_known_status_is_not_read_again(trax: Client, sandbox: Sandbox) -> None:
    """A call that needs consent only while live reads the status first, and then the rest."""
    operation = UpdateDestination(**S, dest_id="dest_1", enabled=False)
    reader = reader_for(trax, operation)
    known = await reader.read((Fact.STATUS,))
    assert known.live is False
    assert asked(sandbox) == Counter([STATUS])
    facts = await reader.read(plan_for(operation).reads, known)
    assert facts.status is known.status
    assert asked(sandbox) == Counter(WITH_DESTINATIONS)


async def test_a_plan_without_reads_reads_nothing(trax: Client, sandbox: Sandbox) -> None:
    """All facts are then None, and none of them is called unknown."""
    assert await FactReader(trax, OWNER, "studio_42").read(()) == Facts()
    assert asked(sandbox) == Counter()


# Facts


async def test_a_go_live_reads_everything_about_its_studio(trax: Client, sandbox: Sandbox) -> None:
    """Names, enabled destinations, active sources, accounts, live or not, and writes on or off."""
    facts = await read(trax, GO_LIVE)
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
    assert facts.studio_details == ()


async def test_the_start_of_a_broadcast_is_read_as_trax_writes_it(
    trax: Client, sandbox: Sandbox
) -> None:
    """The time is not converted."""
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    facts = await read(trax, GO_OFFLINE)
    assert (facts.live, facts.since) == (True, "2026-06-05T18:00:03.000Z")


async def test_an_unlink_reads_where_the_account_may_be_in_use(
    trax: Client, sandbox: Sandbox
) -> None:
    """The studios, the enabled destinations of each, and whether each is live."""
    sandbox.world.go_live(sandbox.world.studios["studio_51"])
    sandbox.clock.advance(60)
    facts = await read(trax, UNLINK)
    assert names(facts.studios) == names(it.studio for it in facts.studio_details)
    assert [(names(it.enabled), it.live) for it in facts.studio_details] == [
        (["Main channel", "Late crowd"], False),
        (["Private preview"], False),
        (["Morning page", "Shorts"], True),
        ([], False),
    ]
    assert facts.unknown == ()


@pytest.mark.parametrize(("count", "note"), [(10, False), (11, True), (250, True)])
async def test_details_of_ten_studios_at_most_are_read(
    trax: Client, sandbox: Sandbox, *, count: int, note: bool
) -> None:
    """Further studios are unknown."""
    sandbox.world.studios.clear()
    for number in range(count):
        which = f"studio_{number:03}"
        sandbox.world.studios[which] = Studio(which, "N", ACCOUNT, {ACCOUNT: "owner"}, 0)
    facts = await read(trax, UNLINK)
    assert len(facts.studios or ()) == count
    assert len(facts.studio_details) == 10
    further = Unknown("further studios", "only the first 10 are read")
    assert facts.unknown == ((further,) if note else ())
    assert asked(sandbox)[STUDIOS] == (2 if count > 200 else 1)
    assert sum(asked(sandbox).values()) == 2 + asked(sandbox)[STUDIOS] + 20


# Pages


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_list_is_read_to_its_end(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """Each page is as large as TRaX allows, and a destination on the third page counts too."""
    enable_many(sandbox, 400)
    facts = await read(trax, operation)
    assert len(facts.destinations or ()) == 403
    assert len({it.id for it in facts.enabled}) == 402
    pages = [it for it in sandbox.requests if it.path == PLACES]
    assert [it.query["limit"] for it in pages] == ["200"] * 3
    assert len({it.query.get("cursor") for it in pages}) == 3
