"""Attacks on the way from a client's request to its tokens: none gives a code or a token away.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from tests.support.html_forms import forms_of
from tests.support.jsonrpc import MODERN
from tests.support.oauth_steps import CALLBACK, OAuthSteps, answer_of, challenge_of
from tests.support.served_sign_in import registered, signing_in
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


pytestmark = pytest.mark.slow

Changes = dict[str, str | None]

DAY: Final = 86_400
EVIL: Final = "https://evil.example/callback"

NOT_SENT_BACK: Final[dict[str, Changes]] = {
    "no client": {"client_id": None},
    "a client that nobody knows": {"client_id": "nobody"},
    "a client of another spelling": {"client_id": "{CLIENT}"},
    "an address of another host": {"redirect_uri": EVIL},
    "an address below the client's": {"redirect_uri": f"{CALLBACK}/more"},
    "an address beside the client's": {"redirect_uri": f"{CALLBACK}/../evil"},
    "the client's address with a query": {"redirect_uri": f"{CALLBACK}?next={EVIL}"},
    "the client's address with a fragment": {"redirect_uri": f"{CALLBACK}#fragment"},
    "the client's address as a user name": {"redirect_uri": f"{CALLBACK}@evil.example/"},
    "the client's host as a beginning": {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
    "the client's address in capitals": {"redirect_uri": CALLBACK.upper()},
    "another scheme": {"redirect_uri": CALLBACK.replace("http:", "https:")},
    "a script": {"redirect_uri": "javascript:alert(1)//callback"},
    "a document of data": {"redirect_uri": "data:text/html,<script>alert(1)</script>"},
    "an address without scheme": {"redirect_uri": "//evil.example/callback"},
    "a backslash": {"redirect_uri": "http:\\\\evil.example\\callback"},
    "a new line in the address": {"redirect_uri": f"{CALLBACK}\r\nSet-Cookie: a=b"},
    "an empty address": {"redirect_uri": ""},
}
"""What is wrong with the client or its address: a page says so, and no browser is sent anywhere."""

SENT_BACK: Final[dict[str, tuple[Changes, str]]] = {
    "PKCE left out": ({"code_challenge": None}, "invalid_request"),
    "an empty PKCE challenge": ({"code_challenge": ""}, "invalid_request"),
    "PKCE downgraded to plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "an unknown PKCE method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "a short PKCE challenge": ({"code_challenge": "short"}, "invalid_request"),
    "a PKCE challenge of odd signs": ({"code_challenge": "é" * 43}, "invalid_request"),
    "a token without a code": ({"response_type": "token"}, "unsupported_response_type"),
    "a code and a token": ({"response_type": "code token"}, "unsupported_response_type"),
    "no kind of response": ({"response_type": None}, "invalid_request"),
    "the resource of another server": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
    "a resource below ours": ({"resource": "{RESOURCE}/more"}, "invalid_target"),
    "a resource in capitals": ({"resource": "{RESOURCE_UPPER}"}, "invalid_target"),
}
"""What is wrong with the rest: the client is told, with its state and our `iss`."""


def filled_in(changes: Changes, steps: OAuthSteps) -> Changes:
    """The changes, with what only the running server knows."""
    known = {
        "{CLIENT}": steps.client_id.upper(),
        "{RESOURCE}": steps.resource,
        "{RESOURCE_UPPER}": steps.resource.upper(),
    }

    def fill_in(value: str | None) -> str | None:
        for name, it in known.items():
            value = value.replace(name, it) if value is not None else None
        return value

    return {name: fill_in(value) for name, value in changes.items()}


def assert_readable(page: httpx.Response) -> None:
    """A page for a person, which sends the browser nowhere."""
    assert page.status_code == 400, page.status_code
    assert "location" not in page.headers
    assert "refresh" not in page.headers
    assert page.headers["content-type"].startswith("text/html")
    assert "http-equiv" not in page.text


@pytest.mark.parametrize("attack", NOT_SENT_BACK)
async def test_no_browser_is_sent_to_an_address_that_is_not_the_clients(
    attack: str, tmp_path: Path
) -> None:
    """Nor is a page opened on which a key could be typed."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.authorize(**filled_in(NOT_SENT_BACK[attack], steps))
        assert_readable(page)
        assert "evil.example" not in str(page.headers)


