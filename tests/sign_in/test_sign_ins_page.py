"""The page on which a person sees who is signed in with their key, and ends that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, form_with, forms_of, text_of
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY, REVOKED_KEY
from tests.support.product.sign_in import unreadable_sign_ins
from tests.support.served_sign_in import CLAUDE, CLAUDE_CALLBACK, registered

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.oauth_steps import OAuthSteps
    from tests.support.served_sign_in import SignInFront

OTHER_KEY: Final = MODERATOR_KEY
SENTENCE: Final = "The file is full. Nothing was changed."


async def listed(steps: OAuthSteps, key: str = SANDBOX_KEY) -> httpx.Response:
    """The list of a key, or a page that has none, in a browser that comes anew."""
    steps.browser.cookies.clear()
    return await steps.type_key(await steps.browser.get("/sign-in/sessions"), key)


async def sign_in_claude(hosted: SignInFront, *, access: str = "run") -> dict[str, str]:
    """The tokens of another client of the same person."""
    async with hosted.steps(CLAUDE, redirect_uri=CLAUDE_CALLBACK) as claude:
        return await claude.sign_in(SANDBOX_KEY, access=access)


async def test_a_person_sees_who_is_signed_in_with_the_key(tmp_path: Path) -> None:
    """With when each was used. Nobody else's sign-in is there, and the key is not either."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        hosted.clock.advance(3600)
        await sign_in_claude(hosted, access="read")
        await steps.register(client_name="Somebody else's")
        await steps.sign_in(OTHER_KEY)
        hosted.clock.advance(7200)
        await hosted.status_of(tokens["access_token"])
        page = await listed(steps)
    said = text_of(page.text)
    assert (
        '"Claude" It may look only. It goes back to claude.ai. Signed in on 2026-06-05 19:00'
        ' UTC, last used on 2026-06-05 19:00 UTC. End "Claude"'
    ) in said
    assert (
        '"The tests" It may run shows. It goes back to 127.0.0.1. Signed in on 2026-06-05 18:00'
        " UTC, last used on 2026-06-05 21:00 UTC."
    ) in said
    assert "Somebody" not in said
    cookies = str(list(steps.browser.cookies.jar))
    assert SANDBOX_KEY not in f"{page.text} {page.url} {page.headers} {cookies}"


async def test_a_person_ends_one_sign_in_and_keeps_the_other(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        ended, kept = await steps.sign_in(SANDBOX_KEY), await sign_in_claude(hosted)
        said = text_of((await steps.press(await listed(steps), 'End "The tests"')).text)
        assert 'Ended: "The tests". It can use your key no more.' in said
        assert 'End "Claude"' in said
        assert await hosted.status_of(ended["access_token"]) == 401
        assert await hosted.status_of(kept["access_token"]) == 200


async def test_a_person_ends_all_sign_ins_of_the_key_alone(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        own = [await steps.sign_in(SANDBOX_KEY) for _ in range(3)]
        other = await steps.sign_in(OTHER_KEY)
        said = text_of((await steps.press(await listed(steps), "End all")).text)
        assert "3 sign-ins are ended." in said
        assert "No client is signed in with your key" in said
        assert [await hosted.status_of(it["access_token"]) for it in own] == [401] * 3
        assert await hosted.status_of(other["access_token"]) == 200


async def test_a_sign_in_with_another_key_cannot_be_ended(tmp_path: Path) -> None:
    """Not even by somebody who knows its id."""
    async with registered(tmp_path) as (hosted, steps):
        await steps.sign_in(OTHER_KEY)
        (other,) = hosted.sign_ins()
        await steps.sign_in(SANDBOX_KEY)
        (own,) = [it for it in hosted.sign_ins() if it != other]
        page = await listed(steps)
        form = form_with(page.text, 'End "The tests"')
        forged = {name: it.replace(own["id"], other["id"]) for name, it in form.fields.items()}
        assert forged != form.fields
        said = await steps.send(page, form, forged)
        assert "That sign-in had ended already." in text_of(said.text)
        assert len(hosted.sign_ins()) == 2


async def test_the_page_does_not_tell_whether_trax_knows_a_key(tmp_path: Path) -> None:
    """It asks nobody."""
    async with registered(tmp_path) as (hosted, steps):
        pages = [await listed(steps, it) for it in (SANDBOX_KEY, REVOKED_KEY, "sk_live_invented")]
        assert len({(it.status_code, it.text, str(sorted(it.headers))) for it in pages}) == 1
        assert pages[0].status_code == 403
        said = text_of(pages[0].text)
        assert "Your sign-ins on this server" in said
        assert "Error" not in said, "it is no mistake of the person"
        assert 'role="alert"' not in pages[0].text
        assert "No client is signed in with this key on this server." in said
        assert hosted.keys == []


async def test_a_right_key_is_no_guess(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        await steps.sign_in(SANDBOX_KEY)
        for _ in range(12):
            assert "Signed in with your key" in text_of((await listed(steps)).text)


async def test_a_list_that_is_ten_minutes_old_ends_nothing(tmp_path: Path) -> None:
    """It asks for the key once more."""
    async with registered(tmp_path) as (hosted, steps):
        await steps.sign_in(SANDBOX_KEY)
        page = await listed(steps)
        hosted.clock.advance(601)
        late = await steps.press(page, 'End "The tests"')
        assert "Ended" not in text_of(late.text)
        assert len(hosted.sign_ins()) == 1


async def test_a_foreign_page_cannot_end_a_sign_in(tmp_path: Path) -> None:
    """Nor can a form whose fields were guessed."""
    async with registered(tmp_path) as (hosted, steps):
        await steps.sign_in(SANDBOX_KEY)
        page = await listed(steps)
        button = 'End "The tests"'
        foreign = await steps.press(page, button, Origin="https://evil.example")
        assert foreign.status_code == 403
        form = form_with(page.text, button)
        for name in form.fields:
            await steps.send(page, form, form.fields | {name: "another"})
        assert len(hosted.sign_ins()) == 1


async def test_a_hostile_name_in_the_list_stays_text(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        await steps.sign_in(SANDBOX_KEY)
        (await steps.register(client_name=f"<b>{HOSTILE['right to left']}")).raise_for_status()
        await steps.sign_in(OTHER_KEY)
        plain, shown = [(await listed(steps, it)).text for it in (SANDBOX_KEY, OTHER_KEY)]
    assert elements_of(shown) == elements_of(plain)
    assert not hidden(text_of(shown))


async def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """And nothing is ended."""
    async with registered(tmp_path) as (hosted, steps):
        await steps.sign_in(SANDBOX_KEY)
        empty = await steps.browser.get("/sign-in/sessions")
        page = await listed(steps)
        with unreadable_sign_ins(SENTENCE):
            for refused in (
                await steps.press(page, 'End "The tests"'),
                await steps.type_key(empty, SANDBOX_KEY),
            ):
                assert refused.status_code == 503
                assert SENTENCE in text_of(refused.text)
                assert [it for it in forms_of(refused.text) if "End" in it.buttons] == []
        assert len(hosted.sign_ins()) == 1
