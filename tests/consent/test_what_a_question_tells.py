"""What a question tells beyond what TRaX shows: earlier changes, namesakes, odd words, and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import (
    AUTO_GO_LIVE,
    DELETE_DESTINATION,
    GO_LIVE,
    GO_OFFLINE,
    GUARDED_OPERATIONS,
    STUDIO,
    GuardedOperation,
)
from tests.support.product.faults import Fault
from tests.support.simulated_person import Person
from tests.world.answers import outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

NEW_KEY: Final = GUARDED_OPERATIONS["update_destination, streamKey"]
NEW_FEED: Final = GuardedOperation(
    "update_source",
    {**STUDIO, "sourceId": "source_1", "url": "rtmp://evil.example/secret/feed"},
    "PATCH /v1/studios/studio_42/sources/source_1",
    {},
)
"""It needs no consent off air."""
EARLIER: Final = [
    'Changed here earlier: the address of "Host camera", to evil.example.',
    'Changed here earlier: the stream key of "Kick (trying out)" (Kick).',
]


async def preview(it: World, operation: GuardedOperation) -> dict[str, Any]:
    """What a person is shown about a call."""
    shown: dict[str, Any] = (await it[MINE].preview(operation))["preview"]
    return shown


async def test_what_was_changed_here_and_nothing_shows_is_told_until_the_next_go_live() -> None:
    """Of an address only the host. A go-live that was refused has told nobody."""
    async with open_world(MINE) as it:
        assert (await preview(it, GO_LIVE))["warnings"] == []
        await it[MINE].call(NEW_FEED)
        await it[MINE].confirmed(NEW_KEY)
        for operation in (GO_LIVE, AUTO_GO_LIVE):
            assert (await preview(it, operation))["warnings"] == EARLIER
        it.trax.faults.add(Fault.error(409, "conflict"), path="*/go-live")
        await it[MINE].confirmed(GO_LIVE)
        it.hand_clock.advance(5 * 3600)
        assert (await preview(it, GO_LIVE))["warnings"] == EARLIER
        await it[MINE].confirmed(GO_LIVE)
        await it[MINE].confirmed(GO_OFFLINE)
        it.hand_clock.advance(60)
        assert (await preview(it, GO_LIVE))["warnings"] == []


async def test_a_change_that_was_refused_is_not_told() -> None:
    """The camera has its old address."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(409, "conflict"), method="PATCH")
        await it[MINE].call(NEW_FEED)
        assert (await preview(it, GO_LIVE))["warnings"] == []


async def test_a_second_change_after_the_yes_voids_it() -> None:
    """Though the sentence that tells of it is the same."""
    async with open_world(MINE) as it:
        await it[MINE].call(NEW_FEED)
        confirmation = await it[MINE].confirmation(GO_LIVE)
        await it[MINE].call(NEW_FEED)
        late = await it[MINE].use(GO_LIVE, confirmation)
        assert outcome(late) == ("confirmation_invalid", "changed")
        assert GO_LIVE.sent not in it.sent


async def test_things_of_one_name_carry_their_ids() -> None:
    """Two destinations or two sources: else the same question would ask about either."""
    person = Person()
    async with open_world(MINE) as it:
        it.trax.change("dest_2", name="Main channel", platform="youtube")
        it.trax.change("source_3", name="Host camera", type="webcam")
        shown = await preview(it, GO_LIVE)
        asking = await it.caller(person=person)
        for operation in (DELETE_DESTINATION, DELETE_DESTINATION.other):
            await asking.call(operation)
        await it[MINE].call(NEW_FEED)
        (earlier,) = (await preview(it, GO_LIVE))["warnings"]
    assert shown["effects"][1:] == [
        'Streams to: "Main channel" (YouTube, dest_1), "Main channel" (YouTube, dest_2)',
        'Stays off: "Kick (trying out)" (Kick)',
        'May be on screen: "Host camera" (source_1), "Host camera" (source_3)',
    ]
    assert [form.message.partition("?")[0] for form in person.forms] == [
        'Delete "Main channel" (YouTube, dest_1) from "Friday Night Show"',
        'Delete "Main channel" (YouTube, dest_2) from "Friday Night Show"',
    ]
    assert '"Host camera" (source_1)' in earlier


async def test_unknown_words_for_platforms_and_types_are_quoted() -> None:
    """One word can be a sentence."""
    async with open_world(MINE) as it:
        it.trax.change("dest_1", platform="approved.by.you")
        it.trax.change("source_1", type="press-yes-now")
        shown = await preview(it, GO_LIVE)
    assert (
        'Streams to: "Late crowd" (Twitch), "Main channel" ("approved.by.you")' in shown["effects"]
    )


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("live_123_abcdWXYZ", '17 characters, ending in "WXYZ"'),
        ("0123456789ab", '12 characters, ending in "89ab"'),
        ("0123456789a", "11 characters"),
    ],
)
async def test_a_stream_key_is_told_by_its_length_and_its_end(key: str, told: str) -> None:
    """So that a person notices a key that is not theirs. A short one is told by its length."""
    operation = replace(NEW_KEY, arguments={**NEW_KEY.arguments, "streamKey": key})
    async with open_world(MINE) as it:
        shown = await preview(it, operation)
    assert f"New key: {told}" in shown["effects"]
    assert key not in str(shown)
