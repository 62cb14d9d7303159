"""The page on which a person sees who is signed in with their key, and ends that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, form_with, forms_of, text_of
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.product.sign_in import unreadable_sign_ins
from tests.world.sign_in import CLAUDE, CLAUDE_CALLBACK, registered
from tests.world.world import COLLEAGUE, MINE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

SENTENCE: Final = "The file is full. Nothing was changed."
END: Final = 'End "The tests"'


async def listed(steps: OAuthSteps, key: str = MINE) -> httpx.Response:
    """The list of a key, or a page that has none, in a browser that comes for the first time."""
    steps.browser.cookies.clear()
    return await steps.type_key(await steps.browser.get("/sign-in/sessions"), key)


async def sign_in_claude(it: SignInWorld, *, access: str = "run") -> dict[str, str]:
    async with it.steps(CLAUDE, redirect_uri=CLAUDE_CALLBACK) as claude:
        return await claude.sign_in(MINE, access=access)


async def test_a_person_sees_who_is_signed_in_with_the_key(tmp_path: Path) -> None:
    """With when each was used. Nobody else's sign-in is there, and the key is not either."""
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        it.hand_clock.advance(3600)
        await sign_in_claude(it, access="read")
        await steps.register(client_name="Somebody else's")
        await steps.sign_in(COLLEAGUE)
        it.hand_clock.advance(7200)
        await it.status_of(tokens)
        page = await listed(steps)
    said = text_of(page.text)
    assert (
        '"Claude" Look only. Returns to claude.ai. Signed in on 2026-06-05 19:00'
        ' UTC, last used on 2026-06-05 19:00 UTC. End "Claude"'
    ) in said
    assert (
        '"The tests" Run shows. Returns to 127.0.0.1. Signed in on 2026-06-05 18:00'
        " UTC, last used on 2026-06-05 21:00 UTC."
    ) in said
    assert "Somebody" not in said
    cookies = str(list(steps.browser.cookies.jar))
    assert MINE not in f"{page.text} {page.url} {page.headers} {cookies}"


async def test_a_person_ends_one_sign_in_or_all_of_the_key(tmp_path: Path) -> None:
    """Those of another key go on."""
    async with registered(tmp_path) as (it, steps):
        ended, claude = await steps.sign_in(MINE), await sign_in_claude(it)
        other = await steps.sign_in(COLLEAGUE)
        said = text_of((await steps.press(await listed(steps), END)).text)
        assert 'Ended: "The tests". It can\'t use your key any more.' in said
        assert 'End "Claude"' in said
        assert [await it.status_of(tokens) for tokens in (ended, claude)] == [401, 200]
        again = await steps.sign_in(MINE)
        said = text_of((await steps.press(await listed(steps), "End all")).text)
        assert "2 sign-ins are ended." in said
        assert "No app is signed in with your key" in said
        assert [await it.status_of(tokens) for tokens in (claude, again, other)] == [401, 401, 200]


async def test_a_sign_in_with_another_key_cannot_be_ended(tmp_path: Path) -> None:
    """Not even by somebody who knows its id."""
    async with registered(tmp_path) as (it, steps):
        await steps.sign_in(COLLEAGUE)
        (other,) = it.sign_ins()
        await steps.sign_in(MINE)
        (own,) = [sign_in for sign_in in it.sign_ins() if sign_in != other]
        page = await listed(steps)
        form = form_with(page.text, END)
        forged = {
            name: value.replace(own["id"], other["id"]) for name, value in form.fields.items()
        }
        assert forged != form.fields
        said = await steps.send(page, form, forged)
        assert "That sign-in had already ended." in text_of(said.text)
        assert len(it.sign_ins()) == 2


async def test_the_page_does_not_tell_whether_trax_knows_a_key(tmp_path: Path) -> None:
    """It asks nobody."""
    async with registered(tmp_path) as (it, steps):
        pages = [await listed(steps, key) for key in (MINE, REVOKED_KEY, "sk_live_invented")]
        assert (
            len({(page.status_code, page.text, str(sorted(page.headers))) for page in pages}) == 1
        )
        assert it.keys == []
    assert pages[0].status_code == 403
    said = text_of(pages[0].text)
    assert "Who is signed in with your key?" in said
    assert "Error" not in said, "it is no mistake of the person"
    assert 'role="alert"' not in pages[0].text
    assert "No app is signed in with this key on this server." in said


async def test_a_list_ends_nothing_for_a_foreign_page_or_after_ten_minutes(tmp_path: Path) -> None:
    """Nor for a form whose fields were guessed. A right key is no guess, however often it comes."""
    async with registered(tmp_path) as (it, steps):
        await steps.sign_in(MINE)
        for _ in range(12):
            page = await listed(steps)
            assert "Signed in with your key" in text_of(page.text)
        foreign = await steps.press(page, END, Origin="https://evil.example")
        assert foreign.status_code == 403
        form = form_with(page.text, END)
        for name in form.fields:
            await steps.send(page, form, form.fields | {name: "another"})
        it.hand_clock.advance(601)
        assert "Ended" not in text_of((await steps.press(page, END)).text)
        assert len(it.sign_ins()) == 1


async def test_a_hostile_name_in_the_list_stays_text(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_, steps):
        await steps.sign_in(MINE)
        (await steps.register(client_name=f"<b>{HOSTILE['right to left']}")).raise_for_status()
        await steps.sign_in(COLLEAGUE)
        plain, shown = [(await listed(steps, key)).text for key in (MINE, COLLEAGUE)]
    assert elements_of(shown) == elements_of(plain)
    assert not hidden(text_of(shown))


async def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """And nothing is ended."""
    async with registered(tmp_path) as (it, steps):
        await steps.sign_in(MINE)
        empty = await steps.browser.get("/sign-in/sessions")
        page = await listed(steps)
        with unreadable_sign_ins(SENTENCE):
            for refused in (await steps.press(page, END), await steps.type_key(empty, MINE)):
                assert refused.status_code == 503
                assert SENTENCE in text_of(refused.text)
                assert [form for form in forms_of(refused.text) if "End" in form.buttons] == []
        assert len(it.sign_ins()) == 1
