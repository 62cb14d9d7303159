"""The page where a person types a key: what it says of the key, and what the person chooses."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Final

from tests.support.html_forms import text_of
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.world.oauth import answer_of, key_form
from tests.world.sign_in import CLAUDE, CLAUDE_CALLBACK, registered
from tests.world.world import COLLEAGUE, MINE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CHAT_ONLY: Final = "sk_live_chat_only"
NO_KEYS: Final = (
    *("", "sk_live_two words", "sk_live_" + "k" * 505),
    *("another-password", f"trax_at_{'a' * 64}"),
)
"""Texts that can be no key, such as a password of something else."""


async def test_nothing_is_chosen_for_the_person(tmp_path: Path) -> None:
    """A form without the choice is asked for again. A text that can be no key goes nowhere."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        assert key_form(page).choices == {"access": ["read", "run"]}
        assert "access" not in key_form(page).fields
        refused = await steps.type_key(page, MINE, access="neither")
        assert refused.status_code == 400
        assert 'Choose what "The tests" can do.' in text_of(refused.text)
        for text in NO_KEYS:
            refused = await steps.type_key(page, text)
            assert refused.status_code == 400, text
            assert "Type your TRaX key." in text_of(refused.text), text
        assert it.keys == []


async def test_another_key_can_be_used_before_the_last_yes(tmp_path: Path) -> None:
    """The first one is not connected. Blanks around a key, as they come with a copy, are cut."""
    async with registered(tmp_path) as (it, steps):
        checked = await steps.type_key(await steps.page(), MINE)
        again = await steps.press(checked, "Use another key")
        checked = await steps.type_key(again, f"  {COLLEAGUE}\t\n")
        code = answer_of(await steps.press(checked, "Connect"))["code"]
        await it.status_of((await steps.redeem(code)).json())
        assert it.keys == [MINE, COLLEAGUE, COLLEAGUE]


async def test_a_wrong_key_is_said_and_the_choice_is_kept(tmp_path: Path) -> None:
    """A person goes on on the same page. A key that TRaX knows is no wrong one."""
    async with registered(tmp_path) as (it, steps):
        refused = await steps.type_key(await steps.page(), REVOKED_KEY, access="read")
        assert refused.status_code == 403
        assert "TRaX doesn't know this key, so nothing is connected." in text_of(refused.text)
        assert 'role="alert"' in refused.text
        assert 'aria-invalid="true"' in refused.text
        assert key_form(refused).fields["access"] == "read"
        it.trax.add_key(CHAT_ONLY, scopes={"chat:read"})
        lacking = await steps.type_key(refused, CHAT_ONLY)
        assert lacking.status_code == 403
        assert "the scope studios:read" in text_of(lacking.text)
        checked = await steps.type_key(lacking, MINE)
        ended = await steps.press(checked, "Connect")
        assert "code" in answer_of(ended)
    said = text_of(ended.text)
    assert 'Connected: "The tests"' in said
    assert 'Go back to "The tests"' in said
    assert f"{it.address}/sign-in/sessions" in said, "where to end it"


async def test_trax_is_asked_once_and_its_silence_is_no_wrong_key(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    faults = {
        "dropped": Fault.dropped(),
        "500": Fault.status(500),
        "429": Fault.error(429, "rate_limited"),
        "truncated": Fault.truncated(),
        "no studios": Fault.status(200, {"data": "none"}),
    }
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        for name, fault in faults.items():
            it.trax.faults.add(fault, times=None)
            with subtests.test(name):
                for _ in range(11):
                    asked = len(it.keys)
                    refused = await steps.type_key(page, MINE)
                    assert refused.status_code == 502
                    assert (
                        "TRaX couldn't check the key just now, so nothing is connected."
                        in text_of(refused.text)
                    )
                    assert len(it.keys) == asked + 1
            it.trax.faults.clear()
        checked = await steps.type_key(page, MINE)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


async def test_a_button_that_is_pressed_twice_at_once_still_signs_in(tmp_path: Path) -> None:
    """Each answer leads back to the client, with a code that is good."""
    async with registered(tmp_path) as (it, steps):
        checked = await steps.type_key(await steps.page(), MINE)
        pages = await gather(*(steps.press(checked, "Connect") for _ in range(4)))
        codes = [answer_of(page)["code"] for page in pages]
        assert await it.status_of((await steps.redeem(codes[-1])).json()) == 200


async def test_one_browser_can_sign_in_to_two_clients_at_once(tmp_path: Path) -> None:
    claude = {"client_id": CLAUDE, "redirect_uri": CLAUDE_CALLBACK}
    async with registered(tmp_path) as (it, steps):
        first, second = await steps.page(), await steps.page(**claude)
        for page, changes in ((second, claude), (first, {})):
            checked = await steps.type_key(page, MINE)
            code = answer_of(await steps.press(checked, "Connect"))["code"]
            assert (await steps.redeem(code, **changes)).status_code == 200
        assert {sign_in["clientName"] for sign_in in it.sign_ins()} == {"Claude", "The tests"}
