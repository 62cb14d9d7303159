"""The page that asks a person: in one tab of their browser, from the first question on.

The secret of the page reaches the browser in the fragment of an address, which no server log and
no referrer holds.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
from anyio.abc import TaskGroup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.api.contract import JsonObject
from trax_mcp.clock import Clock
from trax_mcp.consent.approval import Approval
from trax_mcp.web.approval_view import describe
from trax_mcp.web.browser import PrivateBrowser, has_browser
from trax_mcp.web.local_server import PageAccess, read_text, serve_pages
from trax_mcp.web.passkey import Passkey, challenge_for

_STATIC: Final = ("approval.css", "page.css", "approval.js", "page.js")
_POLL_SECONDS: Final = 20.0
"""How long a request of the page waits for something new."""
_PATIENCE_SECONDS: Final = 4.0
"""After this long without a report, the question is opened in another way."""


class ApprovalPage:
    """Shows approvals in one tab. Use as `async with open_page(...) as page`.

    With a passkey, a yes needs its signature. Only a stop needs none.
    """

    def __init__(self, tasks: TaskGroup, clock: Clock, passkey: Passkey | None) -> None:
        self._tasks = tasks
        self._clock = clock
        self._passkey = passkey
        self._origin = ""
        self._opening = anyio.Lock()
        self._approvals: dict[str, Approval] = {}
        self._browser = PrivateBrowser()
        self._access = PageAccess()
        self._was_opened_twice = False
        self._polls = 0
        self._tab_at = -_PATIENCE_SECONDS
        self._version = 0
        self._changed = anyio.Event()

    def can_open(self) -> bool:
        """Whether there seems to be a browser that a person sees."""
        return has_browser()

    def show(self, approval: Approval, *, after_seconds: float = 0) -> None:
        """Begin to show an approval, unless a panel has reported it by then."""
        self._tasks.start_soon(self._show, approval, after_seconds)

    def close(self) -> None:
        """Delete the file that leads the browser to the page, if it is still there."""
        self._browser.close()

    async def _show(self, approval: Approval, after_seconds: float) -> None:
        if after_seconds and await self._was_reported(approval, after_seconds):
            return
        approval.channel = "page"
        # The end of a question stays until another question comes.
        self._approvals = {it.ticket: it for it in self._approvals.values() if not it.is_over}
        self._approvals[approval.ticket] = approval
        approval.on_change = self._note_change
        self._note_change()
        try:
            await self._open(approval)
        except Exception:  # noqa: BLE001  no port, no folder, no child process: the server goes on
            await approval.give_up_showing()

    async def _open(self, approval: Approval) -> None:
        """Open the page in the browser, unless a tab shows the approval that is open or on its way.

        One at a time, so that all join one tab.
        """
        async with self._opening:
            if not self._origin:
                self._origin = await self._tasks.start(self._serve)
            if self._has_tab() and await self._was_reported(approval, _PATIENCE_SECONDS):
                return
            self._was_opened_twice = False

            async def was_opened() -> bool:
                is_reported = await self._was_reported(approval, _PATIENCE_SECONDS)
                return is_reported or self._access.is_redeemed

            await self._browser.open(f"{self._origin}/#{self._access.new_secret()}", was_opened)
            self._tab_at = self._clock.seconds()

    def _has_tab(self) -> bool:
        """Whether a tab asks for news, did so a moment ago, or was opened a moment ago."""
        return self._polls > 0 or self._clock.seconds() < self._tab_at + _PATIENCE_SECONDS

    async def _was_reported(self, approval: Approval, seconds: float) -> bool:
        """Whether the question was shown in time, or needs no showing any more."""
        async with self._clock.move_on_after(seconds):
            await approval.reported.wait()
        return approval.reported.is_set()

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[str]) -> None:
        posts = {
            "/redeem": self._redeem,
            "/state": self._poll,
            "/report": self._report,
            "/answer": self._answer,
        }
        try:
            with suppress(Exception):  # only the page ends, and the next question starts it again
                await serve_pages("page.html", _STATIC, posts, task_status=task_status)
        finally:
            self._origin = ""

    def _note_change(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = anyio.Event()

    # The requests of the page

    async def _redeem(self, request: Request) -> Response:
        """Exchange the secret for a session. The first page gets it."""
        session = self._access.redeem(await read_text(request, "secret"))
        if session is None:
            self._was_opened_twice = True
            self._note_change()
            return JSONResponse({"error": "used"}, 409)
        return JSONResponse({"session": session})

    async def _poll(self, request: Request) -> Response:
        """Wait for something new, and return what the page shows."""
        if not self._access.has_session(request):
            return _no_session()
        known = await read_text(request, "version")
        self._polls += 1
        try:
            with anyio.move_on_after(_POLL_SECONDS):
                while known == str(self._version):
                    await self._changed.wait()
        finally:
            self._polls -= 1
            self._tab_at = self._clock.seconds()
        return self._state()

    async def _report(self, request: Request) -> Response:
        """The page shows a question to a person."""
        if not self._access.has_session(request):
            return _no_session()
        if approval := self._approvals.get(await read_text(request, "ticket")):
            approval.report(await read_text(request, "question"))
        return self._state()

    async def _answer(self, request: Request) -> Response:
        """A person has pressed a button."""
        if not self._access.has_session(request):
            return _no_session()
        if approval := self._approvals.get(await read_text(request, "ticket")):
            question, choice = (
                await read_text(request, "question"),
                await read_text(request, "choice"),
            )
            signed = self._passkey is not None and self._passkey.has_signed(
                await read_text(request, "signature"),
                challenge_for(approval.ticket, question, choice),
                origin=self._origin,
            )
            await approval.answer(question, choice, answered_in="passkey" if signed else "page")
        return self._state()

    def _state(self) -> Response:
        return JSONResponse(
            {
                "version": str(self._version),
                "openedTwice": self._was_opened_twice,
                "approvals": [self._describe(it) for it in self._approvals.values()],
            }
        )

    def _describe(self, approval: Approval) -> JsonObject:
        state = {"ticket": approval.ticket, **describe(approval)}
        if self._passkey is None or approval.is_stop:
            return state
        challenge = challenge_for(approval.ticket, approval.question_id, approval.question.yes)
        return {**state, "passkey": self._passkey.request(challenge)}


@asynccontextmanager
async def open_page(clock: Clock, passkey: Passkey | None = None) -> AsyncIterator[ApprovalPage]:
    """The page of this process. Its server starts with the first question."""
    async with anyio.create_task_group() as tasks:
        yield ApprovalPage(tasks, clock, passkey)
        tasks.cancel_scope.cancel()


def _no_session() -> Response:
    return JSONResponse({"error": "no session"}, 401)
