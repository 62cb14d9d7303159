"""Deviations of lists, of their pages and of what is in them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.deviations.plays import DESTINATIONS, EVERY, edited, played
from tests.support.product.exchanges import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.deviations.row import Play
    from tests.support.product.exchanges import Request, RequestHandler
    from tests.support.product.sandbox import Sandbox

    Json = dict[str, Any]
    Page = Callable[[list[Json], str], Json | int]
    """A page, or the status of a refusal, by the whole list and the cursor that was sent."""


def no_connections(trax: Sandbox) -> None:
    """Link no account."""
    trax.remove_all("connections")


def no_destinations(trax: Sandbox) -> None:
    """Have no destination."""
    trax.remove_all("destinations")


def many_destinations(trax: Sandbox) -> None:
    """Have 230, of which the last is the third that is switched on."""
    for number in range(227):
        name = f"Number {number}"
        trax.add_destination(name, record_id=f"dest_{1000 + number}", enabled=number == 226)


def named_cafe(trax: Sandbox) -> None:
    """Have a destination with a letter that no ASCII has."""
    trax.change("dest_1", name="Café")


def destinations(change: Callable[[list[Json]], object]) -> Play:
    """Change the destinations of a page in place, or to what is returned."""

    def edit(answer: Json) -> Json:
        changed = change(answer["data"])
        return {**answer, "data": answer["data"] if changed is None else changed}

    return edited(DESTINATIONS, edit)


# Pages


def paged(call: str, page: Page) -> Play:
    """Give the pages of a list by a function."""

    async def respond(request: Request, handler: RequestHandler) -> Response:
        whole = await handler(replace(request, query={"limit": "200"}))
        value = page(json.loads(whole.body)["data"], request.query.get("cursor", ""))
        if isinstance(value, int):
            error = {"code": "bad_cursor", "message": "The cursor has expired."}
            return Response(value, json.dumps({"error": error}).encode())
        return replace(whole, body=json.dumps(value).encode())

    return played(call, respond)


def expired_cursor() -> Page:
    """One item a page; the first cursor that is sent has expired."""
    refusals = 1

    def page(whole: list[Json], cursor: str) -> Json | int:
        nonlocal refusals
        if cursor and refusals:
            refusals -= 1
            return 410
        return numbered_pages(whole, cursor, spell=str)

    return page


def numbered_pages(
    whole: list[Json], cursor: str, spell: Callable[[int], object] = int
) -> Json | int:
    """One item a page."""
    number = int(cursor or 0)
    more = {"nextCursor": spell(number + 1)} if number + 1 < len(whole) else {}
    return {"data": whole[number : number + 1], **more}


def refused_cursor(whole: list[Json], cursor: str) -> Json | int:
    return 400 if cursor else {"data": whole[:1], "nextCursor": "1"}


def null_at_first(whole: list[Json], cursor: str) -> Json | int:
    return {"data": whole[:1]} if cursor else {"data": None, "nextCursor": "1"}


def null_between(whole: list[Json], cursor: str) -> Json | int:
    """Null for the second of three pages."""
    if cursor == "1":
        return {"data": None, "nextCursor": "2"}
    return {"data": whole[2:]} if cursor else {"data": whole[:1], "nextCursor": "1"}


def null_until_begun_again() -> Page:
    """Null for the first page, a cursor that has expired, and then the list."""
    pages: Iterator[Json | int] = iter([{"data": None, "nextCursor": "1"}, 410])
    return lambda whole, _: next(pages, {"data": whole})


def same_cursor_at_the_end(whole: list[Json], cursor: str) -> Json | int:
    return {"data": [] if cursor else whole, "nextCursor": "end"}


def empty_pages(whole: list[Json], cursor: str) -> Json | int:
    number = int(cursor or 0)
    items = whole[number // 2 :][:1] if number % 2 else []
    more = {"nextCursor": str(number + 1)} if number + 1 < 2 * len(whole) else {}
    return {"data": items, **more}


async def without_limit(request: Request, handler: RequestHandler) -> Response:
    """Refuse a limit."""
    if "limit" not in request.query:
        return await handler(request)
    error = {"code": "unknown_parameter", "message": "limit is no parameter."}
    return Response(400, json.dumps({"error": error}).encode())


# Ids and names


def other_ids(spell: Callable[[str], str]) -> Play:
    """Spell the number in each id otherwise, in paths too."""
    spelt = {quote(spell(str(number)), safe=""): str(number) for number in range(1, 130)}

    async def respond(request: Request, handler: RequestHandler) -> Response:
        path = re.sub(
            r"_([^/]+)",
            lambda it: f"_{spelt.get(it[1].replace('%3A', quote(':')), it[1])}",
            request.path,
        )
        response = await handler(replace(request, path=path))
        text = re.sub(
            r'"(studio|dest|source|conn|asset|message|encoder)_([0-9]+)"',
            lambda it: json.dumps(f"{it[1]}_{spell(it[2])}"),
            response.body.decode(),
        )
        return replace(response, body=text.encode())

    return played(EVERY, respond)


def underscored(body: bytes) -> bytes:
    """Spell names such as nextCursor as next_cursor."""
    return re.sub(rb'"([a-z]+)([A-Z][a-z]+)+":', _underscored, body)


def _underscored(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"[A-Z]", lambda it: b"_" + it[0].lower(), found[0])


def numbered_times(body: bytes) -> bytes:
    """Give each time as milliseconds."""
    return re.sub(rb'"20[0-9]{2}-[^"]+Z"', b"1780682400000", body)


def with_more_fields(body: bytes) -> bytes:
    """Give each object fields that nobody knows."""
    return body.replace(b"{", b'{"x_new":{},"kindOf":["a",null],"v":2,').replace(b",}", b"}")


def spelt_enabled(record: Json) -> None:
    record["enabled"] = str(record["enabled"]).lower()


def loud_enabled(record: Json) -> None:
    record["enabled"] = "TRUE" if record["enabled"] else "False"


def numbered_enabled(record: Json) -> None:
    record["enabled"] = int(record["enabled"])


def loud_platform(record: Json) -> None:
    record["platform"] = record["platform"].upper()


def quiet_status(record: Json) -> None:
    record["status"] = record["status"].lower()
