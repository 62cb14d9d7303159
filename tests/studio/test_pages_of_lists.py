"""A list is read to its end, also where TRaX pages otherwise than its reference says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.long_lists import studio
from tests.support.product.faults import Fault, Request, RequestHandler, Response, encode_json
from tests.world.answers import error_in, plain_data_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.world.world import World

Json = dict[str, Any]

STUDIOS: Final = "/v1/studios"
WHOLE: Final = [{"limit": "200"}]
"""The query for the first page of a list."""


def refusing_a_limit(most: int) -> Fault:
    """Refuse a `limit` above the most, in words of its own."""

    async def respond(request: Request, handle: RequestHandler) -> Response:
        if int(request.query.get("limit", "0")) > most:
            error = {"code": "validation_failed", "message": f"limit must be at most {most}"}
            return Response(400, encode_json({"error": error}))
        return await handle(request)

    return Fault("refusing a limit", respond)


def pages(*cursors: str, refused: Sequence[int] = ()) -> Fault:
    """Pages of one studio each, linked by these cursors, and an empty page with the last one.

    The first requests with a cursor are `refused`, with these statuses.
    """
    left = iter(refused)

    async def respond(request: Request, _handle: RequestHandler) -> Response:
        cursor = request.query.get("cursor")
        if cursor and (status := next(left, None)):
            error = {"code": "cursor_expired", "message": "Begin again."}
            return Response(status, encode_json({"error": error}))
        number = cursors.index(cursor) + 1 if cursor else 0
        data = [studio(number)] if number < len(cursors) else []
        return Response(
            200, encode_json({"data": data, "nextCursor": [*cursors, cursors[-1]][number]})
        )

    return Fault("pages", respond)


async def find(it: World) -> Json:
    """What a search through all studios answers."""
    return plain_data_of(await it[MINE].call("find_studio", query="Show 00000"))


def queries(it: World) -> list[Json]:
    """What was asked for: the query of each request for the list of studios."""
    return [dict(sent.query) for sent in it.trax.requests if sent.path == STUDIOS]


async def test_where_trax_refuses_a_limit_the_page_is_asked_for_without_one() -> None:
    """A limit that the model gives is passed on as it is."""
    async with open_world(MINE) as it:
        it.trax.faults.add(refusing_a_limit(100), times=None, path=STUDIOS)
        found = plain_data_of(await it[MINE].call("find_studio", query="studio_42"))
        assert found["likely"] == "studio_42"
        assert queries(it) == [*WHOLE, {}]
        error = error_in(await it[MINE].call("list_studios", limit=200))
        assert (error["httpStatus"], queries(it)[2:]) == (400, WHOLE)


async def test_a_refusal_that_is_not_about_the_limit_is_told() -> None:
    """After one more request."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(400, "invalid_request"), times=None, path=STUDIOS)
        error = await find(it)
        assert (error["error"]["code"], queries(it)) == ("invalid_request", [*WHOLE, {}])


async def test_an_empty_page_that_leads_to_itself_is_the_end() -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(pages("a", "b"), times=None, path=STUDIOS)
        found = await find(it)
        assert (found["searched"], "unknown" in found) == (2, False)
        assert [it.get("cursor") for it in queries(it)] == [None, "a", "b"]


async def test_a_page_with_a_studio_that_leads_to_itself_is_no_end() -> None:
    """What is behind it would be taken for nothing."""
    again = Fault.status(200, {"data": [studio(1)], "nextCursor": "a"})
    async with open_world(MINE) as it:
        it.trax.faults.add(again, times=None, path=STUDIOS)
        error = (await find(it))["error"]
    assert error["message"].startswith("The pages of list_studios don't end.")


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_cursor_that_trax_refuses_begins_the_list_again_once(status: int) -> None:
    """No studio counts twice. At the second time the refusal is told."""
    async with open_world(MINE) as it:
        it.trax.faults.add(pages("a", "b", refused=[status]), times=None, path=STUDIOS)
        assert (await find(it))["searched"] == 2
        assert [it.get("cursor") for it in queries(it)] == [None, "a", None, "a", "b"]
    async with open_world(MINE) as it:
        it.trax.faults.add(pages("a", "b", refused=[status] * 2), times=None, path=STUDIOS)
        assert (await find(it))["error"]["httpStatus"] == status
        assert [it.get("cursor") for it in queries(it)] == [None, "a", None, "a"]
