"""Attacks on the page where keys are typed: by other pages, other browsers, and by clients.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest

from tests.support.html_forms import forms_of
from tests.support.oauth_steps import answer_of
from tests.support.served_sign_in import registered
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.served_sign_in import SignInFront

pytestmark = pytest.mark.slow

PAGES: Final = (
    "/sign-in",
    "/sign-in?request=nothing",
    "/sign-in?request=https://evil.example/",
    "/sign-in/sessions",
    "/authorize",
    "/authorize?client_id=nobody&redirect_uri=https://evil.example/",
)
"""Pages that anybody can open."""

FOREIGN: Final[dict[str, dict[str, str]]] = {
    "another page": {"Origin": "https://evil.example"},
    "a page below the same name": {"Origin": "http://evil.127.0.0.1"},
    "the same host on another port": {"Origin": "http://127.0.0.1:1"},
    "the same host with https": {"Origin": "{HTTPS}"},
    "a sandboxed frame": {"Origin": "null"},
    "a form of another kind": {"Content-Type": "text/plain"},
    "a form with JSON": {"Content-Type": "application/json"},
}
"""How a request of another page differs from one of ours."""

LEFT_OUT: Final = {
    "the form's token": "token",
    "the choice": "access",
    "the key": "key",
    "which sign-in": "request",
}
"""Fields that a forged form lacks."""


async def assert_nothing_connected(hosted: SignInFront, answer: httpx.Response) -> None:
    """Nobody is signed in, no key was tried, and no browser is sent to a client."""
    assert hosted.store.all() == []
    assert hosted.keys == []
    assert "code=" not in f"{answer.headers} {answer.text}"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_can_be_framed_kept_or_overheard(path: str, tmp_path: Path) -> None:
    """And none sends a browser to an address that its own address names."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.browser.get(path)
        assert_page_headers(page)
        assert "location" not in page.headers
        assert "evil.example" not in page.text


async def test_the_page_with_a_sign_in_is_as_closed(tmp_path: Path) -> None:
    """Before the key, after it, and at the end."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.page()
        wrong = await steps.type_key(page, "sk_live_wrong")
        checked = await steps.type_key(wrong, SANDBOX_KEY)
        ended = await steps.press(checked, path="/sign-in/connect")
        for it in (page, wrong, checked, ended):
            assert_page_headers(it)
            assert SANDBOX_KEY not in it.text.replace(f"Its key is {SANDBOX_KEY}", "")
            assert "sk_live_wrong" not in it.text


def assert_page_headers(page: httpx.Response) -> None:
    """No framing, no store, no referrer to others, no guessing of types, no script."""
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in page.text
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert "access-control-allow-origin" not in page.headers


@pytest.mark.parametrize("attack", FOREIGN)
async def test_a_form_of_another_page_changes_nothing(attack: str, tmp_path: Path) -> None:
    """Even with the right cookie and every field, as a browser would send them."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        https = hosted.address.replace("http:", "https:")
        changed = {name: it.replace("{HTTPS}", https) for name, it in FOREIGN[attack].items()}
        body = urlencode(form.filled(key=SANDBOX_KEY, access="run"))
        answer = await steps.browser.post(
            form.action,
            content=body,
            headers={
                "Origin": hosted.address,
                "Content-Type": "application/x-www-form-urlencoded",
                **changed,
            },
        )
        assert 400 <= answer.status_code < 500
        await assert_nothing_connected(hosted, answer)


async def test_a_form_without_an_origin_changes_nothing(tmp_path: Path) -> None:
    """Browsers name it in every form that they post."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        answer = await steps.browser.post(
            form.action, data=form.filled(key=SANDBOX_KEY, access="run")
        )
        assert 400 <= answer.status_code < 500
        await assert_nothing_connected(hosted, answer)


@pytest.mark.parametrize("attack", LEFT_OUT)
async def test_a_form_that_lacks_a_field_connects_nothing(attack: str, tmp_path: Path) -> None:
    """Whoever forges a form does not know all of them."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        fields = form.filled(key=SANDBOX_KEY, access="run")
        del fields[LEFT_OUT[attack]]
        answer = await steps.send(page, form, fields)
        assert 400 <= answer.status_code < 500
        await assert_nothing_connected(hosted, answer)


