"""Whatever a person, or a program for them, gives to a prompt: its text, filled in once, or a no.

The texts are filled in by an independent reading of the files, and by Unicode's own table.
"""

from __future__ import annotations

import re
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import ROOT
from tests.fuzz.stage import stage, wire
from tests.fuzz.values import ANYTHING, NAMES, TEXTS, as_seen, can_be_said, is_whole, mostly
from tests.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.jsonrpc import Message

pytestmark = pytest.mark.fuzz

LONGEST_VALUE: Final = 1_000
LONGEST_REFUSAL: Final = 120

SOURCES: Final = {
    path.stem: path.read_text(encoding="utf-8").split("+++\n")[1:]
    for path in sorted((ROOT / "prompts").glob("*.md"))
}
"""Each prompt's front matter and text."""

ARGUMENTS: Final[dict[str, dict[str, bool]]] = {
    name: {it["name"]: it.get("required", False) for it in tomllib.loads(front)["arguments"]}
    for name, (front, _) in SOURCES.items()
}
"""What each prompt takes, and whether it must be given."""

PIECES: Final = st.lists(
    st.sampled_from(
        ("$", "${", "}", "{{", "}}", "studio", "platform", '"', "\\", "\n", "+++\n", " ")
    ),
    max_size=6,
).map("".join)
BLANKS: Final = st.text(" \n\t\u2028\u3000", max_size=3)
LONG: Final = st.integers(-1, 1).map(lambda more: "x" * (LONGEST_VALUE + more))
VALUES: Final = mostly(PIECES, TEXTS | BLANKS | LONG, of=2)
"""What a person types, and what is read as more than that where it is read twice."""

PROMPT_NAMES: Final = st.sampled_from(sorted(SOURCES))


def filled(name: str, given: Mapping[str, str]) -> str:
    """The text of a prompt, each place filled in once, from the left to the right."""
    text = SOURCES[name][1].strip()
    return re.sub(r"\$([a-z_]+)", lambda place: as_seen(given.get(place[1], "")), text)


def may_be_given(name: str, given: Mapping[str, str]) -> bool:
    """Whether there is such a prompt, and these arguments suffice and are none too long."""
    takes = ARGUMENTS.get(name)
    return takes is not None and all(
        len(given.get(it, "")) <= LONGEST_VALUE and (not required or given.get(it, "").strip())
        for it, required in takes.items()
    )


@st.composite
def fitting(draw: st.DrawFn) -> tuple[str, Message]:
    """A prompt that there is, with arguments that it takes, some of which may be missing."""
    name = draw(PROMPT_NAMES)
    takes = dict.fromkeys(ARGUMENTS[name], VALUES)
    given = draw(st.fixed_dictionaries(takes) | st.fixed_dictionaries({}, optional=takes))
    return name, given


ASKED: Final = (
    fitting()
    | fitting()
    | st.tuples(PROMPT_NAMES, st.dictionaries(NAMES, TEXTS, max_size=3))
    | st.tuples(NAMES.filter(is_whole), st.dictionaries(NAMES, TEXTS, max_size=3))
)


def text_of(result: types.GetPromptResult) -> str:
    """The text of a prompt's only message, which is a person's."""
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, types.TextContent)
    return message.content.text


def test_a_prompt_is_its_text_with_each_value_put_in_once_or_a_wrong_request(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No value is read as a place for another, leaves its quotes, or hides in them.

    TRaX is never asked, and a refusal repeats nothing that was given.
    """
    opinions = set()
    with stage(era) as here:

        @settings(max_examples=examples(250))
        @given(ASKED)
        def property_(asked: tuple[str, dict[str, str]]) -> None:
            name, given = asked
            with here.example(asked):
                answer = here.try_(partial(here.client.get_prompt, name, given))
                assert not here.sent
                opinions.add(may_be_given(name, given))
                if may_be_given(name, given):
                    assert isinstance(answer, types.GetPromptResult)
                    assert text_of(answer) == filled(name, given)
                else:
                    assert isinstance(answer, types.ErrorData)
                    refused_well(answer, name)

        property_()
    assert opinions == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


def refused_well(error: types.ErrorData, name: str) -> None:
    """As a wrong request, in a sentence that is wholly ours."""
    assert (error.code, error.data) == (types.INVALID_PARAMS, None)
    takes = "|".join(ARGUMENTS.get(name, ()))
    ours = (
        rf"The prompt {re.escape(name)} needs `({takes})`\.|"
        rf"`({takes})` may have {LONGEST_VALUE} characters at most\."
        if name in ARGUMENTS
        else r"There is no such prompt\."
    )
    assert re.fullmatch(ours, error.message)


def test_what_no_client_would_send_is_a_wrong_request(era: str) -> None:
    """Arguments that are no texts, and no object of them: refused as such, never a fault."""
    with wire(era) as here:

        @settings(max_examples=examples(60))
        @given(PROMPT_NAMES, ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=3))
        def property_(name: str, given: object) -> None:
            answer = here.ask("prompts/get", {"name": name, "arguments": given})
            unread = [] if can_be_said([name, given]) else [types.PARSE_ERROR]
            assert answer["error"]["code"] in (types.INVALID_PARAMS, *unread)
            assert len(str(answer["error"])) <= LONGEST_REFUSAL
            assert not here.sent

        property_()
