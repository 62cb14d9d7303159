"""Attacks on the way from a client's request to its code: no code goes to a stranger.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.html_forms import forms_of
from tests.world.oauth import CALLBACK, OAuthSteps, answer_of, key_form, parameters_of
from tests.world.sign_in import CLAUDE, CLAUDE_CALLBACK, registered, signing_in
from tests.world.world import MINE

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
    "a new line in the address": {"redirect_uri": f"{CALLBACK}\r\nSet-Cookie: a=b"},
    "an empty address": {"redirect_uri": ""},
    "a very long request": {"state": "s" * 8192},
}
"""Faults of the client or its address: a page says so, and no browser is sent anywhere.

`tests/units/sign_in/test_redirect_uris.py` has the addresses.
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


def assert_readable(page: httpx.Response) -> None:
    """A page for a person, which sends the browser nowhere and repeats nothing."""
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "refresh" not in page.headers
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "This sign-in can't start" in unescape(page.text)
    assert forms_of(page.text) == []
    for it in ("http-equiv", "<script", "evil.example"):
        assert it not in f"{page.headers} {page.text}"


async def test_no_browser_is_sent_to_an_address_that_is_not_the_clients(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Nor is a page opened on which a key could be typed."""
    async with registered(tmp_path) as (_, steps):
        for attack, changes in NOT_SENT_BACK.items():
            page = await steps.authorize(**changes)
            with subtests.test(attack):
                assert_readable(page)
                assert steps.state not in page.text
        url = (await steps.authorize()).request.url
        for name in ("client_id", "redirect_uri", "scope"):
            page = await steps.browser.get(url.copy_add_param(name, url.params[name]))
            with subtests.test("a parameter that comes twice", name=name):
                assert_readable(page)
                assert f"the parameter {name} more than once" in page.text
        posted = await steps.browser.post("/authorize", data={"client_id": steps.client_id})
        with subtests.test("a post, as a page of somebody else may make a browser send"):
            assert posted.status_code == 405


async def test_a_request_that_is_not_as_it_must_be_gets_no_page(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """The client, a program on the person's computer, is told why. One elsewhere is not.

    Anybody can be a client, and would have an open redirect. Source: RFC 9700, 4.11.2.
    """
    async with registered(tmp_path) as (it, steps):
        for attack, (changes, error) in WRONG.items():
            response = await steps.authorize(**filled_in(changes, steps))
            with subtests.test(attack):
                answer = answer_of(response)
                assert response.headers["location"].startswith(f"{CALLBACK}?")
                assert answer.pop("error_description")
                assert answer == {"error": error, "state": steps.state, "iss": it.address}
        changes, error = WRONG["PKCE left out"]
        asked = {"client_id": CLAUDE, "redirect_uri": CLAUDE_CALLBACK, **changes}
        page = await steps.authorize(**asked)
        assert page.status_code == 400
        assert "location" not in page.headers
        assert "http-equiv" not in page.text
        assert forms_of(page.text) == []
        (link,) = [it for it in page.text.split('"') if it.startswith(CLAUDE_CALLBACK)]
        said = parameters_of(unescape(link))
        why = said.pop("error_description")
        assert said == {"error": error, "state": steps.state, "iss": it.address}
        assert f"The app's request is wrong: {why.rstrip('.')}." in unescape(page.text)
        assert "Go back to claude.ai" in page.text


CHOICES: Final[dict[str | None, list[str]]] = {
    None: ["read", "run"],
    "": ["read", "run"],
    "read openid": ["read"],
    "run": ["read", "run"],
    "openid offline_access": ["read", "run"],
}
"""Scopes that a client asks for, and the choices of a person. Unknown ones are ignored."""


async def test_a_person_can_choose_from_what_the_client_asks_for(tmp_path: Path) -> None:
    """A choice of two is not made in advance. No more is given, even if the form is forged."""
    async with registered(tmp_path) as (it, steps):
        for asked, choices in CHOICES.items():
            form = key_form(await steps.page(scope=asked))
            assert form.choices == {"access": choices}, asked
            assert ("access" in form.fields) is (len(choices) == 1), asked
        page = await steps.page(scope="read")
        forged = key_form(page).filled(key=MINE, access="read") | {"access": "run"}
        assert (await steps.send(page, key_form(page), forged)).status_code == 400
        assert it.keys == []


async def test_a_server_that_only_reads_offers_nobody_more(tmp_path: Path) -> None:
    """With TRAX_READ_ONLY."""
    async with registered(tmp_path, TRAX_READ_ONLY="1") as (_, steps):
        assert key_form(await steps.page()).choices == {"access": ["read"]}


@pytest.mark.parametrize("sent", [CALLBACK, None, "http://127.0.0.1:50123/callback"], ids=str)
async def test_the_code_goes_to_the_address_as_the_client_spelt_it(
    sent: str | None, tmp_path: Path
) -> None:
    """Without one, to its only one; on loopback, to any port."""
    async with registered(tmp_path) as (_, steps):
        address = await steps.connect(MINE, redirect_uri=sent)
        assert address.startswith(f"{sent or CALLBACK}?code=")
        code = parameters_of(address)["code"]
        assert (await steps.redeem(code, redirect_uri=sent)).status_code == 200


async def test_a_client_without_state_gets_none_and_keeps_its_own_query(tmp_path: Path) -> None:
    """The answer is added to the address that it registered, and says which server it is from.

    So a client with several servers mixes none up. Source: RFC 9207.
    """
    own = "http://127.0.0.1:7777/callback?a=b&copy=c"
    async with signing_in(tmp_path) as it, it.steps(redirect_uri=own) as steps:
        (await steps.register()).raise_for_status()
        address = await steps.connect(MINE, state=None)
    assert address.startswith(f"{own}&")
    answer = parameters_of(address)
    assert answer.keys() == {"a", "copy", "code", "iss"}
    assert answer["iss"] == it.address
