"""The sign-in page, from a client's request to the code that it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import anyio
import pytest

from tests.support.html_forms import forms_of, text_of
from tests.support.oauth_steps import answer_of, sent_back_to
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import MODERATOR_KEY, REVOKED_KEY
from tests.support.sign_in_browser import DOCUMENT, ServedSignIn, SignInBrowser
from tests.support.sign_in_setup import PUBLIC_URL
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.records import Key
from trax_mcp.sign_in.attempts import MAX_WRONG_KEYS, WINDOW_SECONDS
from trax_mcp.sign_in.grants import Access
from trax_mcp.sign_in.pending import MAX_PENDING, PENDING_SECONDS

ENDED: Final = "This sign-in has ended"
OTHER_BROWSER: Final = "This sign-in belongs to another browser"


async def test_a_person_signs_in_and_the_client_gets_a_code(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key(access="read")
    connected = await browser.press("/sign-in/connect")
    assert connected.status_code == 200
    assert sent_back_to(connected).startswith("https://claude.example/callback?")
    assert answer_of(connected) == {
        "code": "code-1",
        "state": "the client's state",
        "iss": PUBLIC_URL,
    }
    (grant,) = served.grants
    assert (grant.access, grant.caller.key) == (Access.READ, SANDBOX_KEY)
    assert grant.request.client == DOCUMENT


async def test_a_client_without_state_gets_none_and_keeps_its_own_query(
    served: ServedSignIn,
) -> None:
    browser = await served.opened(
        state=None, redirect_uri="https://claude.example/callback?a=b&copy=c"
    )
    await browser.type_key()
    connected = await browser.press("/sign-in/connect")
    assert answer_of(connected) == {"a": "b", "copy": "c", "code": "code-1", "iss": PUBLIC_URL}


@pytest.mark.parametrize("with_key", [False, True])
async def test_cancel_tells_the_client_that_the_person_said_no(
    served: ServedSignIn, *, with_key: bool
) -> None:
    browser = await served.opened()
    if with_key:
        await browser.type_key()
    cancelled = await browser.press("/sign-in/cancel")
    assert answer_of(cancelled) == {
        "error": "access_denied",
        "state": "the client's state",
        "iss": PUBLIC_URL,
    }
    assert not served.grants
    assert served.only().accepted is None


# What the person chooses


async def test_nothing_is_chosen_for_the_person(served: ServedSignIn) -> None:
    browser = await served.opened()
    (form,) = (it for it in forms_of(browser.page.text) if it.passwords)
    assert form.choices == {"access": ["read", "run"]}
    assert "access" not in form.fields
    refused = await browser.type_key(access="neither")
    assert refused.status_code == 400
    assert 'Choose what "Claude" will be able to do.' in text_of(refused.text)
    assert not served.sandbox.requests


async def test_a_client_that_asks_to_look_is_offered_no_more(served: ServedSignIn) -> None:
    browser = await served.opened(offered=(Access.READ,))
    (form,) = (it for it in forms_of(browser.page.text) if it.passwords)
    assert form.choices == {"access": ["read"]}
    refused = await browser.send(form.filled(key=SANDBOX_KEY, access="read") | {"access": "run"})
    assert refused.status_code == 400
    shown = await browser.type_key(access="read")
    assert "Look only." in text_of(shown.text)
    assert "Run shows." not in text_of(shown.text)


async def test_another_key_can_be_used_before_the_last_yes(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key()
    await browser.press("/sign-in/another-key")
    assert served.only().accepted is None
    await browser.type_key(MODERATOR_KEY)
    await browser.press("/sign-in/connect")
    assert [it.caller.key for it in served.grants] == [MODERATOR_KEY]


async def test_the_yes_is_to_the_key_that_was_shown(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key()
    first = browser.page
    await browser.open(str(first.url))
    await browser.press("/sign-in/another-key")
    await browser.type_key(MODERATOR_KEY)
    browser.page = first
    shown = await browser.press("/sign-in/connect")
    assert not served.grants
    assert 'Connect "Claude"?' in text_of(shown.text)


# What is wrong with a key


async def test_a_wrong_key_is_said_and_is_not_in_the_page(served: ServedSignIn) -> None:
    browser = await served.opened()
    refused = await browser.type_key(REVOKED_KEY, access="read")
    assert refused.status_code == 403
    assert "TRaX does not know this key. Nothing is connected." in text_of(refused.text)
    assert 'role="alert"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert REVOKED_KEY not in refused.text
    assert served.only().accepted is None
    (form,) = (it for it in forms_of(refused.text) if it.passwords)
    assert form.fields["access"] == "read", "the choice is kept"
    await browser.type_key()
    assert (await browser.press("/sign-in/connect")).status_code == 200


async def test_a_key_that_may_not_list_studios_is_told_which_scope_it_lacks(
    served: ServedSignIn,
) -> None:
    key = Key("sk_live_chat_only", "chat", "user_robin", frozenset({"chat:read"}))
    served.sandbox.world.keys[key.secret] = key
    browser = await served.opened()
    refused = await browser.type_key(key.secret)
    assert refused.status_code == 403
    assert "the scope studios:read" in text_of(refused.text)
    assert served.only().accepted is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "   ",
        "sk_live_two words",
        "sk_live_schl\u00fcssel",
        "sk_live_" + "k" * 505,
        "another-password",
        f"trax_at_{'a' * 64}",
    ],
)
async def test_a_text_that_can_be_no_key_is_not_sent_to_trax(
    served: ServedSignIn, key: str
) -> None:
    browser = await served.opened()
    refused = await browser.type_key(key)
    assert refused.status_code == 400
    assert "Type your TRaX key." in text_of(refused.text)
    assert not served.sandbox.requests


async def test_blanks_around_a_key_are_left_out(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key(f"  {SANDBOX_KEY}\t\n")
    await browser.press("/sign-in/connect")
    assert [it.caller.key for it in served.grants] == [SANDBOX_KEY]


@pytest.mark.parametrize(
    "fault",
    [Fault.dropped(), Fault.status(500), Fault.error(429, "rate_limited"), Fault.truncated()],
    ids=lambda it: it.name,
)
async def test_trax_is_asked_once_and_its_silence_is_no_wrong_key(
    served: ServedSignIn, fault: Fault
) -> None:
    browser = await served.opened()
    served.sandbox.faults.add(fault, times=None)
    for _ in range(MAX_WRONG_KEYS + 1):
        refused = await browser.type_key()
        assert refused.status_code == 502
        assert "TRaX could not check the key just now." in text_of(refused.text)
    assert len(served.sandbox.requests) == MAX_WRONG_KEYS + 1
    served.sandbox.faults.clear()
    await browser.type_key()
    assert served.only().accepted is not None


async def test_too_many_wrong_keys_from_one_address_have_to_wait(served: ServedSignIn) -> None:
    browser = await served.opened()
    for _ in range(MAX_WRONG_KEYS):
        assert (await browser.type_key(REVOKED_KEY)).status_code == 403
    asked = len(served.sandbox.requests)
    refused = await browser.type_key()
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == WINDOW_SECONDS
    assert "Try again in 10 minutes." in text_of(refused.text)
    assert len(served.sandbox.requests) == asked, "TRaX is not asked"
    again = SignInBrowser(served)
    await again.open(served.asked())
    assert (await again.type_key()).status_code == 429, "another sign-in does not help"
    other = SignInBrowser(served, "198.51.100.7")
    await other.open(served.asked())
    await other.type_key()
    assert (await other.press("/sign-in/connect")).status_code == 200
    served.clock.advance(WINDOW_SECONDS)
    await again.open(served.asked())
    await again.type_key()
    assert (await again.press("/sign-in/connect")).status_code == 200


async def test_wrong_keys_that_are_tried_at_once_count_too(served: ServedSignIn) -> None:
    browser = await served.opened()
    (form,) = (it for it in forms_of(browser.page.text) if it.passwords)
    fields = form.filled(key=REVOKED_KEY, access="run")
    async with anyio.create_task_group() as tasks:
        for _ in range(3 * MAX_WRONG_KEYS):
            tasks.start_soon(browser.send, fields)
    assert len(served.sandbox.requests) == MAX_WRONG_KEYS


async def test_right_keys_do_not_count_as_wrong_ones(served: ServedSignIn) -> None:
    for _ in range(MAX_WRONG_KEYS + 2):
        browser = await served.opened()
        await browser.type_key()
        assert (await browser.press("/sign-in/connect")).status_code == 200


# Once, for ten minutes, in one browser


async def test_a_sign_in_ends_after_ten_minutes(served: ServedSignIn) -> None:
    path = served.asked()
    browser = SignInBrowser(served)
    await browser.open(path)
    await browser.type_key()
    served.clock.advance(PENDING_SECONDS)
    for page in (await browser.press("/sign-in/connect"), await browser.open(path)):
        assert page.status_code == 410
        assert ENDED in text_of(page.text)
    assert not served.grants


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in?request=", "/sign-in?request=unknown"])
async def test_an_unknown_sign_in_has_ended(served: ServedSignIn, path: str) -> None:
    page = await SignInBrowser(served).open(path)
    assert page.status_code == 410
    assert ENDED in text_of(page.text)


async def test_a_sign_in_is_good_once(served: ServedSignIn) -> None:
    path = served.asked()
    browser = SignInBrowser(served)
    await browser.open(path)
    form = browser.page
    await browser.type_key()
    shown = browser.page
    await browser.press("/sign-in/connect")
    served.clock.advance(11)
    assert (await browser.open(path)).status_code == 410
    browser.page = form
    assert (await browser.type_key()).status_code == 410
    for action in ("connect", "cancel", "another-key"):
        browser.page = shown
        assert (await browser.press(f"/sign-in/{action}")).status_code == 410
    assert len(served.grants) == 1


async def test_a_button_that_is_pressed_twice_gives_the_same_code(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key()
    shown = browser.page
    first = await browser.press("/sign-in/connect")
    browser.page = shown
    assert (await browser.press("/sign-in/connect")).text == first.text
    browser.page = shown
    assert (await browser.press("/sign-in/cancel")).text == first.text, "it is too late for a no"
    assert len(served.grants) == 1


async def test_another_browser_cannot_go_on(served: ServedSignIn) -> None:
    path = served.asked()
    first, second = SignInBrowser(served), SignInBrowser(served)
    await first.open(path)
    await second.open(served.asked())  # it has a cookie of its own
    assert OTHER_BROWSER in text_of((await second.open(path)).text)
    second.page = first.page
    assert (await second.type_key()).status_code == 403
    assert not served.sandbox.requests
    await first.type_key()
    for action in ("connect", "cancel", "another-key"):
        second.page = first.page
        refused = await second.press(f"/sign-in/{action}")
        assert refused.status_code == 403
        assert OTHER_BROWSER in text_of(refused.text)
    assert not served.grants
    assert (await first.press("/sign-in/connect")).status_code == 200


async def test_a_browser_without_cookies_is_told_so(served: ServedSignIn) -> None:
    browser = await served.opened()
    browser.http.cookies.clear()
    refused = await browser.type_key()
    assert refused.status_code == 403
    assert "your browser keeps no cookies for this page" in text_of(refused.text)


async def test_a_program_that_looks_at_links_does_not_take_the_sign_in(
    served: ServedSignIn,
) -> None:
    path = served.asked()
    looked = await SignInBrowser(served).http.head(path)
    assert "set-cookie" not in looked.headers
    browser = SignInBrowser(served)
    assert (await browser.open(path)).status_code == 200


async def test_one_browser_can_sign_in_to_two_clients_at_once(served: ServedSignIn) -> None:
    browser = await served.opened()
    first = browser.page
    await browser.open(served.asked(replace(DOCUMENT, id="https://other.example/", name="Other")))
    await browser.type_key()
    await browser.press("/sign-in/connect")
    browser.page = first
    await browser.type_key()
    await browser.press("/sign-in/connect")
    assert [it.request.client.name for it in served.grants] == ["Other", "Claude"]


async def test_a_flood_of_requests_does_not_end_a_sign_in_that_goes_on(
    served: ServedSignIn,
) -> None:
    browser = await served.opened()
    for _ in range(MAX_PENDING - 1):
        served.asked()
    await browser.type_key()
    for _ in range(MAX_PENDING - 1):
        served.asked()
    assert (await browser.press("/sign-in/connect")).status_code == 200
    assert len(served.pending) == MAX_PENDING


# Where the key is


async def test_the_key_is_forgotten_at_the_end_and_is_never_shown(served: ServedSignIn) -> None:
    browser = await served.opened()
    shown = await browser.type_key()
    assert SANDBOX_KEY not in shown.text
    assert SANDBOX_KEY not in str(shown.url)
    assert SANDBOX_KEY not in repr(served.only())
    connected = await browser.press("/sign-in/connect")
    assert SANDBOX_KEY not in connected.text
    assert served.only().accepted is None


async def test_a_key_that_trax_accepts_after_a_cancel_is_not_kept(served: ServedSignIn) -> None:
    browser = await served.opened()
    form, answered = browser.page, anyio.Event()
    served.sandbox.faults.add(Fault.delay(answered))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(browser.type_key)
        while not served.sandbox.requests:
            await anyio.lowlevel.checkpoint()
        other = SignInBrowser(served)
        other.http.cookies = browser.http.cookies
        other.page = form
        await other.press("/sign-in/cancel")
        answered.set()
    assert ENDED in text_of(browser.page.text)
    assert served.only().accepted is None
