"""Any arguments of any tool: answered, and run only if valid and, where guarded, confirmed.

`argument_oracle` says independently what is valid and what needs consent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import text_of
from tests.support import simulated_person as people
from tests.support.fuzzing.argument_oracle import is_valid, must_not_change_anything
from tests.support.fuzzing.fuzz_sessions import (
    CLIENT_ERRORS,
    FuzzSession,
    check_no_other_account,
    fuzz_session,
    http_fuzz_session,
    noting,
)
from tests.support.fuzzing.strategies import (
    ANYTHING,
    KNOWN,
    MAX_ID_LENGTH,
    NAMES,
    ODD_VALUES,
    SCALARS,
    STUDIOS,
    TEXTS,
    arguments_for,
    as_quoted,
    as_sent,
    is_encodable,
    texts_in,
)
from tests.support.guarded_calls import GUARD_ALSO, GUARDED_OPERATIONS
from tests.support.hostile_texts import hidden
from tests.support.hypothesis_profiles import examples, is_long
from tests.support.media_folders import make_media_folder
from tests.support.product.frozen_sandbox import put_on_air, world_of
from tests.support.valid_calls import EVERY
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mcp_types as types

    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import Message

pytestmark = pytest.mark.fuzz

MAX_ECHOED_NAME: Final = 40
"""Characters of an unknown argument's name that a refusal may repeat."""
MIN_ECHO: Final = 12
"""Shorter values may occur in our own sentences by chance."""
MAX_REFUSAL: Final = 2_500
"""Characters of a whole refusal: three escaped names and our own words."""

VALID: Final = {**EVERY, "upload_media": {"path": "intro.mp4"}}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzSession]:
    """One server for all these tests, with every tool, while every studio is on air."""
    folder = make_media_folder(tmp_path_factory.mktemp("media"))
    with fuzz_session(MODERN, on_air=STUDIOS, media_dir=folder) as session:
        assert session.tools.keys() == VALID.keys()
        yield session


# Checks of a result

TRAX_CODES: Final = {"not_found", "invalid_request"}
NO_FILE: Final = "invalid_file"
STEPS: Final = {"confirmation_required", "asking"}
"""The statuses of calls that go on: they are no errors. With a confirmation, all go on."""
NOT_RUN: Final = {"confirmation_invalid", "declined", "nothing_to_do"}


def error_code(result: types.CallToolResult) -> str | None:
    """The error code of a failed call; None if it succeeded or was not run."""
    structured: Message = result.structured_content or {}
    code: str | None = structured["error"]["code"] if "error" in structured else None
    status = structured.get("status") if structured.get("executed") is False else None
    assert status in {None, *STEPS, *NOT_RUN}
    has_ended = status in NOT_RUN and "confirmation" not in structured
    assert (code is not None or has_ended) is bool(result.is_error)
    return code


def did_not_run(result: Message) -> bool:
    """Whether a result says that the call was refused, or that it needs a person's yes."""
    return bool(result["isError"] or result["structuredContent"]["executed"] is False)


def check_refusal_text(text: str, arguments: Message) -> None:
    """A refusal is bounded, fully visible, and repeats no value and only part of a name."""
    assert len(text) <= MAX_REFUSAL
    assert not hidden(text)
    for name in arguments:
        if len(name) > MAX_ECHOED_NAME:
            assert as_quoted(name[: MAX_ECHOED_NAME + 1]) not in text
    for value in texts_in(list(arguments.values())):
        start = value.strip()[:MIN_ECHO]
        if len(start) == MIN_ECHO and not any(start in name for name in arguments):
            assert as_quoted(start) not in text


def check_no_secrets(result: types.CallToolResult, tool: types.Tool, arguments: Message) -> None:
    """A write-only argument is never repeated."""
    for name, value in arguments.items():
        write_only = tool.input_schema["properties"].get(name, {}).get("writeOnly")
        others = texts_in([it for other, it in arguments.items() if other != name])
        if write_only and isinstance(value, str) and len(value) >= MIN_ECHO:
            assert value in others or as_quoted(value) not in str(result)


