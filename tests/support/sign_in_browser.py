"""The sign-in page on a sandbox, without a socket, and browsers that open it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import httpx
from starlette.applications import Starlette

from tests.conftest import client_on
from tests.support.html_forms import forms_of
from tests.support.product.frozen_sandbox import still
from tests.support.product.shared_clock import HandClock
from tests.support.sign_in_setup import PUBLIC_URL, store_in
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.attempts import MAX_WRONG_KEYS, Attempts
from trax_mcp.sign_in.codes import Codes
from trax_mcp.sign_in.grants import Access, AuthorizationRequest, OAuthClient
from trax_mcp.sign_in.pending import PendingSignIn, PendingSignIns
from trax_mcp.web.sign_in_list_page import SignInListPage
from trax_mcp.web.sign_in_page import SignInPage
from trax_mcp.web.sign_in_screens import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.clock import Clock
    from trax_mcp.sign_in.grants import Grant

DOCUMENT: Final = OAuthClient(
    id="https://claude.example/client.json",
    name="Claude",
    redirect_uris=("https://claude.example/callback",),
    host="claude.example",
)
"""A client that its document describes."""
REGISTERED: Final = replace(DOCUMENT, id="registered-1", host=None)
"""A client that has registered."""


def request_of(client: OAuthClient = DOCUMENT, **changes: object) -> AuthorizationRequest:
    """What a client asks for."""
    given: dict[str, object] = {
        "client": client,
        "redirect_uri": client.redirect_uris[0],
        "has_redirect_uri": True,
        "code_challenge": "c" * 43,
        "offered": (Access.READ, Access.RUN),
        "state": "the client's state",
        **changes,
    }
    return AuthorizationRequest(**given)  # type: ignore[arg-type]


class SignInBrowser:
    """A browser without JavaScript. It keeps cookies, and names the page's origin in forms."""

    def __init__(self, served: ServedSignIn, address: str = "203.0.113.7") -> None:
        transport = httpx.ASGITransport(served.app, client=(address, 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url=served.site.public_url)
        self.origin = served.site.public_url
        self.page = httpx.Response(0)

    async def open(self, path: str) -> httpx.Response:
        """Open a page."""
        self.page = await self.http.get(path)
        return self.page

    async def send(
        self, fields: dict[str, str], path: str = "/sign-in", **headers: str
    ) -> httpx.Response:
        """Send these fields, and follow where the page leads within itself."""
        sent = await self.http.post(
            path, data=fields, headers={"Origin": self.origin, **headers}, follow_redirects=True
        )
        self.page = sent
        return sent

    async def type_key(
        self, key: str = SANDBOX_KEY, *, access: str = "run", **changes: str
    ) -> httpx.Response:
        """Fill in the form for the key, and send it."""
        (form,) = (it for it in forms_of(self.page.text) if it.passwords)
        return await self.send(form.filled(key=key, access=access, **changes), form.action)

    async def press(self, path: str) -> httpx.Response:
        """Press the button of the form that goes to `path`."""
        (form,) = (it for it in forms_of(self.page.text) if it.action == path)
        return await self.send(form.fields, path)


class _NumberedCodes(Codes):
    """Codes that are known in advance. Each grant is added to a list."""

    def __init__(self, clock: Clock, grants: list[Grant]) -> None:
        super().__init__(clock, bool)
        self._listed = grants

    def issue(self, grant: Grant) -> str:
        self._listed.append(grant)
        return f"code-{len(self._listed)}"


@dataclass
class ServedSignIn:
    """The page, and what it is made with."""

    folder: Path
    site: Site = field(default_factory=lambda: Site(public_url=PUBLIC_URL))
    sandbox: Sandbox = field(default_factory=still)
    grants: list[Grant] = field(default_factory=list)
    """What codes were issued for, in order."""

    def __post_init__(self) -> None:
        self.clock = HandClock(self.sandbox)
        self.pending = PendingSignIns(self.clock.seconds)
        self.store = store_in(self.folder, self.clock)
        wrong_keys = Attempts(self.clock, limit=MAX_WRONG_KEYS)
        page = SignInPage(
            site=self.site,
            pending=self.pending,
            codes=_NumberedCodes(self.clock, self.grants),
            client=client_on(self.sandbox),
            attempts=wrong_keys,
            clock=self.clock,
        )
        sign_in_list = SignInListPage(
            self.site, store=self.store, attempts=wrong_keys, clock=self.clock
        )
        self.app = Starlette(routes=[*page.routes(), *sign_in_list.routes()])

    def asked(self, client: OAuthClient = DOCUMENT, **changes: object) -> str:
        """A client asks; returns the path of the page."""
        return f"/sign-in?request={self.pending.add(request_of(client, **changes))}"

    async def opened(self, client: OAuthClient = DOCUMENT, **changes: object) -> SignInBrowser:
        """A browser that has opened the page of a new sign-in."""
        browser = SignInBrowser(self)
        await browser.open(self.asked(client, **changes))
        return browser

    def only(self) -> PendingSignIn:
        """The one sign-in under way."""
        (found,) = self.pending.values()
        return found
