"""Every field of every change changes some sentence of the question, alone and among several."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import ValidationError

from tests.units.studio_facts import LIVE, NOW
from trax_mcp.actions.several import CHANGES, ApplyChanges
from trax_mcp.actions.shown import Operations, show
from trax_mcp.actions.view import View
from trax_mcp.server.question_text import form_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.actions.change import Change

S: Final = "studio_42"
OTHERS: Final = [
    {"tool": "delete_destination", "arguments": {"destId": "dest_3"}},
    {"tool": "update_destination", "arguments": {"destId": "dest_2", "name": "Kick"}},
    {"tool": "update_destination", "arguments": {"destId": "dest_2", "streamKey": "live_1234567"}},
]
"""Three other changes: so many verbs are in a headline."""
KEPT: Final[dict[str, dict[str, Any]]] = {
    "update_studio": {"name": "New", "autoGoOfflineOnDrop": True},
    "create_destination": {"name": "New", "platform": "youtube"},
    "update_destination": {"destId": "dest_1", "name": "New", "platform": "kick"},
    "delete_destination": {"destId": "dest_1"},
    "create_source": {"name": "New", "type": "rtmp"},
    "update_source": {"sourceId": "source_1", "name": "New", "url": "rtmp://b.example/x"},
    "delete_source": {"sourceId": "source_1"},
}
TOGETHER: Final = {
    "rtmpUrl": {"streamKey": "live_aaaaaaaa1"},
    "streamKey": {"rtmpUrl": "rtmp://a.example/x"},
}
"""What a new destination takes only with something else."""
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "name": ("First", "Second"),
    "platform": ("youtube", "custom"),
    "rtmpUrl": ("rtmp://a.example/x", "rtmp://a.example/y"),
    "url": ("rtmp://a.example/x", "rtmp://a.example/y"),
    "streamKey": ("live_aaaaaaaa1", "live_aaaaaaaa2"),
    "connectionId": ("conn_1", "conn_2"),
    "destId": ("dest_1", "dest_2"),
    "sourceId": ("source_1", "source_2"),
    "type": ("rtmp", "srt"),
}
_NUMBER: Final = re.compile(r"^ \(\d of \d\)")
ON_UNLESS_FALSE: Final = {("create_destination", "enabled"), ("create_source", "active")}
"""Without it, they are asked about as if it was given."""
FIELDS: Final = [
    (tool, name)
    for tool, kind in CHANGES.items()
    for name in kind.argument_names()
    if name != "studioId"
]


@pytest.mark.parametrize(("tool", "name"), FIELDS)
@pytest.mark.parametrize("others", [[], OTHERS], ids=["alone", "among several"])
def test_every_value_of_a_field_asks_another_question(
    tool: str, name: str, others: list[dict[str, Any]]
) -> None:
    questions = [_asked(it, others) for it in _calls(tool, name)]
    assert len(questions) > 1
    assert len(questions) == len({*questions})


def _calls(tool: str, name: str) -> Iterator[Change[Any]]:
    """Calls that differ in one field alone. One of them lacks it, if a call can."""
    kept = {"studioId": S, **KEPT[tool]}
    if tool == "create_destination":
        kept |= TOGETHER.get(name, {})
    for value in VALUES.get(name, (False, True)):
        yield CHANGES[tool].model_validate({**kept, name: value})
    if (tool, name) not in ON_UNLESS_FALSE:
        with suppress(ValidationError):
            yield CHANGES[tool].model_validate({it: kept[it] for it in kept if it != name})


def _asked(call: Change[Any], others: list[dict[str, Any]]) -> tuple[str, ...]:
    """What a person is shown about a call in forms, without how many changes there are."""
    operations: Operations = (call,)
    if others:
        given = {"studioId": S, "changes": [*others, call]}
        operations = ApplyChanges.model_validate(given).changes
    preview = show(operations, View(LIVE, now=NOW))
    forms = form_messages(preview)
    if not others:
        return tuple(it.message + it.description for it in forms)
    headline = preview.headline.in_short
    told = (_NUMBER.sub("", it.message.removeprefix(headline)) + it.description for it in forms)
    return (" ".join(told),)
