"""The page where a person types a key: what it says of the key, and what the person chooses."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.html_forms import text_of
from tests.support.oauth_steps import answer_of, key_form
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY, REVOKED_KEY
from tests.support.served_sign_in import CLAUDE, CLAUDE_CALLBACK, registered

if TYPE_CHECKING:
    from pathlib import Path

CHAT_ONLY: Final = "sk_live_chat_only"


async def test_nothing_is_chosen_for_the_person(tmp_path: Path) -> None:
    """A form without the choice is asked for again."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        assert key_form(page).choices == {"access": ["read", "run"]}
        assert "access" not in key_form(page).fields
        refused = await steps.type_key(page, SANDBOX_KEY, access="neither")
        assert refused.status_code == 400
        assert 'Choose what "The tests" will be able to do.' in text_of(refused.text)
        assert hosted.keys == []


async def test_another_key_can_be_used_before_the_last_yes(tmp_path: Path) -> None:
    """The first one is not connected."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        again = await steps.press(checked, "Use another key")
        checked = await steps.type_key(again, MODERATOR_KEY)
        code = answer_of(await steps.press(checked, "Connect"))["code"]
        tokens = (await steps.redeem(code)).json()
        await hosted.status_of(tokens["access_token"])
        assert hosted.keys[-1] == MODERATOR_KEY


async def test_a_wrong_key_is_said_and_the_choice_is_kept(tmp_path: Path) -> None:
    """A person goes on on the same page."""
    async with registered(tmp_path) as (_hosted, steps):
        refused = await steps.type_key(await steps.page(), REVOKED_KEY, access="read")
        assert refused.status_code == 403
        assert "TRaX does not know this key. Nothing is connected." in text_of(refused.text)
        assert 'role="alert"' in refused.text
        assert 'aria-invalid="true"' in refused.text
        assert key_form(refused).fields["access"] == "read"
        checked = await steps.type_key(refused, SANDBOX_KEY)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_key_that_may_not_list_studios_is_told_which_scope_it_lacks(tmp_path: Path) -> None:
    """TRaX knows it, so it is no wrong one."""
    async with registered(tmp_path) as (hosted, steps):
        hosted.trax.add_key(CHAT_ONLY, scopes={"chat:read"})
        refused = await steps.type_key(await steps.page(), CHAT_ONLY)
    assert refused.status_code == 403
    assert "the scope studios:read" in text_of(refused.text)


@pytest.mark.parametrize(
    "key",
    ["", "sk_live_two words", "sk_live_" + "k" * 505, "another-password", f"trax_at_{'a' * 64}"],
)
async def test_a_text_that_can_be_no_key_is_not_sent_to_trax(key: str, tmp_path: Path) -> None:
    """Such as a password of something else."""
    async with registered(tmp_path) as (hosted, steps):
        refused = await steps.type_key(await steps.page(), key)
        assert refused.status_code == 400
        assert "Type your TRaX key." in text_of(refused.text)
        assert hosted.keys == []


async def test_blanks_around_a_key_are_left_out(tmp_path: Path) -> None:
    """As they come with a copy."""
    async with registered(tmp_path) as (hosted, steps):
        await steps.sign_in(f"  {SANDBOX_KEY}\t\n")
        assert set(hosted.keys) == {SANDBOX_KEY}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.dropped(),
        Fault.status(500),
        Fault.error(429, "rate_limited"),
        Fault.truncated(),
        Fault.status(200, {"data": [{"id": 7}]}),
    ],
    ids=["dropped", "500", "429", "truncated", "no studios"],
)
async def test_trax_is_asked_once_and_its_silence_is_no_wrong_key(
    fault: Fault, tmp_path: Path
) -> None:
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        hosted.trax.faults.add(fault, times=None)
        for number in range(11):
            refused = await steps.type_key(page, SANDBOX_KEY)
            assert refused.status_code == 502
            assert "TRaX could not check the key just now." in text_of(refused.text)
            assert len(hosted.trax.requests) == number + 1
        hosted.trax.faults.clear()
        checked = await steps.type_key(page, SANDBOX_KEY)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_button_that_is_pressed_twice_at_once_still_signs_in(tmp_path: Path) -> None:
    """Each answer leads back to the client, with a code that is good."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        pages = await gather(*(steps.press(checked, "Connect") for _ in range(4)))
        codes = [answer_of(it)["code"] for it in pages]
        tokens = (await steps.redeem(codes[-1])).json()
        assert await hosted.status_of(tokens["access_token"]) == 200


async def test_a_program_that_looks_at_links_does_not_take_the_sign_in(tmp_path: Path) -> None:
    """Some open each link before the person does."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps(steps.client_id) as person:
        begun = await steps.authorize()
        await steps.browser.head(begun.headers.get("location", begun.request.url))
        if begun.has_redirect_location:
            page = await person.browser.get(begun.headers["location"])
        else:
            page = begun
        checked = await person.type_key(page, SANDBOX_KEY)
        assert "code" in answer_of(await person.press(checked, "Connect"))


async def test_one_browser_can_sign_in_to_two_clients_at_once(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.page()
        second = await steps.page(client_id=CLAUDE, redirect_uri=CLAUDE_CALLBACK)
        for page in (second, first):
            checked = await steps.type_key(page, SANDBOX_KEY)
            code = answer_of(await steps.press(checked, "Connect"))["code"]
            changes = (
                {"client_id": CLAUDE, "redirect_uri": CLAUDE_CALLBACK} if page is second else {}
            )
            assert (await steps.redeem(code, **changes)).status_code == 200
        assert {it["clientName"] for it in hosted.sign_ins()} == {"Claude", "The tests"}


async def test_the_end_says_where_to_end_it(tmp_path: Path) -> None:
    """And goes back by itself."""
    async with registered(tmp_path) as (hosted, steps):
        checked = await steps.type_key(await steps.page(), SANDBOX_KEY)
        said = text_of((await steps.press(checked, "Connect")).text)
    assert 'Connected: "The tests"' in said
    assert 'Go back to "The tests"' in said
    assert f"{hosted.address}/sign-in/sessions" in said
