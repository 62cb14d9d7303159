"""The page on which a person sees who is signed in with their key, and ends that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, forms_of, text_of
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.sign_in_browser import DOCUMENT, ServedSignIn, SignInBrowser
from tests.support.sign_in_setup import CLIENT, KEY, OTHER_KEY, PUBLIC_URL, grant_of
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.attempts import MAX_WRONG_KEYS, WINDOW_SECONDS
from trax_mcp.sign_in.grants import Access, SignInUnavailable

if TYPE_CHECKING:
    import httpx

PATH: Final = "/sign-in/sessions"
NONE: Final = "No client is signed in with this key on this server."


async def _listed(served: ServedSignIn, key: str = KEY) -> SignInBrowser:
    browser = SignInBrowser(served)
    await browser.open(PATH)
    await browser.type_key(key)
    return browser


async def _end(browser: SignInBrowser, chosen: str) -> httpx.Response:
    (form,) = (it for it in forms_of(browser.page.text) if it.fields.get("sign_in") == chosen)
    return await browser.send(form.fields, form.action)


async def test_a_person_sees_who_is_signed_in_with_the_key(served: ServedSignIn) -> None:
    served.store.issue(grant_of())
    served.clock.advance(3600)
    served.store.issue(grant_of(client=DOCUMENT, access=Access.READ))
    served.store.issue(grant_of(OTHER_KEY, client=replace(DOCUMENT, name="Somebody else's")))
    said = text_of((await _listed(served)).page.text)
    assert (
        '"Claude" It may look only. It goes back to claude.example. Signed in on 2026-06-05 19:00'
        ' UTC, last used on 2026-06-05 19:00 UTC. End "Claude"'
    ) in said
    assert '"Example Client" It may run shows. It goes back to client.example.' in said
    assert "Signed in on 2026-06-05 18:00 UTC" in said
    assert "Somebody" not in said


async def test_a_person_ends_one_sign_in_and_keeps_the_other(served: ServedSignIn) -> None:
    ended, kept = served.store.issue(grant_of()), served.store.issue(grant_of(client=DOCUMENT))
    browser = await _listed(served)
    said = text_of((await _end(browser, ended.sign_in_id)).text)
    assert 'Ended: "Example Client". It can use your key no more.' in said
    assert '"Claude"' in said
    assert served.store.find(ended.access_token) is None
    assert served.store.find(kept.access_token) is not None
    assert "Ended" not in text_of((await browser.open(PATH)).text), "it is said once"


async def test_a_person_ends_all_sign_ins_of_the_key_alone(served: ServedSignIn) -> None:
    own = [served.store.issue(grant_of()) for _ in range(3)]
    other = served.store.issue(grant_of(OTHER_KEY))
    said = text_of((await _end(await _listed(served), "all")).text)
    assert "3 sign-ins are ended." in said
    assert "No client is signed in with your key" in said
    assert not any(served.store.find(it.access_token) for it in own)
    assert served.store.find(other.access_token) is not None


async def test_a_sign_in_with_another_key_cannot_be_ended(served: ServedSignIn) -> None:
    served.store.issue(grant_of())
    other = served.store.issue(grant_of(OTHER_KEY))
    browser = await _listed(served)
    (form, *_) = (it for it in forms_of(browser.page.text) if "sign_in" in it.fields)
    said = await browser.send(form.fields | {"sign_in": other.sign_in_id}, form.action)
    assert "That sign-in had ended already." in text_of(said.text)
    assert served.store.find(other.access_token) is not None
    assert len(served.store.of_person(KEY)) == 1


async def test_the_page_does_not_tell_whether_trax_knows_a_key(served: ServedSignIn) -> None:
    answers = []
    for key in (SANDBOX_KEY, REVOKED_KEY, "sk_live_invented"):
        page = (await _listed(served, key)).page
        answers.append((page.status_code, page.text, sorted(page.headers)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 403
    assert NONE in text_of(answers[0][1])
    assert not served.sandbox.requests


async def test_wrong_keys_count_together_with_those_of_the_sign_in_page(
    served: ServedSignIn,
) -> None:
    served.store.issue(grant_of())
    browser = await served.opened()
    for _ in range(MAX_WRONG_KEYS // 2):
        await browser.type_key(REVOKED_KEY)
    for number in range(MAX_WRONG_KEYS // 2):
        assert (await _listed(served, f"sk_live_{number}")).page.status_code == 403
    refused = (await _listed(served)).page
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == WINDOW_SECONDS
    assert (await browser.type_key()).status_code == 429


async def test_a_right_key_is_no_guess(served: ServedSignIn) -> None:
    served.store.issue(grant_of())
    for _ in range(MAX_WRONG_KEYS + 2):
        assert "Signed in with your key" in text_of((await _listed(served)).page.text)


@pytest.mark.parametrize("key", ["", "  ", "k" * 513])
async def test_a_text_that_can_be_no_key_has_no_list(served: ServedSignIn, key: str) -> None:
    refused = (await _listed(served, key)).page
    assert refused.status_code == 400
    assert "Type your TRaX key." in text_of(refused.text)


async def test_the_list_closes_and_forgets_the_key(served: ServedSignIn) -> None:
    tokens = served.store.issue(grant_of())
    browser = await _listed(served)
    shown = browser.page
    closed = await browser.press("/sign-in/sessions/close")
    assert "Who is signed in with your key?" in text_of(closed.text)
    browser.page = shown
    await _end(browser, tokens.sign_in_id)
    assert served.store.find(tokens.access_token) is not None


async def test_the_list_closes_after_ten_minutes(served: ServedSignIn) -> None:
    served.store.issue(grant_of())
    browser = await _listed(served)
    served.clock.advance(600)
    assert "Who is signed in with your key?" in text_of((await browser.open(PATH)).text)


async def test_another_browser_does_not_see_the_list(served: ServedSignIn) -> None:
    tokens = served.store.issue(grant_of())
    browser, other = await _listed(served), SignInBrowser(served)
    assert "Who is signed in with your key?" in text_of((await other.open(PATH)).text)
    other.page = browser.page
    await _end(other, tokens.sign_in_id)
    assert served.store.find(tokens.access_token) is not None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
async def test_a_foreign_page_cannot_end_a_sign_in(served: ServedSignIn, origin: str) -> None:
    tokens = served.store.issue(grant_of())
    browser = await _listed(served)
    browser.origin = origin
    assert (await _end(browser, tokens.sign_in_id)).status_code == 403
    browser.origin, browser.page = PUBLIC_URL, await browser.open(PATH)
    (form, *_) = (it for it in forms_of(browser.page.text) if "sign_in" in it.fields)
    refused = await browser.send(form.fields | {"token": "another"}, form.action)
    assert refused.status_code == 403
    assert served.store.find(tokens.access_token) is not None


async def test_the_key_is_in_no_page_and_no_address(served: ServedSignIn) -> None:
    served.store.issue(grant_of())
    browser = await _listed(served)
    assert KEY not in browser.page.text
    assert KEY not in str(browser.page.url)
    assert KEY not in str(browser.http.cookies.jar)
    assert "httponly" in browser.page.history[0].headers["set-cookie"].lower()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_name_in_the_list_stays_text(served: ServedSignIn, name: str) -> None:
    served.store.issue(grant_of())
    served.store.issue(grant_of(OTHER_KEY, client=replace(CLIENT, name=name.replace("\x00", ""))))
    plain, shown = [(await _listed(served, it)).page.text for it in (KEY, OTHER_KEY)]
    assert elements_of(shown) == elements_of(plain)
    assert not hidden(text_of(shown))


async def test_a_file_that_cannot_be_read_is_said(
    served: ServedSignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = served.store.issue(grant_of())
    browser = await _listed(served)

    def fail(_: str) -> None:
        raise SignInUnavailable("The file is full. Nothing was changed.")

    monkeypatch.setattr(served.store, "revoke", fail)
    refused = await _end(browser, tokens.sign_in_id)
    monkeypatch.setattr(served.store, "of_person", fail)
    for page in (refused, await browser.open(PATH), (await _listed(served)).page):
        assert page.status_code == 503
        assert "The file is full. Nothing was changed." in text_of(page.text)


async def test_a_file_that_fails_half_way_tells_how_many_were_ended(
    served: ServedSignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        served.store.issue(grant_of())
    browser = await _listed(served)
    revoke, calls = served.store.revoke, list[str]()

    def fail_later(sign_in_id: str) -> bool:
        calls.append(sign_in_id)
        if len(calls) > 2:
            raise SignInUnavailable("The file is full. Nothing was changed.")
        return revoke(sign_in_id)

    monkeypatch.setattr(served.store, "revoke", fail_later)
    said = text_of((await _end(browser, "all")).text)
    assert "2 sign-ins are ended." in said
    assert 'End "Example Client"' in said, "one is left"
