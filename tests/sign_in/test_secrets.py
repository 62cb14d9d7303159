"""Each secret of a sign-in is found where it must be, and nowhere else.

A real process at log level DEBUG with an audit log: all answers, both files, what the file's
journal holds, the logs and the requests to TRaX are searched for every secret, in every spelling.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.canaries.secrets import Seen
from tests.support.hosted_process import hosted_server
from tests.support.html_forms import forms_of
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import ACCOUNT
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.sign_in import sign_in_command
from tests.world.oauth import OAuthSteps, answer_of
from tests.world.sign_in import registered
from tests.world.wire import MODERN, HttpWire, credentials, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import httpx

    from tests.support.hosted_process import HostedServer

KEY: Final = "sk_live_c4n4ry-of-ann/+=%41"
WRONG_KEY: Final = "sk_live_c4n4ry-that-is-wrong"
OTHER_KEY: Final = "sk_live_c4n4ry-of-ben"

TOKEN_ANSWER: Final = "answer to POST /token"
LAST_PAGE: Final = "answer to POST /sign-in/connect"
PAGES: Final = {
    "answer to GET /authorize",
    *(f"answer to {it}" for it in ("GET /sign-in", "POST /sign-in", "POST /sign-in/cancel")),
    *(f"answer to {it} /sign-in/sessions" for it in ("GET", "POST")),
    *("answer to POST /sign-in/sessions/end", "answer to POST /sign-in/another-key", LAST_PAGE),
}
ALLOWED: Final[Mapping[str, set[str]]] = {
    "key": {"TRaX"},
    "other key": {"TRaX"},
    "wrong key": {"TRaX"},
    "access token": {TOKEN_ANSWER},
    "refresh token": {TOKEN_ANSWER},
    "code": {LAST_PAGE},
    "verifier": set(),
    "form": PAGES,
    "cookie": PAGES,
    "server's secret": {"secret file"},
}
"""Where each may be. In the answers of the MCP endpoint, in the logs and in the file: nowhere."""


def watched(steps: OAuthSteps, seen: Seen) -> OAuthSteps:
    """The same client, with all that it is answered recorded."""
    for it in (steps.http, steps.browser):
        it.event_hooks = {"response": [seen.record]}
    return steps


async def test_no_secret_of_a_sign_in_is_found_where_it_should_not_be(tmp_path: Path) -> None:
    """After sign-ins, mistakes, calls, refreshes and revocations."""
    seen, audit = Seen(), tmp_path / "audit"
    for name, key in (("key", KEY), ("wrong key", WRONG_KEY), ("other key", OTHER_KEY)):
        seen.plant(name, key)
    async with upstream() as trax:
        for key, account in ((KEY, ACCOUNT), (OTHER_KEY, ANOTHER_ACCOUNT)):
            trax.add_key(key, account=account)
        settings = {
            "TRAX_LOG_LEVEL": "DEBUG",
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_AUDIT_LOG": str(audit),
        }
        folder = tmp_path / "files"
        folder.mkdir()
        async with hosted_server(folder, settings=settings) as server:
            await sign_in_and_out(server, seen)
            add_files(server, seen)  # while it runs, with its journal
            assert await server.process.stop(signal.SIGTERM) == 0
        add_files(server, seen)
        seen.add("log", server.process.stderr.text + server.process.stdout.text)
        seen.add("audit", audit.read_text(encoding="utf-8"))
        for it in trax.requests:
            seen.add("TRaX", f"{it.method} {it.path} {it.query} {it.headers}")
    found = seen.found()
    assert found - seen.allowed(ALLOWED) == set()
    must = {"key", "access token", "refresh token", "code", "form", "server's secret"}
    assert must <= {name for name, _ in found}
    assert "debug" in seen.texts["log"].lower()


async def sign_in_and_out(server: HostedServer, seen: Seen) -> None:
    """Sign in with one key and with another, make every mistake, and end it all."""
    seen.plant("server's secret", server.secret_file.read_text(encoding="utf-8").strip())
    async with OAuthSteps(server.address) as ann, OAuthSteps(server.address) as ben:
        for steps, key in ((ann, KEY), (ben, OTHER_KEY)):
            for it in (steps.http, steps.browser):
                it.event_hooks = {"response": [seen.record]}
            seen.plant("verifier", steps.verifier)
            await steps.register()
            await call(steps, await signed_in(steps, seen, key))
        await make_mistakes(ann, seen)
        await ann.type_key(page := await ann.browser.get("/sign-in/sessions"), WRONG_KEY)
        listed = await ann.type_key(page, KEY)
        plant_page(ann, listed, seen)
        await ann.press(listed, 'End "The tests"')


async def signed_in(steps: OAuthSteps, seen: Seen, key: str) -> dict[str, str]:
    """Sign in, with a wrong key first; refresh; use a code and a refresh token again."""
    page = await steps.page()
    plant_page(steps, page, seen)
    await steps.type_key(page, WRONG_KEY)
    checked = await steps.type_key(page, key)
    plant_page(steps, checked, seen)
    code = answer_of(await steps.press(checked, "Connect"))["code"]
    seen.plant("code", code)
    await steps.redeem(code, code_verifier="x" * 43)
    tokens: dict[str, str] = (await steps.redeem(code)).json()
    refreshed: dict[str, str] = (await steps.refresh(tokens["refresh_token"])).json()
    for it in (tokens, refreshed):
        seen.plant("access token", it["access_token"])
        seen.plant("refresh token", it["refresh_token"])
    return refreshed


def plant_page(steps: OAuthSteps, page: httpx.Response, seen: Seen) -> None:
    for form in forms_of(page.text):
        seen.plant("form", *(it for it in form.fields.values() if len(it) > 20))
    seen.plant("cookie", *steps.browser.cookies.values())


async def call(steps: OAuthSteps, tokens: dict[str, str]) -> None:
    """Call with the token, in its place and in others."""
    http, token = steps.http, tokens["access_token"]
    caller = HttpWire(http, MODERN, **credentials(token))
    for tool in ("list_studios", "list_connections"):
        assert not (await caller.call(tool)).get("isError")
    await caller.call("go_live", studioId="studio_42")
    message = tool_call(MODERN, "list_studios")
    headers = HttpWire(http, MODERN).all_headers(message)
    for odd in (
        {"X-API-Key": token},
        {"Authorization": f"Bearer {token}", "X-API-Key": KEY},
        *({"Authorization": it} for it in (f"Basic {token}", f"Bearer {token}x", f"Bearer {KEY}")),
        {"Authorization": f"Bearer {tokens['refresh_token']}"},
    ):
        assert (await http.post("/mcp", json=message, headers={**headers, **odd})).is_client_error
    in_query = {"access_token": token, "key": KEY}
    assert (await http.post("/mcp", json=message, headers=headers, params=in_query)).is_client_error
    assert (await http.get(f"/{token}")).is_client_error


async def make_mistakes(steps: OAuthSteps, seen: Seen) -> None:
    """Ask in wrong ways, with secrets in wrong places, and cancel."""
    evil = f"https://evil.example/{KEY}"
    for wrong in ("redirect_uri", "client_id", "code_challenge", "scope", "resource"):
        await steps.authorize(**{wrong: evil if wrong in {"redirect_uri", "resource"} else KEY})
    await steps.token(grant_type=KEY, code=KEY)
    await steps.http.post("/token", json={"code": KEY})
    await steps.http.post("/register", content=f'{{"client_name": "{KEY}"')
    await steps.http.post("/revoke", data={"token": KEY, "client_id": steps.client_id})
    await steps.browser.get("/sign-in", params={"request": KEY})
    page = await steps.page()
    plant_page(steps, page, seen)
    again = await steps.press(await steps.type_key(page, KEY), "Use another key")
    plant_page(steps, again, seen)
    await steps.press(again, "Cancel")


def add_files(server: HostedServer, seen: Seen) -> None:
    """Search both files, and whatever lies beside them."""
    for it in server.file.parent.iterdir():
        place = "secret file" if it == server.secret_file else "file"
        seen.add(place, it.read_bytes().decode("latin-1"))


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_token_in_a_wrong_place_is_not_repeated(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A model may give it in place of an id, and an operator to a command."""
    caplog.set_level("DEBUG", logger="trax_mcp")
    audit = tmp_path / "audit"
    async with registered(tmp_path / "files", TRAX_AUDIT_LOG=str(audit)) as (it, steps):
        tokens = await steps.sign_in(MINE)
        token = tokens[kind]
        given = {"studioId": "studio_42", "autoGoLive": True, "name": token}
        await it.signed_in(tokens).call("update_studio", **given)
        command = sign_in_command(it.product, token)
    assert command.code == 2
    written = audit.read_text(encoding="utf-8")
    assert token not in f"{caplog.text} {written} {command.out} {command.err}"
    assert ("[key]" in written, "[key]" in command.err) == (True, True)
