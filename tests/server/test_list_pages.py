"""A list says whether it is whole, so that no model takes a page for all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call, text_of
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.valid_calls import CALLS

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

LISTS: Final = [
    it.tool
    for it in TABLE
    if it.tool.startswith("list_") and any("cursor" in (one.given or {}) for one in it.examples)
]
"""The tools whose answer comes in pages. Chat has none."""

MORE: Final = "There are more: call again with `nextCursor` as `cursor`."


async def said(server: Server[Any], tool: str, **arguments: object) -> tuple[str, dict[str, Any]]:
    """The sentence before a list, and its data."""
    needed = {name: it for name, it in CALLS[tool].items() if name.endswith("Id")}
    sentence, _, data = text_of(await call(server, tool, {**needed, **arguments})).split("\n")
    return sentence, json.loads(data)


@pytest.mark.parametrize("tool", LISTS)
async def test_each_page_says_whether_there_are_more(server: Server[Any], tool: str) -> None:
    """The last page of several is not called the whole list."""
    assert (await said(server, tool))[0] == "That is the whole list."
    sentence, page = await said(server, tool, limit=1)
    while "nextCursor" in page:
        assert sentence == MORE
        sentence, page = await said(server, tool, limit=1, cursor=page["nextCursor"])
    assert sentence == "That is the end of the list."


@pytest.mark.parametrize("end", [{}, {"nextCursor": None}, {"nextCursor": ""}], ids=str)
async def test_a_list_ends_where_trax_gives_no_cursor(
    server: Server[Any], sandbox: Sandbox, end: dict[str, Any]
) -> None:
    """However it leaves it out."""
    sandbox.faults.add(Fault.status(200, {"data": [], **end}))
    assert await said(server, "list_media") == ("That is the whole list.", {"data": [], **end})
