"""A read that meets a fault returns the data, or a complete failure without leaks.

One test per line of the table. `test_responses` has every spelling of a response.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.fault_table.faulty_world import open_faulty
from tests.support.fault_table.role_calls import FAULT_CASES, row_of, rows
from tests.support.fault_table.table import TABLE, Consequence, Role
from tests.support.fault_table.wire_cases import ENDLESS_BYTES
from tests.support.product.faults import Fault
from tests.world.answers import data_in_text, plain_data_of
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from mcp.server import Server
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.role_calls import Row
    from tests.support.product.sandbox import Sandbox

MAX_SENT_BYTES: Final = 24 << 20
"""The response limit, and what the operating system buffers of an unread stream."""


def test_every_line_of_the_table_has_a_fault_case() -> None:
    """The fault cases and the lines of the table are the same."""
    assert set(FAULT_CASES) == set(TABLE)


@pytest.mark.parametrize("row", rows(Role.READ), ids=str)
async def test_a_read_that_meets_a_fault_fails_as_the_table_says(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """The failure says what happened and what to do next; later calls succeed."""
    await check_read(row, snapshot)


async def test_an_answer_fits_the_schema_of_the_legacy_era_too(
    snapshot: SnapshotAssertion,
) -> None:
    """Its clients compare an answer with the schema that was listed."""
    await check_read(row_of(Role.READ, "200 with wrong types"), snapshot, era=LEGACY)


async def check_read(row: Row, snapshot: SnapshotAssertion, *, era: str = MODERN) -> None:
    """Read with the fault and without it, and compare with the row."""
    case = row.case
    async with open_faulty(row, era=era) as faulty:
        faulty.begin_fault()
        result = await faulty.call()
        sent, largest = len(faulty.affected_ids), faulty.largest_response_bytes
        faulty.end_fault()
        later = await faulty.call()
    assert not later.is_error
    if row.consequence is Consequence.OK:
        assert not result.is_error, result.content
        assert plain_data_of(result) == case.structured(plain_data_of(later))
    else:
        assert faulty.failure_in(result) == snapshot
    assert (sent, faulty.changes) == (case.tries, [])
    assert largest < MAX_SENT_BYTES < ENDLESS_BYTES


async def test_invalid_list_items_do_not_hide_the_valid_ones(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The structured content holds what fits the schema; the text holds everything."""
    asset = {"id": "asset_1", "filename": "a.png", "byteSize": 7.0, "kind": None, "new": [1]}
    sent = {"data": [7, None, {**asset, "byteSize": "big"}, asset], "nextCursor": "more"}
    sandbox.faults.add(Fault.status(200, sent))
    result = await call(server, "list_media")
    assert plain_data_of(result) == {
        "data": [{**asset, "byteSize": None}, asset],
        "nextCursor": "more",
    }
    assert json.loads(data_in_text(result)) == sent


async def test_a_cursor_is_ignored_where_there_are_no_pages(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It is passed on like any unknown field: chat has no pages."""
    sandbox.faults.add(Fault.status(200, {"data": [], "nextCursor": False}))
    assert not (await call(server, "list_chat_messages", {"studioId": "studio_42"})).is_error