@pytest.mark.parametrize("attack", SENT_BACK)
async def test_a_request_that_is_not_as_it_must_be_gets_no_page(
    attack: str, tmp_path: Path
) -> None:
    """The client is told why."""
    changes, error = SENT_BACK[attack]
    async with registered(tmp_path) as (hosted, steps):
        response = await steps.authorize(**filled_in(changes, steps))
        answer = answer_of(response)
        assert urlsplit(response.headers["location"])[:3] == urlsplit(CALLBACK)[:3]
    assert answer["error"] == error
    assert (answer["state"], answer["iss"]) == (steps.state, hosted.address)
    assert "code" not in answer


@pytest.mark.parametrize(
    "name", ["client_id", "redirect_uri", "state", "code_challenge", "resource", "scope"]
)
async def test_a_parameter_that_comes_twice_gets_no_page(name: str, tmp_path: Path) -> None:
    """Two readers could each see another one."""
    async with registered(tmp_path) as (_hosted, steps):
        url = (await steps.authorize()).request.url
        twice = await steps.browser.get(url.copy_add_param(name, url.params[name]))
        if twice.has_redirect_location:
            assert answer_of(twice)["error"] == "invalid_request"
            assert twice.headers["location"].startswith(f"{CALLBACK}?")
        else:
            assert_readable(twice)


WITHOUT_TOKENS: Final[dict[str, tuple[Changes, str]]] = {
    "the code of nobody": ({"code": "x" * 43}, "invalid_grant"),
    "an empty code": ({"code": ""}, "invalid_request"),
    "no code": ({"code": None}, "invalid_request"),
    "a code of another client": ({"client_id": "another"}, "invalid_grant"),
    "no client at the end": ({"client_id": None}, "invalid_client"),
    "the verifier left out": ({"code_verifier": None}, "invalid_request"),
    "an empty verifier": ({"code_verifier": ""}, "invalid_request"),
    "another verifier": ({"code_verifier": "a" * 43}, "invalid_grant"),
    "the challenge as verifier": ({"code_verifier": "{CHALLENGE}"}, "invalid_grant"),
    "another address at the end": ({"redirect_uri": EVIL}, "invalid_grant"),
    "no address at the end": ({"redirect_uri": None}, "invalid_grant"),
    "another resource at the end": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
    "a password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "the client's own right": ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    "no kind of grant": ({"grant_type": None}, "invalid_request"),
}
"""What is wrong with the request for tokens."""


@pytest.mark.parametrize("attack", WITHOUT_TOKENS)
async def test_no_tokens_without_all_that_the_code_was_given_for(
    attack: str, tmp_path: Path
) -> None:
    """The answer names no secret."""
    changes, error = WITHOUT_TOKENS[attack]
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        challenge = challenge_of(steps.verifier)
        filled = {it: challenge if v == "{CHALLENGE}" else v for it, v in changes.items()}
        refused = await steps.redeem(code, **filled)
        assert refused.status_code in {400, 401}
        assert refused.json()["error"] == error
        assert refused.headers["cache-control"] == "no-store"
        assert [it for it in (code, steps.verifier, SANDBOX_KEY) if it in refused.text] == []
        assert hosted.store.all() == []


REPLAYS: Final[dict[str, tuple[Changes, float]]] = {
    "later": ({}, 10),
    "with another verifier": ({"code_verifier": "a" * 43}, 0),
    "from another client": ({"client_id": "another"}, 0),
    "with another address": ({"redirect_uri": EVIL}, 0),
}
"""How a used code comes again, and after how many seconds."""


@pytest.mark.parametrize("replay", REPLAYS)
async def test_a_code_that_is_used_again_ends_what_its_first_use_gave(
    replay: str, tmp_path: Path
) -> None:
    """Source: RFC 6749, 4.1.2."""
    changes, seconds = REPLAYS[replay]
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        tokens = (await steps.redeem(code)).json()
        assert await hosted.status_of(tokens["access_token"]) == 200
        hosted.clock.advance(seconds)
        again = await steps.redeem(code, **changes)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert await hosted.status_of(tokens["access_token"]) == 401
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 400


async def test_a_code_ends_after_a_minute(tmp_path: Path) -> None:
    """Whoever finds it in a history is late."""
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        hosted.clock.advance(61)
        late = await steps.redeem(code)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


