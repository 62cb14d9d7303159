"""The pauses between polls, and the errors after which no poll follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import examples
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, NotSent, Refused, TraxError
from trax_mcp.chat.poll_interval import PollInterval, is_final

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR: Final = 3_600.0


def failed(
    kind: type[TraxError], status: int | None = None, *, retry_after: float | None = None
) -> TraxError:
    return kind("x", "No", "", retryable=True, http_status=status, retry_after_seconds=retry_after)


def after(events: Iterable[str], interval: PollInterval) -> PollInterval:
    """The interval after polls with these results."""
    for event in events:
        match event:
            case "change":
                interval = interval.after_change()
            case "no change":
                interval = interval.after_no_change()
            case _:
                interval = interval.after_failure(failed(Refused, 503))
    return interval


def asked_to_wait(seconds: float, interval: PollInterval) -> PollInterval:
    """The interval after a refusal with `Retry-After`."""
    return interval.after_failure(failed(Refused, 429, retry_after=seconds))


def pauses_after(event: str, times: int) -> list[float]:
    return [after([event] * count, PollInterval(2.0)).pause(0.0) for count in range(times + 1)]


def test_pauses_without_a_change_grow_to_five_times_the_shortest() -> None:
    assert pauses_after("no change", 5) == pytest.approx([2, 3, 4.5, 6.75, 25 / 3, 25 / 3])
    assert after(["no change"] * 9, PollInterval(2.0)).pause(1.0) == pytest.approx(10)


def test_a_change_resets_the_pause_to_the_shortest() -> None:
    for before in (
        after(["no change"] * 9, PollInterval(2.0)),
        after(["failure"] * 9, PollInterval(2.0)),
        asked_to_wait(HOUR, PollInterval(2.0)),
    ):
        assert before.after_change() == PollInterval(2.0)


def test_pauses_after_failures_grow_to_half_a_minute() -> None:
    assert pauses_after("failure", 6)[1:] == [4, 8, 16, 30, 30, 30]
    assert after(["failure"] * 9, PollInterval(40.0)).pause(0.0) == 40


def test_a_success_without_a_change_resets_only_the_failures() -> None:
    before = after(["no change"] * 2, PollInterval(2.0))
    assert after(["failure"] * 9, before).after_no_change() == before.after_no_change()


@pytest.mark.parametrize("seconds", [0.0, 1.0, 31.0, HOUR, 999_999_999.0])
@pytest.mark.parametrize("failures", [0, 20])
def test_retry_after_is_respected_however_long(seconds: float, failures: int) -> None:
    interval = asked_to_wait(seconds, after(["failure"] * failures, PollInterval(2.0)))
    assert interval.minimum == max(2.0, seconds)
    assert seconds <= interval.pause(0.0) < interval.pause(1.0)
    assert interval.pause(1.0) <= max(30, seconds) * 1.2


def test_retry_after_applies_until_the_next_answer() -> None:
    waiting = asked_to_wait(HOUR, PollInterval(2.0))
    assert asked_to_wait(9.0, waiting).minimum == 9
    assert after(["failure"], waiting).minimum == 2
    assert waiting.after_no_change() == PollInterval(2.0).after_no_change()


@settings(max_examples=examples(200))
@given(
    shortest=st.floats(0.1, HOUR),
    events=st.lists(st.sampled_from(("change", "no change", "no change", "failure")), max_size=60),
    jitters=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_pauses_stay_within_their_bounds(
    shortest: float, events: list[str], jitters: list[float]
) -> None:
    interval = after(events, PollInterval(shortest))
    shorter, longer = map(interval.pause, jitters)
    longest = max(30, shortest) * 1.2 if events[-1:] == ["failure"] else 5 * shortest
    assert interval.minimum == shortest
    assert shortest <= shorter <= longer <= longest * (1 + 1e-9)
    assert interval.pause(1.0) == pytest.approx(interval.pause(0.0) * 1.2)


def test_a_pause_after_very_many_polls_does_not_overflow() -> None:
    assert PollInterval(2.0, unchanged=10**9).pause(1.0) == pytest.approx(10)
    assert PollInterval(2.0, failures=10**9).pause(0.0) == 30


@pytest.mark.parametrize("kind", [Refused, BadAnswer, LostAnswer, NoConnection])
def test_no_poll_follows_an_answer_that_can_only_be_the_same_again(kind: type[TraxError]) -> None:
    """The studio id is invalid, the key is refused or lacks a scope, or the studio is gone.

    Polls go on after an answer that may change, a time-out, and an answer that cannot be read.
    """
    if kind in {Refused, BadAnswer}:
        for status in (400, 401, 403, 404, 410):
            assert is_final(failed(kind, status)), status
            assert is_final(failed(kind, status, retry_after=5.0)), status
    for maybe in (None, 200, 408, 409, 425, 429, 500, 502, 503, 504, 599):
        assert not is_final(failed(kind, maybe)), maybe
    assert is_final(failed(NotSent))  # no key, for example
