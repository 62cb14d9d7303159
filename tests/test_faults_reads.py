"""A read that meets a fault: the answer, or a failure that says all and leaks nothing.

A line of the table each, with how often it is sent and how much of an answer is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.faults.callers import MET, expected, name_of, rows, word_of
from tests.faults.stage import said, staged
from tests.faults.table import TABLE, Kind, Word
from tests.faults.wires import OFFERED
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from mcp.server import Server

    from trax_mcp.sandbox import Sandbox

READ: Final = Kind.READ

MOST_SAID: Final = 24 << 20
"""Bytes: the limit, and what the machine itself keeps of a stream that nobody reads."""


def test_every_line_of_the_table_is_played() -> None:
    """None is missing, and none is played that stands in no line."""
    assert set(MET) == set(TABLE)


@pytest.mark.parametrize("row", rows(READ))
async def test_a_read_that_meets_a_fault(row: str) -> None:
    """The model sees what happened, what was not done and what to do next; then all is well."""
    met = MET[name_of(row)]
    async with staged(row, READ) as stage:
        stage.strike()
        result = await stage.call()
        sent, most = len(stage.struck), stage.said
        stage.relent()
        later = [await stage.call() for _ in range(1 + met.spoils)]
    assert [it.is_error for it in later] == [True] * met.spoils + [False]
    if word_of(row) is Word.OK:
        assert not result.is_error, result.content
        assert result.structured_content == met.shows(later[-1].structured_content or {})
    else:
        assert stage.told(result) == expected(row, READ)
    assert (sent, stage.changes) == (met.tries, [])
    assert most < MOST_SAID < OFFERED


async def test_what_is_odd_in_a_list_does_not_hide_the_rest_of_it(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Programs get what fits the schema, which clients check; a model is shown all of it."""
    asset = {"id": "asset_1", "filename": "a.png", "byteSize": 7.0, "kind": None, "new": [1]}
    sent = {"data": [7, None, {**asset, "byteSize": "big"}, asset], "nextCursor": True}
    sandbox.faults.add(Fault.status(200, sent))
    result = await call(server, "list_media")
    assert result.structured_content == {
        "data": [{**asset, "byteSize": None}, asset],
        "nextCursor": None,
    }
    assert json.loads(said(result)) == sent
