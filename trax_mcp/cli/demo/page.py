"""The approval page, without a browser: opens it as a browser does, and presses its button."""

import re
import sys
from pathlib import Path
from shlex import quote
from typing import Any, Final

import anyio
import httpx

from trax_mcp.api.contract import JsonObject

_OPEN_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05
_RECORD: Final = "import sys; open(sys.argv[2], 'w').write(sys.argv[1])"


class DemoPage:
    """The one tab of the demo's user. `environment` makes the server open it."""

    def __init__(self, folder: Path) -> None:
        self._opened = folder / "address"
        self._http = httpx.AsyncClient(trust_env=False)
        self.environment = {
            "TRAX_ASK": "page",
            "DISPLAY": "demo",
            "SSH_CONNECTION": "",
            "SSH_TTY": "",
            "BROWSER": f"{sys.executable} -c {quote(_RECORD)} %s {quote(str(self._opened))}",
        }

    async def open(self) -> JsonObject:
        """Follow the private file to the page, and report that its question is shown.

        Raises:
            TimeoutError: the server opens no page.
        """
        with anyio.fail_after(_OPEN_SECONDS):
            while not (self._opened.exists() and self._opened.read_text()):  # noqa: ASYNC110
                await anyio.sleep(_POLL_SECONDS)  # another process writes it
        redirect = Path(self._opened.read_text().removeprefix("file://"))
        found = re.search(r'url=(.+)/#([^"]+)"', redirect.read_text())  # noqa: ASYNC240
        if found is None:
            raise TimeoutError("The page has no address.")
        self._http.base_url = found[1]
        self._http.headers["Origin"] = found[1]
        session = (await self._post("/redeem", secret=found[2]))["session"]
        self._http.headers["Authorization"] = f"Bearer {session}"
        (approval,) = (await self._post("/state"))["approvals"]
        await self._post("/report", ticket=approval["ticket"], question=approval["question"])
        return approval  # type: ignore[no-any-return]

    async def press(self, approval: JsonObject) -> str:
        """Press yes as soon as the page lets a person do so; returns what the page then says."""
        await anyio.sleep(approval["readingSeconds"] + _POLL_SECONDS)
        named = {name: approval[name] for name in ("ticket", "question")}
        state = await self._post("/answer", **named, choice=approval["yes"])
        return str(state["approvals"][0]["outcome"])

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _post(self, path: str, **body: str) -> Any:  # noqa: ANN401  JSON
        response = await self._http.post(path, json=body, timeout=_OPEN_SECONDS * 2)
        return response.raise_for_status().json()
