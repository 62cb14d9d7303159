"""Any arguments of any tool are answered, and a call runs only if they are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import (
    ODD_VALUES,
    STUDIOS,
    arguments_for,
    as_sent,
)
from tests.fuzz.oracle import as_quoted, is_valid, normalized, texts_in
from tests.fuzz.shared import SharedWorld, check_no_other_account, shared_world
from tests.support.hostile_texts import hidden
from tests.support.hypothesis_profiles import examples, is_long
from tests.support.media_folders import make_media_folder
from tests.support.operation_table import NEVER
from tests.support.product.declared_consent import needs_yes
from tests.support.product.frozen_sandbox import contents_of
from tests.support.valid_calls import EVERY
from tests.world.answers import data_of, text_of
from tests.world.world import MINE, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import mcp_types as types

    from tests.world.wire import Message

pytestmark = pytest.mark.fuzz

MAX_ECHOED_NAME: Final = 40
"""Characters of an unknown argument's name that a refusal may repeat."""
MIN_ECHO: Final = 12
"""Shorter values may occur in our own sentences by chance."""
MAX_REFUSAL: Final = 2_500
"""Characters of a whole refusal: three escaped names and our own words."""

VALID: Final = {**EVERY, "upload_media": {"path": "intro.mp4"}}
ACCEPTED: Final = {None, "not_found", "invalid_request", "invalid_file"}
"""The error codes of calls with valid arguments."""
NOT_RUN: Final = {"confirmation_invalid", "declined", "nothing_to_do"}
"""The statuses of calls that are errors, unless they have a confirmation."""
STATUSES: Final = {"confirmation_required", "asking", "cannot_ask", *NOT_RUN}
NO_ERRORS: Final = {"too_soon", "declined", "cancelled", "timed_out", "recently_declined"}
"""Why a call did not run where that is no error: a person said no, or cannot have read it yet."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedWorld]:
    """One world for all these tests, with every tool, while every studio is on air."""
    folder = str(make_media_folder(tmp_path_factory.mktemp("media")))
    with shared_world(on_air=STUDIOS, media_dir=folder) as shared:
        assert shared.tools.keys() == VALID.keys()
        yield shared


def error_code(result: types.CallToolResult) -> str | None:
    """The error code of a failed call; None if it succeeded or was not run."""
    data = data_of(result)
    code: str | None = data["error"]["code"] if "error" in data else None
    status = data.get("status") if data.get("executed") is False else None
    assert status in {None, *STATUSES}
    is_open = "confirmation" in data or data.get("reason") in NO_ERRORS
    has_ended = status in NOT_RUN and not is_open
    assert (code is not None or has_ended) is bool(result.is_error)
    return code


def check_refusal(result: types.CallToolResult, arguments: Message) -> None:
    """It is bounded, fully visible, and repeats no value and only part of a name."""
    text = text_of(result)
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
    """A stream key is never repeated."""
    for name, value in arguments.items():
        is_secret = name == "streamKey" and name in tool.input_schema["properties"]
        others = texts_in([it for other, it in arguments.items() if other != name])
        if is_secret and isinstance(value, str) and len(value) >= MIN_ECHO:
            assert value in others or as_quoted(value) not in str(result)


async def check_call(world: World, tool: types.Tool, arguments: Message) -> bool:
    """Call a tool, and compare the result and the requests with the oracle."""
    before, earlier = contents_of(world.trax), len(world.trax.requests)
    result = await world[MINE].client.call_tool(tool.name, arguments)
    sent = {it.method for it in list(world.trax.requests)[earlier:]}
    code = error_code(result)
    check_no_other_account(result, arguments)
    check_no_secrets(result, tool, arguments)
    if code is not None:
        check_refusal(result, arguments)
    if not is_valid(tool, arguments):
        error = {"code": "invalid_arguments", "message": text_of(result)}
        assert data_of(result)["error"] == {**error, "retryable": False, "outcome": "not_applied"}
        assert not sent
        return False
    assert code in ACCEPTED
    assert code != "invalid_file" or not sent
    assert not hidden(text_of(result)) - {"\n"}
    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    if read_only or needs_yes(tool.name, normalized(tool, arguments)) != NEVER:
        assert sent <= {"GET"}
        assert contents_of(world.trax) == before
    return True


def test_any_arguments_are_answered_and_only_valid_ones_are_sent(
    shared: SharedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid arguments are accepted, all others refused. No error is logged."""
    outcomes = set()

    def arguments_of(tool: str) -> st.SearchStrategy[tuple[str, Message]]:
        arguments = arguments_for(shared.tools[tool].input_schema).map(as_sent)
        return st.tuples(st.just(tool), arguments)

    # The calls within `apply_changes` have rules of their own, each that of its tool.
    tools = sorted(shared.tools.keys() - {"apply_changes"})

    @settings(max_examples=examples(500))
    @given(st.sampled_from(tools).flatmap(arguments_of))
    def property_(call: tuple[str, Message]) -> None:
        tool, arguments = call
        outcomes.add(shared.example(check_call, shared.world, shared.tools[tool], arguments))

    property_()
    assert outcomes == {True, False}
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


def test_every_odd_value_in_every_argument_is_handled(
    shared: SharedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """One at a time, in an otherwise valid call: random examples may miss some.

    `make nightly PART=fuzz` tries all of them, and `make test` some for each argument.
    """
    step = 1 if is_long() else 20
    places = [
        (tool, name)
        for tool, listed in shared.tools.items()
        for name in (*listed.input_schema["properties"], "besides")
    ]
    for at, (tool, name) in enumerate(places):
        for odd in ODD_VALUES[at % step :: step]:
            sent = as_sent({**VALID[tool], name: odd})
            shared.example(check_call, shared.world, shared.tools[tool], sent)
    assert not [it for it in caplog.records if it.levelname in {"ERROR", "CRITICAL"}]


# Guarded calls without approval
