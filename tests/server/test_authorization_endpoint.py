"""`/authorize`: what a client may ask for, and where a person or an error goes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.html_forms import forms_of
from tests.support.oauth_steps import CALLBACK, answer_of
from tests.support.served_sign_in import signing_in
from tests.support.sign_in_browser import DOCUMENT
from trax_mcp.clock import Clock
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.client_documents import ClientDocuments
from trax_mcp.sign_in.client_metadata import ClientRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.oauth_steps import OAuthSteps
    from tests.support.served_sign_in import SignInFront
    from trax_mcp.sign_in.grants import OAuthClient

pytestmark = pytest.mark.slow

DOCUMENT_CALLBACK: Final = DOCUMENT.redirect_uris[0]
UNFULFILLABLE: Final[dict[str, tuple[dict[str, str | None], str]]] = {
    "no response type": ({"response_type": None}, "invalid_request"),
    "a token at once": ({"response_type": "token"}, "unsupported_response_type"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "a plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method, which means plain": ({"code_challenge_method": None}, "invalid_request"),
    "a challenge that no S256 gives": ({"code_challenge": "c" * 42}, "invalid_request"),
    "another resource": ({"resource": "https://other.example/mcp"}, "invalid_target"),
    "a resource below": ({"resource": "{RESOURCE}/more"}, "invalid_target"),
}
"""What a known client asks for, and the error that it gets."""
SCOPES: Final[dict[str | None, list[str]]] = {
    None: ["read", "run"],
    "": ["read", "run"],
    "read": ["read"],
    "read openid": ["read"],
    "run": ["read", "run"],
    "read run": ["read", "run"],
    "openid offline_access": ["read", "run"],
}
"""What a client asks for, and what a person can choose from."""


class KnownDocuments(ClientDocuments):
    """One client, whose document needs no network. Counts how often it is asked for."""

    def __init__(self) -> None:
        super().__init__(Clock())
        self.asked = 0

    async def find(self, client_id: str, _address: str) -> OAuthClient:
        """The client with this id."""
        self.asked += 1
        if client_id != DOCUMENT.id:
            raise ClientRefused("The document cannot be read.")
        return DOCUMENT


@asynccontextmanager
async def registered(
    folder: Path, **settings: str
) -> AsyncIterator[tuple[SignInFront, OAuthSteps]]:
    """The server, and a client that has registered."""
    served = signing_in(folder, documents=KnownDocuments(), settings=settings)
    async with served as front, front.steps() as steps:
        assert (await steps.register()).status_code == 201
        yield front, steps


@pytest.mark.parametrize("case", UNFULFILLABLE)
async def test_an_error_goes_to_a_program_on_the_persons_computer_with_state_and_issuer(
    case: str, tmp_path: Path
) -> None:
    """As the specifications have it, and once each."""
    changes, error = UNFULFILLABLE[case]
    async with registered(tmp_path) as (front, steps):
        given = {
            name: value and value.replace("{RESOURCE}", steps.resource)
            for name, value in changes.items()
        }
        answer = await steps.authorize(**given)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(f"{CALLBACK}?")
        said = answer_of(answer)
        assert said.pop("error_description")
        assert said == {"error": error, "state": steps.state, "iss": front.address}


@pytest.mark.parametrize("case", UNFULFILLABLE)
async def test_an_error_takes_nobody_to_a_page_of_a_client_by_itself(
    case: str, tmp_path: Path
) -> None:
    """Anyone can be a client, so this would be an open redirect. A person may follow the link."""
    changes, error = UNFULFILLABLE[case]
    async with registered(tmp_path) as (front, steps):
        steps.client_id, steps.redirect_uri = DOCUMENT.id, DOCUMENT_CALLBACK
        answer = await steps.authorize(**changes)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "http-equiv" not in answer.text
        (link,) = [it for it in answer.text.split('"') if it.startswith(DOCUMENT_CALLBACK)]
        said = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
        (why,) = said.pop("error_description")
        assert said == {"error": [error], "state": [steps.state], "iss": [front.address]}
        assert f"The client asks in a wrong way: {why.rstrip('.')}." in unescape(answer.text)
        assert "Go back to claude.example" in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "<script>alert(1)</script>"},
        {"client_id": "https://other.example/client.json"},
        {"redirect_uri": "http://127.0.0.1:7777/other"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{CALLBACK}?more=1"},
        {"redirect_uri": ""},
        {"redirect_uri": "no address"},
        {"state": "s" * 8192},
    ],
    ids=str,
)
async def test_an_error_without_a_certain_client_is_a_page_for_the_person(
    changes: dict[str, str | None], tmp_path: Path
) -> None:
    """It repeats nothing that came with the request, and leads nowhere."""
    async with registered(tmp_path) as (_, steps):
        answer = await steps.authorize(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "This sign-in cannot begin" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    for text in ("<script", "other.example", "evil.example", steps.state):
        assert text not in answer.text


@pytest.mark.parametrize("asked", SCOPES, ids=str)
async def test_a_person_can_choose_from_what_the_client_asks_for(
    asked: str | None, tmp_path: Path
) -> None:
    """Scopes that this server does not have are ignored. A choice of two is not made in advance."""
    async with registered(tmp_path) as (_, steps):
        (form,) = (it for it in forms_of((await steps.page(scope=asked)).text) if it.passwords)
    assert form.choices == {"access": SCOPES[asked]}
    assert ("access" in form.fields) is (len(SCOPES[asked]) == 1)


async def test_a_server_that_only_reads_offers_nobody_more(tmp_path: Path) -> None:
    """With TRAX_READ_ONLY."""
    async with registered(tmp_path, TRAX_READ_ONLY="1") as (_, steps):
        (form,) = (it for it in forms_of((await steps.page()).text) if it.passwords)
    assert form.choices == {"access": ["read"]}


async def test_the_page_says_how_this_server_asks(tmp_path: Path) -> None:
    """With TRAX_CONFIRM."""
    async with registered(tmp_path, TRAX_CONFIRM="flag") as (_, steps):
        assert "needs no yes of yours on this server" in (await steps.page()).text


@pytest.mark.parametrize("sent", [CALLBACK, None, "http://127.0.0.1:50123/callback"], ids=str)
async def test_the_code_goes_to_the_address_as_the_client_spelt_it(
    sent: str | None, tmp_path: Path
) -> None:
    """Without one, to its only one; on loopback, to any port. The token endpoint wants the same."""
    async with registered(tmp_path) as (_, steps):
        checked = await steps.type_key(await steps.page(redirect_uri=sent), SANDBOX_KEY)
        answer = await steps.press(checked, path="/sign-in/connect")
        code = answer_of(answer)["code"]
        assert f"{sent or CALLBACK}?code=" in answer.text.replace("&amp;", "&")
        other = await steps.redeem(code, redirect_uri="http://127.0.0.1:1/callback")
        assert other.status_code == 400
        assert (await steps.redeem(code, redirect_uri=sent)).status_code == 200


async def test_a_client_with_a_document_is_signed_in_to(tmp_path: Path) -> None:
    """The document is read where the person comes in, and never at the token endpoint."""
    documents = KnownDocuments()
    async with signing_in(tmp_path, documents=documents) as front, front.steps() as steps:
        steps.client_id, steps.redirect_uri = DOCUMENT.id, DOCUMENT_CALLBACK
        tokens = await steps.sign_in(SANDBOX_KEY)
        assert documents.asked == 1
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 200
        (sign_in,) = front.store.all()
    assert documents.asked == 1
    assert (sign_in.client_id, sign_in.client_name) == (DOCUMENT.id, "Claude")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "resource", "scope"])
async def test_a_parameter_that_comes_twice_leads_nowhere(name: str, tmp_path: Path) -> None:
    """Even with the same value: two readers could take different ones."""
    async with registered(tmp_path) as (_, steps):
        sent = (await steps.authorize()).request.url.query.decode()
        again = next(it for it in sent.split("&") if it.startswith(f"{name}="))
        answer = await steps.browser.get(f"/authorize?{sent}&{again}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert f"the parameter {name} more than once" in answer.text


async def test_an_address_begins_only_so_many_sign_ins_at_a_time(tmp_path: Path) -> None:
    """Then the page says when it can go on."""
    async with registered(tmp_path) as (front, steps):
        statuses = {(await steps.authorize()).status_code for _ in range(60)}
        answer = await steps.authorize()
        front.clock.advance(float(answer.headers["retry-after"]))
        later = await steps.authorize()
    assert statuses == {302}
    assert answer.status_code == 429
    assert f"Try again in {answer.headers['retry-after']} s" in answer.text
    assert later.status_code == 302


async def test_only_a_browser_that_opens_the_page_is_taken_there(tmp_path: Path) -> None:
    """Not by POST, and not from a web page in the background."""
    async with registered(tmp_path) as (front, steps):
        page = await steps.authorize()
        posted = await steps.browser.post("/authorize", data={"client_id": steps.client_id})
    assert page.status_code == 302
    assert page.headers["location"].startswith(f"{front.address}/sign-in?request=")
    assert page.headers["cache-control"] == "no-store"
    assert posted.status_code == 405
