"""Attacks on the way from a client's request to its code: no code goes to a stranger.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.html_forms import forms_of
from tests.support.oauth_steps import CALLBACK, OAuthSteps, answer_of, key_form
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import CLAUDE, CLAUDE_CALLBACK, registered, signing_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

Changes = dict[str, str | None]

EVIL: Final = "https://evil.example/callback"

NOT_SENT_BACK: Final[dict[str, Changes]] = {
    "no client": {"client_id": None},
    "a client that nobody knows": {"client_id": "nobody"},
    "a client that is markup": {"client_id": "<script>alert(1)</script>"},
    "an address of another host": {"redirect_uri": EVIL},
    "the client's address with a query": {"redirect_uri": f"{CALLBACK}?next={EVIL}"},
    "a script": {"redirect_uri": "javascript:alert(1)//callback"},
    "a new line in the address": {"redirect_uri": f"{CALLBACK}\r\nSet-Cookie: a=b"},
    "an empty address": {"redirect_uri": ""},
    "a very long request": {"state": "s" * 8192},
}
"""Faults of the client or its address: a page says so, and no browser is sent anywhere.

`tests/units/sign_in/test_redirect_uris.py` has more addresses.
"""

WRONG: Final[dict[str, tuple[Changes, str]]] = {
    "PKCE left out": ({"code_challenge": None}, "invalid_request"),
    "PKCE downgraded to plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no PKCE method, which means plain": ({"code_challenge_method": None}, "invalid_request"),
    "a short PKCE challenge": ({"code_challenge": "c" * 42}, "invalid_request"),
    "a token without a code": ({"response_type": "token"}, "unsupported_response_type"),
    "no kind of response": ({"response_type": None}, "invalid_request"),
    "the resource of another server": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
    "a resource below ours": ({"resource": "{RESOURCE}/more"}, "invalid_target"),
}
"""Faults of the rest: the client is told, with its state and our `iss`."""


def filled_in(changes: Changes, steps: OAuthSteps) -> Changes:
    """The changes, with the resource of the running server."""
    return {name: it and it.replace("{RESOURCE}", steps.resource) for name, it in changes.items()}


def assert_readable(page: httpx.Response, attack: str) -> None:
    """A page for a person, which sends the browser nowhere and repeats nothing."""
    assert page.status_code == 400, attack
    assert "location" not in page.headers
    assert "refresh" not in page.headers
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "This sign-in cannot begin" in page.text
    assert forms_of(page.text) == []
    for it in ("http-equiv", "<script", "evil.example"):
        assert it not in f"{page.headers} {page.text}", attack


async def test_no_browser_is_sent_to_an_address_that_is_not_the_clients(tmp_path: Path) -> None:
    """Nor is a page opened on which a key could be typed."""
    async with registered(tmp_path) as (_hosted, steps):
        for attack, changes in NOT_SENT_BACK.items():
            page = await steps.authorize(**filled_in(changes, steps))
            assert_readable(page, attack)
            assert steps.state not in page.text, attack


async def test_a_request_that_is_not_as_it_must_be_gets_no_page(tmp_path: Path) -> None:
    """The client, a program on the person's computer, is told why."""
    async with registered(tmp_path) as (hosted, steps):
        for attack, (changes, error) in WRONG.items():
            response = await steps.authorize(**filled_in(changes, steps))
            answer = answer_of(response)
            assert response.headers["location"].startswith(f"{CALLBACK}?"), attack
            assert answer.pop("error_description"), attack
            expected = {"error": error, "state": steps.state, "iss": hosted.address}
            assert answer == expected, attack


async def test_an_error_takes_nobody_to_a_page_of_a_stranger_by_itself(tmp_path: Path) -> None:
    """Anybody can be a client, and would have an open redirect. Source: RFC 9700, 4.11.2."""
    changes, error = WRONG["PKCE left out"]
    async with (
        signing_in(tmp_path) as hosted,
        hosted.steps(CLAUDE, redirect_uri=CLAUDE_CALLBACK) as steps,
    ):
        page = await steps.authorize(**changes)
        assert page.status_code == 400
        assert "location" not in page.headers
        assert "http-equiv" not in page.text
        assert forms_of(page.text) == []
        (link,) = [it for it in page.text.split('"') if it.startswith(CLAUDE_CALLBACK)]
        said = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
        (why,) = said.pop("error_description")
        assert said == {"error": [error], "state": [steps.state], "iss": [hosted.address]}
        assert f"The client asks in a wrong way: {why.rstrip('.')}." in unescape(page.text)
        assert "Go back to claude.ai" in page.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope"])