def check_refusal(result: types.CallToolResult) -> None:
    """The error has the right code and the same sentence as the text."""
    error = (result.structured_content or {})["error"]
    assert error == {
        "code": "invalid_arguments",
        "message": text_of(result),
        "retryable": False,
        "outcome": "not_applied",
    }


def check_call(session: FuzzSession, tool: types.Tool, arguments: Message) -> bool:
    """Call a tool and compare the result and the requests with the oracle."""
    before = world_of(session.trax)
    result = session.run(partial(session.client.call_tool, tool.name, arguments))
    code = error_code(result)
    check_no_other_account(result, arguments)
    check_no_secrets(result, tool, arguments)
    if code is not None:
        check_refusal_text(text_of(result), arguments)
    if not is_valid(tool, arguments):
        check_refusal(result)
        assert not session.sent
        return False
    assert code in {None, NO_FILE, *TRAX_CODES}
    assert code != NO_FILE or not session.sent
    assert not hidden(text_of(result)) - {"\n"}
    if must_not_change_anything(tool, arguments):
        assert {it.method for it in session.sent} <= {"GET"}
        assert world_of(session.trax) == before
    return True


# The properties


def foreign_confirmation(session: FuzzSession) -> str:
    """A valid confirmation id of another call."""
    arguments = {"studioId": "studio_60", "sourceId": "source_6"}
    call = partial(session.client.call_tool, "delete_source", arguments)
    confirmation: str = (session.run(call).structured_content or {})["confirmation"]
    return confirmation


