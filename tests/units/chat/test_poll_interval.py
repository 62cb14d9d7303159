"""The pauses between polls, and the errors after which no poll follows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trax_mcp.api.error_texts import (
    client_setup_failed,
    interrupted,
    no_connection,
    no_key,
    timed_out,
    unreadable,
)
from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Refused,
    TraxError,
)
from trax_mcp.api.operations import ListChatMessages
from trax_mcp.chat.poll_interval import LONGEST_SECONDS, PollInterval, is_final

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATION: Final = ListChatMessages(studio_id="studio_42")
HOUR: Final = 3_600.0


def refused(status: int | None = 429, *, retry_after: float | None = None) -> TraxError:
    """An error answer of TRaX."""
    return Refused(
        Failure(
            code="x",
            message="No.",
            retryable=True,
            http_status=status,
            retry_after_seconds=retry_after,
        )
    )


def after(events: Iterable[str], interval: PollInterval) -> PollInterval:
    """The interval after polls with these results."""
    for event in events:
        if event == "change":
            interval = interval.after_change()
        elif event == "no change":
            interval = interval.after_no_change()
        else:
            interval = interval.after_failure(refused(503))
    return interval


def pauses_after(interval: PollInterval, event: str, times: int) -> list[float]:
    """The pauses without jitter, after 0 to `times` events."""
    return [after([event] * count, interval).pause(0.0) for count in range(times + 1)]


def test_pauses_without_a_change_grow_to_five_times_the_shortest() -> None:
    """Jitter adds the rest."""
    assert pauses_after(PollInterval(2.0), "no change", 5) == pytest.approx(
        [2, 3, 4.5, 6.75, 25 / 3, 25 / 3]
    )
    assert after(["no change"] * 9, PollInterval(2.0)).pause(1.0) == pytest.approx(10)


def test_a_change_resets_the_pause_to_the_shortest() -> None:
    """Also after failures."""
    assert after(["no change"] * 9, PollInterval(2.0)).after_change() == PollInterval(2.0)
    assert after(["failure"] * 9, PollInterval(2.0)).after_change() == PollInterval(2.0)
    assert PollInterval(2.0).after_failure(
        refused(retry_after=HOUR)
    ).after_change() == PollInterval(2.0)


def test_pauses_after_failures_grow_to_half_a_minute() -> None:
    """Unless the shortest pause is longer."""
    assert pauses_after(PollInterval(2.0), "failure", 6)[1:] == [4, 8, 16, 30, 30, 30]
    assert LONGEST_SECONDS == 30
    assert after(["failure"] * 9, PollInterval(40.0)).pause(0.0) == 40


def test_a_success_without_a_change_resets_only_the_failures() -> None:
    """The earlier polls without a change still count."""
    before = after(["no change"] * 2, PollInterval(2.0))
    assert after(["failure"] * 9, before).after_no_change() == before.after_no_change()


@pytest.mark.parametrize("retry_after", [0.0, 1.0, 31.0, HOUR, 999_999_999.0])
@pytest.mark.parametrize("failures", [0, 20])
def test_retry_after_is_respected_however_long(retry_after: float, failures: int) -> None:
    """For the loop and for readers."""
    interval = after(["failure"] * failures, PollInterval(2.0)).after_failure(
        refused(retry_after=retry_after)
    )
    assert interval.minimum == max(2.0, retry_after)
    assert retry_after <= interval.pause(0.0) < interval.pause(1.0)
    assert interval.pause(1.0) <= max(LONGEST_SECONDS, retry_after) * 1.2


def test_retry_after_applies_until_the_next_answer() -> None:
    """Whatever that answer is."""
    waiting = PollInterval(2.0).after_failure(refused(retry_after=HOUR))
    assert waiting.after_failure(refused(retry_after=9.0)).minimum == 9
    assert waiting.after_failure(refused(503)).minimum == 2
    assert waiting.after_no_change().minimum == 2
    assert waiting.after_no_change() == PollInterval(2.0).after_no_change()


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    shortest=st.floats(0.1, HOUR),
    events=st.lists(st.sampled_from(("change", "no change", "no change", "failure")), max_size=60),
    jitter=st.floats(0, 1),
)
def test_pauses_stay_within_their_bounds(shortest: float, events: list[str], jitter: float) -> None:
    """Never below the shortest; without failures, never above five times the shortest."""
    interval = after(events, PollInterval(shortest))
    pause, succeeded = interval.pause(jitter), events[-1:] != ["failure"]
    assert interval.minimum == shortest
    assert pause >= shortest
    longest = 5 * shortest if succeeded else max(LONGEST_SECONDS, shortest) * 1.2
    assert pause <= longest * (1 + 1e-9)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    events=st.lists(st.sampled_from(("no change", "failure")), max_size=30),
    jitters=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_jitter_adds_at_most_a_fifth_to_a_pause(events: list[str], jitters: list[float]) -> None:
    """More jitter never makes it shorter."""
    interval = after(events, PollInterval(2.0))
    shorter, longer = map(interval.pause, jitters)
    assert interval.pause(0.0) <= shorter <= longer <= interval.pause(1.0)
    assert math.isclose(interval.pause(1.0), interval.pause(0.0) * 1.2)


def test_a_pause_after_very_many_polls_does_not_overflow() -> None:
    """The exponent is bounded."""
    assert PollInterval(2.0, unchanged=10**9).pause(1.0) == pytest.approx(10)
    assert PollInterval(2.0, failures=10**9).pause(0.0) == 30


# Final errors

FINAL_STATUSES: Final = [400, 401, 403, 404, 410]
"""The studio id is invalid, the key is refused or lacks a scope, or the studio is gone."""
TEMPORARY_STATUSES: Final = [None, 200, 408, 409, 425, 429, 500, 502, 503, 504, 599]


@pytest.mark.parametrize("error_type", [Refused, BadAnswer])
def test_a_permanent_status_is_final(error_type: type[TraxError]) -> None:
    """Also with `Retry-After`."""
    for status in FINAL_STATUSES:
        assert is_final(error_type(refused(status).failure)), status
        assert is_final(error_type(refused(status, retry_after=5.0).failure)), status


@pytest.mark.parametrize("error_type", [Refused, BadAnswer, LostAnswer, NoConnection])
def test_a_temporary_status_is_not_final(error_type: type[TraxError]) -> None:
    """Nor an error without a status."""
    for status in TEMPORARY_STATUSES:
        assert not is_final(error_type(refused(status).failure)), status


@pytest.mark.parametrize("error", [no_key(), client_setup_failed()], ids=lambda it: it.failure.code)
def test_an_error_before_sending_is_final(error: NotSent) -> None:
    """No answer can change it."""
    assert is_final(error)


@pytest.mark.parametrize(
    "error",
    [
        no_connection(request_id="r"),
        timed_out(OPERATION, request_id="r", seconds=10),
        interrupted(OPERATION),
        unreadable(OPERATION, request_id="r", status=200),
    ],
    ids=lambda it: f"{type(it).__name__} {it.failure.code}",
)
def test_an_outage_is_not_final(error: TraxError) -> None:
    """Also not a time-out, nor an unreadable answer."""
    assert not is_final(error)
