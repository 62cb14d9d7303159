"""Any prompt arguments: the prompt's text with each value inserted once, or a refusal.

The expected text comes from an independent parser of the prompt files.
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
from tests.support.fuzzing.fuzz_sessions import fuzz_session
from tests.support.fuzzing.strategies import (
    NAMES,
    TEXTS,
    as_quoted,
    is_encodable,
    mostly,
)
from tests.support.hypothesis_profiles import examples
from tests.support.jsonrpc import MODERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.jsonrpc import Message

pytestmark = pytest.mark.fuzz

MAX_VALUE_LENGTH: Final = 1_000
MAX_REFUSAL_LENGTH: Final = 120

SOURCES: Final = {
    path.stem: path.read_text(encoding="utf-8").split("+++\n")[1:]
    for path in sorted((ROOT / "prompts").glob("*.md"))
}
"""Each prompt's front matter and text."""

ARGUMENTS: Final[dict[str, dict[str, bool]]] = {
    name: {it["name"]: it.get("required", False) for it in tomllib.loads(front)["arguments"]}
    for name, (front, _) in SOURCES.items()
}
"""Each prompt's arguments, and whether they are required."""

PIECES: Final = st.lists(
    st.sampled_from(
        ("$", "${", "}", "{{", "}}", "studio", "platform", '"', "\\", "\n", "+++\n", " ")
    ),
    max_size=6,
).map("".join)
BLANKS: Final = st.text(" \n\t\u2028\u3000", max_size=3)
LONG: Final = st.integers(-1, 1).map(lambda more: "x" * (MAX_VALUE_LENGTH + more))
VALUES: Final = mostly(PIECES, TEXTS | BLANKS | LONG, of=2)
"""Typed text, and text that would mean more if it were expanded twice."""

PROMPT_NAMES: Final = st.sampled_from(sorted(SOURCES))


def expected_text(name: str, given: Mapping[str, str]) -> str:
    """The prompt's text with each placeholder replaced once, from left to right."""
    text = SOURCES[name][1].strip()
    return re.sub(r"\$([a-z_]+)", lambda found: as_quoted(given.get(found[1], "")), text)


def is_valid(name: str, given: Mapping[str, str]) -> bool:
    """Whether the prompt exists and the arguments are complete and short enough."""
    arguments = ARGUMENTS.get(name)
    return arguments is not None and all(
        len(given.get(it, "")) <= MAX_VALUE_LENGTH and (not required or given.get(it, "").strip())
        for it, required in arguments.items()
    )


@st.composite
def valid_requests(draw: st.DrawFn) -> tuple[str, Message]:
    """An existing prompt with arguments that it takes, some possibly missing."""
    name = draw(PROMPT_NAMES)
    arguments = dict.fromkeys(ARGUMENTS[name], VALUES)
    given = draw(st.fixed_dictionaries(arguments) | st.fixed_dictionaries({}, optional=arguments))
    return name, given


PROMPT_REQUESTS: Final = (
    valid_requests()
    | valid_requests()
    | st.tuples(PROMPT_NAMES, st.dictionaries(NAMES, TEXTS, max_size=3))
    | st.tuples(NAMES.filter(is_encodable), st.dictionaries(NAMES, TEXTS, max_size=3))
)


def text_of(result: types.GetPromptResult) -> str:
    """The text of a prompt's only message, which has the role of the user."""
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, types.TextContent)
    return message.content.text


def test_a_prompt_inserts_each_value_once_or_refuses_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No value acts as a placeholder, leaves its quotes or hides in them.

    TRaX gets no request, and a refusal repeats no input.
    """
    outcomes = set()
    with fuzz_session(MODERN) as session:

        @settings(max_examples=examples(250))
        @given(PROMPT_REQUESTS)
        def property_(prompt_request: tuple[str, dict[str, str]]) -> None:
            name, given = prompt_request
            with session.example(prompt_request):
                answer = session.run_or_error(partial(session.client.get_prompt, name, given))
                assert not session.sent
                outcomes.add(is_valid(name, given))
                if is_valid(name, given):
                    assert isinstance(answer, types.GetPromptResult)
                    assert text_of(answer) == expected_text(name, given)
                else:
                    assert isinstance(answer, types.ErrorData)
                    check_refusal(answer, name)

        property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname == "ERROR"]


def check_refusal(error: types.ErrorData, name: str) -> None:
    """An invalid-params error whose sentence is entirely ours."""
    assert (error.code, error.data) == (types.INVALID_PARAMS, None)
    arguments = "|".join(ARGUMENTS.get(name, ()))
    expected = (
        rf"The prompt {re.escape(name)} needs `({arguments})`\.|"
        rf"`({arguments})` may have {MAX_VALUE_LENGTH} characters at most\."
        if name in ARGUMENTS
        else r"There is no such prompt\."
    )
    assert re.fullmatch(expected, error.message)
