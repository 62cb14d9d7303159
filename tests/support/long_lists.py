"""Lists of TRaX that are longer, larger or odder than the sandbox's own, as scripted faults."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.support.product.faults import Fault, Request, RequestHandler, Response, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def long_list(count: int, item: Callable[[int], Json], *, page_size: int = 200) -> Fault:
    """Respond with pages of `count` items, made from their number."""

    @cache
    def page_from(start: int) -> bytes:
        end = min(start + page_size, count)
        page: Json = {"data": [item(number) for number in range(start, end)]}
        return encode_json(page | ({"nextCursor": str(end)} if end < count else {}))

    async def respond(request: Request, _next_handler: RequestHandler) -> Response:
        return Response(200, page_from(int(request.query.get("cursor", "0"))))

    return Fault("long list", respond)


def with_item(**fields: object) -> Fault:
    """Respond with the sandbox's page, and one more item: the first, with these fields."""

    async def respond(request: Request, next_handler: RequestHandler) -> Response:
        response = await next_handler(request)
        page = json.loads(response.body)
        page["data"].insert(1, {**page["data"][0], **fields})
        return replace(response, body=encode_json(page))

    return Fault("one more item", respond)


def studio(number: int) -> Json:
    """A studio as TRaX lists it."""
    return {
        "id": f"studio_{number:05}",
        "name": f"Show {number:05}",
        "ownerSub": "robin",
        "role": "owner",
    }


def destination(number: int) -> Json:
    """A destination of the Friday Night Show as TRaX lists it, switched off."""
    return {
        "id": f"dest_{number:05}",
        "studioId": "studio_42",
        "name": f"Place {number:05}",
        "platform": "kick",
        "enabled": False,
        "vertical": False,
    }
