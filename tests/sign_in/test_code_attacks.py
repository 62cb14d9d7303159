"""Attacks with codes at the token endpoint: only the client that asked gets tokens, and once.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, Final

from tests.world.oauth import CALLBACK, challenge_of
from tests.world.sign_in import registered
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest

Changes = dict[str, str | None]

AT_ONCE: Final = 8
FOURTEEN_DAYS: Final = 14 * 24 * 3600

WITHOUT_TOKENS: Final[dict[str, tuple[Changes, str]]] = {
    "the code of nobody": ({"code": "x" * 43}, "invalid_grant"),
    "no code": ({"code": None}, "invalid_request"),
    "a code of another client": ({"client_id": "another"}, "invalid_grant"),
    "no client": ({"client_id": None}, "invalid_client"),
    "the verifier left out": ({"code_verifier": None}, "invalid_request"),
    "another verifier": ({"code_verifier": "a" * 43}, "invalid_grant"),
    "the challenge as verifier": ({"code_verifier": "{CHALLENGE}"}, "invalid_grant"),
    "another address": ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
    "another resource": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
    "a password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "no kind of grant": ({"grant_type": None}, "invalid_request"),
    "the other kind of grant": ({"grant_type": "refresh_token"}, "invalid_request"),
}
"""Faults of the request for tokens."""


def error_of(answer: httpx.Response) -> str:
    """The error's name. Each has a description, and is not to be kept."""
    said = answer.json()
    assert said.keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    error: str = said["error"]
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    return error


async def test_no_tokens_without_all_that_the_code_was_given_for(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """The answer names no secret."""
    async with registered(tmp_path) as (it, steps):
        for attack, (changes, error) in WITHOUT_TOKENS.items():
            code = await steps.code(MINE)
            challenge = challenge_of(steps.verifier)
            filled = {
                name: v and v.replace("{CHALLENGE}", challenge) for name, v in changes.items()
            }
            refused = await steps.redeem(code, **filled)
            with subtests.test(attack):
                assert error_of(refused) == error
                assert [text for text in (code, steps.verifier, MINE) if text in refused.text] == []
        given = {
            "grant_type": "authorization_code",
            "code_verifier": steps.verifier,
            "redirect_uri": steps.redirect_uri,
            "client_id": steps.client_id,
        }
        twice = [await steps.code(MINE)] * 2
        answer = await steps.http.post("/token", data={**given, "code": twice})
        with subtests.test("a code that comes twice, with the same value"):
            assert error_of(answer) == "invalid_request"
        assert it.sign_ins() == []


async def test_a_code_ends_after_a_minute(tmp_path: Path) -> None:
    """A finder who reads it in a history is late."""
    async with registered(tmp_path) as (it, steps):
        early, late = [await steps.code(MINE) for _ in range(2)]
        it.hand_clock.advance(59)
        assert (await steps.redeem(early)).status_code == 200
        it.hand_clock.advance(1)
        assert error_of(await steps.redeem(late)) == "invalid_grant"


async def test_a_code_gives_tokens_once_however_often_it_comes(tmp_path: Path) -> None:
    """At once, as some redirects open twice; and later. The tokens last.

    Before, a thief sends it at the same moment from the same client, without its verifier: public
    clients have no secret.
    """
    async with registered(tmp_path) as (it, steps), it.steps(steps.client_id) as thief:
        stolen = await steps.code(MINE)
        injected = await gather(*(thief.redeem(stolen) for _ in range(AT_ONCE)))
        assert {error_of(answer) for answer in injected} == {"invalid_grant"}
        assert it.sign_ins() == []
        code = await steps.code(MINE)
        answers = await gather(*(steps.redeem(code) for _ in range(AT_ONCE)))
        refused = [error_of(answer) for answer in answers if answer.status_code != 200]
        assert refused == ["invalid_grant"] * (AT_ONCE - 1)
        (given,) = (answer.json() for answer in answers if answer.status_code == 200)
        assert await it.status_of(given) == 200
        it.hand_clock.advance(30)
        assert error_of(await steps.redeem(code)) == "invalid_grant"
        assert len(it.sign_ins()) <= 1


async def test_tokens_come_with_what_they_are_and_how_long_they_live(tmp_path: Path) -> None:
    """For any web page: a code proves who asks, no cookie does. And never from a cache."""
    async with registered(tmp_path) as (_, steps):
        code = await steps.code(MINE, access="read")
        steps.http.headers["origin"] = "https://inspector.example"
        answer = await steps.redeem(code)
    tokens: dict[str, Any] = answer.json()
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert tokens.pop("access_token").startswith("trax_at_")
    assert tokens.pop("refresh_token").startswith("trax_rt_")
    assert tokens == {"token_type": "Bearer", "expires_in": FOURTEEN_DAYS, "scope": "read"}


async def test_each_spelling_of_the_resource_gets_tokens(tmp_path: Path) -> None:
    """At all three steps: none, and with a slash or capitals, as some clients write it."""
    async with registered(tmp_path) as (_, steps):
        ours = steps.resource
        for resource in (None, "", ours, f"{ours}/", ours.replace("http", "HTTP")):
            code = await steps.code(MINE, resource=resource)
            tokens = await steps.redeem(code, resource=resource)
            assert tokens.status_code == 200, resource
            again = await steps.refresh(tokens.json()["refresh_token"], resource=resource)
            assert again.status_code == 200, resource


async def test_a_body_that_is_no_plain_form_is_refused(tmp_path: Path) -> None:
    """A part of a form may name an encoding, and so make text that cannot be encoded again."""
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    kind = "multipart/form-data; boundary=x; charset=raw_unicode_escape"
    async with registered(tmp_path) as (_, steps):
        given = {
            "grant_type": "authorization_code",
            "client_id": steps.client_id,
            "code": r"\ud800",
            "token": r"\ud800",
            "code_verifier": steps.verifier,
        }
        body = "".join(part.format(*it) for it in given.items()) + "--x--\r\n"
        for path in ("/token", "/revoke"):
            answer = await steps.http.post(path, content=body, headers={"Content-Type": kind})
            assert error_of(answer) == "invalid_request"
            assert error_of(await steps.http.post(path, json=given)) == "invalid_request"
