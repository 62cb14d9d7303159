"""Ways to deviate: each function returns what makes the sandbox of the tests do so.

A call is selected by its method and path, such as "POST */go-offline".
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.faults import Fault, encode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.deviations.row import Play
    from tests.support.product.exchanges import Middleware, Response
    from tests.support.product.faults import When
    from tests.support.product.sandbox import Sandbox

    Json = dict[str, Any]

STOP, START = "POST */go-offline", "POST */go-live"
STATUS, HEALTH = "GET */stream-status", "GET */health"
STUDIOS, STUDIO = "GET /v1/studios", "GET /v1/studios/studio_42"
DESTINATIONS, SOURCES = "GET */destinations", "GET */sources"
CONNECTIONS, MEDIA = "GET */connections", "GET */media"
CHAT, SAY = "GET */chat/messages", "POST */chat/messages"
SWITCH, DELETE, CREATE = "PATCH */destinations/*", "DELETE *", "POST /v1/studios"
RESERVE, PUT = "POST */media", "PUT */uploads/*"
READS, EVERY = "GET *", "* *"

PAGE: Final = "<!DOCTYPE html><html><title>Back soon</title><p>ignore-me sk_live_leaked</p></html>"


def as_documented(_: Sandbox) -> None:
    """Deviate in nothing."""


def both(*plays: Play) -> Play:
    """Deviate in several ways; of two for one request the first counts."""

    def play(trax: Sandbox) -> None:
        for it in plays:
            it(trax)

    return play


def by_name(name: str) -> Play:
    """Deviate as `trax-mcp sandbox --deviate NAME`."""
    return lambda trax: trax.deviate(name)


def fault(call: str, it: Fault, times: int | None = None) -> Play:
    """Let these calls, or the first `times`, meet a fault."""
    method, _, path = call.partition(" ")
    return lambda trax: trax.faults.add(it, method=method, path=path, times=times)


def refused(
    call: str,
    status: int,
    code: str = "refused",
    message: str = "TRaX says why.",
    times: int | None = None,
    **headers: str,
) -> Play:
    """Refuse calls with the documented body of an error."""
    return fault(call, Fault.error(status, code, message, **headers), times)


def answered(
    call: str,
    status: int,
    body: object = b"",
    *,
    kind: str = "application/json",
    times: int | None = None,
    done: bool = False,
    **headers: str,
) -> Play:
    """Answer calls with exactly this; bytes and text are sent as they are, all else as JSON.

    If it is `done`, the call takes effect before.
    """
    raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    when: When = "after" if done else "before"
    return fault(
        call, Fault.status(status, raw, content_type=kind, headers=named, when=when), times
    )


def page(call: str, status: int = 200, *, times: int | None = None, done: bool = False) -> Play:
    """Answer calls with a web page."""
    return answered(call, status, PAGE, kind="text/html; charset=utf-8", times=times, done=done)


def dropped(call: str, *, times: int | None = 1, done: bool = False) -> Play:
    """Close the connection before an answer."""
    return fault(call, Fault.dropped(when="after" if done else "before"), times)


def rewritten(call: str, rewrite: Callable[[Response], Response], times: int | None = None) -> Play:
    """Change whole responses."""
    return fault(call, Fault.rewritten(rewrite), times)


def body(call: str, change: Callable[[bytes], bytes], times: int | None = None) -> Play:
    """Change the bytes of responses."""
    return rewritten(call, lambda it: replace(it, body=change(it.body)), times)


def headers(call: str, **named: str) -> Play:
    """Add headers to responses."""
    more = {name.replace("_", "-"): value for name, value in named.items()}
    return rewritten(call, lambda it: replace(it, headers={**it.headers, **more}))


def edited(call: str, edit: Callable[[Json], object], times: int | None = None) -> Play:
    """Change the JSON of the responses that are not refusals: in place, or to what is returned."""

    def rewrite(response: Response) -> Response:
        if response.status >= 300:
            return response
        value = json.loads(response.body)
        changed = edit(value)
        changed = value if changed is None else changed
        return replace(response, body=json.dumps(changed, ensure_ascii=False).encode())

    return rewritten(call, rewrite, times)


def items(call: str, edit: Callable[[Json], object], times: int | None = None) -> Play:
    """Change each item of a list in place."""

    def edit_items(answer: Json) -> None:
        for it in answer["data"]:
            edit(it)

    return edited(call, edit_items, times)


def one_item(call: str, which: int = 0, **fields: object) -> Play:
    """Give one item of a list other fields; an Ellipsis takes one away."""

    def edit(answer: Json) -> None:
        for it in answer["data"][which:][:1]:
            _set(it, fields)

    return edited(call, edit)


def all_items(call: str, **fields: object) -> Play:
    """Give each item of a list other fields; an Ellipsis takes one away."""
    return items(call, lambda it: _set(it, fields))


def fields(call: str, **named: object) -> Play:
    """Give an answer other fields; an Ellipsis takes one away."""
    return edited(call, lambda it: _set(it, named))


def _set(record: Json, named: Mapping[str, object]) -> None:
    record.update(named)
    for name in [name for name, value in named.items() if value is ...]:
        del record[name]


def slow(call: str, seconds: float) -> Play:
    """Answer later; the call takes effect then."""
    return lambda trax: trax.faults.slow(seconds, path=call.replace("*", ""))


def played(call: str, middleware: Middleware, times: int | None = None) -> Play:
    """Answer by a function of the request and what would answer it."""
    return fault(call, Fault("played", middleware), times)


def delayed_start(seconds: float) -> Play:
    """Let a start show so many seconds after its answer."""

    def play(trax: Sandbox) -> None:
        trax.world.go_live_seconds = seconds

    return play


def error_body(call: str, status: int, error: object, *, kind: str = "application/json") -> Play:
    """Refuse calls with a body of TRaX's own form."""
    raw = error if isinstance(error, str) else encode_json(error)  # type: ignore[arg-type]
    return answered(call, status, raw, kind=kind)
