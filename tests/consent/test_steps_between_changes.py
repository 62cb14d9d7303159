"""Between several changes, others act: what remains is sent only as it was shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.consent.several_changes import GO_LIVE, applying, outcomes
from tests.support.concurrency import begin
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    import mcp_types as types

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

    Act = Callable[[Sandbox], None]

RENAME: Final = {"tool": "update_studio", "arguments": {"name": "Late Show"}}
DELETE: Final = {"tool": "delete_destination", "arguments": {"destId": "dest_3"}}
START: Final = applying(RENAME, GO_LIVE)
ELSEWHERE: Final = "not sent, because it wouldn't stream as it was shown."
NOT_AS_SHOWN: Final = "not sent, because it wouldn't be as it was shown."


def changing(record: str, **fields: Any) -> Act:  # noqa: ANN401  any field
    """Somebody changes something on TRaX's own site."""
    return lambda trax: trax.change(record, **fields)


async def made_while(it: World, call: GuardedOperation, act: Act) -> types.CallToolResult:
    """Somebody acts after the first change was sent, and before the second."""
    it.trax.faults.slow(2, path="PATCH /v1/studios/studio_42")
    yes = await it[MINE].confirmation(call)
    async with anyio.create_task_group() as tasks:
        results = begin(tasks, partial(it[MINE].use, call, yes))
        await anyio.sleep(1)
        act(it.trax)
    made: types.CallToolResult = results[0]
    return made


@pytest.mark.parametrize(
    "act",
    [
        changing("source_2", active=True),
        changing("source_1", name="Something else"),
        changing("dest_1", platform="kick"),
        changing("dest_1", name="Somebody else's channel"),
        changing("dest_1", vertical=True),
        changing("dest_3", enabled=True),
        changing("dest_1", enabled=False),
    ],
    ids=["source on", "source", "platform", "name", "portrait", "one more", "one less"],
)
@in_virtual_time
async def test_a_show_goes_out_only_as_it_was_shown(act: Act) -> None:
    async with open_world(MINE, virtual=True) as it:
        made = await made_while(it, START, act)
        assert not it.is_live
    assert outcomes(made) == ["applied", "not_sent"]
    assert ELSEWHERE in text_of(made)


@in_virtual_time
async def test_only_what_was_shown_is_deleted() -> None:
    async with open_world(MINE, virtual=True) as it:
        made = await made_while(
            it, applying(RENAME, DELETE), changing("dest_3", name="Main channel, new")
        )
        assert it.trax.record("dest_3")
    assert outcomes(made) == ["applied", "not_sent"]
    assert NOT_AS_SHOWN in text_of(made)


@in_virtual_time
async def test_what_was_approved_off_the_air_is_not_sent_on_air() -> None:
    """Its question had no word of viewers."""
    async with open_world(MINE, virtual=True) as it:
        it.trax.world.go_live_seconds = 0
        made = await made_while(it, applying(RENAME, DELETE), lambda trax: trax.go_live())
        assert it.trax.record("dest_3")
    assert outcomes(made) == ["applied", "not_sent"]


@in_virtual_time
async def test_what_is_in_no_sentence_ends_nothing() -> None:
    async with open_world(MINE, virtual=True) as it:
        made = await made_while(it, START, changing("source_2", name="Guest 2"))
        assert it.is_live
    assert outcomes(made) == ["applied", "applied"]
