"""An OAuth client and a person's browser over plain HTTP, which control every parameter."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.html_forms import Form, form_with, forms_of, next_address
from tests.support.http_clients import plain_http

if TYPE_CHECKING:
    import httpx

CALLBACK: Final = "http://127.0.0.1:7777/callback"
"""Where the clients of tests are sent back to. Nothing listens there."""


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier. Source: RFC 7636."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def sent_back_to(response: httpx.Response) -> str:
    """Where a browser goes by itself: through a redirect, or a page that leads on at once."""
    address = response.headers.get("location") or next_address(response.text)
    assert address, response.text
    return str(address)


def answer_of(response: httpx.Response) -> dict[str, str]:
    """The parameters with which a client is sent back."""
    return parameters_of(sent_back_to(response))


def parameters_of(address: str) -> dict[str, str]:
    """The parameters of an address, each of which is there once."""
    pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def key_form(page: httpx.Response) -> Form:
    """The form of a page on which a key is typed."""
    (form,) = (it for it in forms_of(page.text) if it.passwords)
    return form


class OAuthSteps:
    """One sign-in, step by step. `http` is the client, and `browser` the person's.

    A change of `None` leaves a parameter out.
    """

    def __init__(
        self,
        address: str,
        *,
        client_id: str = "",
        redirect_uri: str = CALLBACK,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.address = address
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self.state = secrets.token_urlsafe(16)
        self.verifier = secrets.token_urlsafe(32)
        self.http = plain_http(address, transport=transport)
        self.browser = plain_http(address, transport=transport)

    async def __aenter__(self) -> Self:
        """Open both."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close both."""
        await self.http.aclose()
        await self.browser.aclose()

    @property
    def resource(self) -> str:
        return f"{self.address}/mcp"

    async def register(self, **changes: object) -> httpx.Response:
        """Register, and keep the id. Source: RFC 7591."""
        metadata = {
            "client_name": "The tests",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        response = await self.http.post("/register", json=metadata)
        if response.is_success:
            self.client_id = response.json()["client_id"]
        return response

    def request(self, **changes: str | None) -> str:
        """The address at which the client sends the person's browser to the server."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "scope": "read run",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.resource,
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.address}/authorize?{urlencode(given)}"

    async def authorize(self, **changes: str | None) -> httpx.Response:
        return await self.browser.get(self.request(**changes))

    async def page(self, **changes: str | None) -> httpx.Response:
        """The page that the browser then opens."""
        response = await self.authorize(**changes)
        if response.has_redirect_location:
            response = await self.browser.get(response.headers["location"])
        assert key_form(response), response.text
        return response

    async def send(
        self, page: httpx.Response, form: Form, fields: dict[str, str], **headers: str
    ) -> httpx.Response:
        """The person presses a button of a form. `Origin` is that of the page; "" leaves it out."""
        url = page.url.join(form.action) if form.action else page.url
        given = {"Origin": self.address, **headers}
        sent = await self.browser.post(
            url, data=fields, headers={name: it for name, it in given.items() if it}
        )
        is_own = sent.headers.get("location", "").startswith("/")
        return await self.browser.get(page.url.join(sent.headers["location"])) if is_own else sent

    async def type_key(
        self, page: httpx.Response, key: str, *, access: str = "run", **headers: str
    ) -> httpx.Response:
        """The person types a key, and chooses what to allow."""
        form = key_form(page)
        return await self.send(page, form, form.filled(key=key, access=access), **headers)

    async def press(self, page: httpx.Response, button: str, **headers: str) -> httpx.Response:
        """The person presses the button whose words begin so: Connect, Cancel, Use another key."""
        form = form_with(page.text, button)
        return await self.send(page, form, form.fields, **headers)

    async def connect(self, key: str, *, access: str = "run", **changes: str | None) -> str:
        checked = await self.type_key(await self.page(**changes), key, access=access)
        return sent_back_to(await self.press(checked, "Connect"))

    async def code(self, key: str, *, access: str = "run", **changes: str | None) -> str:
        answer = parameters_of(await self.connect(key, access=access, **changes))
        assert answer.keys() == {"code", "state", "iss"}
        return answer["code"]

    async def connected(self, url: str, key: str, *, access: str = "run") -> str:
        """A person signs in at this address; returns where the browser is sent back to."""
        opened = await self.browser.get(url, follow_redirects=True)
        checked = await self.type_key(opened, key, access=access)
        return sent_back_to(await self.press(checked, "Connect"))

    async def redeem(self, code: str, /, **changes: str | None) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await self.token(**{**given, **changes})

    async def refresh(self, refresh_token: str, /, **changes: str | None) -> httpx.Response:
        given = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.token(**{**given, **changes})

    async def token(self, **changes: str | None) -> httpx.Response:
        parameters = {"client_id": self.client_id, "resource": self.resource, **changes}
        given = {name: value for name, value in parameters.items() if value is not None}
        return await self.http.post("/token", data=given)

    async def sign_in(self, key: str, *, access: str = "run") -> dict[str, Any]:
        response = await self.redeem(await self.code(key, access=access))
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens
