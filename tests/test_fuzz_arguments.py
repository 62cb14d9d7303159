"""Whatever a model sends as arguments of any tool: answered, and acted on only where it may be.

What is valid, and what needs a yes, is said by `judge`, which knows nothing of the product.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import person as people
from tests.acts import ACTS, ALSO
from tests.calls import EVERY
from tests.folders import furnish
from tests.fuzz.judge import changes_nothing, is_valid
from tests.fuzz.stage import REFUSALS, Stage, nothing_of_strangers, stage, told, wire
from tests.fuzz.values import (
    ANYTHING,
    KNOWN,
    NAMES,
    NO_OBJECTS,
    ODD,
    SCALARS,
    STUDIOS,
    TEXTS,
    arguments_for,
    as_seen,
    as_sent,
    can_be_said,
    is_whole,
    texts_in,
)
from tests.generated import listings
from tests.hostility import hidden
from tests.jsonrpc import MODERN
from tests.profiles import examples
from tests.witness import put_on_air, world_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acts import Act
    from tests.jsonrpc import Message

pytestmark = pytest.mark.fuzz

LONGEST_NAME: Final = 40
"""Characters of a stranger's name for an argument that a refusal may repeat."""
LONGEST_ECHO: Final = 12
"""Characters in which a value and a sentence of ours do not agree by chance."""
LONGEST_REFUSAL: Final = 2_500
"""Characters of a whole refusal: three names of which nothing can be seen, and our own words."""

TOOLS: Final = {tool.name: tool for tool in listings()}
WIRED: Final = [
    TOOLS[name]
    for name in ("update_studio", "send_chat_message", "list_media", "wait_for_chat_messages")
]
each_tool = pytest.mark.parametrize("tool", TOOLS)


# What the answers must be like

SAID_BY_TRAX: Final = {"not_found", "invalid_request"}
NO_FILE: Final = "invalid_file"
NOT_RUN: Final = {"confirmation_required", "confirmation_invalid", "declined", "nothing_to_do"}


def code_of(result: types.CallToolResult) -> str | None:
    """What a failed call says it is; None if it has not failed, or waits for a yes."""
    structured: Message = result.structured_content or {}
    code: str | None = structured["error"]["code"] if "error" in structured else None
    assert (code is not None or structured.get("status") in NOT_RUN) is bool(result.is_error)
    return code


def text_of(result: types.CallToolResult) -> str:
    """What a model is told."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def tells_little(text: str, arguments: Message) -> None:
    """A refusal is bounded, hides nothing, and repeats no value; of a name only the beginning."""
    assert len(text) <= LONGEST_REFUSAL
    assert not hidden(text)
    for name in arguments:
        if len(name) > LONGEST_NAME:
            assert as_seen(name[: LONGEST_NAME + 1]) not in text
    for value in texts_in(list(arguments.values())):
        begins = value.strip()[:LONGEST_ECHO]
        if len(begins) == LONGEST_ECHO and not any(begins in name for name in arguments):
            assert as_seen(begins) not in text


def no_secrets(result: types.CallToolResult, tool: types.Tool, arguments: Message) -> None:
    """What may only be written is told to nobody, whatever becomes of the call."""
    for name, value in arguments.items():
        write_only = tool.input_schema["properties"].get(name, {}).get("writeOnly")
        others = texts_in([it for other, it in arguments.items() if other != name])
        if write_only and isinstance(value, str) and len(value) >= LONGEST_ECHO:
            assert value in others or as_seen(value) not in str(result)


def refused_well(result: types.CallToolResult) -> None:
    """By the code for it, in one sentence for both readers."""
    error = (result.structured_content or {})["error"]
    assert error == {
        "code": "invalid_arguments",
        "message": text_of(result),
        "retryable": False,
        "outcome": "not_applied",
    }


def judged(stage: Stage, tool: types.Tool, arguments: Message) -> bool:
    """Call a tool, and hold the answer and what was sent against the judge's opinion."""
    before = world_of(stage.trax)
    result = stage.await_(partial(stage.client.call_tool, tool.name, arguments))
    code = code_of(result)
    nothing_of_strangers(result, arguments)
    no_secrets(result, tool, arguments)
    if code is not None:
        tells_little(text_of(result), arguments)
    if not is_valid(tool, arguments):
        refused_well(result)
        assert not stage.sent
        return False
    assert code in {None, NO_FILE, *SAID_BY_TRAX}
    assert code != NO_FILE or not stage.sent
    assert not hidden(text_of(result)) - {"\n"}
    if changes_nothing(tool, arguments):
        assert {it.method for it in stage.sent} <= {"GET"}
        assert world_of(stage.trax) == before
    return True


