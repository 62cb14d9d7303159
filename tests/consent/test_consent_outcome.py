"""Outcomes of guarded calls: the observed state, lost answers, and refused calls.

The sandbox's clock stands at 18:00. A preview takes five seconds to read, and going live three. The
words of each outcome are in `tests/answers/broadcasts.txt`; every fault is in
`tests/api/test_faults_guarded.py`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.world.answers import (
    RAN,
    audit_lines,
    data_in_text,
    data_of,
    error_in,
    outcome,
    plain_data_of,
    state_in,
    text_of,
)
from tests.world.world import MINE, World, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import mcp_types as types

    from tests.support.guarded_calls import GuardedOperation

USED: Final = ("confirmation_invalid", "used")
NOTHING_TO_DO: Final = ("nothing_to_do", None)
NOT_LIVE: Final = Fault.status(200, {"live": False})
LIVE: Final = Fault.status(200, {"live": True})
LATER: Final = "2026-06-05T18:00:20Z"


def observed(result: types.CallToolResult) -> dict[str, Any]:
    """The observed state. Asserts that `_meta` and the text are consistent with it."""
    data = data_of(result)
    seen: dict[str, Any] = data["observed"]
    assert (result.meta or {})["live.traxstreaming/outcome"] == seen["state"]
    if result.is_error:
        assert text_of(result) == data["error"]["message"]
        return seen
    assert json.loads(data_in_text(result)) == plain_data_of(result)
    return seen


def see(it: World, fault: Fault) -> None:
    """From now on the status of every studio is read so."""
    it.trax.faults.add(fault, times=None, path="*/stream-status")


async def test_a_go_live_returns_the_time_since_which_it_is_on_air(era: str) -> None:
    """The time is TRaX's, beside TRaX's whole answer."""
    async with open_world(MINE, era=era) as it:
        result = await it[MINE].confirmed(GO_LIVE)
    on_air = {
        "state": "on_air",
        "since": "2026-06-05T18:00:08.000Z",
        "checkedAt": "2026-06-05T18:00:08Z",
    }
    assert observed(result) == on_air
    assert plain_data_of(result) == {
        "encoderStreamId": "encoder_101",
        "destinationIds": ["dest_1", "dest_2"],
        "observed": on_air,
    }


async def test_a_stop_returns_that_it_is_off_air() -> None:
    """The sandbox takes one second to stop."""
    async with open_world(MINE) as it:
        put_on_air(it.trax)
        result = await it[MINE].confirmed(GO_OFFLINE)
    assert observed(result) == {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}


@pytest.mark.parametrize(
    ("operation", "status", "state", "checked_at"),
    [
        (GO_LIVE, NOT_LIVE, "starting", LATER),
        (GO_OFFLINE, LIVE, "on_air", "2026-06-05T18:00:15Z"),
    ],
    ids=["a start", "a stop"],
)
async def test_what_was_not_seen_within_15_seconds_is_not_said_to_be_done(
    operation: GuardedOperation, status: Fault, state: str, checked_at: str
) -> None:
    async with open_world(MINE) as it:
        see(it, status)
        result = await it[MINE].confirmed(operation)
        assert it.sent == [operation.sent]
    assert observed(result) == {"state": state, "checkedAt": checked_at}


@pytest.mark.parametrize(
    ("fault", "checked_at"),
    [
        (Fault.error(403, "insufficient_scope"), "2026-06-05T18:00:05Z"),
        (Fault.error(429, "rate_limited", Retry_After="60"), LATER),
    ],
    ids=["no scope", "no answer"],
)
async def test_a_state_that_cannot_be_read_is_unknown(*, fault: Fault, checked_at: str) -> None:
    """At once for a missing scope, else after 15 seconds of retries."""
    async with open_world(MINE) as it:
        breaking = Fault.followed_by(partial(see, it, fault))
        it.trax.faults.add(breaking, path="*/go-live")
        result = await it[MINE].confirmed(GO_LIVE)
        assert it.sent == [GO_LIVE.sent]
    assert observed(result) == {"state": "unknown", "checkedAt": checked_at}


async def test_a_go_live_that_was_seen_on_air_can_be_sent_again_after_it_has_ended() -> None:
    """Somebody ended it on TRaX itself, within a minute of the go-live."""
    async with open_world(MINE) as it:
        assert state_in(await it[MINE].confirmed(GO_LIVE)) == "on_air"
        it.trax.go_offline()
        it.hand_clock.advance(10)
        assert state_in(await it[MINE].confirmed(GO_LIVE)) == "on_air"
        assert it.sent == [GO_LIVE.sent] * 2


# Lost answers


async def test_a_go_live_with_a_lost_answer_is_a_result_if_seen_on_air(tmp_path: Path) -> None:
    """It says how the answer was lost. The audit log holds that and what was seen."""
    audit = tmp_path / "audit.jsonl"
    async with open_world(MINE, TRAX_AUDIT_LOG=str(audit)) as it:
        it.trax.faults.add(Fault.dropped(when="after"), path="*/go-live")
        confirmation = await it[MINE].confirmation(GO_LIVE)
        result = await it[MINE].use(GO_LIVE, confirmation)
        again = await it[MINE].use(GO_LIVE, confirmation)
        assert outcome(await it[MINE].call(GO_LIVE)) == NOTHING_TO_DO
        assert it.sent == [GO_LIVE.sent]
    assert (result.is_error, observed(result)["state"]) == (False, "on_air")
    assert "The connection to TRaX broke before it answered" in text_of(result)
    sent = next(line for line in audit_lines(audit) if line["event"] == "sent")
    assert (sent["outcome"], sent["code"], sent["observed"]) == ("applied", "unreachable", "on_air")
    assert outcome(again) == USED
    assert "the call ran, and the show was then on air" in text_of(again)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_go_live_with_a_lost_answer_is_unknown_if_not_seen_on_air(
    when: Literal["before", "after"],
) -> None:
    """Within a minute it is not sent again."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.dropped(when=when), path="*/go-live")
        see(it, NOT_LIVE)
        confirmation = await it[MINE].confirmation(GO_LIVE)
        failed = await it[MINE].use(GO_LIVE, confirmation)
        again = await it[MINE].use(GO_LIVE, confirmation)
        assert outcome(await it[MINE].call(GO_LIVE)) == NOTHING_TO_DO
        assert it.sent == [GO_LIVE.sent]
    failure = error_in(failed)
    assert (failure["code"], failure["outcome"]) == ("unreachable", "unknown")
    assert failure["retryable"] is False
    assert outcome(again) == USED
    assert "it's unclear whether the call ran" in text_of(again)


async def test_a_stop_with_a_lost_answer_is_unknown_while_a_go_live_is_pending() -> None:
    """A studio that is starting looks off air too, so this is no proof of the stop."""
    async with open_world(MINE) as it:
        see(it, NOT_LIVE)
        assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN
        it.trax.faults.add(Fault.dropped(), path="*/go-offline")
        failure = error_in(await it[MINE].confirmed(GO_OFFLINE))
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert (failure["code"], failure["outcome"]) == ("unreachable", "unknown")


# Whether a confirmation is used


async def test_a_call_with_an_unknown_outcome_uses_its_confirmation() -> None:
    """A new call needs a new preview."""
    async with open_world(MINE) as it:
        use = partial(it[MINE].use, DELETE_SOURCE, await it[MINE].confirmation(DELETE_SOURCE))
        it.trax.faults.add(Fault.status(500), method="DELETE")
        assert error_in(await use())["outcome"] == "unknown"
        again = await use()
        assert it.sent == [DELETE_SOURCE.sent]
    assert outcome(again) == USED
    assert "it's unclear whether the call ran" in text_of(again)
