"""A read that meets a fault: the answer, or a failure that says all and leaks nothing.

A line of the table each, with how often it is sent and how much of an answer is read; in both
protocol eras where no wire is needed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.faults.callers import MISHAPS, expected, in_both_eras
from tests.faults.stage import said, staged
from tests.faults.table import TABLE, Fate, Role
from tests.faults.wires import OFFERED
from tests.troubles import told
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.faults.callers import Row
    from trax_mcp.sandbox import Sandbox

MOST_SAID: Final = 24 << 20
"""Bytes: the limit, and what the machine itself keeps of a stream that nobody reads."""


def test_every_line_of_the_table_is_played() -> None:
    """None is missing, none is played that stands in no line, and none lacks a column."""
    assert set(MISHAPS) == set(TABLE)
    assert {tuple(line) for line in TABLE.values()} == {tuple(Role)}


@pytest.mark.parametrize(("row", "era"), in_both_eras(Role.READ), ids=str)
async def test_a_read_that_meets_a_fault(row: Row, era: str) -> None:
    """The model sees what happened, what was not done and what to do next; then all is well."""
    mishap = row.mishap
    async with staged(row, era=era) as stage:
        stage.strike()
        result = await stage.call()
        sent, most = len(stage.struck), stage.said
        stage.relent()
        later = [await stage.call() for _ in range(1 + mishap.spoils)]
    assert [it.is_error for it in later] == [True] * mishap.spoils + [False]
    if row.fate is Fate.OK:
        assert not result.is_error, result.content
        assert result.structured_content == mishap.shows(later[-1].structured_content or {})
    else:
        assert stage.told(result) == expected(row)
    assert (sent, stage.changes) == (mishap.tries, [])
    assert most < MOST_SAID < OFFERED


async def test_what_is_odd_in_a_list_does_not_hide_the_rest_of_it(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Programs get what fits the schema, which clients check; a model is shown all of it."""
    asset = {"id": "asset_1", "filename": "a.png", "byteSize": 7.0, "kind": None, "new": [1]}
    sent = {"data": [7, None, {**asset, "byteSize": "big"}, asset], "nextCursor": "more"}
    sandbox.faults.add(Fault.status(200, sent))
    result = await call(server, "list_media")
    assert result.structured_content == {
        "data": [{**asset, "byteSize": None}, asset],
        "nextCursor": "more",
    }
    assert json.loads(said(result)) == sent


@pytest.mark.parametrize("cursor", [True, 7, {"page": 2}, ["more"]], ids=str)
async def test_a_page_that_says_nothing_readable_of_the_next_is_no_answer(
    server: Server[Any], sandbox: Sandbox, cursor: object
) -> None:
    """Whoever reads it would take a part for the whole: only the end of a list has no cursor."""
    sandbox.faults.add(Fault.status(200, {"data": [], "nextCursor": cursor}))
    assert told(await call(server, "list_media"), sandbox) == {
        "code": "bad_answer",
        "message": "TRaX accepted list_media, but its answer says nothing readable of the next"
        " page; nothing was changed. Call again later.",
        "httpStatus": 200,
        "requestId": "ours",
        "retryable": True,
        "outcome": "not_applied",
    }


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("list_chat_messages", {"studioId": "studio_42"}), ("get_studio", {"studioId": "studio_42"})],
)
async def test_where_nobody_can_read_on_a_cursor_means_nothing(
    server: Server[Any], sandbox: Sandbox, tool: str, arguments: dict[str, Any]
) -> None:
    """It is passed on like any other addition: chat has no pages, and a studio none either."""
    sandbox.faults.add(Fault.status(200, {"data": [], "nextCursor": False}))
    assert not (await call(server, tool, arguments)).is_error
