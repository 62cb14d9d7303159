"""A change after the preview voids the confirmation, and the answer starts with the change.

`tests/units/consent/test_digest.py` has every change of what was shown, and of what was not.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.guarded_calls import (
    AUTO_GO_LIVE,
    GO_LIVE,
    GUARDED_OPERATIONS,
)
from tests.support.product.frozen_sandbox import put_on_air
from tests.world.answers import RAN, has_run, outcome, text_of
from tests.world.world import MINE, World, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.guarded_calls import GuardedOperation

    Change = Callable[[World], Awaitable[None]]

CHANGED: Final = ("confirmation_invalid", "changed")
WHILE_LIVE: Final = GUARDED_OPERATIONS["create_destination, on air"]
"""It needs consent only while the studio is live, and a second run is visible."""


def on_trax(which: str, **fields: object) -> Change:
    """Somebody changes one thing on TRaX itself."""

    async def make(it: World) -> None:
        it.trax.change(which, **fields)

    return make


async def add_destination(it: World) -> None:
    """Somebody adds one on TRaX itself."""
    it.trax.add_destination("New page", platform="facebook")


async def swap_destination(it: World) -> None:
    """Somebody replaces one by another of the same name."""
    it.trax.remove("dest_1")
    it.trax.add_destination("Main channel", record_id="dest_8", _connectionId="conn_1")


async def new_feed(it: World) -> None:
    """The address of a source is replaced here, with an approval of its own."""
    address = {"sourceId": "source_2", "url": "rtmp://x.example/y"}
    assert has_run(await it[MINE].confirmed("update_source", **address))


CASES: Final[dict[str, tuple[GuardedOperation, Change, str]]] = {
    "a source was activated": (
        GO_LIVE,
        on_trax("source_2", active=True),
        'Now: May be on screen: "Guest feed".',
    ),
    "a destination was added to an autoGoLive question": (
        AUTO_GO_LIVE,
        add_destination,
        'Now: Would stream to: "New page" (Facebook).',
    ),
    "a destination was swapped for one of the same name": (
        GO_LIVE,
        swap_destination,
        'Now another one with the same name: Streams to: "Main channel" (YouTube).',
    ),
}
"""The previewed operation, the change before its confirmation is used, and the line about it."""


@pytest.mark.parametrize("name", CASES)
async def test_a_confirmation_is_invalid_after_a_change(name: str) -> None:
    """The answer starts with the change. The operation is sent with the new confirmation only."""
    operation, change, line = CASES[name]
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(operation)
        await change(it)
        result = await it[MINE].use(operation, confirmation)
        assert outcome(result) == CHANGED
        assert operation.sent not in it.sent
        shown = text_of(result).splitlines()
        assert shown[shown.index("Changed since you were asked:") + 1] == f"- {line}"
        fresh = (result.structured_content or {})["confirmation"]
        await it[MINE].read_preview()
        assert outcome(await it[MINE].use(operation, fresh)) == RAN


async def time_passes(it: World) -> None:
    """Less than the confirmation lives."""
    it.hand_clock.advance(290)


HARMLESS: Final[dict[str, tuple[GuardedOperation, Change]]] = {
    "time has passed": (GO_LIVE, time_passes),
    "an address that no read shows was replaced": (GO_LIVE, new_feed),
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_a_confirmation_stays_valid_if_nothing_that_was_shown_has_changed(name: str) -> None:
    operation, change = HARMLESS[name]
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(operation)
        await change(it)
        assert outcome(await it[MINE].use(operation, confirmation)) == RAN


@pytest.mark.parametrize(("first", "then"), [("on air", "off air"), ("off air", "on air")])
async def test_a_confirmation_is_used_even_if_consent_is_no_longer_required(
    first: str, then: str
) -> None:
    """It runs once, whether the studio is live or not at the first and second use."""

    def take_off_air() -> None:
        it.trax.go_offline()
        it.hand_clock.advance(60)

    async with open_world(MINE) as it:
        put_on_air(it.trax)
        use = partial(it[MINE].use, WHILE_LIVE, await it[MINE].confirmation(WHILE_LIVE))
        if first == "off air":
            take_off_air()
        assert outcome(await use()) == RAN
        if then == "off air":
            take_off_air()
        else:
            put_on_air(it.trax)
        assert outcome(await use()) == ("confirmation_invalid", "used")
        assert it.sent == [WHILE_LIVE.sent]
