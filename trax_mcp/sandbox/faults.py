"""Scripted trouble: what a test can make go wrong between a caller and the sandbox.

A fault wraps the rest of the road, so it decides whether the act behind it happens at all. It knows
requests and answers and nothing of the world.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import inf
from typing import Any, Literal, Self

import anyio

from trax_mcp.sandbox.messages import (
    JSON,
    Answer,
    Answerer,
    ConnectionDropped,
    Json,
    Middleware,
    Request,
    encoded,
)

When = Literal["before", "after"]
"""Before: the act did not happen. After: it happened, and its answer is lost."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble, as a gate that stands there only while it strikes."""

    name: str
    strike: Middleware

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
        """Answer `status` with exactly this body; a mapping is sent as JSON."""
        raw = encoded(body) if isinstance(body, Mapping) else body
        raw = raw.encode() if isinstance(raw, str) else raw
        answer = Answer(status, raw, content_type, headers or {})

        async def strike(asked: Request, onward: Answerer) -> Answer:
            if when == "after":
                await onward(asked)
            return answer

        return cls(f"status {status}", strike)

    @classmethod
    def error(cls, status: int, code: str, message: str = "Scripted.", **headers: str) -> Self:
        """Answer the error envelope with this code, known or not; headers as `Retry_After="1"`."""

        async def strike(asked: Request, _onward: Answerer) -> Answer:
            error = {"code": code, "message": message, "requestId": asked.request_id}
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return Answer(status, encoded({"error": error}), headers=named)

        return cls(f"error {code}", strike)

    @classmethod
    def delay(cls, until: anyio.Event | float, *, when: When = "before") -> Self:
        """Hold the request until the event is set, or for so many real seconds."""

        async def strike(asked: Request, onward: Answerer) -> Answer:
            if when == "before":
                await _wait(until)
                return await onward(asked)
            answer = await onward(asked)
            await _wait(until)
            return answer

        return cls("delay", strike)

    @classmethod
    def silence(cls, *, when: When = "before") -> Self:
        """Never answer: the caller has to give up, and a server that is shutting down too."""
        return cls.delay(inf, when=when)

    @classmethod
    def dropped(cls, *, when: When = "before") -> Self:
        """End the connection without a byte of an answer."""

        async def strike(asked: Request, onward: Answerer) -> Answer:
            if when == "after":
                await onward(asked)
            raise ConnectionDropped

        return cls(f"dropped {when}", strike)

    @classmethod
    def truncated(cls, keep: int = 10) -> Self:
        """The act happens; its answer is complete as HTTP but holds only the first `keep` bytes."""
        return cls.answering(lambda answer: replace(answer, body=answer.body[:keep]))

    @classmethod
    def broken_off(cls, keep: int = 10) -> Self:
        """The act happens; the connection ends after `keep` bytes of the announced body."""
        return cls.answering(lambda answer: replace(answer, broken_at=keep))

    @classmethod
    def patched(cls, patch: Callable[[dict[str, Any]], object]) -> Self:
        """The act happens; `patch` changes its JSON answer in place (an unknown status, say)."""

        def rewrite(answer: Answer) -> Answer:
            payload = json.loads(answer.body)
            patch(payload)
            return replace(answer, body=encoded(payload))

        return cls.answering(rewrite)

    @classmethod
    def extra(cls, fields: Json) -> Self:
        """The act happens; its JSON answer, or each item of its list, has these fields as well."""

        def widen(payload: dict[str, Any]) -> None:
            payload.update(fields)
            for item in payload.get("data", ()):
                item.update(fields)

        return cls.patched(widen)

    @classmethod
    def answering(cls, rewrite: Callable[[Answer], Answer]) -> Self:
        """The act happens; its answer is rewritten."""

        async def strike(asked: Request, onward: Answerer) -> Answer:
            return rewrite(await onward(asked))

        return cls("rewritten", strike)


@dataclass(slots=True)
class Scripted:
    """A fault in waiting: for how many more requests, and for which."""

    fault: Fault
    times: float
    method: str
    path: str

    def meant_for(self, asked: Request) -> bool:
        """Whether this request is one that the fault waits for."""
        return fnmatchcase(asked.method, self.method) and fnmatchcase(asked.path, self.path)


class Faults:
    """The script: each request meets the first waiting fault that is meant for it, and no other."""

    def __init__(self) -> None:
        self._waiting: list[Scripted] = []

    def add(
        self,
        fault: Fault,
        *,
        times: int | None = 1,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Script a fault for the next `times` requests (None: for all from now on).

        `method` and `path` narrow it down; both may hold `*` (`/v1/studios/*/go-live`).
        """
        left = inf if times is None else times
        self._waiting.append(Scripted(fault, left, method or "*", path or "*"))

    def clear(self) -> None:
        """Forget what has not struck yet."""
        self._waiting.clear()

    @property
    def pending(self) -> int:
        """How many scripted faults still wait; a test can see that all of its script was played."""
        return len(self._waiting)

    async def gate(self, asked: Request, onward: Answerer) -> Answer:
        """The gate where faults strike: further in than the log, further out than the key."""
        fault = self._take(asked)
        return await (fault.strike(asked, onward) if fault else onward(asked))

    def _take(self, asked: Request) -> Fault | None:
        scripted = next((one for one in self._waiting if one.meant_for(asked)), None)
        if scripted is None:
            return None
        scripted.times -= 1
        if scripted.times <= 0:
            self._waiting.remove(scripted)
        return scripted.fault


async def _wait(until: anyio.Event | float) -> None:
    if isinstance(until, anyio.Event):
        await until.wait()
    elif until == inf:
        await anyio.sleep_forever()
    else:
        await anyio.sleep(until)
