"""Lists with faulty pages: no reader follows them forever, or takes a part for the whole.

One test per line of the table, for a search and for the facts of `go_live` and `go_offline`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import OWNER, client_on
from tests.support.consent_clients import status_and_reason
from tests.support.fault_table.table import read_table
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import STUDIO as STUDIO_PATH
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.sandbox.messages import Request, RequestHandler, Response, encode_json
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

TABLE: Final = read_table("""
                           | pages  find_studio        go_live            go_offline
always a new cursor        | 101    pagination_loop    pagination_loop    asks
always the same cursor     | 2      pagination_loop    pagination_loop    asks
two alternating cursors    | 3      pagination_loop    pagination_loop    asks
a cursor repeated late     | 31     pagination_loop    pagination_loop    asks
an empty cursor            | 1      ok                 asks               asks
a null cursor              | 1      ok                 asks               asks
a number as cursor         | 1      unreadable_cursor  unreadable_cursor  asks
an object as cursor        | 1      unreadable_cursor  unreadable_cursor  asks
a page without items       | 1      lacks              lacks              asks
a page with an invalid item| 1      lacks              lacks              asks
""")
"""How often TRaX is asked for a page, and what follows for the reader of the list."""

CURSORS: Final[Mapping[str, Any]] = {
    "always a new cursor": lambda page: f"c{page}",
    "always the same cursor": lambda _: "c",
    "two alternating cursors": lambda page: f"c{page % 2}",
    "a cursor repeated late": lambda page: f"c{page % 30}",
    "an empty cursor": lambda _: "",
    "a null cursor": lambda _: None,
    "a number as cursor": lambda _: 7,
    "an object as cursor": lambda _: {"data": []},
}

CALLS: Final = {
    "find_studio": ({"query": "friday"}, "/v1/studios", "list_studios"),
    "go_live": (STUDIO, f"{STUDIO_PATH}/destinations", "list_destinations"),
    "go_offline": (STUDIO, f"{STUDIO_PATH}/destinations", "list_destinations"),
}
"""The arguments, the path of the faulty list, and the operation that reads it."""

MESSAGES: Final = {
    "pagination_loop": "TRaX's answers to {} do not end",
    "lacks": "TRaX accepted {}, but its answer lacks what it should hold",
    "unreadable_cursor": "TRaX accepted {}, but its answer says nothing readable of the next page",
}
ADVICE: Final = {"find_studio": ". Call again later."}
"""The end of the message. A guarded call says that it was not sent."""

ROWS: Final = [
    (case, tool, int(line["pages"]), line[tool]) for case, line in TABLE.items() for tool in CALLS
]


def faulty_pages(case: str) -> Fault:
    """Respond with the sandbox's first page each time, changed as the case says."""
    pages = 0

    async def respond(request: Request, next_handler: RequestHandler) -> Response:
        nonlocal pages
        pages += 1
        first = await next_handler(replace(request, query={}))
        return replace(first, body=encode_json(_faulty_page(case, json.loads(first.body), pages)))

    return Fault(case, respond)


def _faulty_page(case: str, page: dict[str, Any], number: int) -> dict[str, Any]:
    if case in CURSORS:
        return {**page, "nextCursor": CURSORS[case](number)}
    return {} if case == "a page without items" else {**page, "data": [{"id": 7}]}


@pytest.mark.parametrize(("case", "tool", "pages", "consequence"), ROWS)
async def test_faulty_pages_end_the_list_and_are_never_taken_for_all_of_it(
    sandbox: Sandbox, clock: HandClock, *, case: str, tool: str, pages: int, consequence: str
) -> None:
    """Reading ends after a hundred pages at the latest, and at once if a cursor is repeated."""
    arguments, path, operation = CALLS[tool]
    sandbox.faults.add(faulty_pages(case), times=None, path=path)
    server = build_server(client_on(sandbox), own=OWNER, deps=ServerDeps(clock=clock))
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=MODERN, cache=None) as client:
            result = await client.call_tool(tool, arguments)
    assert len([it for it in sandbox.requests if it.path == path]) == pages
    assert not sandbox.mutations
    if consequence in {"ok", "asks"}:
        expected = ("ran", None) if consequence == "ok" else ("confirmation_required", None)
        assert status_and_reason(result) == expected
        return
    error = dict((result.structured_content or {})["error"])
    error.pop("requestId", None)
    status = {} if consequence == "pagination_loop" else {"httpStatus": 200}
    assert error == {
        "code": "bad_answer",
        "message": MESSAGES[consequence].format(operation)
        + ADVICE.get(tool, f"; {tool} was not sent. Call again later."),
        "retryable": True,
        "outcome": "not_applied",
        **status,
    }
