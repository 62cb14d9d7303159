"""Lists with faulty pages: no reader follows them forever, or takes a part for the whole."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault, Request, RequestHandler, Response, encode_json
from tests.support.product.frozen_sandbox import STUDIO as STUDIO_PATH
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Mapping

LACKS: Final = "TRaX's answer to list_studios has no `data`"
LOOP: Final = "The pages of {} don't end"
UNREADABLE: Final = "TRaX's answer to list_studios has an unreadable `nextCursor`"
ASKS: Final = "confirmation_required"

ROWS: Final = [
    ("find_studio", "always a new cursor", 101, LOOP),
    ("find_studio", "always the same cursor", 2, LOOP),
    ("find_studio", "a cursor repeated late", 31, LOOP),
    ("find_studio", "an empty cursor", 1, "ran"),
    ("find_studio", "a null cursor", 1, "ran"),
    ("find_studio", "an object as cursor", 1, UNREADABLE),
    ("find_studio", "a page without items", 1, LACKS),
    ("find_studio", "a page with an invalid item", 1, "ran"),
    ("go_live", "always the same cursor", 2, LOOP),
    ("go_live", "a page with an invalid item", 1, ASKS),
    ("go_offline", "always a new cursor", 101, ASKS),
    ("go_offline", "a page without items", 1, ASKS),
]
"""The tool, the fault of each page of a list that it reads, how often TRaX is asked for a page,
and what follows. A stop needs no list."""

CURSORS: Final[Mapping[str, Any]] = {
    "always a new cursor": lambda page: f"c{page}",
    "always the same cursor": lambda _: "c",
    "a cursor repeated late": lambda page: f"c{page % 30}",
    "an empty cursor": lambda _: "",
    "a null cursor": lambda _: None,
    "an object as cursor": lambda _: {"data": []},
}

CALLS: Final = {
    "find_studio": ({"query": "friday"}, "/v1/studios"),
    "go_live": (STUDIO, f"{STUDIO_PATH}/destinations"),
    "go_offline": (STUDIO, f"{STUDIO_PATH}/destinations"),
}
"""The arguments, and the path of the faulty list."""

LISTS: Final = {"find_studio": "list_studios", "go_live": "list_destinations"}
NOT_SENT: Final = {"go_live": ". The change wasn't sent"}


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
    return {} if case == "a page without items" else {**page, "data": [{"id": []}]}


@pytest.mark.parametrize(("tool", "case", "pages", "consequence"), ROWS)
@in_virtual_time
async def test_faulty_pages_end_the_list_and_are_never_taken_for_all_of_it(
    *, tool: str, case: str, pages: int, consequence: str
) -> None:
    """Reading ends after a hundred pages at the latest, and at once if a cursor is repeated."""
    arguments, path = CALLS[tool]
    async with open_world(MINE, virtual=True) as it:
        it.trax.faults.add(faulty_pages(case), times=None, path=path)
        result = await it[MINE].call(tool, **arguments)
        assert it.received[f"GET {path}"] == pages
        assert it.sent == []
    if consequence in {"ran", ASKS}:
        assert outcome(result) == (consequence, None)
        return
    error = dict((result.structured_content or {})["error"])
    error.pop("requestId", None)
    told = f"{consequence.format(LISTS[tool])}{NOT_SENT.get(tool, '')}"
    assert error == {
        "code": "bad_answer",
        "message": f"{told}. Run `trax-mcp doctor`.",
        "retryable": False,
        "outcome": "not_applied",
        **({} if consequence is LOOP else {"httpStatus": 200}),
    }
