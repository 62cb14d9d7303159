"""Attacks on the page where keys are typed: by other pages, forged forms, and by clients.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest

from tests.support.html_forms import form_with, forms_of, text_of
from tests.support.oauth_steps import answer_of, key_form
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered, signing_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.served_sign_in import SignInFront

PUBLIC_URL: Final = "https://trax.example.com"
SECOND_STEP: Final = ("Connect", "Cancel", "Use another key")
FORM: Final = "application/x-www-form-urlencoded"

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


def assert_nothing_connected(hosted: SignInFront, answer: httpx.Response) -> None:
    """No sign-in exists, and no browser is sent to a client."""
    assert 400 <= answer.status_code < 500
    assert hosted.sign_ins() == []
    assert "code=" not in f"{answer.headers} {answer.text}"


def assert_closed(page: httpx.Response) -> None:
    """No framing, no store, no referrer to others, no guessing of types, no script."""
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


async def test_no_page_of_a_sign_in_can_be_framed_kept_or_overheard(tmp_path: Path) -> None:
    """Before the key, after it, at the end, and beside it. None repeats a key."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.page()
        wrong = await steps.type_key(page, "sk_live_wrong")
        checked = await steps.type_key(wrong, SANDBOX_KEY)
        ended = await steps.press(checked, "Connect")
        listed = await steps.browser.get("/sign-in/sessions")
        styles = [await steps.browser.get(f"/sign-in/{it}.css") for it in ("page", "sign_in")]
        statuses = [it.status_code for it in (page, wrong, checked, ended, listed, *styles)]
        assert statuses == [200, 403, 200, 200, 200, 200, 200]
        for it in (page, wrong, checked, ended, listed, *styles):
            assert_closed(it)
            for key in (SANDBOX_KEY, "sk_live_wrong"):
                assert key not in f"{it.text} {it.headers} {it.url}"


async def test_the_address_of_a_page_opens_nothing_by_itself(tmp_path: Path) -> None:
    """And sends no browser to an address that it names."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.browser.get("/sign-in?request=https://evil.example/")
        assert page.status_code in {404, 405, 410}
        assert "location" not in page.headers
        assert "evil.example" not in page.text
        assert forms_of(page.text) == []


@pytest.mark.parametrize("attack", FOREIGN)
async def test_a_form_of_another_page_changes_nothing(attack: str, tmp_path: Path) -> None:
    """Even with the right cookies and every field, as a browser would send them."""
    async with registered(tmp_path, public_url=PUBLIC_URL) as (hosted, steps):
        page = await steps.page()
        given = {"Origin": PUBLIC_URL, "Content-Type": FORM, **FOREIGN[attack]}
        headers = {name: it for name, it in given.items() if it}
        body = urlencode(key_form(page).filled(key=SANDBOX_KEY))
        refused = await steps.browser.post(key_form(page).action, content=body, headers=headers)
        assert_nothing_connected(hosted, refused)
        assert "Only the sign-in page itself can do this" in text_of(refused.text)
        assert hosted.keys == []
        checked = await steps.type_key(page, SANDBOX_KEY)
        for button in SECOND_STEP:
            assert_nothing_connected(hosted, await steps.press(checked, button, **given))
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_form_that_lacks_a_field_connects_nothing(tmp_path: Path) -> None:
    """A forger does not know all of them. Each field of both forms in turn."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        form = key_form(page)
        fields = form.filled(key=SANDBOX_KEY)
        for name in fields.keys() - {"username"}:  # that one is for password managers
            for changed in ({}, {name: ""}, {name: "another"}, {name: "é"}):
                forged = {it: value for it, value in fields.items() if it != name} | changed
                assert_nothing_connected(hosted, await steps.send(page, form, forged))
        assert hosted.keys == []
        checked = await steps.type_key(page, SANDBOX_KEY)
        (form,) = (it for it in forms_of(checked.text) if "Connect" in it.buttons[0])
        for name in form.fields:
            forged = {it: value for it, value in form.fields.items() if it != name}
            refused = await steps.send(checked, form, forged)
            assert "code=" not in f"{refused.headers} {refused.text}"
        assert hosted.sign_ins() == []


