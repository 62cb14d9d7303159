"""How long is waited between looks, and when no look can help any more. Numbers only."""

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

LOOK: Final = ListChatMessages(studio_id="studio_42")
HOUR: Final = 3_600.0


def refused(status: int | None = 429, *, wait: float | None = None) -> TraxError:
    """TRaX answers with an error, and may say for how long it wishes to be left alone."""
    return Refused(
        Failure(
            code="x", message="No.", retryable=True, http_status=status, retry_after_seconds=wait
        )
    )


def after(events: Iterable[str], pace: PollInterval) -> PollInterval:
    """The pace after looks that saw news or nothing, or failed."""
    for event in events:
        if event == "news":
            pace = pace.after_news()
        elif event == "nothing":
            pace = pace.after_nothing()
        else:
            pace = pace.after_failure(refused(503))
    return pace


def pauses(pace: PollInterval, event: str, times: int) -> list[float]:
    """The pauses without jitter, now and after each of so many events."""
    return [after([event] * count, pace).pause(0.0) for count in range(times + 1)]


def test_without_news_the_pauses_grow_up_to_nearly_five_times_the_shortest() -> None:
    """What is left to five times is for the jitter."""
    assert pauses(PollInterval(2.0), "nothing", 5) == pytest.approx(
        [2, 3, 4.5, 6.75, 25 / 3, 25 / 3]
    )
    assert after(["nothing"] * 9, PollInterval(2.0)).pause(1.0) == pytest.approx(10)


def test_news_bring_back_the_shortest_pause() -> None:
    """After quiet, and after trouble."""
    assert after(["nothing"] * 9, PollInterval(2.0)).after_news() == PollInterval(2.0)
    assert after(["failure"] * 9, PollInterval(2.0)).after_news() == PollInterval(2.0)
    assert PollInterval(2.0).after_failure(refused(wait=HOUR)).after_news() == PollInterval(2.0)


def test_failures_make_the_pauses_grow_up_to_half_a_minute() -> None:
    """TRaX is left alone the more, the longer it does not answer."""
    assert pauses(PollInterval(2.0), "failure", 6)[1:] == [4, 8, 16, 30, 30, 30]
    assert LONGEST_SECONDS == 30
    assert after(["failure"] * 9, PollInterval(40.0)).pause(0.0) == 40


def test_after_an_outage_the_pace_is_as_before_and_one_quiet_look_slower() -> None:
    """What failed is forgotten; what was quiet is not."""
    before = after(["nothing"] * 2, PollInterval(2.0))
    assert after(["failure"] * 9, before).after_nothing() == before.after_nothing()


@pytest.mark.parametrize("wait", [0.0, 1.0, 7.0, 31.0, HOUR, 30 * 24 * HOUR, 999_999_999.0])
@pytest.mark.parametrize("failed", [0, 1, 20])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_what_trax_wishes_is_obeyed_however_long(wait: float, failed: int, jitter: float) -> None:
    """Nobody asks before, neither the loop nor a reader in between."""
    pace = after(["failure"] * failed, PollInterval(2.0)).after_failure(refused(wait=wait))
    assert pace.least == max(2.0, wait)
    assert wait <= pace.pause(jitter) <= max(LONGEST_SECONDS, wait) * 1.2


def test_a_wish_holds_until_trax_was_asked_again() -> None:
    """The next answer is the last word: another wish, none, or messages."""
    wished = PollInterval(2.0).after_failure(refused(wait=HOUR))
    assert wished.after_failure(refused(wait=9.0)).least == 9
    assert wished.after_failure(refused(503)).least == 2
    assert wished.after_nothing().least == 2
    assert wished.after_nothing() == PollInterval(2.0).after_nothing()


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    shortest=st.floats(0.1, HOUR),
    events=st.lists(st.sampled_from(("news", "nothing", "nothing", "failure")), max_size=60),
    jitter=st.floats(0, 1),
)
def test_pauses_keep_their_bounds_whatever_happens(
    shortest: float, events: list[str], jitter: float
) -> None:
    """Never below the shortest; while TRaX answers never above five times it."""
    pace = after(events, PollInterval(shortest))
    pause, answers = pace.pause(jitter), events[-1:] != ["failure"]
    assert pace.least == shortest
    assert pause >= shortest
    most = 5 * shortest if answers else max(LONGEST_SECONDS, shortest) * 1.2
    assert pause <= most * (1 + 1e-9)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    events=st.lists(st.sampled_from(("nothing", "failure")), max_size=30),
    jitters=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_jitter_spreads_a_pause_by_a_fifth(events: list[str], jitters: list[float]) -> None:
    """It only ever adds, and more of it adds more."""
    pace = after(events, PollInterval(2.0))
    less, more = map(pace.pause, jitters)
    assert pace.pause(0.0) <= less <= more <= pace.pause(1.0)
    assert math.isclose(pace.pause(1.0), pace.pause(0.0) * 1.2)


def test_a_pace_for_years_of_quiet_or_trouble_is_still_a_number() -> None:
    """What grows is bounded before it is raised to a power."""
    assert PollInterval(2.0, quiet=10**9).pause(1.0) == pytest.approx(10)
    assert PollInterval(2.0, failed=10**9).pause(0.0) == 30


# The end

FINAL_STATUSES: Final = [400, 401, 403, 404, 410]
"""The studio's name is not one, the key is refused or may not read it, or the studio is gone."""
PASSING_STATUSES: Final = [None, 200, 408, 409, 425, 429, 500, 502, 503, 504, 599]


@pytest.mark.parametrize("status", FINAL_STATUSES)
@pytest.mark.parametrize("kind", [Refused, BadAnswer])
def test_a_refusal_that_will_stay_is_final(status: int, kind: type[TraxError]) -> None:
    """To ask again would only cost TRaX; even if it asks for patience."""
    assert is_final(kind(refused(status).failure))
    assert is_final(kind(refused(status, wait=5.0).failure))


@pytest.mark.parametrize("status", PASSING_STATUSES)
@pytest.mark.parametrize("kind", [Refused, BadAnswer, LostAnswer, NoConnection])
def test_whatever_may_pass_is_not(status: int | None, kind: type[TraxError]) -> None:
    """Listeners are kept through it."""
    assert not is_final(kind(refused(status).failure))


@pytest.mark.parametrize("error", [no_key(), client_setup_failed()], ids=lambda it: it.failure.code)
def test_what_was_never_sent_is_final(error: NotSent) -> None:
    """Nothing out there can change it."""
    assert is_final(error)


@pytest.mark.parametrize(
    "error",
    [
        no_connection(request_id="r"),
        timed_out(LOOK, request_id="r", seconds=10),
        interrupted(LOOK),
        unreadable(LOOK, request_id="r", status=200),
    ],
    ids=lambda it: f"{type(it).__name__} {it.failure.code}",
)
def test_an_outage_is_not(error: TraxError) -> None:
    """The network, a slow TRaX and an answer that cannot be read may all be better next time."""
    assert not is_final(error)
