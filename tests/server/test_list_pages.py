"""A list says whether it is whole, so that no model takes a page for all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.valid_calls import CALLS
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

LISTS: Final = [
    it.tool
    for it in TABLE
    if it.tool.startswith("list_") and any("cursor" in (one.given or {}) for one in it.examples)
]
"""The tools whose answer comes in pages. Chat has none."""

MORE: Final = ("There are more.", "Call again with `nextCursor` as `cursor`.")


async def said(it: World, tool: str, **arguments: object) -> tuple[list[str], dict[str, Any]]:
    """The sentences before a list, and its data."""
    needed = {name: value for name, value in CALLS[tool].items() if name.endswith("Id")}
    result = await it[MINE].call(tool, **{**needed, **arguments})
    *sentences, _, data = text_of(result).split("\n")
    return sentences, json.loads(data)


@pytest.mark.parametrize("tool", LISTS)
async def test_each_page_says_whether_there_are_more(tool: str) -> None:
    """The last page of several is not called the whole list."""
    async with open_world(MINE) as it:
        assert (await said(it, tool))[0][0] == "That is the whole list."
        sentences, page = await said(it, tool, limit=1)
        while "nextCursor" in page:
            assert (sentences[0], sentences[1].startswith(MORE[1])) == (MORE[0], True)
            sentences, page = await said(it, tool, limit=1, cursor=page["nextCursor"])
        assert sentences[0] == "That is the end of the list."


async def test_a_list_ends_where_trax_gives_no_cursor() -> None:
    """However it leaves it out."""
    ends: list[dict[str, Any]] = [{}, {"nextCursor": None}, {"nextCursor": ""}]
    async with open_world(MINE) as it:
        for end in ends:
            page = {"data": [], **end}
            it.trax.faults.add(Fault.status(200, page))
            assert await said(it, "list_media") == (["That is the whole list."], page)
