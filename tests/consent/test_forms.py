"""Every form exactly as it is sent, and as Claude Code draws it: `tests/answers/forms.txt`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.guarded_calls import GUARD_ALSO, GUARDED_OPERATIONS, STUDIO, GuardedOperation
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import Person
from tests.support.snapshots import Answers
from tests.support.terminal_rows import rows_of
from tests.world.answers import outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.simulated_person import Form


def _several(*changes: dict[str, object]) -> GuardedOperation:
    return GuardedOperation("apply_changes", {**STUDIO, "changes": list(changes)}, "", {})


def _change(tool: str, **arguments: object) -> dict[str, object]:
    return {"tool": tool, "arguments": arguments}


OPERATIONS: Final = {
    **GUARDED_OPERATIONS,
    "apply_changes, off and live": _several(
        _change("update_destination", destId="dest_1", enabled=False), _change("go_live")
    ),
    "apply_changes, two renames and two deletions": _several(
        _change("update_source", sourceId="source_1", name="Cam A"),
        _change("update_source", sourceId="source_2", name="Cam B"),
        _change("delete_destination", destId="dest_1"),
        _change("delete_destination", destId="dest_2"),
    ),
    "apply_changes, names with hyphens and live": _several(
        _change("update_destination", destId="dest_1", name="Church-of-St-Mary-main-service"),
        _change("update_destination", destId="dest_2", name="Sunday-10-30-service-YouTube"),
        _change("go_live"),
    ),
    "update_destination, a long rtmpUrl": GuardedOperation(
        "update_destination",
        {**STUDIO, "destId": "dest_3", "rtmpUrl": f"rtmps://new.example/app/{'a-long-path/' * 18}"},
        "",
        {},
    ),
}


def _as_sent(form: Form) -> str:
    """The choices, the description, and the message in rows of two widths."""
    field = form.requested_schema["properties"]["choice"]
    choices = " ".join(f"({'x' if it == field['default'] else ' '}) {it}  " for it in field["enum"])
    rows = {width: rows_of(form.message, width) for width in (74, 54)}
    drawn = "\n".join(
        f"  {width} columns, {len(lines)} rows\n" + textwrap.indent("\n".join(lines), "  | ")
        for width, lines in rows.items()
    )
    return f"  {form.message}\n  {choices.rstrip()}\n  {field['description']}\n\n{drawn}"


@pytest.mark.parametrize("name", ["forms"])
async def test_each_question_is_short_enough_to_be_drawn(
    name: str, snapshot: SnapshotAssertion
) -> None:
    told = []
    for kind, operation in OPERATIONS.items():
        person = Person()
        async with open_world(MINE, person=person, TRAX_GUARD_ALSO=GUARD_ALSO) as it:
            if operation.on_air:
                put_on_air(it.trax)
            assert outcome(await it[MINE].call(operation)) == ("cannot_ask", "unseen")
        assert [it for it in person.forms if len(rows_of(it.message, 74)) > 4] == []
        told += [f"{kind}\n\n{_as_sent(form)}" for form in person.forms]
    assert "\n\n\n".join(told) + "\n" == snapshot.with_defaults(extension_class=Answers), name
