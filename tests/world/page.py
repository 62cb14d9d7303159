"""The tab of the approval page, and a person who presses its buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from tests.support.page_client import PageClient, address_behind
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.support.product.pages import RecordedBrowser


@dataclass
class PageQuestion:
    """A question that the page shows, as it was when it was last looked at."""

    _page: Page
    data: dict[str, Any]

    @property
    def yes(self) -> str:
        """The words on the button that approves."""
        return str(self.data["yes"])

    @property
    def no(self) -> str:
        """The words on the button that refuses."""
        return str(self.data["no"])

    async def phase(self) -> str:
        """Look again: "open", or how it has ended."""
        shown = (await self._page.questions())[self.data["ticket"]]
        self.data |= {name: shown[name] for name in ("phase", "outcome")}
        return str(shown["phase"])

    async def press(self, choice: str, **changes: object) -> None:
        """Press a button of this question, even after the page shows another one.

        `changes` replace parts of the question's name.
        """
        await self._page.tab.press({**self.data, **changes}, choice)

    async def shown_again(self) -> PageQuestion:
        """The question in its place now. The page reports it."""
        shown = PageQuestion(self._page, (await self._page.questions())[self.data["ticket"]])
        await self._page.tab.report(shown.data)
        return shown


class Page:
    """The tab in which a person sees the questions. It opens when `next` looks for the first."""

    def __init__(self, browser: RecordedBrowser) -> None:
        self.browser = browser
        self.tab = PageClient("")
        self._seen: dict[str, dict[str, Any]] = {}
        self._version = ""

    async def next(self, number: int = 1, *, report: bool = True) -> PageQuestion:
        """Wait until the page shows the question of this number; then the page reports it."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(await self.questions()) < number:
                await self._look(self._version)  # it waits for something new
        ticket = list(self._seen)[number - 1]
        question = PageQuestion(self, self._seen[ticket])
        if report:
            await self.tab.report(question.data)
        return question

    async def questions(self) -> dict[str, dict[str, Any]]:
        """All questions that were shown so far, by ticket, oldest first."""
        if not self.tab.session:
            await self.browser.next()
            self.tab.address = address_behind(self.browser.opened[-1])
            assert (await self.tab.redeem()).status_code == 200
        await self._look()
        return self._seen

    async def _look(self, version: str = "") -> None:
        state = await self.tab.state(version)
        self._version = state["version"]
        self._seen |= {it["ticket"]: it for it in state["approvals"]}
