"""The requests of the approval page, and a person who presses its buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx

from tests.support.product.local_servers import NO_CERTIFICATES
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.product.pages import RecordedBrowser

ROOM_TOOLS: Final = {
    "watch": "watch_control_room",
    "press": "press_in_control_room",
    "answer": "answer_approval",
}
"""What the page of the control room calls."""
FORGED: Final[Mapping[str, Mapping[str, str]]] = {
    "without a session": {"Authorization": ""},
    "with a guessed session": {"Authorization": "Bearer guessed"},
    "with an empty session": {"Authorization": "Bearer"},
    "with a session that is no ASCII": {"Authorization": "Bearer \xe4"},
    "without an origin": {"Origin": ""},
    "from another site": {"Origin": "https://evil.example"},
    "from a file": {"Origin": "null"},
    "from another port": {"Origin": "http://localhost:1"},
    "from the same port of the IP address": {"Origin": "http://127.0.0.1:{port}"},
    "as a form": {"Content_Type": "application/x-www-form-urlencoded"},
    "as plain text": {"Content_Type": "text/plain"},
    "for another host": {"Host": "evil.example"},
    "for another host on this port": {"Host": "evil.example:{port}"},
    "for the IP address": {"Host": "127.0.0.1:{port}"},
    "for IPv6": {"Host": "[::1]:{port}"},
}
"""Headers of requests that are each one step away from a valid one. They may name the {port}."""


def address_behind(opened: str) -> str:
    """The address that a browser gets to: the opened one, or that in a redirect file."""
    if not opened.startswith("file://"):
        return opened
    text = Path(opened.removeprefix("file://")).read_text(encoding="utf-8")
    found = re.search(r'url=([^"]+)"', text)
    assert found is not None
    return found[1]


@dataclass
class PageClient:
    """One tab, whose requests are those of its script, or of an attacker.

    `address` is what the browser was given.
    """

    address: str
    session: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return self.address.partition("/#")[0]

    @property
    def secret(self) -> str:
        """The secret in the fragment."""
        return self.address.partition("#")[2]

    async def get(self, path: str = "/", **headers: str) -> httpx.Response:
        """Load a file of the page."""
        async with self._http() as http:
            return await http.get(path, headers=headers)

    async def post(
        self, path: str, body: object = None, *, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Send a request with the page's headers; `headers` replace them, None removes one."""
        sent = {
            "Origin": self.origin,
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.session}".strip(),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = {name: value for name, value in sent.items() if value}
        async with self._http() as http:
            if content is not None:
                return await http.post(path, content=content, headers=_encoded(sent))
            return await http.post(path, json=body or {}, headers=_encoded(sent))

    async def redeem(self) -> httpx.Response:
        """Exchange the secret for a session."""
        response = await self.post("/redeem", {"secret": self.secret})
        if response.status_code == httpx.codes.OK:
            self.session = response.json()["session"]
        return response

    async def state(self, version: str = "") -> dict[str, Any]:
        """What the page shows."""
        response = await self.post("/state", {"version": version})
        return response.json()  # type: ignore[no-any-return]

    async def report(self, approval: Mapping[str, Any]) -> None:
        """Report that a question is shown."""
        await self.post("/report", {"ticket": approval["ticket"]})

    async def press(
        self, approval: Mapping[str, Any], choice: str, **headers: str
    ) -> httpx.Response:
        """Press a button of a question."""
        body = {"ticket": approval["ticket"], "choice": choice}
        return await self.post("/answer", body, content=None, **headers)

    async def call(self, name: str, **arguments: object) -> httpx.Response:
        """Watch, press or answer in the control room."""
        return await self.post("/call", {"name": ROOM_TOOLS[name], "arguments": arguments})

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.origin, trust_env=False, verify=NO_CERTIFICATES)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


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
