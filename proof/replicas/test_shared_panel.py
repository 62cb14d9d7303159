"""A question in a panel, asked at one replica, and shown, answered and learnt of at another."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from proof.replicas.panel_client import PanelClient
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import DELETE_DESTINATION, DELETE_SOURCE, GO_LIVE, NO, STUDIO
from tests.support.product.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas

pytestmark = pytest.mark.asyncio(loop_scope="module")

APPROVED: Final = "live.traxstreaming/approvedIn"
ROUNDS: Final = 3
MAX_OPEN: Final = 32
"""The most questions in panels for one key."""
CANARY: Final = "canary-stream-key"
SECRET: Final[dict[str, Any]] = {**STUDIO, "destId": "dest_3", "streamKey": CANARY}


async def both(replicas: Replicas) -> tuple[PanelClient, PanelClient]:
    """A client of each replica, on a sandbox as it was seeded."""
    replicas.trax.reset()
    a, b = [await PanelClient.of(replicas, it) for it in replicas.both]
    return a, b


async def test_a_question_is_shown_and_answered_at_another_replica(
    shared_replicas: Replicas,
) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    state = await b.show(ticket)
    assert state == await a.press(ticket)
    assert (await b.say(ticket, state["yes"]))["outcome"] == "Done."
    assert await a.outcome(ticket) == "Done."
    learnt = await a.call(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    assert learnt["_meta"][APPROVED] == "panel", learnt
    assert not learnt.get("isError")
    assert shared_replicas.changes[DELETE_SOURCE.sent] == 1


async def test_a_yes_counts_a_second_after_the_question_was_shown_at_any_replica(
    shared_replicas: Replicas,
) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked("delete_source", **STUDIO, sourceId="source_2")
    state = await a.show(ticket)
    pressed = await b.press(ticket, question=state["question"], choice=state["yes"])
    assert pressed["phase"] == "open", "it was not shown for a second yet"
    assert (await b.say(ticket, state["yes"]))["outcome"] == "Done."


async def test_a_press_at_both_replicas_at_once_sends_once(shared_replicas: Replicas) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked(DELETE_DESTINATION.tool, **DELETE_DESTINATION.arguments)
    yes = (await a.show(ticket))["yes"]
    await asyncio.gather(a.say(ticket, yes), b.say(ticket, yes))
    assert [await it.outcome(ticket) for it in (a, b)] == ["Done.", "Done."]
    assert shared_replicas.changes[DELETE_DESTINATION.sent] == 1


async def test_the_same_call_at_another_replica_asks_no_second_question(
    shared_replicas: Replicas,
) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked("delete_source", **STUDIO, sourceId="source_3")
    assert await b.asked("delete_source", **STUDIO, sourceId="source_3") == ticket
    yes = (await a.show(ticket))["yes"]
    waiting = asyncio.create_task(b.call("delete_source", **STUDIO, sourceId="source_3"))
    await a.say(ticket, yes)
    learnt = await waiting
    assert learnt["_meta"][APPROVED] == "panel", learnt
    again = await a.call("delete_source", **STUDIO, sourceId="source_3")
    assert APPROVED not in again["_meta"], "one call is told the outcome, not each replica's first"


async def test_the_same_call_at_both_replicas_at_once_asks_one_question(
    shared_replicas: Replicas,
) -> None:
    """Again and again: both have looked for an earlier question before either asks."""
    a, b = await both(shared_replicas)
    for number in range(ROUNDS):
        shared_replicas.trax.add_source("Twin", record_id=f"twin_{number}")
        call = {**STUDIO, "sourceId": f"twin_{number}"}
        tickets = await asyncio.gather(*(it.asked("delete_source", **call) for it in (a, b)))
        assert tickets[0] == tickets[1]
    states = [await it.show(tickets[0]) for it in (a, b)]
    assert [it["phase"] for it in states] == ["open", "open"]


async def test_a_no_at_another_replica_ends_the_question(shared_replicas: Replicas) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked("delete_destination", **STUDIO, destId="dest_2")
    state = await b.say(ticket, NO)
    assert state["outcome"] == "You said no. Nothing was sent."
    assert await a.outcome(ticket) == state["outcome"]
    refused = await a.call("delete_destination", **STUDIO, destId="dest_2")
    assert refused["structuredContent"]["reason"] == "declined"


async def test_a_question_that_changed_at_one_replica_is_shown_at_all(
    shared_replicas: Replicas,
) -> None:
    a, b = await both(shared_replicas)
    ticket = await a.asked(GO_LIVE.tool, **GO_LIVE.arguments)
    first = await b.show(ticket)
    shared_replicas.trax.change("studio_42", name="Rehearsal")
    asked = await b.say(ticket, first["yes"])
    assert (asked["phase"], asked["changes"] != []) == ("open", True)
    assert await a.show(ticket) == asked
    await a.press(ticket, question=first["question"], choice=first["yes"])
    assert shared_replicas.changes[GO_LIVE.sent] == 0
    await a.say(ticket, asked["yes"])
    assert await b.outcome(ticket) == await a.outcome(ticket) == "Done. It is on air."
    assert shared_replicas.changes[GO_LIVE.sent] == 1


async def test_a_question_that_is_withdrawn_at_one_replica_is_over_at_all(
    shared_replicas: Replicas,
) -> None:
    """One more than there is room for withdraws the oldest."""
    a, b = await both(shared_replicas)
    first, second, *_ = [await a.asked("delete_source", **it) for it in sources(shared_replicas)]
    state = await b.show(first)
    await a.asked("delete_destination", **STUDIO, destId="dest_3")
    pressed = await b.press(first, question="1", choice=state["yes"])
    assert pressed["outcome"] == (
        "This is no longer asked: others were asked since. Nothing was sent."
    )
    assert (await b.show(second))["phase"] == "open"


def sources(replicas: Replicas) -> list[dict[str, str]]:
    """As many new sources as there can be questions, as arguments of a call."""
    ids = [f"source_{number}" for number in range(100, 100 + MAX_OPEN)]
    for it in ids:
        replicas.trax.add_source("Spare", record_id=it)
    return [{**STUDIO, "sourceId": it} for it in ids]


async def test_the_ticket_of_another_caller_is_refused_at_every_replica(
    shared_replicas: Replicas,
) -> None:
    a, _ = await both(shared_replicas)
    ticket = await a.asked("unlink_connection", connectionId="conn_1")
    state = await a.show(ticket)
    for replica in shared_replicas.both:
        other = await PanelClient.of(shared_replicas, replica, key=SECOND_KEY)
        refused = await other.press(ticket, question=state["question"], choice=state["yes"])
        assert refused["phase"] == "gone"


async def test_the_engine_never_sees_what_a_question_holds(shared_replicas: Replicas) -> None:
    a, b = await both(shared_replicas)
    async with shared_replicas.engine.commands() as seen:
        ticket = await a.asked("update_destination", **SECRET)
        state = await b.show(ticket)
        await b.say(ticket, state["yes"])
        await a.outcome(ticket)
    commands = "\n".join(seen)
    assert "EVAL" in commands
    shown = [*state["effects"], *state["warnings"], state["yes"]]
    for secret in (CANARY, ticket, SANDBOX_KEY, "studio_42", "dest_3", "Friday", *shown):
        assert secret not in commands
        assert json.dumps(secret)[1:-1] not in commands
