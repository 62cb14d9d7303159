"""What a question tells beyond what TRaX shows: earlier changes, namesakes, odd words, and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import (
    GO_LIVE,
    GUARDED_OPERATIONS,
    STUDIO,
    GuardedOperation,
)
from tests.support.product.faults import Fault
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


async def test_a_change_that_was_refused_is_not_told() -> None:
    """The camera has its old address."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(409, "conflict"), method="PATCH")
        await it[MINE].call(NEW_FEED)
        assert (await preview(it, GO_LIVE))["warnings"] == []


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
