"""Guarded calls with any evidence but an approval: none of them changes anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import (
    ANYTHING,
    NAMES,
    SCALARS,
    TEXTS,
    is_encodable,
)
from tests.fuzz.oracle import MAX_ID_LENGTH
from tests.fuzz.shared import SharedWorld, shared_world
from tests.fuzz.test_fuzz_arguments import check_no_secrets, error_code
from tests.support import simulated_person as people
from tests.support.guarded_calls import GUARD_ALSO, GUARDED_OPERATIONS
from tests.support.hypothesis_profiles import examples
from tests.support.product.frozen_sandbox import contents_of
from tests.world.answers import data_of
from tests.world.wire import ERAS, MODERN, HttpWire, read_answer, request
from tests.world.world import MINE, Over

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import Message

pytestmark = pytest.mark.fuzz

LONGEST_BODY: Final = 64 * 1024
"""Bytes of a request over HTTP."""
GUARDED: Final = [act for act in GUARDED_OPERATIONS.values() if act.tool not in GUARD_ALSO]
ACTS: Final = st.sampled_from([*GUARDED, *(it.other for it in GUARDED if it.tool == "go_live")])


def consent_arguments(*known: str) -> st.SearchStrategy[Message]:
    """Consent arguments as a model may send them. No confirmation is over the limit."""
    invented = TEXTS.filter(lambda it: len(it) <= MAX_ID_LENGTH)
    confirmations = st.sampled_from(known) | invented if known else invented
    return st.fixed_dictionaries(
        {"confirm": st.sampled_from((True, True, True, False))},
        optional={"confirmation": confirmations},
    )


async def check_nothing_changes(
    shared: SharedWorld, act: GuardedOperation, consent: Message
) -> None:
    """A guarded call without approval reads from TRaX and changes nothing."""
    world = shared.world
    before = contents_of(world.trax)
    arguments = {**act.arguments, **consent}
    result = await world[MINE].client.call_tool(act.tool, arguments)
    assert error_code(result) is None
    assert result.is_error or data_of(result).get("executed") is False
    check_no_secrets(result, shared.tools[act.tool], arguments)
    assert {it.method for it in world.trax.requests} == {"GET"}
    assert contents_of(world.trax) == before


def test_an_invented_confirmation_is_not_consent() -> None:
    """Any text, and a valid confirmation of another call."""
    with shared_world(on_air=("studio_42",)) as shared:
        arguments = {"studioId": "studio_60", "sourceId": "source_6"}
        call = shared.world[MINE].client.call_tool
        foreign = data_of(shared.portal.call(call, "delete_source", arguments))["confirmation"]

        @settings(max_examples=examples(150))
        @given(ACTS, consent_arguments(foreign))
        def property_(act: GuardedOperation, consent: Message) -> None:
            shared.example(check_nothing_changes, shared, act, consent)

        property_()


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


@pytest.mark.parametrize("era", ERAS)
def test_any_form_answer_but_approval_changes_nothing(era: str) -> None:
    """Whatever consent arguments the model sends."""
    person, asked = people.Person(), set()
    with shared_world(era=era, on_air=("studio_42",), person=person) as shared:

        @settings(max_examples=examples(250))
        @given(ACTS, consent_arguments(), NON_APPROVALS)
        def property_(act: GuardedOperation, consent: Message, answer: people.Responder) -> None:
            forms = len(person.forms)
            person.answer_with(answer)
            shared.example(check_nothing_changes, shared, act, consent)
            if len(person.forms) > forms:
                asked.add(act.tool)

        property_()
    assert len(asked) > len({act.tool for act in GUARDED}) / 2


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
CLIENT_ERRORS: Final = {-32700, -32600, -32602, -32020, None}
"""Codes of protocol errors that blame the request, not the server."""


def test_params_beside_the_arguments_are_not_consent() -> None:
    """Unrequested form answers, invented request states and claimed actors, as any JSON."""
    with shared_world(over=Over.HTTP, on_air=("studio_42",)) as shared:
        world = shared.world
        wire = HttpWire(world.http, MODERN, x_api_key=MINE, content_type="application/json")

        async def check(params: Message, meta: Message) -> None:
            before = contents_of(world.trax)
            message = request(MODERN, "tools/call", params)
            message["params"]["_meta"] |= meta
            body = json.dumps(message)  # with NaN, which is no JSON
            headers = wire.all_headers(message)
            response = await world.http.post("/mcp", content=body, headers=headers)
            assert response.status_code in ({413} if len(body) > LONGEST_BODY else {200, 400})
            answer = {"error": {}} if response.status_code == 413 else read_answer(response)
            assert answer.get("error", {}).get("code") in CLIENT_ERRORS
            if "error" not in answer:
                result = answer["result"]
                assert result["isError"] or result["structuredContent"]["executed"] is False
            assert {it.method for it in world.trax.requests} <= {"GET"}
            assert contents_of(world.trax) == before

        @settings(max_examples=examples(60))
        @given(ACTS, consent_arguments(), EXTRA_PARAMS, META)
        def property_(
            act: GuardedOperation, consent: Message, extra: Message, meta: Message
        ) -> None:
            arguments = {**act.arguments, **consent}
            shared.example(check, {"name": act.tool, "arguments": arguments, **extra}, meta)

        property_()