async def test_a_stolen_code_is_worth_nothing_in_another_sign_in(tmp_path: Path) -> None:
    """An attacker's client cannot use it, and the victim's client does not take the attacker's."""
    async with (
        signing_in(tmp_path) as hosted,
        hosted.steps() as victim,
        hosted.steps() as attacker,
    ):
        await victim.register()
        attacker.client_id = victim.client_id  # public clients have no secret
        stolen = await victim.code(SANDBOX_KEY)
        injected = await attacker.redeem(stolen)
        assert (injected.status_code, injected.json()["error"]) == (400, "invalid_grant")
        assert hosted.store.all() == []


async def test_an_answer_says_which_server_it_comes_from(tmp_path: Path) -> None:
    """So that a client with several servers is not mixed up. Source: RFC 9207."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        answer = answer_of(await steps.press(checked, path="/sign-in/connect"))
        metadata = (await steps.http.get("/.well-known/oauth-authorization-server")).json()
    assert answer["iss"] == metadata["issuer"] == hosted.address
    assert metadata["authorization_response_iss_parameter_supported"] is True


REFRESHES: Final[dict[str, tuple[Changes, str]]] = {
    "an access token in its place": ({"refresh_token": "{ACCESS}"}, "invalid_grant"),
    "a refresh token of nobody": ({"refresh_token": "trax_rt_" + "x" * 64}, "invalid_grant"),
    "another client": ({"client_id": "another"}, "invalid_grant"),
    "another resource": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
}
"""What is wrong with a refresh."""


@pytest.mark.parametrize("attack", REFRESHES)
async def test_a_refresh_gives_no_more_than_was_allowed(attack: str, tmp_path: Path) -> None:
    """For a person who allowed to look only."""
    changes, error = REFRESHES[attack]
    async with registered(tmp_path) as (_hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY, access="read")
        filled = {it: tokens["access_token"] if v == "{ACCESS}" else v for it, v in changes.items()}
        refused = await steps.refresh(tokens["refresh_token"], **filled)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert tokens["scope"] == "read"


async def test_a_refresh_that_asks_for_more_gives_what_was_allowed(tmp_path: Path) -> None:
    """And says so."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY, access="read")
        other = (await steps.refresh(tokens["refresh_token"], scope="read run")).json()
        assert other["scope"] == "read"
        caller = await hosted.opened_with(MODERN, other)
        refused = await caller.call("send_chat_message", studioId="studio_42", text="Hello")
        assert refused["structuredContent"]["error"]["code"] == "read_only"
        assert hosted.trax.mutations == []


async def test_a_refresh_token_that_is_used_later_again_ends_its_sign_in(tmp_path: Path) -> None:
    """One of the two users is a thief. Within a minute it may be a lost answer."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY)
        second = (await steps.refresh(first["refresh_token"])).json()
        retried = (await steps.refresh(first["refresh_token"])).json()
        for it in (first, second, retried):
            assert await hosted.status_of(it["access_token"]) == 200
        hosted.clock.advance(61)
        reused = await steps.refresh(first["refresh_token"])
        assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
        for it in (first, second, retried):
            assert await hosted.status_of(it["access_token"]) == 401
            assert (await steps.refresh(it["refresh_token"])).status_code == 400


async def test_tokens_end_with_their_lifetimes(tmp_path: Path) -> None:
    """Unused after 14 days, used after 30; a refresh token after 90."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        lost, unused = [await steps.sign_in(SANDBOX_KEY) for _ in range(2)]
        for _ in range(2):
            hosted.clock.advance(13 * DAY)
            assert await hosted.status_of(tokens["access_token"]) == 200
        assert await hosted.status_of(unused["access_token"]) == 401
        hosted.clock.advance(5 * DAY)
        assert await hosted.status_of(tokens["access_token"]) == 401
        assert (await steps.refresh(unused["refresh_token"])).status_code == 200
        hosted.clock.advance(60 * DAY)
        assert (await steps.refresh(lost["refresh_token"])).status_code == 400


async def test_a_client_that_asks_to_look_gets_no_more(tmp_path: Path) -> None:
    """Not even a person who forges the form can allow more."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page(scope="read")
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        forged = form.filled(key=SANDBOX_KEY, access="read") | {"access": "run"}
        refused = await steps.send(page, form, forged)
        assert refused.status_code == 400
        assert hosted.store.all() == []
