"""A sandbox that takes its time, refuses some changes and loses some answers, as chance has it.

It keeps a log of the changes on its wire, by which a round is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio

from tests.support.product.dropped_connections import ConnectionDropped
from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from random import Random

    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox

Fate = Literal["applied", "refused", "lost before", "lost after"]

_REFUSED = Fault.error(429, "rate_limited", Retry_After="60")


@dataclass(slots=True, eq=False)
class Sent:
    """A change on the wire. Times are anyio's; `answered` is None while TRaX has it."""

    key: str
    call: str
    body: str
    arrived: float
    studio_is_running: bool
    """Whether the studio was on air, or about to be, when it arrived."""
    fate: Fate
    answered: float | None = None

    @property
    def may_be_applied(self) -> bool:
        """Whether TRaX did not certainly refuse it."""
        return self.fate != "refused"

    @property
    def is_hidden(self) -> bool:
        """Whether it sets an address, which TRaX never shows again."""
        return "rtmp" in self.body

    def __str__(self) -> str:
        name = self.key.rpartition("_")[2]
        answered = "-" if self.answered is None else f"{self.answered:.3f}"
        return f"{self.arrived:.3f}-{answered} {name} {self.call} {self.body} {self.fate}"


@dataclass(slots=True)
class Odds:
    """How TRaX behaves in a round: the longest way of a change and of a stop, and their fate."""

    slowest: float
    stops: float
    refused: float = 0.0
    lost: float = 0.0


CALM = Odds(0.0, 0.0)


class Moments:
    """The moments at which a call waits: for TRaX, or for what is remembered. Others run then."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._due: list[tuple[int, anyio.CancelScope]] = []
        self._passed = 0

    def cancel(self, scope: anyio.CancelScope, *, after: int) -> None:
        """Cancel a client's call when so many moments have passed, of all calls together."""
        self._due.append((self._passed + after, scope))

    async def pause(self) -> None:
        """Let other tasks run, seldom many of them."""
        self._passed += 1
        for _, scope in [it for it in self._due if it[0] <= self._passed]:
            scope.cancel()
        self._due = [it for it in self._due if it[0] > self._passed]
        for _ in range(self._random.choice((0, 0, 1, 2, 12))):
            await anyio.lowlevel.checkpoint()


class RandomTrax:
    """Stands before the sandbox. `odds` are those of each studio that is in a round."""

    def __init__(self, sandbox: Sandbox, random: Random, moments: Moments) -> None:
        self._sandbox = sandbox
        self._random = random
        self._moments = moments
        self.odds: dict[str, Odds] = {}
        self.sent: dict[str, list[Sent]] = {}
        sandbox.faults.add(Fault("random", self._handle), times=None)

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        parts = request.path.split("/")
        studio = parts[3] if len(parts) > 3 else ""
        odds = self.odds.get(studio, CALM)
        if request.method == "GET":
            await self._take(0.1 if odds.slowest else 0.0)
            response = await handle(request)
            await self._take(0.1 if odds.slowest else 0.0)
            return response
        return await self._change(request, handle, studio, odds)

    async def _change(
        self, request: Request, handle: RequestHandler, studio: str, odds: Odds
    ) -> Response:
        sent = Sent(
            key=request.secret or "",
            call=f"{request.method} {request.path}",
            body=request.body.decode(),
            arrived=anyio.current_time(),
            studio_is_running=self._sandbox.is_running(studio),
            fate=self._fate(odds),
        )
        self.sent.setdefault(studio, []).append(sent)
        try:
            return await self._answer(sent, request, handle, odds)
        finally:
            sent.answered = anyio.current_time()

    async def _answer(
        self, sent: Sent, request: Request, handle: RequestHandler, odds: Odds
    ) -> Response:
        slowest = odds.stops if sent.call.endswith("/go-offline") else odds.slowest
        await self._take(slowest)
        if sent.fate == "refused":
            return await _REFUSED.middleware(request, handle)
        if sent.fate == "lost before":
            raise ConnectionDropped
        response = await handle(request)
        if 400 <= response.status < 500:
            sent.fate = "refused"
        await self._take(slowest)
        if sent.fate == "lost after":
            raise ConnectionDropped
        return response

    def _fate(self, odds: Odds) -> Fate:
        chance = self._random.random()
        if chance < odds.refused:
            return "refused"
        if chance < odds.refused + odds.lost:
            return self._random.choice(("lost before", "lost after"))
        return "applied"

    async def _take(self, slowest: float) -> None:
        """Let some tasks run, or some time pass."""
        if slowest and self._random.random() < 0.7:
            await anyio.sleep(self._random.random() * slowest)
        await self._moments.pause()