async def test_a_field_that_comes_twice_connects_nothing(tmp_path: Path) -> None:
    """Two readers could each see another one."""
    async with registered(tmp_path) as (hosted, steps):
        form = key_form(await steps.page())
        fields = [*form.filled(key=SANDBOX_KEY, access="read").items(), ("access", "run")]
        headers = {"Origin": hosted.address, "Content-Type": FORM}
        answer = await steps.browser.post(form.action, content=urlencode(fields), headers=headers)
        assert_nothing_connected(hosted, answer)
        assert hosted.keys == []


@pytest.mark.parametrize("body", NO_FORMS)
async def test_a_body_that_is_no_form_of_ours_is_refused(body: str, tmp_path: Path) -> None:
    """By each address that takes one."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        checked = await steps.type_key(page, SANDBOX_KEY)
        actions = {it.action for html in (page, checked) for it in forms_of(html.text)}
        headers = {"Origin": hosted.address, "Content-Type": FORM}
        for action in actions:
            refused = await steps.browser.post(action, content=NO_FORMS[body], headers=headers)
            assert_nothing_connected(hosted, refused)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_nobody_is_connected_without_a_key_that_was_just_checked(tmp_path: Path) -> None:
    """Not by going straight to the last step, nor with a key that TRaX refused."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps(steps.client_id) as other:
        checked = await other.type_key(await other.page(), SANDBOX_KEY)
        last = next(it for it in forms_of(checked.text) if "Connect" in it.buttons[0])
        page = await steps.page()
        own = key_form(page).fields
        for _ in range(2):
            for fields in (own, {**last.fields, **own}):
                answer = await steps.send(page, last, fields)
                assert "code=" not in f"{answer.headers} {answer.text}"
            assert (await steps.type_key(page, "sk_live_wrong")).status_code == 403
        assert hosted.sign_ins() == []


async def test_the_yes_is_to_the_key_that_was_shown(tmp_path: Path) -> None:
    """Another one that is typed meanwhile, in a second tab, is not connected by it.

    Either the one that was shown is, or the page asks once more.
    """
    async with registered(tmp_path) as (hosted, steps):
        hosted.trax.add_key("sk_live_second")
        page = await steps.page()
        first = await steps.type_key(page, SANDBOX_KEY)
        again = await steps.press(first, "Use another key")
        await steps.type_key(again, "sk_live_second")
        pressed = await steps.press(first, "Connect")
        if "code=" in pressed.text:
            tokens = (await steps.redeem(answer_of(pressed)["code"])).json()
            assert await hosted.status_of(tokens["access_token"]) == 200
            assert hosted.keys[-1] == SANDBOX_KEY
        else:
            assert hosted.sign_ins() == []


async def test_a_sign_in_that_began_ten_minutes_ago_connects_nothing(tmp_path: Path) -> None:
    """With the key that was typed, or with one that comes now."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        checked = await steps.type_key(page, SANDBOX_KEY)
        hosted.clock.advance(601)
        for late in (
            await steps.press(checked, "Connect"),
            await steps.type_key(page, SANDBOX_KEY),
        ):
            assert late.status_code == 410
            assert "This sign-in has ended" in text_of(late.text)
            assert_nothing_connected(hosted, late)


@pytest.mark.parametrize("has_typed", [False, True])
async def test_a_person_who_cancels_connects_nothing(tmp_path: Path, *, has_typed: bool) -> None:
    """The client is told, with its state and our `iss`."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        if has_typed:
            page = await steps.type_key(page, SANDBOX_KEY)
        answer = answer_of(await steps.press(page, "Cancel"))
        assert answer == {"error": "access_denied", "state": steps.state, "iss": hosted.address}
        assert hosted.sign_ins() == []


async def test_a_restart_ends_the_sign_ins_that_are_under_way(tmp_path: Path) -> None:
    """Also with the same files and address: only the process itself can open its forms."""
    async with registered(tmp_path, public_url=PUBLIC_URL) as (_hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        form = form_with(checked.text, "Connect")
    async with (
        signing_in(tmp_path, public_url=PUBLIC_URL) as again,
        again.steps(steps.client_id) as later,
    ):
        refused = await later.send(checked, form, form.fields)
        assert refused.status_code == 410
        assert_nothing_connected(again, refused)
        assert (await later.page()).status_code == 200
