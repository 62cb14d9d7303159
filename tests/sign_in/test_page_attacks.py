"""Attacks on the page where keys are typed: by other pages, forged forms, and by clients.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest

from tests.support.html_forms import form_with, forms_of, text_of
from tests.world.oauth import answer_of, key_form
from tests.world.sign_in import registered, signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.html_forms import Form
    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

PUBLIC_URL: Final = "https://trax.example.com"
SECOND_STEP: Final = ("Connect", "Cancel", "Use another key")
FORM: Final = "application/x-www-form-urlencoded"
WRONG: Final = "sk_live_wrong"

FOREIGN: Final[dict[str, dict[str, str]]] = {
    "another page": {"Origin": "https://evil.example"},
    "the same host on another port": {"Origin": f"{PUBLIC_URL}:1"},
    "a sandboxed frame": {"Origin": "null"},
    "no page at all": {"Origin": ""},
    "a form of another kind": {"Content-Type": "text/plain"},
}
"""How a request of another page differs from one of ours."""

NO_FORMS: Final = {
    "many fields": b"&".join(b"f%d=1" % it for it in range(50)),
    "not ASCII": b"\xff=1",
    "nothing": b"",
}
"""Bodies that no form of ours has."""


def assert_nothing_connected(it: SignInWorld, answer: httpx.Response) -> None:
    """No sign-in exists, and no browser is sent to a client."""
    assert 400 <= answer.status_code < 500
    assert it.sign_ins() == []
    assert "code=" not in f"{answer.headers} {answer.text}"


async def post(steps: OAuthSteps, action: str, body: str | bytes, **headers: str) -> httpx.Response:
    own = {"Origin": steps.address, "Content-Type": FORM, **headers}
    given = {name: it for name, it in own.items() if it}
    return await steps.browser.post(action, content=body, headers=given)


def assert_closed(page: httpx.Response) -> None:
    """No framing, no store, no referrer to others, no guessing of types, no script, no key."""
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin", "with no-referrer, Origin is null"
    assert "cross-origin-opener-policy" not in page.headers, "it would cut off a client's window"
    assert "access-control-allow-origin" not in page.headers
    assert "<script" not in page.text
    for key in (MINE, WRONG):
        assert key not in f"{page.text} {page.headers} {page.url}"


async def test_no_page_of_a_sign_in_can_be_framed_kept_or_overheard(tmp_path: Path) -> None:
    """Before the key, after it, at the end, and beside it. An address opens nothing by itself."""
    async with registered(tmp_path) as (_, steps):
        page = await steps.page()
        wrong = await steps.type_key(page, WRONG)
        checked = await steps.type_key(wrong, MINE)
        ended = await steps.press(checked, "Connect")
        listed = await steps.browser.get("/sign-in/sessions")
        styles = [await steps.browser.get(f"/sign-in/{it}.css") for it in ("page", "sign_in")]
        statuses = [it.status_code for it in (page, wrong, checked, ended, listed, *styles)]
        assert statuses == [200, 403, 200, 200, 200, 200, 200]
        for it in (page, wrong, checked, ended, listed, *styles):
            assert_closed(it)
        opened = await steps.browser.get("/sign-in?request=https://evil.example/")
        assert opened.status_code in {404, 405, 410}
        assert "evil.example" not in f"{opened.headers} {opened.text}"
        assert forms_of(opened.text) == []


@pytest.mark.parametrize("attack", FOREIGN)
async def test_a_form_of_another_page_changes_nothing(attack: str, tmp_path: Path) -> None:
    """Even with the right cookies and every field, as a browser would send them."""
    async with registered(tmp_path, public_url=PUBLIC_URL) as (it, steps):
        page = await steps.page()
        body = urlencode(key_form(page).filled(key=MINE))
        refused = await post(steps, key_form(page).action, body, **FOREIGN[attack])
        assert_nothing_connected(it, refused)
        assert "Only the sign-in page itself can do this" in text_of(refused.text)
        assert it.keys == []
        checked = await steps.type_key(page, MINE)
        headers = {"Origin": PUBLIC_URL, "Content-Type": FORM, **FOREIGN[attack]}
        for button in SECOND_STEP:
            assert_nothing_connected(it, await steps.press(checked, button, **headers))
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_form_that_was_forged_connects_nothing(tmp_path: Path) -> None:
    """A forger does not know all fields. Each field of both forms in turn; one that comes twice.

    Two readers could each see another one. And bodies that no form has, by each address.
    """
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        form = key_form(page)
        fields = form.filled(key=MINE)
        for name in fields.keys() - {"username"}:  # that one is for password managers
            for changed in ({}, {name: ""}, {name: "another"}, {name: "é"}):
                assert_nothing_connected(
                    it, await steps.send(page, form, without(name, fields) | changed)
                )
        twice = [*form.filled(key=MINE, access="read").items(), ("access", "run")]
        assert_nothing_connected(it, await post(steps, form.action, urlencode(twice)))
        assert it.keys == []
        checked = await steps.type_key(page, MINE)
        last = last_form(checked)
        for name in last.fields:
            refused = await steps.send(checked, last, without(name, last.fields))
            assert "code=" not in f"{refused.headers} {refused.text}"
        for action in {it.action for html in (page, checked) for it in forms_of(html.text)}:
            for body in NO_FORMS.values():
                assert_nothing_connected(it, await post(steps, action, body))
        assert "code" in answer_of(await steps.press(checked, "Connect"))


def without(name: str, fields: dict[str, str]) -> dict[str, str]:
    return {it: value for it, value in fields.items() if it != name}


def last_form(checked: httpx.Response) -> Form:
    return next(it for it in forms_of(checked.text) if "Connect" in it.buttons[0])


async def test_nobody_is_connected_without_a_key_that_was_just_checked(tmp_path: Path) -> None:
    """Not by going straight to the last step, nor with a key that TRaX refused."""
    async with registered(tmp_path) as (it, steps), it.steps(steps.client_id) as other:
        last = last_form(await other.type_key(await other.page(), MINE))
        page = await steps.page()
        own = key_form(page).fields
        for _ in range(2):
            for fields in (own, {**last.fields, **own}):
                answer = await steps.send(page, last, fields)
                assert "code=" not in f"{answer.headers} {answer.text}"
            assert (await steps.type_key(page, WRONG)).status_code == 403
        assert it.sign_ins() == []


async def test_the_yes_is_to_the_key_that_was_shown(tmp_path: Path) -> None:
    """Another one that is typed meanwhile, in a second tab, is not connected by it."""
    async with registered(tmp_path) as (it, steps):
        it.trax.add_key("sk_live_second")
        first = await steps.type_key(await steps.page(), MINE)
        again = await steps.press(first, "Use another key")
        await steps.type_key(again, "sk_live_second")
        code = answer_of(await steps.press(first, "Connect"))["code"]
        assert await it.status_of((await steps.redeem(code)).json()) == 200
        assert it.keys[-1] == MINE


async def test_a_sign_in_that_began_ten_minutes_ago_connects_nothing(tmp_path: Path) -> None:
    """With the key that was typed, or with one that comes now."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        checked = await steps.type_key(page, MINE)
        it.hand_clock.advance(601)
        for late in (await steps.press(checked, "Connect"), await steps.type_key(page, MINE)):
            assert late.status_code == 410
            assert "This sign-in has ended" in text_of(late.text)
            assert_nothing_connected(it, late)


async def test_a_person_who_cancels_connects_nothing(tmp_path: Path) -> None:
    """Before or after the key. The client is told, with its state and our `iss`."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        for shown in (page, await steps.type_key(page, MINE)):
            answer = answer_of(await steps.press(shown, "Cancel"))
            assert answer == {"error": "access_denied", "state": steps.state, "iss": it.address}
        assert it.sign_ins() == []


async def test_a_restart_ends_the_sign_ins_that_are_under_way(tmp_path: Path) -> None:
    """Even with the same files and address: only the process itself can open its forms."""
    async with registered(tmp_path, public_url=PUBLIC_URL) as (_, steps):
        checked = await steps.type_key(await steps.page(), MINE)
        form = form_with(checked.text, "Connect")
    async with (
        signing_in(tmp_path, public_url=PUBLIC_URL) as again,
        again.steps(steps.client_id) as later,
    ):
        refused = await later.send(checked, form, form.fields)
        assert refused.status_code == 410
        assert_nothing_connected(again, refused)
        assert (await later.page()).status_code == 200