async def test_a_parameter_that_comes_twice_gets_no_page(name: str, tmp_path: Path) -> None:
    """Even with the same value: two readers could each see another one."""
    async with registered(tmp_path) as (_hosted, steps):
        url = (await steps.authorize()).request.url
        twice = await steps.browser.get(url.copy_add_param(name, url.params[name]))
        assert_readable(twice, name)
        assert f"the parameter {name} more than once" in twice.text


async def test_only_a_browser_that_opens_the_page_is_taken_there(tmp_path: Path) -> None:
    """Not one that posts, as a page of somebody else may make it do."""
    async with registered(tmp_path) as (_hosted, steps):
        posted = await steps.browser.post("/authorize", data={"client_id": steps.client_id})
        opened = await steps.authorize()
        assert opened.headers["cache-control"] == "no-store"
    assert posted.status_code == 405


async def test_an_answer_says_which_server_it_comes_from(tmp_path: Path) -> None:
    """So that a client with several servers is not mixed up. Source: RFC 9207."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        answer = answer_of(await steps.press(checked, "Connect"))
        metadata = (await steps.http.get("/.well-known/oauth-authorization-server")).json()
    assert answer["iss"] == metadata["issuer"] == hosted.address
    assert metadata["authorization_response_iss_parameter_supported"] is True


SCOPES: Final[dict[str | None, list[str]]] = {
    None: ["read", "run"],
    "": ["read", "run"],
    "read openid": ["read"],
    "run": ["read", "run"],
    "openid offline_access": ["read", "run"],
}
"""Scopes that a client asks for, and the choices of a person."""


@pytest.mark.parametrize("asked", SCOPES, ids=str)
async def test_a_person_can_choose_from_what_the_client_asks_for(
    asked: str | None, tmp_path: Path
) -> None:
    """Scopes that this server does not have are ignored. A choice of two is not made in advance."""
    async with registered(tmp_path) as (_hosted, steps):
        form = key_form(await steps.page(scope=asked))
    assert form.choices == {"access": SCOPES[asked]}
    assert ("access" in form.fields) is (len(SCOPES[asked]) == 1)


async def test_a_client_that_asks_to_look_gets_no_more(tmp_path: Path) -> None:
    """Not even from a person who forges the form."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page(scope="read")
        form = key_form(page)
        forged = form.filled(key=SANDBOX_KEY, access="read") | {"access": "run"}
        refused = await steps.send(page, form, forged)
        assert refused.status_code == 400
        assert hosted.keys == []


async def test_a_server_that_only_reads_offers_nobody_more(tmp_path: Path) -> None:
    """With TRAX_READ_ONLY."""
    async with registered(tmp_path, TRAX_READ_ONLY="1") as (_hosted, steps):
        assert key_form(await steps.page()).choices == {"access": ["read"]}


@pytest.mark.parametrize("sent", [CALLBACK, None, "http://127.0.0.1:50123/callback"], ids=str)
async def test_the_code_goes_to_the_address_as_the_client_spelt_it(
    sent: str | None, tmp_path: Path
) -> None:
    """Without one, to its only one; on loopback, to any port."""
    async with registered(tmp_path) as (_hosted, steps):
        address = await steps.connect(SANDBOX_KEY, redirect_uri=sent)
        assert address.startswith(f"{sent or CALLBACK}?code=")
        code = parse_qs(urlsplit(address).query)["code"][0]
        assert (await steps.redeem(code, redirect_uri=sent)).status_code == 200


async def test_a_client_without_state_gets_none_and_keeps_its_own_query(tmp_path: Path) -> None:
    """The answer is added to the address that it registered."""
    own = "http://127.0.0.1:7777/callback?a=b&copy=c"
    async with signing_in(tmp_path) as hosted, hosted.steps(redirect_uri=own) as steps:
        (await steps.register()).raise_for_status()
        address = await steps.connect(SANDBOX_KEY, state=None)
    assert address.startswith(f"{own}&")
    assert parse_qs(urlsplit(address).query).keys() == {"a", "copy", "code", "iss"}
