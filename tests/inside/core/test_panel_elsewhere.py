"""A panel's question at two servers that share it, second by second.

`proof/replicas` tries the same with real processes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client

from tests.inside.core.shared_questions_fake import QuestionsInMemory
from tests.inside.setup import OWNER
from tests.server.test_panel import APPS, TICKET, TOO_LATE
from tests.support.concurrency import Paused
from tests.support.guarded_calls import GO_LIVE, STUDIO, YES
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.consent.approvals import MAX_OPEN
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

    OpenPair = Callable[..., AbstractAsyncContextManager["Pair"]]

ANSWER: Final = {"question": "1", "choice": YES}
RAN: Final = (
    "This was approved elsewhere already: the call ran, and the studio was then on air."
    " Nothing more was sent."
)


@dataclass
class Pair:
    """Clients of two servers that share their questions."""

    a: Client
    b: Client
    clock: HandClock
    sandbox: Sandbox
    questions: QuestionsInMemory

    async def call(self, client: Client, tool: str = "go_live", **arguments: str) -> dict[str, Any]:
        """Call a tool; returns its structured content, and the ticket if it asks."""
        arguments = arguments or dict(STUDIO)
        result = await client.call_tool(tool, arguments)
        assert isinstance(result.structured_content, dict)
        return {"ticket": (result.meta or {}).get(TICKET), **result.structured_content}

    async def panel(self, client: Client, ticket: str, **answer: str) -> dict[str, Any]:
        """Call the tool of the panel; returns what it shows."""
        return await self.call(client, "answer_approval", ticket=ticket, **answer)

    @asynccontextmanager
    async def held_press(self, ticket: str) -> AsyncIterator[None]:
        """Press at B, and hold the call at TRaX until the end of the block."""
        held = Paused()
        self.sandbox.faults.add(held.fault, method="POST")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: self.panel(self.b, ticket, **ANSWER))
            await held.arrived()
            yield
            held.release()


@pytest.fixture
def open_pair(sandbox: Sandbox, trax: Trax, clock: HandClock) -> OpenPair:
    """Opens two servers with one store, and a client of each that draws panels."""

    @asynccontextmanager
    async def opened(*, loses_results: bool = False) -> AsyncIterator[Pair]:
        questions = QuestionsInMemory(clock, loses_results=loses_results)
        deps = ServerDeps(
            ask=frozenset({"panel"}), clock=clock, store=MemoryStore(clock), questions=questions
        )
        servers = [build_server(trax, own=OWNER, deps=deps) for _ in range(2)]
        with anyio.fail_after(PATIENCE_SECONDS):
            async with (
                Client(servers[0], cache=None, extensions=APPS) as a,
                Client(servers[1], cache=None, extensions=APPS) as b,
            ):
                yield Pair(a, b, clock, sandbox, questions)

    return opened


async def test_a_panel_says_that_the_call_is_being_sent_elsewhere_and_then_its_outcome(
    open_pair: OpenPair,
) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        await it.panel(it.a, ticket)
        it.clock.advance(1)
        async with it.held_press(ticket):
            for answer in ({}, ANSWER):
                state = await it.panel(it.a, ticket, **answer)
                assert (state["phase"], state["outcome"]) == ("running", None)
                it.clock.advance(2)
        assert (await it.panel(it.a, ticket))["outcome"] == "Done. It is on air."
        assert [f"{it.method} {it.path}" for it in it.sandbox.mutations] == [GO_LIVE.sent]


async def test_a_yes_in_the_last_second_elsewhere_does_not_look_like_no_answer(
    open_pair: OpenPair,
) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        await it.panel(it.a, ticket)
        it.clock.advance(299)
        async with it.held_press(ticket):
            it.clock.advance(2)
            assert (await it.panel(it.a, ticket))["outcome"] is None
        assert (await it.panel(it.a, ticket))["outcome"] == "Done. It is on air."


async def test_a_question_that_nobody_answers_ends_at_all_replicas(open_pair: OpenPair) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        await it.panel(it.b, ticket)
        it.clock.advance(330)
        for client in (it.a, it.b):
            state = await it.panel(client, ticket)
            assert state["outcome"] == "Nobody answered in time. Nothing was sent."


async def test_a_panel_that_reports_elsewhere_in_time_is_in_time_here(open_pair: OpenPair) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        it.clock.advance(9)
        await it.panel(it.b, ticket)
        it.clock.advance(2)
        assert (await it.panel(it.a, ticket))["phase"] == "open"


async def test_a_panel_that_reports_nowhere_in_time_is_of_no_use_at_any_replica(
    open_pair: OpenPair,
) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        it.clock.advance(10)
        for client in (it.b, it.a):
            assert (await it.panel(client, ticket))["outcome"] == TOO_LATE


async def test_an_outcome_that_was_not_shared_is_told_in_the_words_of_the_store(
    open_pair: OpenPair,
) -> None:
    async with open_pair(loses_results=True) as it:
        ticket = (await it.call(it.a))["ticket"]
        await it.panel(it.b, ticket)
        it.clock.advance(1)
        await it.panel(it.b, ticket, **ANSWER)
        assert (await it.panel(it.a, ticket))["phase"] == "running", "the result may still come"
        it.clock.advance(1)
        assert (await it.panel(it.a, ticket))["outcome"] == RAN


async def test_an_outcome_is_shared_although_it_could_not_be_at_once(open_pair: OpenPair) -> None:
    async with open_pair() as it:
        ticket = (await it.call(it.a))["ticket"]
        await it.panel(it.b, ticket)
        it.clock.advance(1)
        async with it.held_press(ticket):
            it.questions.unheard = 1
        assert it.questions.unheard == 0
        assert (await it.panel(it.a, ticket))["phase"] == "ended"


async def test_a_question_that_was_withdrawn_while_nothing_could_be_shared_is_asked_anew(
    open_pair: OpenPair,
) -> None:
    """It was the oldest of too many. The others learn that as soon as it can be shared."""
    async with open_pair() as it:
        withdrawn = (await it.call(it.a))["ticket"]
        await it.panel(it.a, withdrawn)
        it.questions.is_away = True
        for number in range(1, MAX_OPEN + 1):
            await it.call(it.a, "delete_source", **STUDIO, sourceId=f"source_{number}")
        it.questions.is_away = False
        again = await it.call(it.a)
        assert again["status"] == "asking"
        assert (await it.panel(it.a, again["ticket"]))["phase"] == "open"
        assert (await it.panel(it.b, withdrawn))["phase"] == "ended"
