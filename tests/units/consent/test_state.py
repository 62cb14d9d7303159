"""The steps of a studio's record, as one table: before, step, result, and what is different."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from pydantic import TypeAdapter

from tests.units.consent.questions import CALLER, DELETE, OTHER, START, STOP, question_about
from trax_mcp.consent.calls import NotRun
from trax_mcp.consent.question import (
    IN_PROGRESS,
    KEPT_SECONDS,
    NOT_KNOWN,
    QUESTION_SECONDS,
    Refusals,
)
from trax_mcp.consent.running import (
    START_SECONDS,
    Begin,
    BeginStop,
    End,
    EndStop,
    Start,
    Turn,
    UsedStop,
)
from trax_mcp.consent.state import (
    AUTO_GO_LIVE_SECONDS,
    MOST_IN_ALL,
    MOST_OTHERS,
    MOST_QUESTIONS,
    STOP_SECONDS,
    StudioRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW: Final = 1000.0
LEASE: Final = 2.0
UNTIL: Final = NOW + LEASE
ASKED: Final = NOW - 10
TURN: Final = Turn("me", UNTIL)
GOING: Final = Turn("me", UNTIL, sends_go_live=True)
Q: Final = question_about((START,), asked_at=ASKED)
DELETING: Final = question_about((DELETE,), asked_at=ASKED)
USED: Final = replace(Q, used_by="me", used_at=NOW)
SENT: Final = Start("me", ASKED, NOW)
BEGIN: Final = Begin("me", CALLER, 0.0, "q", starts=True)
STARTED: Final = StudioRecord(turn=GOING, start=SENT, questions={"q": USED}, latest=NOW)
LATER: Final = NOW + 1
OWN_STOP: Final = {CALLER: NOW + 0.5}
PRESSED: Final = BeginStop("stop", "token", OTHER)
STOPPING: Final = StudioRecord(
    stopping={"stop": UNTIL},
    own_stops={OTHER: NOW},
    used_stops={"token": UsedStop(NOW, IN_PROGRESS)},
    latest=NOW,
)


def studio(question: Any = Q, **more: Any) -> StudioRecord:  # noqa: ANN401  any field
    """A studio with a turn and a question."""
    return StudioRecord(**{"turn": TURN, "questions": {"q": question}, **more})


def ended(fate: Any, words: str | None = "it ran") -> EndStop:  # noqa: ANN401  a fate
    return EndStop("stop", "token", NOW, fate, words)


class Row(NamedTuple):
    """`after` has the fields that are different after the step: None if nothing is."""

    what: str
    before: StudioRecord
    step: Callable[[StudioRecord], tuple[StudioRecord, Any]]
    result: Any
    after: dict[str, Any] | None = None


def take(turn_id: str, now: float = NOW) -> Callable[[StudioRecord], tuple[StudioRecord, Any]]:
    return lambda it: it.take_turn(turn_id, now, LEASE)


def begin(**more: Any) -> Callable[[StudioRecord], tuple[StudioRecord, Any]]:  # noqa: ANN401  any field
    return lambda it: it.begin(BEGIN._replace(**more), NOW, LEASE)


def end(outcome: Any, **more: Any) -> Callable[[StudioRecord], tuple[StudioRecord, Any]]:  # noqa: ANN401  as above
    told = End(outcome, "words", **{"start": outcome, **more})
    return lambda it: it.end(BEGIN, told, LATER, LEASE)


def over(**more: Any) -> Start:  # noqa: ANN401  any field
    return replace(SENT, ended_at=LATER, **more)


EARLIER: Final = Start("before", ASKED - 5, ASKED - 4, ASKED - 3)
AGAIN: Final = replace(SENT, earlier=EARLIER)
NONE: Final = StudioRecord()
BEGUN: Final = {"turn": GOING, "start": SENT, "questions": {"q": USED}, "latest": NOW}
TOLD: Final = {"q": replace(USED, outcome="words")}
DONE, NOT = True, False
ROWS: Final = (
    # Turns
    Row("a free turn is taken", NONE, take("me"), DONE, {"turn": TURN}),
    Row("a turn is not taken from another", StudioRecord(turn=TURN), take("you"), NOT),
    Row("nobody can take a turn that ended", StudioRecord(turn=TURN), take("you", UNTIL), DONE,
        {"turn": Turn("you", UNTIL + LEASE)}),
    Row("no turn while a stop is sent", STOPPING, take("me"), NOT),
    Row("a stop that is not renewed ends", STOPPING, take("me", UNTIL), DONE,
        {"turn": Turn("me", UNTIL + LEASE)}),
    Row("a turn is renewed", StudioRecord(turn=GOING), lambda it: it.renew("me", LATER, LEASE),
        None, {"turn": replace(GOING, until=LATER + LEASE)}),
    Row("a stop is renewed", STOPPING, lambda it: it.renew("stop", LATER, LEASE), None,
        {"stopping": {"stop": LATER + LEASE}}),
    Row("nothing else is renewed", studio(), lambda it: it.renew("you", LATER, LEASE), None),
    Row("a turn is given back", studio(), lambda it: it.give_turn_back("me"), None, {"turn": None}),
    Row("a stop's, too", STOPPING, lambda it: it.give_turn_back("stop"), None, {"stopping": {}}),
    Row("but no other's", studio(), lambda it: it.give_turn_back("you"), None),
    # A call begins
    Row("a go-live uses its approval", studio(), begin(), DONE, BEGUN),
    Row("one that may still come is not forgotten", studio(start=EARLIER), begin(), DONE,
        {**BEGUN, "start": AGAIN}),
    Row("one that was seen is", studio(start=replace(EARLIER, state="seen")), begin(), DONE, BEGUN),
    Row("it runs once", STARTED, begin(), NOT),
    Row("without an approval", StudioRecord(turn=TURN), begin(question_id=None), DONE,
        {"turn": GOING, "start": Start("me", NOW, NOW), "latest": NOW}),
    Row("a further step keeps the age of its approval", studio(USED), begin(question_id=None), DONE,
        {"turn": GOING, "start": SENT, "latest": NOW}),
    Row("the approval is gone", StudioRecord(turn=TURN), begin(), NOT),
    Row("it was withdrawn", studio(replace(Q, result=NotRun("declined"))), begin(), NOT),
    Row("the turn is gone", studio(turn=None), begin(), NOT),
    Row("the turn has ended", studio(turn=Turn("me", NOW)), begin(), NOT),
    Row("a stop has come since it was asked", studio(last_stop=ASKED + 1),
        begin(last_stop=ASKED + 1), NOT),
    Row("its caller's own stop has", studio(own_stops={CALLER: ASKED + 1}),
        begin(last_stop=ASKED + 1), NOT),
    Row("another's stop, which may not count", studio(own_stops={OTHER: ASKED + 1}), begin(), DONE,
        BEGUN),
    Row("a stop came before it was asked", studio(last_stop=ASKED - 1),
        begin(last_stop=ASKED - 1), DONE, BEGUN),
    Row("what leads nowhere on air is not void", studio(DELETING, last_stop=ASKED + 1),
        begin(last_stop=ASKED + 1, starts=False), DONE,
        {"questions": {"q": replace(DELETING, used_by="me", used_at=NOW)}, "latest": NOW}),
    Row("a stop since it looked ends any call", studio(DELETING, last_stop=ASKED + 1),
        begin(starts=False), NOT),
    Row("a stop is being sent", studio(stopping={"stop": UNTIL}), begin(), NOT),
    Row("refusals are forgotten", studio(refusals={"call": Refusals(2, NOW)}),
        begin(refusals="call"), DONE, {**BEGUN, "refusals": {}}),
    Row("moments are in order though the clock goes back", studio(latest=LATER), begin(), DONE,
        {**BEGUN, "start": replace(SENT, sent_at=LATER + 1e-6), "latest": LATER + 1e-6,
         "questions": {"q": replace(USED, used_at=LATER + 1e-6)}}),
    # It ends
    Row("a go-live ends", STARTED, end("applied", stream_id="encoder_1"), NOT,
        {"turn": None, "start": over(stream_id="encoder_1"), "questions": TOLD, "latest": LATER}),
    Row("its answer is lost", STARTED, end("unknown"), NOT,
        {"turn": None, "start": over(), "questions": TOLD, "latest": LATER}),
    Row("it is refused: the approval is given back", STARTED, end("not_applied"), NOT,
        {"turn": None, "start": None, "questions": {"q": Q}, "latest": LATER}),
    Row("it is refused: an earlier one may still come", replace(STARTED, start=AGAIN),
        end("not_applied"), NOT,
        {"turn": None, "start": EARLIER, "questions": {"q": Q}, "latest": LATER}),
    Row("which a stop has reached meanwhile",
        replace(STARTED, start=replace(AGAIN, state="stopped")), end("not_applied"), NOT,
        {"turn": None, "start": replace(EARLIER, state="stopped"), "questions": {"q": Q},
         "latest": LATER}),
    Row("TRaX was busy with what somebody else began", STARTED,
        end("not_applied", is_busy=True), NOT,
        {"turn": None, "start": over(state="elsewhere"), "questions": {"q": Q}, "latest": LATER}),
    Row("a stop came: it is undone, in its turn", replace(STARTED, last_stop=NOW + 0.5),
        end("applied"), DONE,
        {"stopping": {"me": LATER + LEASE}, "start": over(state="stopped"), "questions": TOLD,
         "latest": LATER}),
    Row("its caller's own stop came", replace(STARTED, own_stops=OWN_STOP), end("unknown"), DONE,
        {"stopping": {"me": LATER + LEASE}, "start": over(state="stopped"), "questions": TOLD,
         "latest": LATER}),
    Row("another's stop came, which may not count", replace(STARTED, own_stops={OTHER: NOW + 0.5}),
        end("applied"), NOT,
        {"turn": None, "start": over(), "questions": TOLD, "latest": LATER}),
    Row("a stop from before undoes nothing", replace(STARTED, last_stop=ASKED - 1), end("applied"),
        NOT, {"turn": None, "start": over(), "questions": TOLD, "latest": LATER}),
    Row("a stop undoes nothing that was refused", replace(STARTED, last_stop=NOW + 0.5),
        end("not_applied"), NOT,
        {"turn": None, "start": None, "questions": {"q": Q}, "latest": LATER}),
    Row("a forgotten record undoes nothing", StudioRecord(last_stop=NOW + 0.5), end("applied"), NOT,
        {"latest": LATER}),
    Row("nor does a call whose turn another go-live has had",
        replace(STARTED, start=replace(SENT, id="you"), last_stop=NOW + 0.5), end("applied"), NOT,
        {"turn": None, "questions": TOLD, "latest": LATER}),
    Row("autoGoLive was turned on", STARTED, end("applied", start=None, auto_go_live=True), NOT,
        {"turn": None, "questions": TOLD, "latest": LATER,
         "auto_go_live_until": LATER + AUTO_GO_LIVE_SECONDS}),
    Row("and off", replace(STARTED, auto_go_live_until=LATER + 9),
        end("applied", start=None, auto_go_live=False), NOT,
        {"turn": None, "questions": TOLD, "latest": LATER, "auto_go_live_until": 0.0}),
    Row("it was seen on air", STARTED, lambda it: it.seen_on_air("me"), None,
        {"start": replace(SENT, state="seen")}),
    Row("another was", STARTED, lambda it: it.seen_on_air("you"), None),
    # Questions
    Row("a question is asked", NONE, lambda it: it.ask(replace(Q, asked_at=0.0), NOW),
        replace(Q, asked_at=NOW), {"questions": {"q": replace(Q, asked_at=NOW)}, "latest": NOW}),
    Row("the same call joins a panel", studio(replace(Q, way="panel")),
        lambda it: it.ask_elsewhere(replace(Q, id="new", way="page"), NOW),
        replace(Q, way="panel")),
    Row("not after a stop", studio(replace(Q, way="panel"), last_stop=NOW, latest=NOW),
        lambda it: it.ask_elsewhere(replace(Q, way="page"), LATER), replace(Q, way="page"),
        {"questions": {"q": replace(Q, way="page")}}),
    Row("a question moves to a panel, and keeps its moment", studio(),
        lambda it: it.ask_elsewhere(replace(Q, way="panel"), NOW), replace(Q, way="panel"),
        {"questions": {"q": replace(Q, way="panel")}}),
    Row("a stop is asked about each time",
        studio(question_about((STOP,), way="page", asked_at=ASKED)),
        lambda it: it.ask_elsewhere(question_about((STOP,), id="r", way="page"), NOW),
        question_about((STOP,), id="r", way="page", asked_at=NOW),
        {"questions": {"q": question_about((STOP,), way="page", asked_at=ASKED),
                       "r": question_about((STOP,), id="r", way="page", asked_at=NOW)},
         "latest": NOW}),
    Row("a question is discarded", studio(), lambda it: it.discard("q"), DONE, {"questions": {}}),
    Row("a used one is not", STARTED, lambda it: it.discard("q"), NOT),
    Row("a confirmation came too soon", studio(), lambda it: it.hurry("q", NOW), NOT,
        {"questions": {"q": replace(Q, hurried=(NOW,))}}),
    Row("the third withdraws it", studio(replace(Q, hurried=(NOW - 2, NOW - 1))),
        lambda it: it.hurry("q", NOW), DONE, {"questions": {}}),
    Row("a person said no", studio(), lambda it: it.decline(Q, "call", NOW), None,
        {"questions": {}, "refusals": {"call": Refusals(1, NOW)}}),
    Row("in a panel, which shows it", studio(replace(Q, way="panel")),
        lambda it: it.decline(replace(Q, way="panel"), "call", NOW), None,
        {"refusals": {"call": Refusals(1, NOW)}}),
    # Stops
    Row("a stop begins", NONE, lambda it: it.begin_stop(PRESSED, NOW, LEASE), NOW,
        {"stopping": {"stop": UNTIL}, "own_stops": {OTHER: NOW}, "latest": NOW,
         "used_stops": {"token": UsedStop(NOW, IN_PROGRESS)}}),
    Row("once", STOPPING, lambda it: it.begin_stop(PRESSED, LATER, LEASE), None),
    Row("an hour later than it was sent", STOPPING,
        lambda it: it.begin_stop(PRESSED._replace(age=3600), LATER, LEASE), LATER - 3600,
        {"stopping": {"stop": LATER + LEASE}, "latest": LATER}),
    Row("TRaX took it", STOPPING, lambda it: it.end_stop(ended("counts")), NOT,
        {"stopping": {}, "last_stop": NOW, "used_stops": {"token": UsedStop(NOW, "it ran")}}),
    Row("TRaX refused it: its approval is given back", STOPPING,
        lambda it: it.end_stop(ended("refused", None)), NOT, {"stopping": {}, "used_stops": {}}),
    Row("it is not known", STOPPING, lambda it: it.end_stop(ended("unknown", NOT_KNOWN)), NOT,
        {"stopping": {}, "used_stops": {"token": UsedStop(NOW, NOT_KNOWN)}}),
    Row("a start that ended before may still come",
        replace(STOPPING, start=replace(SENT, ended_at=NOW - 1)),
        lambda it: it.end_stop(ended("counts")), NOT,
        {"stopping": {}, "used_stops": {"token": UsedStop(NOW, "it ran")}, "last_stop": NOW,
         "start": replace(SENT, ended_at=NOW - 1, state="stopped")}),
    Row("TRaX was busy: it counts, and has stopped nothing", replace(STOPPING, start=over()),
        lambda it: it.end_stop(ended("counts", None)), NOT,
        {"stopping": {}, "used_stops": {}, "last_stop": NOW}),
    Row("a go-live crossed it: it is sent once more", replace(STOPPING, start=over()),
        lambda it: it.end_stop(ended("counts")), DONE,
        {"last_stop": NOW, "used_stops": {"token": UsedStop(NOW, "it ran")}}),
    Row("also if that was seen on air", replace(STOPPING, start=over(state="seen")),
        lambda it: it.end_stop(ended("counts")), DONE,
        {"last_stop": NOW, "used_stops": {"token": UsedStop(NOW, "it ran")}}),
    Row("a go-live that was undone did not", replace(STOPPING, start=over(state="stopped")),
        lambda it: it.end_stop(ended("counts")), NOT,
        {"stopping": {}, "last_stop": NOW, "used_stops": {"token": UsedStop(NOW, "it ran")}}),
    Row("nor one with a newer approval", replace(STOPPING, start=over(asked_at=NOW + 0.5)),
        lambda it: it.end_stop(ended("counts")), NOT,
        {"stopping": {}, "last_stop": NOW, "used_stops": {"token": UsedStop(NOW, "it ran")}}),
    Row("it was", replace(STOPPING, start=over()),
        lambda it: it.was_repeated(ended("counts")), None,
        {"stopping": {}, "start": over(state="stopped")}),
    Row("and a start that was seen on air before that comes no more",
        replace(STOPPING, start=over(state="seen")),
        lambda it: it.was_repeated(ended("counts")), None,
        {"stopping": {}, "start": over(state="over")}),
    Row("a stop may be sent again for the start that it was for", replace(STOPPING, start=over()),
        lambda it: it.begin_repeat(ended("counts"), "me", LATER, LEASE), DONE,
        {"stopping": {"stop": LATER + LEASE}}),
    Row("and after an older one", replace(STOPPING, start=over(sent_at=NOW - 1)),
        lambda it: it.begin_repeat(ended("counts"), None, LATER, LEASE), DONE,
        {"stopping": {"stop": LATER + LEASE}}),
    Row("and not after a newer one", replace(STOPPING, start=over(sent_at=LATER)),
        lambda it: it.begin_repeat(ended("counts"), "other", LATER, LEASE), NOT),
    Row("and not after a minute", replace(STOPPING, start=over()),
        lambda it: it.begin_repeat(ended("counts"), "me", NOW + 60, LEASE), NOT),
    Row("a start that was seen after a stop has come", StudioRecord(start=over(state="stopped")),
        lambda it: it.seen_on_air("me", though_stopped=True), None, {"start": over(state="seen")}),
    Row("and no other one", StudioRecord(start=over(state="stopped")),
        lambda it: it.seen_on_air("you", though_stopped=True), None),
    Row("an earlier stop counts only now", StudioRecord(last_stop=LATER),
        lambda it: it.count_stop(NOW), None),
    Row("what was seen of a stop is kept", STOPPING, lambda it: it.note_stop("token", "off air"),
        None, {"used_stops": {"token": UsedStop(NOW, "off air")}}),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[it.what for it in ROWS])
def test_each_step_changes_what_it_says(row: Row) -> None:
    expected = replace(row.before, **(row.after or {}))
    assert row.step(row.before) == (expected, row.result)


SEEN: Final = (
    ("open", studio(), None, "open"),
    ("in its turn", STARTED, IN_PROGRESS, "running"),
    ("its sender is lost", replace(STARTED, turn=None), NOT_KNOWN, "ended"),
    ("lost, and a stop ran meanwhile",
     replace(STARTED, turn=Turn("you", UNTIL), last_stop=NOW), NOT_KNOWN, "ended"),
    ("its turn has ended", replace(STARTED, turn=Turn("me", NOW)), NOT_KNOWN, "ended"),
    ("it has ended, and is observed", studio(TOLD["q"]), "words", "running"),
)  # fmt: skip


@pytest.mark.parametrize(("what", "before", "outcome", "phase"), SEEN, ids=[it[0] for it in SEEN])
def test_a_question_says_what_became_of_its_call(
    what: str, before: StudioRecord, outcome: str | None, phase: str
) -> None:
    found = before.question("q", CALLER, NOW)
    assert found is not None, what
    assert (found.outcome, found.phase(NOW)) == (outcome, phase)
    assert before.question("q", OTHER, NOW) is None


@pytest.mark.parametrize(
    ("before", "is_good"),
    [
        (studio(), True),
        (studio(last_stop=ASKED - 1), True),
        (studio(own_stops={OTHER: LATER}), True),
        (studio(last_stop=ASKED + 1), False),
        (studio(own_stops={CALLER: ASKED + 1}), False),
        (studio(replace(Q, asked_at=NOW - QUESTION_SECONDS)), False),
        (studio(USED), False),
    ],
)
def test_an_approval_is_good_until_a_stop_or_its_time(
    before: StudioRecord, *, is_good: bool
) -> None:
    assert before.is_good(before.questions["q"], NOW) is is_good


def test_the_latest_question_about_the_same_call_is_found() -> None:
    first, last = replace(Q, way="panel"), replace(Q, id="r", way="page")
    both = StudioRecord(questions={"q": first, "r": last, "s": replace(Q, id="s")})
    assert both.same_call((START,), CALLER) == last
    assert both.same_call((START,), OTHER) is both.same_call((DELETE,), CALLER) is None


def test_one_question_too_many_removes_the_oldest_of_its_caller() -> None:
    full = StudioRecord(questions={"other": replace(Q, id="other", caller=OTHER)})
    others = {"other"}
    for number in range(MOST_QUESTIONS + 1):
        full, _ = full.ask(replace(Q, id=f"{number}"), NOW)
    assert set(full.questions) == others | {f"{it + 1}" for it in range(MOST_QUESTIONS)}


@pytest.mark.parametrize(
    ("field", "kept", "seconds"),
    [
        ("start", SENT, START_SECONDS),
        ("last_stop", NOW, STOP_SECONDS),
        ("own_stops", {CALLER: NOW}, STOP_SECONDS),
        ("used_stops", {"token": UsedStop(NOW, "")}, QUESTION_SECONDS),
        ("questions", {"q": replace(Q, asked_at=NOW)}, KEPT_SECONDS),
        ("questions", {"q": USED}, KEPT_SECONDS),
        ("refusals", {"call": Refusals(1, NOW)}, 600.0),
        ("auto_go_live_until", NOW + 9, 9.0),
        ("stopping", {"stop": UNTIL}, LEASE),
    ],
)
def test_each_thing_is_forgotten_after_its_time(field: str, kept: object, seconds: float) -> None:
    known: dict[str, Any] = {field: kept}
    before = replace(StudioRecord(latest=NOW), **known)
    assert before.pruned(NOW + seconds - 0.1) == before
    assert before.pruned(NOW + seconds) == StudioRecord()


def test_a_go_live_that_is_still_being_sent_is_not_forgotten() -> None:
    assert STARTED.pruned(NOW + START_SECONDS).start == SENT


def test_a_record_has_a_size() -> None:
    many = {f"{it}": it for it in range(MOST_IN_ALL + 1)}
    full = StudioRecord(
        questions={it: replace(Q, id=it) for it in many},
        own_stops=dict.fromkeys(many, NOW),
        used_stops={it: UsedStop(NOW, "") for it in many},
        refusals={it: Refusals(1, NOW) for it in many},
    ).pruned(NOW)
    assert next(iter(full.questions)) == "1"
    sizes = [len(it) for it in (full.questions, full.own_stops, full.used_stops, full.refusals)]
    assert sizes == [MOST_IN_ALL, MOST_OTHERS, MOST_OTHERS, MOST_OTHERS]


def test_a_record_is_the_same_when_it_is_read_again() -> None:
    """With secrets in its operations, and each kind of thing."""
    whole = replace(
        STOPPING,
        turn=GOING,
        start=over(stream_id="encoder_1", earlier=EARLIER),
        last_stop=NOW,
        questions={"q": replace(TOLD["q"], result=NotRun("declined", "cancelled"))},
        refusals={"call": Refusals(1, NOW)},
        auto_go_live_until=NOW,
    )
    kind = TypeAdapter(StudioRecord)
    assert kind.validate_json(kind.dump_json(whole)) == whole
