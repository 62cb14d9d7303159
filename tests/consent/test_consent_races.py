"""Races: the studio changes, or other answers come, while a guarded call is in progress."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest

from tests.conftest import text_of
from tests.support.consent_clients import in_memory, status_and_reason
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GUARDED_OPERATIONS
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    agreeing,
    altering,
    cancelling,
    chosen,
    filled_in,
    refusing,
    yes_to,
)
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.consent_clients import Clients
    from tests.support.simulated_person import Form, FormAnswer, Responder

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")

WHILE_LIVE: Final = GUARDED_OPERATIONS["create_destination, on air"]
"""It needs consent only while the studio is live, and a second run is visible."""


def take_off_air(clients: Clients) -> None:
    """Stop the stream on TRaX itself, and wait a minute."""
    clients.trax.go_offline()
    clients.clock.advance(60)


# The studio goes off air


NOES: Final[Mapping[str, tuple[Responder, str]]] = {
    "do not": (refusing, "declined"),
    "cancel": (cancelling, "cancelled"),
    "malformed": (altering(str.upper), "malformed"),
}


@pytest.mark.parametrize("no", NOES)
async def test_a_no_counts_even_if_consent_is_no_longer_required(era: str, no: str) -> None:
    """The stream ends while the form is open."""
    respond, reason = NOES[no]
    async with in_memory(era) as clients:
        put_on_air(clients.trax)

        async def off_air_first(form: Form) -> FormAnswer:
            take_off_air(clients)
            return await respond(form)

        clients.person.answer_with(off_air_first)
        result = await clients.call(WHILE_LIVE, clients.asking)
        assert status_and_reason(result) == ("declined", reason)
        assert clients.sent == []
    assert len(clients.person.forms) == 1


@pytest.mark.parametrize(("first", "then"), [("on air", "off air"), ("off air", "on air")])
async def test_a_confirmation_is_used_even_if_consent_is_no_longer_required(
    first: str, then: str
) -> None:
    """It runs once, whether the studio is live or not at the first and second use."""
    async with in_memory() as clients:
        put_on_air(clients.trax)
        use = partial(clients.use, WHILE_LIVE, await clients.confirmation(WHILE_LIVE))
        if first == "off air":
            take_off_air(clients)
        assert status_and_reason(await use()) == RAN
        if then == "off air":
            take_off_air(clients)
        else:
            put_on_air(clients.trax)
        assert status_and_reason(await use()) == USED
        assert clients.sent == [WHILE_LIVE.sent]


# A question is answered once (2026-07-28, in which an answer is a call of its own)


DECLINED: Final[Mapping[str, types.ElicitResult]] = {
    "decline, filled in": types.ElicitResult(
        action="decline", content={"choice": 'Go live on YouTube and Twitch: "Friday Night Show"'}
    ),
    "cancel": types.ElicitResult(action="cancel"),
    "do not": chosen("Do not"),
}


@pytest.mark.parametrize("no", DECLINED)
async def test_a_question_that_was_declined_accepts_no_yes(no: str) -> None:
    """Not even a second time. A new call asks again, a minute later."""
    async with in_memory(MODERN) as clients:
        question = await clients.question(GO_LIVE)
        answer = partial(clients.answer, GO_LIVE, question.request_state)
        assert status_and_reason(await answer({"consent": DECLINED[no]}))[0] == "declined"
        for _ in range(2):
            assert status_and_reason(await answer({"consent": yes_to(question)})) == EXPIRED
        assert clients.sent == []
        clients.clock.advance(60)
        clients.person.answer_with(agreeing)
        assert status_and_reason(await clients.call(GO_LIVE, clients.asking)) == RAN


async def test_a_malformed_answer_leaves_the_question_open() -> None:
    """A later yes to the same question runs the call."""
    async with in_memory(MODERN) as clients:
        question = await clients.question(GO_LIVE)
        answer = partial(clients.answer, GO_LIVE, question.request_state)
        malformed: list[types.InputResponses | None] = [
            None,
            {},
            {"another": yes_to(question)},
            {"consent": filled_in(None)},
            {"consent": filled_in({"choice": "Take it live"})},
            {"consent": filled_in({"choice": "do not"})},
        ]
        for responses in malformed:
            assert status_and_reason(await answer(responses)) == ("declined", "malformed")
        assert clients.sent == []
        assert status_and_reason(await answer({"consent": yes_to(question)})) == RAN
        assert clients.sent == [GO_LIVE.sent]


async def test_an_answer_to_another_question_tells_no_changes() -> None:
    """The two calls differ, and nothing has changed."""
    async with in_memory(MODERN) as clients:
        asked = await clients.question(GO_LIVE)
        result = await clients.answer(
            DELETE_DESTINATION, asked.request_state, {"consent": yes_to(asked)}
        )
        assert clients.sent == []
    assert isinstance(result, types.CallToolResult)
    assert status_and_reason(result) == ("confirmation_invalid", "mismatch")
    assert "Changed since" not in text_of(result)
