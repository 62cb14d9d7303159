"""A question about several changes names each thing as it is now, whatever the call makes of it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.consent.several_changes import GO_LIVE, applying
from tests.support.simulated_person import Person
from tests.world.world import MINE, open_world

DELETE: Final = {"tool": "delete_destination", "arguments": {"destId": "dest_1"}}
DELETE_CAMERA: Final = {"tool": "delete_source", "arguments": {"sourceId": "source_1"}}
MAIN: Final = '"Main channel" (YouTube)'


def _with(**arguments: Any) -> dict[str, Any]:  # noqa: ANN401  any argument
    return {"tool": "update_destination", "arguments": {"destId": "dest_1", **arguments}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([_with(name="Old test"), DELETE], f'Deletes: {MAIN}. Renames: {MAIN} to "Old test".'),
        (  # the name of another one
            [_with(name="Kick (trying out)"), DELETE],
            f'Deletes: {MAIN}. Renames: {MAIN} to "Kick (trying out)".',
        ),
        ([_with(platform="kick"), DELETE], f"Deletes: {MAIN}. New platform: {MAIN}: Kick."),
        (
            [_with(name="Old"), _with(enabled=False), GO_LIVE],
            f"Turns off: {MAIN}. Renames: {MAIN} to ",
        ),
        ([_with(platform="kick"), _with(enabled=False)], "Turn off YouTube and change 1 platform"),
        ([_with(name="Old test"), GO_LIVE], f'Streams to: "Late crowd" (Twitch), {MAIN}.'),
        (
            [
                {"tool": "update_source", "arguments": {"sourceId": "source_1", "name": "Old"}},
                DELETE_CAMERA,
            ],
            'Deletes: "Host camera". Renames: "Host camera" to "Old".',
        ),
        (
            [{"tool": "update_studio", "arguments": {"name": "Old"}}, DELETE],
            'Renames: "Friday Night Show" to "Old".',
        ),
    ],
)
async def test_things_are_named_as_they_are_before_the_call(
    changes: list[dict[str, Any]], told: str
) -> None:
    person = Person()
    async with open_world(MINE, person=person) as it:
        await it[MINE].call(applying(*changes))
    (form,) = person.forms
    assert told in form.message


async def test_the_last_of_two_namesakes_still_takes_its_id() -> None:
    """The first is gone by then, but a person reads both sentences at once."""
    person = Person()
    second = {"tool": "delete_destination", "arguments": {"destId": "dest_2"}}
    async with open_world(MINE, person=person) as it:
        it.trax.world.tables["destinations"]["dest_2"]["name"] = "Main channel"
        await it[MINE].call(applying(DELETE, second))
    (form,) = person.forms
    assert (
        'Deletes: "Main channel" (YouTube, dest_1), "Main channel" (Twitch, dest_2).'
        in form.message
    )