def test_any_arguments_are_answered_and_only_valid_ones_are_sent(
    session: FuzzSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid arguments are accepted, all others refused; an invented confirmation never counts.

    No error is logged, and after each call the server answers the next.
    """
    outcomes = set()
    known = {**KNOWN, "confirmation": (foreign_confirmation(session),)}

    def arguments_of(tool: str) -> st.SearchStrategy[tuple[str, Message]]:
        arguments = arguments_for(session.tools[tool].input_schema, known).map(as_sent)
        return st.tuples(st.just(tool), arguments)

    @settings(max_examples=examples(500))
    @given(st.sampled_from(sorted(session.tools)).flatmap(arguments_of))
    def property_(call: tuple[str, Message]) -> None:
        tool, arguments = call
        with session.example(tool, arguments):
            outcomes.add(check_call(session, session.tools[tool], arguments))

    property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


def test_every_odd_value_in_every_argument_is_handled(
    session: FuzzSession, caplog: pytest.LogCaptureFixture
) -> None:
    """One at a time, in an otherwise valid call: random examples may miss some.

    `make nightly PART=fuzz` tries all of them, and `make test` some for each argument.
    """
    step = 1 if is_long() else 20
    places = [
        (tool, name)
        for tool, listed in session.tools.items()
        for name in (*listed.input_schema["properties"], "besides")
    ]
    for at, (tool, name) in enumerate(places):
        with session.example(tool, name):
            for odd in ODD_VALUES[at % step :: step]:
                session.sent.clear()
                sent = as_sent({**VALID[tool], name: odd})
                with noting(sent):
                    check_call(session, session.tools[tool], sent)
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


# Invented confirmations

GUARDED: Final = [act for act in GUARDED_OPERATIONS.values() if act.tool not in GUARD_ALSO]
GO_LIVE_ELSEWHERE: Final = [act.other for act in GUARDED if act.tool == "go_live"]
CONFIRM_VALUES: Final = st.sampled_from((True, True, True, False))


def consent_arguments(*known: str) -> st.SearchStrategy[Message]:
    """Consent arguments as a model may send them. No confirmation is over the limit."""
    invented = TEXTS.filter(lambda it: len(it) <= MAX_ID_LENGTH)
    confirmations = st.sampled_from(known) if known else invented
    return st.fixed_dictionaries(
        {"confirm": CONFIRM_VALUES}, optional={"confirmation": confirmations | invented}
    )


def check_nothing_changes(session: FuzzSession, act: GuardedOperation, consent: Message) -> None:
    """A guarded call without consent reads from TRaX and changes nothing."""
    before = world_of(session.trax)
    arguments = {**act.arguments, **consent}
    result = session.run(partial(session.client.call_tool, act.tool, arguments))
    assert error_code(result) is None
    assert result.is_error or (result.structured_content or {}).get("executed") is False
    check_no_secrets(result, session.tools[act.tool], arguments)
    assert {it.method for it in session.sent} == {"GET"}
    assert world_of(session.trax) == before


def test_an_invented_confirmation_is_not_consent() -> None:
    """Any text, and a valid confirmation of another call."""
    with fuzz_session(MODERN, on_air=("studio_42",)) as session:
        foreign = foreign_confirmation(session)

        @settings(max_examples=examples(150))
        @given(st.sampled_from([*GUARDED, *GO_LIVE_ELSEWHERE]), consent_arguments(foreign))
        def property_(act: GuardedOperation, consent: Message) -> None:
            with session.example(act, consent):
                check_nothing_changes(session, act, consent)

        property_()


# Form answers other than approval

NEAR_APPROVALS: Final[tuple[Callable[[str], object], ...]] = (
    str.lower,
    str.upper,
    lambda yes: f"{yes} ",
    lambda yes: f"{yes}\u200b",
    lambda yes: yes[:-1],
    lambda yes: [yes],
    lambda _: True,
    lambda _: "yes",
)
CONTENT: Final = st.dictionaries(
    NAMES.filter(is_encodable) | st.just("choice"), SCALARS.filter(lambda it: is_encodable(str(it)))
)
NON_APPROVALS: Final = (
    st.sampled_from((people.refusing, people.declining, people.cancelling))
    | st.sampled_from(NEAR_APPROVALS).map(people.altering)
    | (st.none() | CONTENT).map(people.filling_in)
)


def test_any_form_answer_but_approval_changes_nothing(era: str) -> None:
    """Whatever consent arguments the model sends."""
    person, asked = people.Person(), set()
    with fuzz_session(era, on_air=("studio_42",), person=person) as session:

        @settings(max_examples=examples(250))
        @given(st.sampled_from([*GUARDED, *GO_LIVE_ELSEWHERE]), consent_arguments(), NON_APPROVALS)
        def property_(act: GuardedOperation, consent: Message, answer: people.Responder) -> None:
            forms = len(person.forms)
            person.answer_with(answer)
            with session.example(act, consent):
                check_nothing_changes(session, act, consent)
            if len(person.forms) > forms:
                asked.add(act.tool)

        property_()
    assert len(asked) > len({act.tool for act in GUARDED}) / 2


# Params beside the arguments

FORM_ANSWERS: Final = st.fixed_dictionaries(
    {"action": st.sampled_from(("accept", "decline")) | ANYTHING},
    optional={"content": st.fixed_dictionaries({"choice": ANYTHING}) | ANYTHING},
)
EXTRA_PARAMS: Final = st.fixed_dictionaries(
    {},
    optional={
        "requestState": TEXTS | ANYTHING,
        "inputResponses": st.dictionaries(st.just("consent") | NAMES, FORM_ANSWERS) | ANYTHING,
        "task": ANYTHING,
    },
)
META: Final = st.fixed_dictionaries(
    {}, optional={"progressToken": ANYTHING, "live.traxstreaming/actor": ANYTHING}
)


def test_params_beside_the_arguments_are_not_consent(era: str) -> None:
    """Unrequested form answers, invented request states and claimed actors."""
    with http_fuzz_session(era) as session:
        put_on_air(session.front.trax)

        @settings(max_examples=examples(30))
        @given(
            st.sampled_from([*GUARDED, *GO_LIVE_ELSEWHERE]), consent_arguments(), EXTRA_PARAMS, META
        )
        def property_(
            act: GuardedOperation, consent: Message, extra: Message, meta: Message
        ) -> None:
            params = {"name": act.tool, "arguments": {**act.arguments, **consent}, **extra}
            before = world_of(session.front.trax)
            answer = session.ask("tools/call", params, meta)
            assert answer.get("error", {}).get("code") in CLIENT_ERRORS
            assert "error" in answer or did_not_run(answer["result"])
            assert {it.method for it in session.sent} <= {"GET"}
            assert world_of(session.front.trax) == before

        property_()
