"""What signing in does today and will do no more: each is promised in the docs, or was once.

All through the front door. With the promises, these tests go.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.document_server import serving_documents
from tests.support.hosted_process import FILE, hosted_server
from tests.support.html_forms import forms_of, text_of
from tests.support.jsonrpc import MODERN, HttpCaller
from tests.support.oauth_steps import OAuthSteps, answer_of
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.raw_connections import connected
from tests.support.served_app import plain_http
from tests.support.served_sign_in import registered, signing_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PUBLIC_URL: Final = "https://trax.example.com"
OTHER_BROWSER: Final = "This sign-in belongs to another browser"
FEW_FILES: Final = 512
BEGUN: Final = (
    b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nx"
)
"""A request whose body never ends."""
STOP: Final = {"studioId": "studio_42", "confirm": True}


# A sign-in belongs to the browser that began it, and ends once.


async def test_a_sign_in_goes_on_only_in_the_browser_that_began_it(tmp_path: Path) -> None:
    """Whoever sends their own link to a victim, or finds a victim's, gets nothing by it."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps(steps.client_id) as other:
        page = await steps.page()
        await other.page()  # a sign-in of its own, with a cookie of its own
        looked = await other.browser.get(page.url)
        assert OTHER_BROWSER in text_of(looked.text)
        assert forms_of(looked.text) == []
        assert OTHER_BROWSER in text_of((await other.type_key(page, SANDBOX_KEY)).text)
        assert hosted.keys == []
        checked = await steps.type_key(page, SANDBOX_KEY)
        for button in ("Connect", "Cancel", "Use another key"):
            assert OTHER_BROWSER in text_of((await other.press(checked, button)).text)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_browser_without_cookies_is_told_so(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.page()
        steps.browser.cookies.clear()
        refused = await steps.type_key(page, SANDBOX_KEY)
    assert "your browser keeps no cookies for this page" in text_of(refused.text)


async def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(tmp_path: Path) -> None:
    async with registered(tmp_path / "public", public_url=PUBLIC_URL) as (_hosted, steps):
        cookie = (await steps.page()).headers["set-cookie"]
    assert cookie.startswith("__Host-trax_sign_in=")
    parts = {it.strip().lower() for it in cookie.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/", "max-age=600"}
    async with registered(tmp_path / "local") as (_hosted, steps):
        cookie = (await steps.page()).headers["set-cookie"]
    assert cookie.startswith("trax_sign_in=")
    assert "secure" not in cookie.lower()


@pytest.mark.parametrize("button", ["Connect", "Cancel"])
async def test_a_sign_in_is_good_once(button: str, tmp_path: Path) -> None:
    """A button that is pressed twice leads to the same place, and later nowhere."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        first = await steps.press(checked, button)
        for again in ("Connect", "Cancel"):
            assert (await steps.press(checked, again)).text == first.text
        hosted.clock.advance(30)
        late = await steps.press(checked, "Connect")
        assert late.status_code == 410
        assert "code=" not in late.text


async def test_another_browser_does_not_see_the_list_and_it_closes(tmp_path: Path) -> None:
    """From then on the server has the key no more."""
    asks = "Who is signed in with your key?"
    async with registered(tmp_path) as (hosted, steps), hosted.steps() as other:
        await steps.sign_in(SANDBOX_KEY)
        listed = await steps.type_key(await steps.browser.get("/sign-in/sessions"), SANDBOX_KEY)
        assert asks in text_of((await other.browser.get("/sign-in/sessions")).text)
        await other.press(listed, 'End "The tests"')
        closed = await steps.press(listed, "Close this list")
        assert asks in text_of(closed.text)
        await steps.press(listed, 'End "The tests"')
        assert len(hosted.sign_ins()) == 1


# A code that comes again ends what it gave. Source: RFC 6749, 4.1.2.

REPLAYS: Final[dict[str, tuple[dict[str, str], float]]] = {
    "later": ({}, 10),
    "with another verifier": ({"code_verifier": "a" * 43}, 0),
    "from another client": ({"client_id": "another"}, 0),
    "with another address": ({"redirect_uri": "https://evil.example/callback"}, 0),
}
"""How a used code comes again, and after how many seconds."""


@pytest.mark.parametrize("replay", REPLAYS)
async def test_a_code_that_is_used_again_ends_what_its_first_use_gave(
    replay: str, tmp_path: Path
) -> None:
    changes, seconds = REPLAYS[replay]
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        tokens = (await steps.redeem(code)).json()
        hosted.clock.advance(seconds)
        again = await steps.redeem(code, **changes)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        assert await hosted.status_of(tokens["access_token"]) == 401
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 400


# Limits by number


def assert_limited(answer: httpx.Response) -> None:
    """Too many, with when to come back."""
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 600


async def test_an_address_begins_sixty_sign_ins_in_ten_minutes(tmp_path: Path) -> None:
    """Then the page says when it can go on."""
    async with registered(tmp_path) as (hosted, steps):
        statuses = {(await steps.authorize()).status_code for _ in range(60)}
        assert statuses == {302}
        limited = await steps.authorize()
        assert_limited(limited)
        hosted.clock.advance(float(limited.headers["retry-after"]))
        assert (await steps.authorize()).status_code == 302


async def test_an_address_has_thirty_documents_read_in_ten_minutes(tmp_path: Path) -> None:
    """So this server is no tool against others. Known clients go on."""
    callback = "https://client.example/callback"
    async with (
        serving_documents() as host,
        signing_in(tmp_path, internet=host.internet()) as hosted,
        hosted.steps(redirect_uri=callback) as steps,
    ):
        for number in range(30):
            answer = await steps.authorize(client_id=host.client_id(path=f"/{number}"))
            assert answer.status_code == 302
        assert_limited(await steps.authorize(client_id=host.client_id(path="/30")))
        known = await steps.authorize(client_id=host.client_id(path="/29"))
        assert known.status_code == 302


async def test_all_addresses_together_have_fifty_times_as_many_wrong_keys(tmp_path: Path) -> None:
    """Four networks of one IPv6 site may use up theirs, and others then go on."""
    async with registered(tmp_path) as (hosted, steps):

        async def guess(ip: str, times: int = 1) -> int:
            async with hosted.steps(steps.client_id, ip=ip) as guesser:
                page = await guesser.page()
                for number in range(times):
                    answer = await guesser.type_key(page, f"sk_live_{number}")
                return answer.status_code

        for network in range(4):
            assert await guess(f"2606:4700:1:{network}::1", 10) == 403
        assert await guess("2606:4700:1:ffff::1") == 429
        for host in range(46):
            assert await guess(f"8.8.{host}.8", 10) == 403
        assert await guess("9.9.9.9") == 429


async def test_a_flood_of_registered_clients_ends_nobodys_sign_in(tmp_path: Path) -> None:
    """Ten from one address; of a thousand, the oldest unused one leaves a full table."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        async with hosted.steps() as flood:
            statuses = [(await flood.register()).status_code for _ in range(10)]
        # The first client has registered from the same address.
        assert statuses == [201] * 9 + [429]
        for number in range(1_000):
            if number % 100 == 0:
                hosted.clock.advance(601)
            async with hosted.steps(ip=f"203.0.{number // 250}.{number % 250}") as flood:
                assert (await flood.register()).status_code == 201
        assert await hosted.status_of(tokens["access_token"]) == 200
        await steps.code(SANDBOX_KEY)


@pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")
async def test_bodies_that_never_end_do_not_hold_up_a_stop(tmp_path: Path) -> None:
    """More of them than the process may open files. A person has signed in, and is on air."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES},) * 2)"
    settings = {"TRAX_SIGN_IN_REGISTRATION": "1", "TRAX_CONFIRM": "flag"}
    program = ("-c", f"{limit}; from trax_mcp.cli import main; main()")
    async with (
        hosted_server(tmp_path, "--sandbox", settings=settings, program=program) as server,
        OAuthSteps(server.address) as steps,
        AsyncExitStack() as stack,
    ):
        await steps.register()
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            on_air = await caller.call("go_live", **STOP)
            assert on_air["structuredContent"]["observed"]["state"] == "on_air"
        for _ in range(2 * FEW_FILES):
            stranger = await stack.enter_async_context(connected(server.address))
            stranger.send(BEGUN)
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            stopped = await caller.call("go_offline", **STOP)
            assert stopped["structuredContent"]["observed"]["state"] == "off_air"


# The file while the server serves, and names that look alike


@pytest.mark.parametrize("names", [(FILE,), (FILE, f"{FILE}-wal", f"{FILE}-shm")])
async def test_deleting_the_file_ends_all_sign_ins_at_once(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    """The server goes on with a new file, which outlives it."""
    async with registered(tmp_path) as (hosted, steps):
        url = hosted.address
        tokens = await steps.sign_in(SANDBOX_KEY)
        for name in names:
            (tmp_path / name).unlink()
        assert await hosted.status_of(tokens["access_token"]) == 401
        await steps.register()
        again = await steps.sign_in(SANDBOX_KEY)
        assert await hosted.status_of(again["access_token"]) == 200
    async with signing_in(tmp_path, public_url=url) as restarted:
        assert await restarted.status_of(again["access_token"]) == 200
        assert await restarted.status_of(tokens["access_token"]) == 401


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Клауд", "Клауд"),
        ("Cl\u0430ude", "Cl\ufffdude"),
        ("\u0421laude", "\ufffdlaude"),
        ("Cl\u0430ude\u202e", "Cl\ufffdude\ufffd"),
    ],
)
async def test_a_letter_that_looks_like_a_latin_one_among_them_is_marked(
    name: str, shown: str, tmp_path: Path
) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        await steps.register(client_name=name)
        assert f'"{shown}" wants to use' in text_of((await steps.page()).text)
