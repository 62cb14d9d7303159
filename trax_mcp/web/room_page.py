"""The control room in the browser of the person at this computer: one server for all rooms.

What a room does is a function, which knows its studio and its caller. The page names neither.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Literal

import anyio
from anyio.abc import TaskGroup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.clock import Clock
from trax_mcp.web.approval_view import ANSWER, PRESS, QUESTIONS, TICKET, WATCH, gone
from trax_mcp.web.browser import PrivateBrowser, open_if_seen
from trax_mcp.web.endings import NOT_HERE, ending_of
from trax_mcp.web.local_server import PageAccess, PageServer, no_session, read_json, read_text

RoomCall = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Runs one of the room's tools with its arguments. Returns a tool's result as JSON of MCP."""
Opening = Literal["opened", "shown", "failed"]
"""Whether a room was opened. `shown`: it was opened before, and may be in sight."""
_PATIENCE_SECONDS: Final = 4.0
"""After this long without a request, no tab is taken to show a room."""
_REOPEN_SECONDS: Final = 60.0
"""A room is opened no sooner than this after the last time, or after its tab was first missed."""
_FAILED: Final = "Something went wrong in trax-mcp. Check what was done before you press again."
_LOG: Final = logging.getLogger(__name__)


@dataclass
class _Room:
    """One studio: who may see it, and what it was told."""

    call: RoomCall
    access: PageAccess = field(default_factory=PageAccess)
    tickets: set[str] = field(default_factory=set)
    """Of the questions that it was shown. It answers no other."""
    claimed: anyio.Event = field(default_factory=anyio.Event)
    watches: int = 0
    seen_at: float = -_PATIENCE_SECONDS
    opened_at: float = -math.inf
    missed_at: float = -math.inf
    """When it was first asked for while its tab made no request: hidden, or gone without a word."""

    def is_shown(self, now: float) -> bool:
        """Whether a tab watches it, or did so a moment ago. A hidden one does not."""
        return self.watches > 0 or now < self.seen_at + _PATIENCE_SECONDS

    def may_be_opened(self, now: float) -> bool:
        """Whether no person sees it, nor is about to, nor may have it in a hidden tab."""
        if self.is_shown(now):
            return False
        self.missed_at = min(self.missed_at, now)
        return now >= max(self.opened_at, self.missed_at) + _REOPEN_SECONDS

    def was_shown(self, ticket: object) -> bool:
        """Whether it was shown the question of a ticket."""
        return str(ticket) in self.tickets

    def keep_tickets(self, result: JsonObject) -> None:
        """Remember the questions in a result."""
        meta = result.get("_meta") or {}
        self.tickets.update(filter(None, (meta.get(TICKET), *(meta.get(QUESTIONS) or ()))))


class RoomPage:
    """Shows each room in one tab. `open_rooms` makes it."""

    def __init__(self, tasks: TaskGroup, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, _Room] = {}
        self._browser = PrivateBrowser()
        posts = {"/redeem": self._redeem, "/call": self._call, "/leave": self._leave}
        self._server = PageServer(tasks, "room.html", posts)
        self._opening = anyio.Lock()

    def is_shown(self, studio_id: str) -> bool:
        """Whether a person sees the room of a studio."""
        room = self._rooms.get(studio_id)
        return room is not None and room.is_shown(self._clock.seconds())

    async def open(self, studio_id: str, call: RoomCall) -> Opening:
        """Open the room of a studio in the browser, unless a person sees it, or is about to."""
        room = self._rooms.setdefault(studio_id, _Room(call))
        async with self._opening:
            now = self._clock.seconds()
            if not room.may_be_opened(now):
                return "shown" if room.claimed.is_set() else "failed"
            room.opened_at, room.claimed = now, anyio.Event()
            try:
                is_open = await self._open(room)
            except Exception:  # noqa: BLE001  no port, no folder, no child process: the server goes on
                room.opened_at = -math.inf
                return "failed"
        return "opened" if is_open else "failed"

    def close(self) -> None:
        """Delete the file that leads the browser to the page, if it is still there."""
        self._browser.close()

    async def _open(self, room: _Room) -> bool:
        """Open it, and wait until a tab has claimed it. False if none does."""
        origin = await self._server.start()

        async def was_opened() -> bool:
            async with self._clock.move_on_after(_PATIENCE_SECONDS):
                await room.claimed.wait()
            return room.claimed.is_set()

        await self._browser.open(f"{origin}/#{room.access.new_secret()}", was_opened)
        return await was_opened()

    # The requests of the page

    async def _redeem(self, request: Request) -> Response:
        """Exchange the secret of a room for a session. The first tab gets it."""
        secret = await read_text(request, "secret")
        for room in self._rooms.values():
            if (session := room.access.redeem(secret)) is not None:
                room.seen_at, room.missed_at = self._clock.seconds(), math.inf
                room.claimed.set()
                return JSONResponse({"session": session})
        return JSONResponse({"error": "used"}, 409)

    async def _call(self, request: Request) -> Response:
        """Run a call of the room whose session this is."""
        room = self._room_of(request)
        if room is None:
            return no_session()
        room.missed_at = math.inf
        asked = await read_json(request)
        name, arguments = asked.get("name"), asked.get("arguments")
        if name not in (WATCH, PRESS, ANSWER) or not isinstance(arguments, dict):
            return JSONResponse({"error": "no such call"}, 400)
        if name == ANSWER and not room.was_shown(arguments.get("ticket")):
            return JSONResponse({"structuredContent": gone(NOT_HERE)})
        if name == WATCH:
            result = await self._watch(room, request, arguments)
        else:
            result = await _run(room, name, arguments)
        room.keep_tickets(result)
        return JSONResponse(result)

    async def _leave(self, request: Request) -> Response:
        """The tab is closed, or about to be loaded again."""
        room = self._room_of(request)
        if room is None:
            return no_session()
        room.missed_at = -math.inf
        return JSONResponse({})

    def _room_of(self, request: Request) -> _Room | None:
        """The room whose session a request brings."""
        return next((it for it in self._rooms.values() if it.access.has_session(request)), None)

    async def _watch(self, room: _Room, request: Request, arguments: JsonObject) -> JsonObject:
        """Watch a room as long as its tab waits for news. Empty if that was closed."""
        result: JsonObject = {}
        room.watches += 1
        try:
            async with anyio.create_task_group() as tasks:

                async def end_with_tab() -> None:
                    while (await request.receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(end_with_tab)
                result = await _run(room, WATCH, arguments)
                tasks.cancel_scope.cancel()
        finally:
            room.watches -= 1
            room.seen_at = self._clock.seconds()
        return result


def open_rooms(clock: Clock) -> AbstractAsyncContextManager[RoomPage | None]:
    """The rooms of this process. Their server starts with the first one."""
    return open_if_seen(lambda tasks: RoomPage(tasks, clock))


async def _run(room: _Room, name: str, arguments: JsonObject) -> JsonObject:
    """Run a call of a room. The page tells of a failure, and goes on."""
    try:
        return await room.call(name, arguments)
    except TraxError as error:
        words = ending_of(error).words
    except Exception as error:  # noqa: BLE001  as above
        # Without its text and traceback, which may hold what was sent.
        _LOG.error("%s failed on the page: %s", name, type(error).__name__)
        words = _FAILED
    return {"structuredContent": {"outcome": words}, "isError": True}
