"""The page that asks a person: in one tab of their browser, from the first question on.

The secret of the page reaches the browser in the fragment of an address, which no server log and
no referrer holds.
"""

from contextlib import AbstractAsyncContextManager
from typing import Final

import anyio
from anyio.abc import TaskGroup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.api.contract import JsonObject
from trax_mcp.clock import Clock
from trax_mcp.consent.open_questions import OpenQuestion
from trax_mcp.consent.question import QuestionState
from trax_mcp.web.approval_view import describe
from trax_mcp.web.browser import PrivateBrowser, open_if_seen
from trax_mcp.web.local_server import PageAccess, PageServer, no_session, read_text
from trax_mcp.web.passkey import Passkey, challenge_for

_POLL_SECONDS: Final = 20.0
"""How long a request of the page waits for something new."""
_PATIENCE_SECONDS: Final = 4.0
"""After this long without a report, the question is opened in another way."""


class ApprovalPage:
    """Shows questions in one tab. `open_page` makes it.

    With a passkey, an approval needs its signature. Only a stop needs none.
    """

    def __init__(
        self, tasks: TaskGroup, clock: Clock, passkey: Passkey | None, *, practice: bool
    ) -> None:
        self._practice = practice
        self._asker = ""
        self._tasks = tasks
        self._clock = clock
        self._passkey = passkey
        posts = {
            "/redeem": self._redeem,
            "/state": self._poll,
            "/report": self._report,
            "/answer": self._answer,
        }
        self._server = PageServer(tasks, "page.html", posts)
        self._opening = anyio.Lock()
        self._questions: dict[str, OpenQuestion] = {}
        self._browser = PrivateBrowser()
        self._access = PageAccess()
        self._was_opened_twice = False
        self._polls = 0
        self._tab_at = -_PATIENCE_SECONDS
        self._version = 0
        self._changed = anyio.Event()

    def show(self, question: OpenQuestion, *, asker: str = "", after_seconds: float = 0) -> None:
        """Begin to show a question of the client `asker`, unless a panel reports it by then."""
        self._asker = asker
        self._tasks.start_soon(self._show, question, after_seconds)

    def close(self) -> None:
        """Delete the file that leads the browser to the page, if it is still there."""
        self._browser.close()

    async def _show(self, question: OpenQuestion, after_seconds: float) -> None:
        if after_seconds and await self._was_reported(question, after_seconds):
            return
        await question.move_to_page()
        # The end of a question stays until another question comes.
        for old in tuple(self._questions.values()):
            if (await old.state()).is_over:
                self._questions.pop(old.id, None)
        self._questions[question.id] = question
        self._tasks.start_soon(self._follow, question)
        self._note_change()
        try:
            await self._open(question)
        except Exception:  # noqa: BLE001  no port, no folder, no child process: the server goes on
            await question.give_up_showing()

    async def _follow(self, question: OpenQuestion) -> None:
        """Tell the page of each change, until the end of the question."""
        before = await question.state()
        while not before.is_over:
            await question.changed()
            now = await question.state()
            if now.question != before.question:
                self._note_change()
            before = now

    async def _open(self, question: OpenQuestion) -> None:
        """Open the page in the browser, unless a tab shows the question that is open or on its way.

        One at a time, so that all join one tab.
        """
        async with self._opening:
            origin = await self._server.start()
            if self._has_tab() and await self._was_reported(question, _PATIENCE_SECONDS):
                return
            self._was_opened_twice = False

            async def was_opened() -> bool:
                is_reported = await self._was_reported(question, _PATIENCE_SECONDS)
                return is_reported or self._access.is_redeemed

            await self._browser.open(f"{origin}/#{self._access.new_secret()}", was_opened)
            self._tab_at = self._clock.seconds()

    def _has_tab(self) -> bool:
        """Whether a tab asks for news, did so a moment ago, or was opened a moment ago."""
        return self._polls > 0 or self._clock.seconds() < self._tab_at + _PATIENCE_SECONDS

    async def _was_reported(self, question: OpenQuestion, seconds: float) -> bool:
        """Whether a question was shown in time, or needs no showing any more."""
        async with self._clock.move_on_after(seconds):
            while not (await question.state()).is_reported:
                await question.changed()
        return (await question.state()).is_reported

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
            return no_session()
        known = await read_text(request, "version")
        self._polls += 1
        try:
            with anyio.move_on_after(_POLL_SECONDS):
                while known == str(self._version):
                    await self._changed.wait()
        finally:
            self._polls -= 1
            self._tab_at = self._clock.seconds()
        return await self._state()

    async def _report(self, request: Request) -> Response:
        """The page shows a question to a person."""
        if not self._access.has_session(request):
            return no_session()
        if question := self._questions.get(await read_text(request, "ticket")):
            await question.report()
        return await self._state()

    async def _answer(self, request: Request) -> Response:
        """A person has pressed a button."""
        if not self._access.has_session(request):
            return no_session()
        if question := self._questions.get(await read_text(request, "ticket")):
            choice = await read_text(request, "choice")
            signed = self._passkey is not None and self._passkey.has_signed(
                await read_text(request, "signature"),
                challenge_for(question.id, choice),
                origin=self._server.origin,
            )
            await question.answer(choice, by="passkey" if signed else "page")
        return await self._state()

    async def _state(self) -> Response:
        shown = [self._describe(it, await it.state()) for it in tuple(self._questions.values())]
        return JSONResponse(
            {
                "version": str(self._version),
                "asker": self._asker,
                "practice": self._practice,
                "openedTwice": self._was_opened_twice,
                "approvals": shown,
            }
        )

    def _describe(self, it: OpenQuestion, state: QuestionState) -> JsonObject:
        shown = describe(state, asker=self._asker, practice=self._practice)
        described = {"ticket": it.id, **shown}
        question = state.question
        if self._passkey is None or it.is_stop or question is None:
            return described
        challenge = challenge_for(it.id, question.preview.yes)
        return {**described, "passkey": self._passkey.request(challenge)}


def open_page(
    clock: Clock, passkey: Passkey | None = None, *, practice: bool = False
) -> AbstractAsyncContextManager[ApprovalPage | None]:
    """The page of this process. Its server starts with the first question."""
    return open_if_seen(lambda tasks: ApprovalPage(tasks, clock, passkey, practice=practice))
