"""The approval page's requests, as its script makes them, or as an attacker might."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.product.local_servers import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """One tab. `address` is what the browser was given."""

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
        await self.post("/report", _named(approval))

    async def press(
        self, approval: Mapping[str, Any], choice: str, **headers: str
    ) -> httpx.Response:
        """Press a button of a question."""
        body = {**_named(approval), "choice": choice}
        return await self.post("/answer", body, content=None, **headers)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.origin, trust_env=False, verify=NO_CERTIFICATES)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _named(approval: Mapping[str, Any]) -> dict[str, Any]:
    return {"ticket": approval["ticket"], "question": approval["question"]}
