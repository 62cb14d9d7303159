"""The pages of signing in: what they say, of whom, and how they show other people's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, text_of
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.served_sign_in import CLAUDE, CLAUDE_CALLBACK, registered, signing_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.oauth_steps import OAuthSteps

NAMES: Final = {
    "an element": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "the end of an attribute": "\"'> autofocus onfocus=alert(1)",
    "the end of the page": "</title></head></main></body></html>",
    "a character reference": "&lt;b&gt; &#60;i&#62; &amp",
    "a template": "{token} {request} {0} {{}} %s ${x}",
    "a refresh": '0; url=https://evil.example/"',
    "a header": "Claude\r\nSet-Cookie: a=b",
    **{
        it: HOSTILE[it]
        for it in ("right to left", "control characters", "fillers", "stacked marks", "100 kB")
    },
}
"""Names that other people give a client or a studio."""
LOCAL: Final = "http://127.0.0.1:4711/callback"


async def pages_of(steps: OAuthSteps, key: str = SANDBOX_KEY) -> list[str]:
    """Each page of a sign-in."""
    page = await steps.page()
    refused = await steps.type_key(page, key, access="neither")
    checked = await steps.type_key(page, key)
    connected = await steps.press(checked, "Connect")
    return [it.text for it in (page, refused, checked, connected)]


@pytest.fixture
async def claude(tmp_path: Path) -> AsyncIterator[OAuthSteps]:
    """Claude, whose name its host vouches for."""
    async with (
        signing_in(tmp_path) as hosted,
        hosted.steps(CLAUDE, redirect_uri=CLAUDE_CALLBACK) as steps,
    ):
        yield steps


async def test_a_client_with_a_document_is_named_with_its_host(claude: OAuthSteps) -> None:
    said = text_of((await claude.page()).text)
    assert '"Claude" wants to use your TRaX studios' in said
    assert "It comes from claude.ai. That was checked." in said
    assert "Your browser then goes to claude.ai." in said
    assert "Warning" not in said


CLAIMED: Final[dict[str, str]] = {
    "https://bot.example/callback": (
        'It calls itself "The tests". Nobody has checked that. Your browser then goes to'
        " bot.example. Warning Anybody can claim this name. Go on only if you know bot.example."
    ),
    LOCAL: "goes back to a program on this device. Warning Any program on this device can claim",
    "cursor://anysphere.cursor-mcp/oauth/callback": (
        "opens the app on this device for links that begin with cursor: Warning Any program"
    ),
}
"""Where clients that have registered go back to, and what a person reads."""


@pytest.mark.parametrize("redirect_uri", CLAIMED)
async def test_a_person_is_warned_where_nothing_proves_who_gets_the_answer(
    redirect_uri: str, tmp_path: Path
) -> None:
    """Also before the last yes."""
    async with signing_in(tmp_path) as hosted, hosted.steps(redirect_uri=redirect_uri) as steps:
        (await steps.register()).raise_for_status()
        page = await steps.page()
        assert CLAIMED[redirect_uri] in text_of(page.text)
        assert "Warning" in text_of((await steps.type_key(page, SANDBOX_KEY)).text)


async def test_a_hostile_client_name_stays_text_on_every_page(tmp_path: Path) -> None:
    """No element, no attribute and no hidden character comes of it. What is too long is refused."""
    async with registered(tmp_path) as (hosted, steps):
        plain = await pages_of(steps)
        for name, text in NAMES.items():
            hosted.clock.advance(61)  # an address may not register many at a time
            response = await steps.register(client_name=text)
            if name == "100 kB":
                assert response.status_code == 413
                continue
            for expected, shown in zip(plain, await pages_of(steps), strict=True):
                assert elements_of(shown) == elements_of(expected), name
                assert not hidden(text_of(shown)), name
                assert len(shown) < len(expected) + 10_000, name


async def test_a_name_shows_a_mark_for_what_hides_or_imitates_letters(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        await steps.register(client_name="Cl\u0430u\u200bde")
        said = text_of((await steps.page()).text)
    assert '"Cl\ufffdu\ufffdde" wants to use your TRaX studios' in said


async def test_a_client_without_a_name_is_called_so(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        await steps.register(client_name=None)
        page = await steps.page()
        said = text_of(page.text)
        assert "A client without a name wants to use your TRaX studios" in said
        assert "Nobody has checked what it is." in said
        checked = await steps.type_key(page, SANDBOX_KEY)
        assert "Connect a client without a name?" in text_of(checked.text)


async def test_a_hostile_studio_name_stays_text(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        plain = (await steps.type_key(page, MODERATOR_KEY)).text
        for name, text in NAMES.items():
            for it in hosted.trax.records("studios"):
                hosted.trax.change(it["id"], name=text)
            shown = (await steps.type_key(page, MODERATOR_KEY)).text
            assert elements_of(shown) == elements_of(plain), name
            assert not hidden(text_of(shown)), name
            assert "This key reaches 4 studios: " in text_of(shown), name
            assert len(shown) < len(plain) + 5_000, name


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "TRaX has accepted this key. It reaches no studio yet."),
        (1, 'This key reaches 1 studio: "Show 0".'),
        (2, 'This key reaches 2 studios: "Show 0" and "Show 1".'),
        (6, 'This key reaches 6 studios, among them "Show 0", "Show 1", "Show 2", "Show 3" and'),
        (201, "This key reaches more than 200 studios, among them"),
    ],
)
async def test_a_person_sees_what_the_key_reaches(
    count: int, expected: str, tmp_path: Path
) -> None:
    """It takes one read."""
    async with registered(tmp_path) as (hosted, steps):
        hosted.trax.remove_all("studios")
        for number in range(count):
            hosted.trax.add_studio(f"Show {number}", record_id=f"studio_{number}")
        assert expected in text_of((await steps.type_key(await steps.page(), SANDBOX_KEY)).text)
        assert len(hosted.trax.requests) == 1


async def test_the_choices_are_in_plain_words(claude: OAuthSteps) -> None:
    said = text_of((await claude.page()).text)
    assert "Look only. It sees your studios" in said
    assert "It changes nothing." in said
    assert "Whatever goes on air, ends a show or deletes something still needs your yes" in said


WAYS_TO_SAY_YES: Final[dict[str, str]] = {
    "auto": "still needs your yes each time: you are asked in the client, or answer a preview.",
    "preview": "still needs your yes each time: you answer a preview in the conversation.",
    "human": "still needs your yes each time, in a form or a panel of the client. A client without",
    "flag": "needs no yes of yours on this server: its operator has",
}
"""How a server asks, by its TRAX_CONFIRM, and what its page says of that."""


@pytest.mark.parametrize("mode", WAYS_TO_SAY_YES)
async def test_a_person_hears_how_this_server_asks_for_a_yes(mode: str, tmp_path: Path) -> None:
    async with registered(tmp_path, TRAX_CONFIRM=mode) as (_hosted, steps):
        said = text_of((await steps.page()).text)
    assert f"Whatever goes on air, ends a show or deletes something {WAYS_TO_SAY_YES[mode]}" in said


async def test_a_person_hears_that_a_server_with_a_passkey_ends_shows_alone(
    tmp_path: Path,
) -> None:
    async with registered(tmp_path, passkey=SoftwarePasskey()) as (_hosted, steps):
        said = text_of((await steps.page()).text)
    expected = (
        "needs a passkey at the server itself, and is refused here. Only ending a show works,"
    )
    assert f"Whatever goes on air, ends a show or deletes something {expected}" in said


async def test_the_page_shows_at_a_glance_whether_a_client_was_checked(
    claude: OAuthSteps, tmp_path: Path
) -> None:
    """And names the server in letters that stand out: its address protects from a false page."""
    async with registered(tmp_path / "other") as (hosted, steps):
        unknown, known = (await steps.page()).text, (await claude.page()).text
        assert f'<b class="host">{hosted.address.partition("//")[2]}</b>' in unknown
    assert 'class="unchecked">It calls itself' in unknown
    assert 'class="checked">It comes from claude.ai' in known


async def test_the_choices_repeat_nothing_and_the_last_page_says_all(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.page()
        last = text_of((await steps.type_key(page, SANDBOX_KEY)).text)
    assert text_of(page.text).count("destinations, sources and status") == 1
    assert "destinations, sources and status" in last
    assert "it creates, changes and deletes, writes in the chat and goes live" in last


async def test_a_server_on_the_sandbox_tells_its_key(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        assert SANDBOX_KEY not in (await steps.page()).text
    async with registered(tmp_path, TRAX_SANDBOX="1") as (_hosted, steps):
        said = text_of((await steps.page()).text)
    assert f"This server is on the sandbox. Its key is {SANDBOX_KEY}" in said
    assert "made-up studios" in said