async def test_a_field_that_comes_twice_connects_nothing(tmp_path: Path) -> None:
    """Two readers could each see another one."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        fields = [*form.filled(key=SANDBOX_KEY, access="read").items(), ("access", "run")]
        answer = await steps.browser.post(
            form.action,
            content=urlencode(fields),
            headers={
                "Origin": hosted.address,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert 400 <= answer.status_code < 500
        await assert_nothing_connected(hosted, answer)


async def test_a_sign_in_goes_on_only_in_the_browser_that_began_it(tmp_path: Path) -> None:
    """Whoever sends their own link to a victim, or finds a victim's, gets nothing by it."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps() as other:
        other.client_id = steps.client_id
        page = await steps.page()
        looked = await other.browser.get(page.url)
        assert 400 <= looked.status_code < 500
        assert forms_of(looked.text) == []
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        for _ in range(2):
            answer = await other.send(page, form, form.filled(key=SANDBOX_KEY, access="run"))
            assert 400 <= answer.status_code < 500
            await assert_nothing_connected(hosted, answer)
            await other.page()  # a sign-in of its own, with a cookie of its own


async def test_nobody_is_connected_without_a_key_that_was_just_checked(tmp_path: Path) -> None:
    """Not by going straight to the last step, nor with a key that TRaX refused."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        fields = {it: form.fields[it] for it in ("request", "token")}
        for _ in range(2):
            answer = await steps.browser.post(
                "/sign-in/connect", data=fields, headers={"Origin": hosted.address}
            )
            assert "code=" not in f"{answer.headers} {answer.text}"
            refused = await steps.type_key(page, "sk_live_wrong")
            assert refused.status_code == 403
        assert hosted.store.all() == []


async def test_a_connected_sign_in_gives_no_second_code(tmp_path: Path) -> None:
    """A button that is pressed twice leads to the same place, and later nowhere."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        codes = {
            answer_of(await steps.press(checked, path="/sign-in/connect"))["code"] for _ in range(2)
        }
        assert len(codes) == 1
        hosted.clock.advance(30)
        late = await steps.press(checked, path="/sign-in/connect")
        assert 400 <= late.status_code < 500
        assert codes.pop() not in late.text


async def test_a_sign_in_that_began_ten_minutes_ago_connects_nothing(tmp_path: Path) -> None:
    """With the key that was typed."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        hosted.clock.advance(601)
        late = await steps.press(checked, path="/sign-in/connect")
        assert 400 <= late.status_code < 500
        assert "code=" not in f"{late.headers} {late.text}"
        assert hosted.store.all() == []


async def test_a_person_who_cancels_connects_nothing(tmp_path: Path) -> None:
    """The client is told, with its state and our `iss`."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        answer = answer_of(await steps.press(checked, path="/sign-in/cancel"))
        assert answer == {"error": "access_denied", "state": steps.state, "iss": hosted.address}
        again = await steps.press(checked, path="/sign-in/connect")
        assert "code=" not in f"{again.headers} {again.text}"
        assert hosted.store.all() == []


HOSTILE: Final = {
    "markup": '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "an attribute": '" autofocus onfocus="alert(1)',
    "a direction that turns": "Claude\u202eedualC",
    "a new line": "Claude\r\nSet-Cookie: a=b",
    "a very long name": "Claude " * 500,
    "a name of other letters": "Сlaude",  # noqa: RUF001  that is the attack
    "our own name": "TRaX",
}
"""Names that clients give themselves."""


@pytest.mark.parametrize("attack", HOSTILE)
async def test_a_hostile_name_stays_a_name(attack: str, tmp_path: Path) -> None:
    """The page says that it is a claim, and where the browser goes."""
    async with registered(tmp_path) as (_hosted, steps):
        response = await steps.register(client_name=HOSTILE[attack])
        if not response.is_success:
            assert response.status_code == 400
            return
        page = await steps.page()
        assert page.status_code == 200
        assert "calls itself" in page.text
        assert "\u202e" not in page.text
        assert len(page.text) < 10_000
        assert "set-cookie: a=b" not in str(page.headers).lower()
        assert hostile_parts(page.text) == []


def hostile_parts(html: str) -> list[str]:
    """Elements and attributes that no page of ours has."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names = [name for name, _ in attrs if name.startswith("on")]
            found.extend([tag, *names] if tag in {"script", "img"} or names else [])

    Reader().feed(html)
    return found
