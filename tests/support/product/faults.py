"""Scripted faults: a test makes requests to the sandbox fail.

A fault is middleware, so it decides whether the handler runs at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import inf
from typing import Any, Literal, Self

import anyio

from tests.support.product.dropped_connections import BrokenOff, ConnectionDropped
from tests.support.product.exchanges import (
    JSON,
    Middleware,
    Request,
    RequestHandler,
    Response,
    encode_json,
)

__all__ = ["Fault", "Faults", "Request", "RequestHandler", "Response", "encode_json"]

_KEPT_BYTES = 10

When = Literal["before", "after"]
"""Before: the handler does not run. After: it runs, and its response is lost."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault, as middleware for the requests that it is scripted for."""

    name: str
    middleware: Middleware

    @classmethod
    def status(
        cls,
        status: int,
        body: bytes | str | Mapping[str, Any] = b"",
        *,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        when: When = "before",
    ) -> Self:
        """Respond with `status` and exactly this body; a mapping is sent as JSON."""
        raw = encode_json(body) if isinstance(body, Mapping) else body
        raw = raw.encode() if isinstance(raw, str) else raw
        response = Response(status, raw, content_type, headers or {})

        async def respond(request: Request, next_handler: RequestHandler) -> Response:
            if when == "after":
                await next_handler(request)
            return response

        return cls(f"status {status}", respond)

    @classmethod
    def error(cls, status: int, code: str, message: str = "Scripted.", **headers: str) -> Self:
        """Respond with the error envelope and this code; headers as `Retry_After="1"`."""

        async def respond(request: Request, _next_handler: RequestHandler) -> Response:
            error = {"code": code, "message": message, "requestId": request.request_id}
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return Response(status, encode_json({"error": error}), headers=named)

        return cls(f"error {code}", respond)

    @classmethod
    def delay(cls, until: anyio.Event | float, *, when: When = "before") -> Self:
        """Delay the request until the event is set, or for this many real seconds."""

        async def delay(request: Request, next_handler: RequestHandler) -> Response:
            if when == "before":
                await _wait(until)
                return await next_handler(request)
            response = await next_handler(request)
            await _wait(until)
            return response

        return cls("delay", delay)

    @classmethod
    def silence(cls, *, when: When = "before") -> Self:
        """Never respond: the caller has to give up, and so does a server that shuts down."""
        return cls.delay(inf, when=when)

    @classmethod
    def dropped(cls, *, when: When = "before") -> Self:
        """Close the connection without a byte of a response."""

        async def drop(request: Request, next_handler: RequestHandler) -> Response:
            if when == "after":
                await next_handler(request)
            raise ConnectionDropped

        return cls(f"dropped {when}", drop)

    @classmethod
    def truncated(cls) -> Self:
        """The handler runs; its response is valid HTTP, but only the beginning of it."""
        return cls.rewritten(lambda response: replace(response, body=response.body[:_KEPT_BYTES]))

    @classmethod
    def broken_off(cls) -> Self:
        """The handler runs; the connection is closed at the beginning of the announced body."""

        async def break_off(request: Request, next_handler: RequestHandler) -> Response:
            raise BrokenOff(await next_handler(request), request.request_id, keep=_KEPT_BYTES)

        return cls("broken off", break_off)

    @classmethod
    def patched(cls, patch: Callable[[dict[str, Any]], object]) -> Self:
        """The handler runs; `patch` changes its JSON response in place (say, an unknown status)."""

        def rewrite(response: Response) -> Response:
            payload = json.loads(response.body)
            patch(payload)
            return replace(response, body=encode_json(payload))

        return cls.rewritten(rewrite)

    @classmethod
    def extra(cls, fields: Mapping[str, Any]) -> Self:
        """The handler runs; its JSON response and each item of its list get these fields too."""

        def add_fields(payload: dict[str, Any]) -> None:
            payload.update(fields)
            for item in payload.get("data", ()):
                item.update(fields)

        return cls.patched(add_fields)

    @classmethod
    def followed_by(cls, act: Callable[[], object]) -> Self:
        """The handler runs; then `act` does, before the response is sent."""

        async def respond(request: Request, next_handler: RequestHandler) -> Response:
            response = await next_handler(request)
            act()
            return response

        return cls("followed by an act", respond)

    @classmethod
    def rewritten(cls, rewrite: Callable[[Response], Response]) -> Self:
        """The handler runs; its response is rewritten."""

        async def respond(request: Request, next_handler: RequestHandler) -> Response:
            return rewrite(await next_handler(request))

        return cls("rewritten", respond)


@dataclass(slots=True)
class ScriptedFault:
    """A fault for the next `times` requests that match; `*` is a wildcard."""

    fault: Fault
    times: float
    method: str
    path: str

    def matches(self, request: Request) -> bool:
        """Whether the fault is for this request."""
        return fnmatchcase(request.method, self.method) and fnmatchcase(request.path, self.path)


@dataclass(frozen=True, slots=True)
class Delay:
    """How long requests wait before they are handled."""

    seconds: float
    ending: str
    key: str | None

    def matches(self, request: Request) -> bool:
        """Whether the request waits so long."""
        ends = f"{request.method} {request.path}".endswith(self.ending)
        return ends and self.key in {None, request.secret}


class Faults:
    """The scripted faults. Each request gets the first one that matches, and no other."""

    def __init__(self) -> None:
        self._scripted: list[ScriptedFault] = []
        self._delays: list[Delay] = []

    def slow(self, seconds: float, *, path: str = "", key: str | None = None) -> None:
        """Handle requests this many seconds after they have arrived, from now on.

        Those with this end of "METHOD /path", and of this key. The first delay that matches
        counts, and a fault comes after it.
        """
        self._delays.append(Delay(seconds, path, key))

    def add(
        self,
        fault: Fault,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Script a fault for the next `times` requests (None: for all from now on).

        `method` and `path` select the requests; both may hold `*` (`/v1/studios/*/go-live`).
        """
        remaining = inf if times is None else times
        self._scripted.append(ScriptedFault(fault, remaining, method or "*", path or "*"))

    def clear(self) -> None:
        """Remove all faults that remain, and all delays."""
        self._scripted.clear()
        self._delays.clear()

    @property
    def pending(self) -> int:
        """How many scripted faults remain; 0 proves that a test's whole script was used."""
        return len(self._scripted)

    async def apply(self, request: Request, next_handler: RequestHandler) -> Response:
        """Middleware that applies the faults: after the log, before the key check."""
        delay = next((it for it in self._delays if it.matches(request)), None)
        if delay is not None:
            await anyio.sleep(delay.seconds)
        fault = self._take(request)
        return await (fault.middleware(request, next_handler) if fault else next_handler(request))

    def _take(self, request: Request) -> Fault | None:
        scripted = next((it for it in self._scripted if it.matches(request)), None)
        if scripted is None:
            return None
        scripted.times -= 1
        if scripted.times <= 0:
            self._scripted.remove(scripted)
        return scripted.fault


async def _wait(until: anyio.Event | float) -> None:
    if isinstance(until, anyio.Event):
        await until.wait()
    elif until == inf:
        await anyio.sleep_forever()
    else:
        await anyio.sleep(until)
