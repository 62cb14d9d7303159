"""Lists whose pages are odd: no reader follows them for ever, and none takes a part for all.

A line of a table each, for a search and for what is looked at before a studio goes live or is
stopped.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.acts import STUDIO
from tests.conftest import OWNER, client_on
from tests.consent import told
from tests.faults.table import read_table
from tests.jsonrpc import MODERN
from tests.processes import PATIENCE_SECONDS
from tests.witness import STUDIO as PLACE
from trax_mcp.sandbox import Fault
from trax_mcp.sandbox.messages import Answer, Answerer, Request, encoded
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.hand import HandClock
    from trax_mcp.sandbox import Sandbox

TABLE: Final = read_table("""
                                | pages  find_studio  go_live  go_offline
a new cursor each time          | 51     pagination_loop      pagination_loop  asks
the same cursor again and again | 2      pagination_loop      pagination_loop  asks
two cursors in turn             | 3      pagination_loop      pagination_loop  asks
a cursor that comes back late   | 31     pagination_loop      pagination_loop  asks
an empty cursor                 | 1      ok           asks     asks
a cursor of nothing             | 1      ok           asks     asks
a cursor that is a number       | 1      unreadable_cursor     unreadable_cursor asks
a cursor that is an object      | 1      unreadable_cursor     unreadable_cursor asks
a page without items            | 1      lacks        lacks    asks
a page of one odd item          | 1      lacks        lacks    asks
""")
"""How often TRaX is asked for a page, and what comes of it for whoever reads the list."""

CURSORS: Final[Mapping[str, Any]] = {
    "a new cursor each time": lambda page: f"c{page}",
    "the same cursor again and again": lambda _: "c",
    "two cursors in turn": lambda page: f"c{page % 2}",
    "a cursor that comes back late": lambda page: f"c{page % 30}",
    "an empty cursor": lambda _: "",
    "a cursor of nothing": lambda _: None,
    "a cursor that is a number": lambda _: 7,
    "a cursor that is an object": lambda _: {"data": []},
}

CALLS: Final = {
    "find_studio": ({"query": "friday"}, "/v1/studios", "list_studios"),
    "go_live": (STUDIO, f"{PLACE}/destinations", "list_destinations"),
    "go_offline": (STUDIO, f"{PLACE}/destinations", "list_destinations"),
}
"""What is called, the list that is odd, and the operation that reads it."""

TOLD: Final = {
    "pagination_loop": "TRaX's answers to {} do not end",
    "lacks": "TRaX accepted {}, but its answer lacks what it should hold",
    "unreadable_cursor": "TRaX accepted {}, but its answer says nothing readable of the next page",
}
NEXT: Final = "; nothing was changed. Call again later."

ROWS: Final = [
    (case, tool, int(line["pages"]), line[tool]) for case, line in TABLE.items() for tool in CALLS
]


def paging(case: str) -> Fault:
    """The sandbox's first page again and again, but for this; it would refuse such cursors."""
    pages = 0

    async def strike(asked: Request, onward: Answerer) -> Answer:
        nonlocal pages
        pages += 1
        first = await onward(replace(asked, query={}))
        return replace(first, body=encoded(_odd(case, json.loads(first.body), pages)))

    return Fault(case, strike)


def _odd(case: str, page: dict[str, Any], number: int) -> dict[str, Any]:
    if case in CURSORS:
        return {**page, "nextCursor": CURSORS[case](number)}
    return {} if case == "a page without items" else {**page, "data": [{"id": 7}]}


@pytest.mark.parametrize(("case", "tool", "pages", "word"), ROWS)
async def test_a_list_whose_pages_are_odd(
    sandbox: Sandbox, clock: HandClock, *, case: str, tool: str, pages: int, word: str
) -> None:
    """It ends after fifty pages at the latest, and at once where a cursor comes again."""
    arguments, path, operation = CALLS[tool]
    sandbox.faults.add(paging(case), times=None, path=path)
    server = build_server(client_on(sandbox), own=OWNER, house=ServerDeps(clock=clock))
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=MODERN, cache=None) as client:
            result = await client.call_tool(tool, arguments)
    assert len([it for it in sandbox.requests if it.path == path]) == pages
    assert not sandbox.mutations
    if word in {"ok", "asks"}:
        expected = ("ran", None) if word == "ok" else ("confirmation_required", None)
        assert told(result) == expected
        return
    error = dict((result.structured_content or {})["error"])
    error.pop("requestId", None)
    status = {} if word == "pagination_loop" else {"httpStatus": 200}
    assert error == {
        "code": "bad_answer",
        "message": TOLD[word].format(operation) + NEXT,
        "retryable": True,
        "outcome": "not_applied",
        **status,
    }
