"""Which calls need consent, and when: the table of README once more, written by hand.

The guard reads whether a studio is live. These rules only say for which calls that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.api.tool_input import Effect
from trax_mcp.consent.plans import When
from trax_mcp.consent.rules import GUARDABLE, Mode, Rules

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

NEVER, WHILE_LIVE, ALWAYS = When

S: Final = {"studio_id": "s"}
PLACE: Final = {**S, "name": "Main", "platform": "youtube"}
DEST: Final = {**S, "dest_id": "d"}
CAMERA: Final = {**S, "name": "Camera", "type": "webcam"}
SOURCE: Final = {**S, "source_id": "c"}
KEY: Final = SecretStr("live-4711")
ADDRESS: Final = "rtmps://example.com/app"

TABLE: Final[list[tuple[Operation[Model], When]]] = [
    (GoLive(**S), ALWAYS),
    (GoOffline(**S), ALWAYS),
    (DeleteDestination(**DEST), ALWAYS),
    (DeleteSource(**SOURCE), ALWAYS),
    (UnlinkConnection(connection_id="c"), ALWAYS),
    # A studio that goes on air by itself later is a go-live without a yes.
    (UpdateStudio(**S, auto_go_live=True), ALWAYS),
    (UpdateStudio(**S, auto_go_live=True, name="N"), ALWAYS),
    (UpdateStudio(**S, auto_go_live=False), NEVER),
    (UpdateStudio(**S, auto_go_offline_on_drop=True), NEVER),
    (UpdateStudio(**S, name="N"), NEVER),
    # A destination that is enabled while live takes the stream to new viewers.
    (CreateDestination(**PLACE), WHILE_LIVE),
    (CreateDestination(**PLACE, enabled=True), WHILE_LIVE),
    (CreateDestination(**PLACE, enabled=False), NEVER),
    (CreateDestination(**PLACE, rtmp_url=ADDRESS, stream_key=KEY), WHILE_LIVE),
    (CreateDestination(**PLACE, rtmp_url=ADDRESS, stream_key=KEY, enabled=False), NEVER),
    # What no read ever shows again is lost when it is overwritten.
    (UpdateDestination(**DEST, rtmp_url=ADDRESS), ALWAYS),
    (UpdateDestination(**DEST, stream_key=KEY), ALWAYS),
    (UpdateDestination(**DEST, platform="twitch"), ALWAYS),
    (UpdateDestination(**DEST, platform="twitch", enabled=False, name="N"), ALWAYS),
    (UpdateDestination(**DEST, enabled=True), WHILE_LIVE),
    (UpdateDestination(**DEST, enabled=False), WHILE_LIVE),
    (UpdateDestination(**DEST, vertical=True), WHILE_LIVE),
    (UpdateDestination(**DEST, vertical=False, name="N"), WHILE_LIVE),
    (UpdateDestination(**DEST, name="N"), NEVER),
    (CreateSource(**CAMERA), WHILE_LIVE),
    (CreateSource(**CAMERA, active=True), WHILE_LIVE),
    (CreateSource(**CAMERA, url=ADDRESS), WHILE_LIVE),
    (CreateSource(**CAMERA, active=False), NEVER),
    (UpdateSource(**SOURCE, active=True), WHILE_LIVE),
    (UpdateSource(**SOURCE, active=False), WHILE_LIVE),
    (UpdateSource(**SOURCE, url=ADDRESS, name="N"), WHILE_LIVE),
    (UpdateSource(**SOURCE, name="N"), NEVER),
    (CreateStudio(name="N"), NEVER),
    (SendChatMessage(**S, text="Hello"), NEVER),
    (CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=1), NEVER),
]
"""Every operation that changes something, with each kind of argument that makes a difference."""

each_row = pytest.mark.parametrize(
    ("operation", "when"),
    TABLE,
    ids=lambda it: it.name if isinstance(it, When) else "-".join(["", *it.arguments()]),
)


@each_row
def test_when_a_call_needs_consent(operation: Operation[Model], when: When) -> None:
    """It depends on the operation and its arguments, and is the same in every mode."""
    for mode in Mode:
        assert Rules(mode).when(operation) is when


@each_row
def test_a_call_that_needs_consent_belongs_to_a_guarded_tool(
    operation: Operation[Model], when: When
) -> None:
    """Only a guarded tool has an argument for the consent."""
    if when is not NEVER:
        assert Rules().may_need_consent(type(operation))


def test_every_mutating_operation_is_in_the_table() -> None:
    """A new operation must be thought about here."""
    assert {type(operation) for operation, _ in TABLE} == {
        kind for kind in OPERATIONS if kind.effect is not Effect.READ
    }


def test_no_other_tools_are_guarded() -> None:
    """A tool is guarded if any of its calls can need consent."""
    assert {kind.tool_name for kind in OPERATIONS if Rules().may_need_consent(kind)} == {
        operation.tool_name for operation, when in TABLE if when is not NEVER
    }


@each_row
def test_the_operator_can_guard_more(operation: Operation[Model], when: When) -> None:
    """An operation in TRAX_GUARD_ALSO always needs consent, with any arguments."""
    rules = Rules(also=frozenset({operation.tool_name}))
    assert rules.may_need_consent(type(operation))
    assert rules.when(operation) is ALWAYS


@each_row
def test_the_operator_cannot_guard_less(operation: Operation[Model], when: When) -> None:
    """TRAX_GUARD_ALSO changes only the operations that it names."""
    another = GUARDABLE - {operation.tool_name}
    rules = Rules(also=another)
    assert rules.when(operation) is when


def test_only_mutating_operations_can_be_guarded() -> None:
    """A person is never asked whether something may be read."""
    assert {operation.tool_name for operation, _ in TABLE} == GUARDABLE
    assert all(Rules().when(kind.model_construct()) is NEVER for kind in OPERATIONS if _reads(kind))


def _reads(kind: type[Operation[Model]]) -> bool:
    return kind.effect is Effect.READ