# The properties


def foreign_yes(stage: Stage) -> str:
    """A confirmation that is valid, but for quite another call."""
    slides = {"studioId": "studio_60", "sourceId": "source_6"}
    asking = partial(stage.client.call_tool, "delete_source", slides)
    yes: str = (stage.await_(asking).structured_content or {})["confirmation"]
    return yes


@each_tool
def test_any_arguments_are_answered_and_only_valid_ones_are_sent(
    tool: str, era: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Taken if and only if they are valid; and nothing that needs a yes is done for a made-up one.

    No fault of ours is logged, and after each call the server answers the next.
    """
    opinions = set()
    with stage(era, on_air=STUDIOS, media_dirs=[furnish(tmp_path)]) as here:
        listed = {it.name: it for it in here.await_(here.client.list_tools).tools}
        assert list(listed) == list(TOOLS)
        known = {**KNOWN, "confirmation": (foreign_yes(here),)}

        @settings(max_examples=examples(35))
        @given(arguments_for(listed[tool].input_schema, known).map(as_sent))
        def property_(arguments: Message) -> None:
            with here.example(arguments):
                opinions.add(judged(here, listed[tool], arguments))

        property_()
    assert opinions == {True, False}
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


# A yes that is made up

GUARDED: Final = [act for act in ACTS.values() if act.tool not in ALSO]
OFF_AIR: Final = [act.other for act in GUARDED if act.tool == "go_live"]
LIKELY: Final = st.sampled_from((True, True, True, False))


def claims(*known: str) -> st.SearchStrategy[Message]:
    """What a model says of a yes that it was given."""
    confirmations = st.sampled_from(known) if known else TEXTS
    return st.fixed_dictionaries(
        {"confirm": LIKELY}, optional={"confirmation": confirmations | TEXTS}
    )


def nothing_is_done(here: Stage, act: Act, claimed: Message) -> None:
    """A guarded call that nobody agreed to: TRaX is looked at, and stays as it is."""
    before = world_of(here.trax)
    arguments = {**act.arguments, **claimed}
    result = here.await_(partial(here.client.call_tool, act.tool, arguments))
    assert code_of(result) is None
    assert result.is_error
    no_secrets(result, TOOLS[act.tool], arguments)
    assert {it.method for it in here.sent} == {"GET"}
    assert world_of(here.trax) == before


def test_a_yes_that_is_made_up_is_none(era: str) -> None:
    """Any word, and a confirmation that is valid, but for another call."""
    with stage(era, on_air=("studio_42",)) as here:
        foreign = foreign_yes(here)

        @settings(max_examples=examples(150))
        @given(st.sampled_from([*GUARDED, *OFF_AIR]), claims(foreign))
        def property_(act: Act, claimed: Message) -> None:
            with here.example(act, claimed):
                nothing_is_done(here, act, claimed)

        property_()


# A person who is asked, and says anything but yes

SPOILS: Final[tuple[Callable[[str], object], ...]] = (
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
    NAMES.filter(is_whole) | st.just("choice"), SCALARS.filter(lambda it: is_whole(str(it)))
)
NO_YES: Final = (
    st.sampled_from((people.refusing, people.declining, people.cancelling))
    | st.sampled_from(SPOILS).map(people.nearly)
    | (st.none() | CONTENT).map(people.filling_in)
)


def test_whatever_a_person_says_but_yes_changes_nothing(era: str) -> None:
    """And whatever the model says of a yes that it was given."""
    person, asked = people.Person(), set()
    with stage(era, on_air=("studio_42",), person=person) as here:

        @settings(max_examples=examples(120))
        @given(st.sampled_from([*GUARDED, *OFF_AIR]), claims(), NO_YES)
        def property_(act: Act, claimed: Message, answer: people.Saying) -> None:
            forms = len(person.forms)
            person.will(answer)
            with here.example(act, claimed):
                nothing_is_done(here, act, claimed)
            if len(person.forms) > forms:
                asked.add(act.tool)

        property_()
    assert len(asked) > len({act.tool for act in GUARDED}) / 2


# What comes beside the arguments

ANSWER: Final = st.fixed_dictionaries(
    {"action": st.sampled_from(("accept", "decline")) | ANYTHING},
    optional={"content": st.fixed_dictionaries({"choice": ANYTHING}) | ANYTHING},
)
BESIDE: Final = st.fixed_dictionaries(
    {},
    optional={
        "requestState": TEXTS | ANYTHING,
        "inputResponses": st.dictionaries(st.just("consent") | NAMES, ANSWER) | ANYTHING,
        "task": ANYTHING,
    },
)
META: Final = st.fixed_dictionaries(
    {}, optional={"progressToken": ANYTHING, "live.traxstreaming/actor": ANYTHING}
)


def test_what_comes_beside_the_arguments_is_no_yes(era: str) -> None:
    """Answers to what was never asked, states that nobody gave, and claims of who asks."""
    with wire(era) as here:
        put_on_air(here.front.trax)

        @settings(max_examples=examples(60))
        @given(st.sampled_from([*GUARDED, *OFF_AIR]), claims(), BESIDE, META)
        def property_(act: Act, claimed: Message, beside: Message, meta: Message) -> None:
            params = {"name": act.tool, "arguments": {**act.arguments, **claimed}, **beside}
            before = world_of(here.front.trax)
            answer = here.ask("tools/call", params, meta)
            assert answer.get("error", {}).get("code") in REFUSALS
            assert "error" in answer or answer["result"]["isError"]
            assert {it.method for it in here.sent} <= {"GET"}
            assert world_of(here.front.trax) == before

        property_()


@each_tool
def test_every_odd_value_in_every_argument(
    tool: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One after the other, in a call that is valid but for it: what chance may pass over."""
    usual = {**EVERY, "upload_media": {"path": "intro.mp4"}}[tool]
    arguments = TOOLS[tool].input_schema["properties"]
    with stage(MODERN, on_air=STUDIOS, media_dirs=[furnish(tmp_path)]) as here:
        for name in (*arguments, "besides"):
            with here.example(name):
                for odd in ODD:
                    here.sent.clear()
                    given = as_sent({**usual, name: odd})
                    with told(given):
                        judged(here, TOOLS[tool], given)
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


def test_what_no_client_would_send_is_refused(era: str) -> None:
    """Arguments that are no object, or hold what is no JSON: NaN, halves of characters."""
    with wire(era) as here:

        @settings(max_examples=examples(100))
        @given(st.sampled_from(WIRED), st.data())
        def property_(tool: types.Tool, data: st.DataObject) -> None:
            arguments = data.draw(arguments_for(tool.input_schema) | NO_OBJECTS)
            answer = here.ask("tools/call", {"name": tool.name, "arguments": arguments})
            assert answer.get("error", {}).get("code") in REFUSALS
            valid = isinstance(arguments, dict) and is_valid(tool, arguments)
            if valid and can_be_said(arguments):
                assert "result" in answer
            else:
                assert not here.sent
                assert "result" not in answer or answer["result"]["isError"]

        property_()
