"""What another TRaX may do otherwise, by name: each can be switched on in the sandbox.

The contract leaves it open, or a server breaks it so. `trax-mcp sandbox --deviate NAME` plays them.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trax_mcp.sandbox.app import Reply, Sandbox
from trax_mcp.sandbox.seed import Record
from trax_mcp.sandbox.world import ApiError

SLOW_START_SECONDS: Final = 12.0
SMALLEST_LIMIT: Final = 100
RATE: Final = 3
"""Of so many requests one is refused."""
_KINDS: Final = {
    "studios": "studio",
    "destinations": "dest",
    "sources": "source",
    "connections": "conn",
}
_ID: Final = re.compile(rb'"(?:studio|dest|source|conn|asset|message|encoder)_([1-9][0-9]*)"')
_ID_IN_PATH: Final = re.compile(rb"/(studios|destinations|sources|connections)/([1-9][0-9]*)")

Play = Callable[[Sandbox, Reply], Reply]
"""Gives another answer to a request, from the sandbox and what answers now."""


class Deviation(NamedTuple):
    """What TRaX does, in a sentence, and how the sandbox does it."""

    sentence: str
    play: Play


def deviate(sandbox: Sandbox, names: Iterable[str]) -> None:
    """Switch on these deviations.

    Raises:
        KeyError: a name is not in `DEVIATIONS`.
    """
    for name in names:
        sandbox.answer = DEVIATIONS[name].play(sandbox, sandbox.answer)


def _slow_start(sandbox: Sandbox, answer: Reply) -> Reply:
    sandbox.world.go_live_seconds = SLOW_START_SECONDS
    return answer


def _stop_refused_early(sandbox: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        if _is(request, "POST", "go-offline"):
            studio = request.url.path.split("/")[3]
            stream = sandbox.world.streams.get(studio)
            if stream and stream.is_running and sandbox.world.now() < stream.live_since:
                raise ApiError(409, "stream_starting", "The stream is still starting.")
        return await answer(request)

    return respond


def _stop_page(_: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        if _is(request, "POST", "go-offline"):
            return HTMLResponse("<!DOCTYPE html><title>Maintenance</title><p>Back soon.</p>")
        return await answer(request)

    return respond


def _stop_ignored(_: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        if _is(request, "POST", "go-offline"):
            return Response('{"ok":true}', media_type="application/json")
        return await answer(request)

    return respond


def _number_ids(_: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        path = _ID_IN_PATH.sub(_named_id, request.scope["raw_path"])
        response = await answer(Request({**request.scope, "raw_path": path}, request.receive))
        return _replaced(response, _ID.sub(rb"\1", bytes(response.body)))

    return respond


def _named_id(found: re.Match[bytes]) -> bytes:
    kind, number = found[1].decode(), found[2].decode()
    return f"/{kind}/{_KINDS[kind]}_{number}".encode()


def _gzip(_: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        response = await answer(request)
        packed = _replaced(response, gzip.compress(bytes(response.body)))
        packed.headers["Content-Encoding"] = "gzip"
        return packed

    return respond


def _small_limit(_: Sandbox, answer: Reply) -> Reply:
    async def respond(request: Request) -> Response:
        limit = request.query_params.get("limit", "")
        if limit.isdecimal() and int(limit) > SMALLEST_LIMIT:
            raise ApiError(400, "validation_failed", f"limit must be at most {SMALLEST_LIMIT}.")
        return await answer(request)

    return respond


def _rate_limit(_: Sandbox, answer: Reply) -> Reply:
    requests = 0

    async def respond(request: Request) -> Response:
        nonlocal requests
        requests += 1
        if requests % RATE == 0:
            headers = {"Retry-After": "1"}
            raise ApiError(429, "rate_limited", "Too many requests.", headers=headers)
        return await answer(request)

    return respond


def _fewer_destinations(_: Sandbox, answer: Reply) -> Reply:
    def edit(started: Record) -> None:
        started["destinationIds"] = started["destinationIds"][:1]

    return _edited(answer, "POST", "go-live", edit)


def _no_vertical(_: Sandbox, answer: Reply) -> Reply:
    return _each(answer, "destinations", lambda it: it.pop("vertical"))


def _mistyped_enabled(_: Sandbox, answer: Reply) -> Reply:
    def edit(destination: Record) -> None:
        destination["enabled"] = "on" if destination["enabled"] else "off"

    return _each(answer, "destinations", edit)


def _bad_item(_: Sandbox, answer: Reply) -> Reply:
    def edit(page: Record) -> None:
        for destination in page["data"][-1:]:
            del destination["id"]

    return _edited(answer, "GET", "destinations", edit)


def _null_lists(_: Sandbox, answer: Reply) -> Reply:
    def edit(page: Record) -> None:
        if page.get("data") == []:
            page["data"] = None

    return _edited(answer, "GET", "", edit)


def _chat_ids_per_platform(_: Sandbox, answer: Reply) -> Reply:
    def edit(page: Record) -> None:
        last: dict[str, int] = {}
        for message in page["data"]:
            number = last[message["platform"]] = last.get(message["platform"], 0) + 1
            message["id"] = str(number)

    return _edited(answer, "GET", "messages", edit)


def _each(answer: Reply, path: str, edit: Callable[[Record], object]) -> Reply:
    """Edit each item of a list."""

    def edit_items(page: Record) -> None:
        for it in page["data"]:
            edit(it)

    return _edited(answer, "GET", path, edit_items)


def _edited(answer: Reply, method: str, path: str, edit: Callable[[Any], object]) -> Reply:
    """Edit the JSON that answers these requests, in place."""

    async def respond(request: Request) -> Response:
        response = await answer(request)
        if not _is(request, method, path):
            return response
        value = json.loads(bytes(response.body))
        edit(value)
        return _replaced(response, json.dumps(value, ensure_ascii=False).encode())

    return respond


def _is(request: Request, method: str, path: str) -> bool:
    return request.method == method and request.url.path.endswith(path)


def _replaced(response: Response, body: bytes) -> Response:
    return Response(body, response.status_code, media_type=response.media_type)


DEVIATIONS: Final = {
    "slow-start": Deviation("A start shows only after 12 seconds.", _slow_start),
    "stop-refused-early": Deviation(
        "Going offline is refused with 409 while the stream is starting.", _stop_refused_early
    ),
    "stop-page": Deviation(
        "Going offline is answered with a web page and 200, and the show stays on air.", _stop_page
    ),
    "stop-ignored": Deviation(
        "Going offline is answered with ok, and the show stays on air.", _stop_ignored
    ),
    "fewer-destinations": Deviation(
        "A start names only the first of the destinations that are on.",
        _fewer_destinations,
    ),
    "number-ids": Deviation("Ids are numbers.", _number_ids),
    "no-vertical": Deviation("Destinations have no `vertical`.", _no_vertical),
    "mistyped-enabled": Deviation('`enabled` is "on" or "off".', _mistyped_enabled),
    "bad-item": Deviation("The last destination of a list has no id.", _bad_item),
    "null-lists": Deviation("An empty list is null.", _null_lists),
    "chat-ids-per-platform": Deviation(
        "Each platform counts its chat messages by itself, so ids repeat.", _chat_ids_per_platform
    ),
    "gzip": Deviation("Answers are compressed, though the client refuses that.", _gzip),
    "small-limit": Deviation("A `limit` above 100 is refused with 400.", _small_limit),
    "rate-limit": Deviation(
        "Each third request is refused with 429 and Retry-After: 1.", _rate_limit
    ),
}
"""All deviations, by name."""
