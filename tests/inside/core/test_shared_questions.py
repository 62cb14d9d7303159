"""Questions as they are written for the engine, and read at another replica. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest

from tests.support.guarded_calls import GUARDED_OPERATIONS, GuardedOperation
from trax_mcp.api.errors import Failure
from trax_mcp.api.operations import OPERATIONS, GoLive, UpdateDestination
from trax_mcp.api.responses import Answer
from trax_mcp.consent.calls import Done, NotRun, Question
from trax_mcp.consent.preview import Preview, Target
from trax_mcp.consent.question_state import QuestionState
from trax_mcp.replicas.shared_questions import QUESTIONS, StoredQuestion
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.naming import Sentence

TICKET: Final = "the-ticket"
NAME: Final = "the-name"
SENTENCE: Final = Sentence("Starts a broadcast.", ("studio_42",))
PREVIEW: Final = Preview(
    "go_live",
    Target("studio_42", "Friday Night Show"),
    (SENTENCE,),
    (Sentence("It is late.", is_note=True),),
    ("the sources",),
    "Go live",
    puts_on_air=True,
    digest="d1",
)
STATE: Final = QuestionState(
    question=Question("yes-1", PREVIEW, "Go live", "Do not", ("It was renamed.",)),
    number=2,
    opened_at=1.25,
    shown_at=2.5,
)
RESULTS: Final = {
    "nothing yet": None,
    "done": Done(
        Answer({"id": "studio_42", "tags": [1, None]}, "request-1", 200, size=30),
        Observed("on_air", "2026-07-28T18:00:00Z", "2026-07-28T17:59:00Z"),
        sent_again=True,
        approved_in="panel",
        said=(SENTENCE,),
    ),
    "done without an answer": Done(None, Observed("off_air", "now"), lost="it took too long"),
    "not run": NotRun(
        "go_live",
        "declined",
        "timed_out",
        why="nobody answered",
        preview=PREVIEW,
        confirmation="yes-2",
        expires_at=datetime(2026, 7, 28, 18, tzinfo=UTC),
        channel="panel",
    ),
    "failed": Failure(code="timeout", message="Lost.", retryable=False, outcome="unknown"),
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_question_is_read_as_it_was_written(result: Done | NotRun | Failure | None) -> None:
    state = QuestionState(
        question=STATE.question,
        number=2,
        opened_at=1.25,
        shown_at=2.5,
        over_since=3.0 if result else None,
        result=result,
        ran_at=((7, 0), 3),
        is_known=True,
    )
    stored = StoredQuestion.of(GoLive(studio_id="studio_42"), state)
    written = QUESTIONS.write(stored, secret=TICKET, name=NAME)
    assert QUESTIONS.read(written, secret=TICKET, name=NAME) == stored


@pytest.mark.parametrize("guarded", GUARDED_OPERATIONS.values(), ids=GUARDED_OPERATIONS)
def test_another_replica_sends_exactly_the_call_that_was_asked_about(
    guarded: GuardedOperation,
) -> None:
    kinds = {kind.tool_name: kind for kind in OPERATIONS}
    operation = kinds[guarded.tool].model_validate(guarded.arguments)
    written = QUESTIONS.write(StoredQuestion.of(operation, STATE), secret=TICKET, name=NAME)
    read = QUESTIONS.read(written, secret=TICKET, name=NAME)
    assert read is not None
    assert read.operation() == operation
    assert read.operation().request() == operation.request()


def test_a_question_shows_no_secret_where_it_is_printed() -> None:
    operation = UpdateDestination.model_validate(
        {"studioId": "studio_42", "destId": "dest_1", "streamKey": "canary"}
    )
    assert "canary" not in repr(StoredQuestion.of(operation, STATE))
