"""Replicas of two versions, as while they are updated: one reads what the other has written."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from proof.replicas.faulty_engine import FaultyEngine, replica_in_process
from proof.replicas.presses import RAN, UNAVAILABLE, consent, press, preview
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.support.product.sandbox import Sandbox
from trax_mcp.replicas.engine import Write
from trax_mcp.sealing import hashed, seal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.jsonrpc import HttpCaller

STUDIO: Final = "studio_42"
PLACE: Final = f"{{trax}}:place:{hashed(STUDIO)}"
ELSEWHERE: Final = GuardedOperation(
    "update_studio", {"studioId": "studio_43", "autoGoLive": True}, "", {}
)
LATER: Final = {"another format": b"2{}", "another type in the same one": b'1{"state": []}'}
"""Records that this version cannot read."""


@asynccontextmanager
async def replica(engine: ThrowawayEngine) -> AsyncIterator[tuple[HttpCaller, FaultyEngine]]:
    """A replica of this version."""
    connection = FaultyEngine(engine.url)
    async with replica_in_process(connection, Sandbox(rate_limit=None)) as caller:
        yield caller, connection


async def write_as_later_version(connection: FaultyEngine, content: bytes) -> None:
    """Write what is known of the studio, as a later version does."""
    record = Write(seal(content, secret=STUDIO, name=PLACE), 60)
    assert await connection.write(await connection.read(PLACE), {PLACE: record})


@pytest.mark.parametrize("content", LATER.values(), ids=LATER)
async def test_a_record_that_cannot_be_read_is_as_an_engine_that_is_away(
    engine: ThrowawayEngine, content: bytes
) -> None:
    """What a stop has done may stand there. A stop runs, and nothing else waits for it."""
    async with replica(engine) as (caller, connection):
        start, stop = await preview(caller, GO_LIVE), await preview(caller, GO_OFFLINE)
        await write_as_later_version(connection, content)
        assert await press(caller, GO_LIVE, start) == UNAVAILABLE
        assert await press(caller, GO_OFFLINE, stop) == RAN
        assert (await connection.read(PLACE)).values[PLACE] is not None
        for _ in range(2):  # one after the other: the first has ended
            assert await consent(caller, ELSEWHERE) == RAN
