"""When a stop is sent again, as one table: what is known of it, and what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from trax_mcp.api.errors import LostAnswer, Refused
from trax_mcp.api.models import Model, StreamStatus
from trax_mcp.api.responses import Response
from trax_mcp.consent.after_stop import Next, Watched, is_another, next_after, state_after
from trax_mcp.consent.running import Start

TAKEN: Final[Response[Model]] = Response({}, "req_1", status=200, size=0)
LOST: Final = LostAnswer("unreachable", "It broke", "Look", outcome="unknown")
BUSY: Final = Refused("conflict", "It is busy", "Wait", http_status=409)
NO: Final = Refused("insufficient_scope", "It may not", "Ask", http_status=403)
START: Final = Start("start", 1.0, 2.0, 3.0, "encoder_1")
OTHERS: Final = replace(START, state="elsewhere")
PENDING: Final = Watched(TAKEN, start=START, start_left=40.0)
ROWS: Final[tuple[tuple[str, Watched, Next], ...]] = (
    ("off air is the end", Watched(TAKEN, "off_air"), "end"),
    ("on air may still end", Watched(TAKEN, "on_air", 14.9), "wait"),
    ("for fifteen seconds", Watched(TAKEN, "on_air", 15.0), "end"),
    ("unknown may be read later", Watched(TAKEN, "unknown", 1.0), "wait"),
    ("but not where no read helps", Watched(TAKEN, is_unreadable=True), "end"),
    ("what TRaX took for a show isn't repeated", Watched(TAKEN, "on_air", 5.0), "wait"),
    ("a start comes after it", PENDING._replace(state="on_air", elapsed=2.0), "again"),
    ("not at once", PENDING._replace(state="on_air", elapsed=1.9), "wait"),
    ("once", PENDING._replace(state="on_air", elapsed=2.0, is_final=True), "wait"),
    ("for a minute", PENDING._replace(state="on_air", elapsed=2.0, start_left=0.0), "wait"),
    ("nobody here began it",
     PENDING._replace(state="on_air", elapsed=2.0, start=OTHERS), "wait"),
    ("the answer was lost", Watched(LOST, "on_air", 2.0), "again"),
    ("and the show has ended", Watched(LOST, "off_air", 2.0), "end"),
    ("lost twice", Watched(LOST, "on_air", 4.0, is_final=True), "wait"),
    ("lost, and the start can come no more",
     PENDING._replace(sent=LOST, state="on_air", elapsed=2.0, start_left=0.0), "wait"),
    ("lost, and nobody here began it",
     PENDING._replace(sent=LOST, state="on_air", elapsed=2.0, start=OTHERS), "again"),
    ("refused", PENDING._replace(sent=NO, state="on_air", elapsed=2.0), "end"),
    ("busy with nothing from here", Watched(BUSY), "end"),
    ("busy with somebody else's start", PENDING._replace(sent=BUSY, start=OTHERS), "end"),
    ("busy with a start", PENDING._replace(sent=BUSY), "again"),
    ("busy with one that is seen", PENDING._replace(sent=BUSY, state="on_air"), "again"),
    ("for the last time", PENDING._replace(sent=BUSY, elapsed=13.0), "again"),
    ("busy for too long", PENDING._replace(sent=BUSY, elapsed=13.1), "end"),
    ("busy for a minute", PENDING._replace(sent=BUSY, start_left=0.0), "end"),
    ("busy with another stream", PENDING._replace(sent=BUSY, is_final=True), "end"),
)  # fmt: skip


@pytest.mark.parametrize(("what", "watched", "after"), ROWS, ids=[it[0] for it in ROWS])
def test_what_follows_a_stop(what: str, watched: Watched, after: Next) -> None:
    assert next_after(watched) == after, what


@pytest.mark.parametrize(
    ("start", "seen", "another"),
    [
        (START, "encoder_1", False),
        (START, "encoder_2", True),
        (START, None, False),
        (replace(START, stream_id=""), "encoder_2", False),
        (None, "encoder_2", False),
    ],
    ids=["its own", "another", "no id is shown", "the answer was lost", "no start"],
)
def test_a_start_is_known_by_its_stream(
    start: Start | None, seen: str | None, *, another: bool
) -> None:
    status = StreamStatus.model_validate({"live": True, "encoderStreamId": seen})
    assert is_another(start, status) is another


@pytest.mark.parametrize(
    ("status", "after_refusal", "after_stop"),
    [
        (StreamStatus(live=True), "on_air", "on_air"),
        (StreamStatus(live=False), "off_air", "off_air"),
        (StreamStatus(live=None), "unknown", "unknown"),
        (
            StreamStatus.model_validate({"live": False, "encoderStreamId": "encoder_1"}),
            "unknown",
            "off_air",
        ),
    ],
)
def test_a_stream_that_is_not_live_may_be_one_that_starts(
    status: StreamStatus, after_refusal: str, after_stop: str
) -> None:
    """Only after a stop that TRaX refused: else it is what is left of it."""
    assert state_after(BUSY, status) == after_refusal
    assert state_after(TAKEN, status) == after_stop
