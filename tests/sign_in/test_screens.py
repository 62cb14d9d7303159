"""The pages of signing in: what they say, of whom, and how they show other people's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, text_of
from tests.support.product.software_passkey import SoftwarePasskey
from tests.world.sign_in import CLAUDE, CLAUDE_CALLBACK, registered, signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world.oauth import OAuthSteps

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


async def pages_of(steps: OAuthSteps) -> list[str]:
    page = await steps.page()
    refused = await steps.type_key(page, MINE, access="neither")
    checked = await steps.type_key(page, MINE)
    connected = await steps.press(checked, "Connect")
    return [it.text for it in (page, refused, checked, connected)]


async def test_a_client_with_a_document_is_named_with_its_host(tmp_path: Path) -> None:
    """Whether it was checked shows at a glance. The server's own address stands out."""
    async with registered(tmp_path) as (it, steps):
        unknown = (await steps.page()).text
        page = (await steps.page(client_id=CLAUDE, redirect_uri=CLAUDE_CALLBACK)).text
    said = text_of(page)
    assert 'Connect "Claude" to your TRaX account' in said
    assert "Verified: this is claude.ai." in said
    assert "Afterwards you return to claude.ai." in said
    assert "Warning" not in said
    assert "Look only. It can see your studios" in said
    assert "It can't change anything." in said
    assert 'class="checked">Verified: this is claude.ai' in page
    assert 'class="unchecked">Not verified: it calls itself' in unknown
    host = f'<b class="host">{it.address.partition("//")[2]}</b>'
    assert f"This page belongs to {host}, not to TRaX." in unknown


CLAIMED: Final[dict[str, str]] = {
    "https://bot.example/callback": (
        'Not verified: it calls itself "The tests". Afterwards you return to bot.example. Warning'
        " Anyone can use this name. Continue only if you know bot.example."
    ),
    LOCAL: "you return to a program on this device. Warning Any program on this device can use",
    "cursor://anysphere.cursor-mcp/oauth/callback": (
        "you return to the app on this device that opens cursor: links. Warning Any program"
    ),
}
"""Where clients that have registered go back to, and what a person reads."""


async def test_a_person_is_warned_where_nothing_proves_who_gets_the_answer(tmp_path: Path) -> None:
    """Before the last approval, too. One without a name is called so."""
    async with signing_in(tmp_path) as it, it.steps() as steps:
        for steps.redirect_uri, expected in CLAIMED.items():
            (await steps.register()).raise_for_status()
            page = await steps.page()
            assert expected in text_of(page.text)
            assert "Warning" in text_of((await steps.type_key(page, MINE)).text)
        await steps.register(client_name=None)
        page = await steps.page()
        said = text_of(page.text)
        assert "Connect an app without a name to your TRaX account" in said
        assert "Not verified: it doesn't say who it is." in said
        checked = text_of((await steps.type_key(page, MINE)).text)
        assert "Connect an app without a name?" in checked


async def test_a_hostile_name_stays_text_on_every_page(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """No element, no attribute and no hidden character comes of it. What is too long is refused.

    That of a client, and that of a studio.
    """
    async with registered(tmp_path) as (it, steps):
        plain = await pages_of(steps)
        for name, text in NAMES.items():
            response = await steps.register(client_name=text)
            for studio in it.trax.records("studios"):
                it.trax.change(studio["id"], name=text)
            shown = await pages_of(steps)
            with subtests.test(name):
                assert response.status_code == (413 if name == "100 kB" else 201)
                assert [elements_of(page) for page in shown] == [*map(elements_of, plain)]
                assert not hidden(text_of("".join(shown)))
                assert "This key reaches 4 studios: " in text_of(shown[2])
                assert max(map(len, shown)) < max(map(len, plain)) + 10_000
        await steps.register(client_name="Cl\u0430u\u200bde")
        said = text_of((await steps.page()).text)
    assert 'Connect "Cl\ufffdu\ufffdde" to your TRaX account' in said


REACHED: Final = {
    0: "TRaX accepts this key, but you have no studios yet.",
    1: 'This key reaches 1 studio: "Show 0".',
    2: 'This key reaches 2 studios: "Show 0" and "Show 1".',
    6: 'This key reaches 6 studios, among them "Show 0", "Show 1", "Show 2", "Show 3" and',
    51: "This key reaches more than 50 studios, among them",
}
"""A number of studios, and what the page says of them."""


async def test_a_person_sees_what_the_key_reaches_and_what_will_be_allowed(tmp_path: Path) -> None:
    """TRaX is asked once. The choices repeat nothing, and the last page says all."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        for count, expected in REACHED.items():
            it.trax.remove_all("studios")
            for number in range(count):
                it.trax.add_studio(f"Show {number}", record_id=f"studio_{number}")
            last = text_of((await steps.type_key(page, MINE)).text)
            assert expected in last
        assert len(it.keys) == len(REACHED)
    assert text_of(page.text).count("destinations, sources, status") == 1
    assert "destinations, sources, status" in last
    assert "It can also create, change and delete, write in chat and go live" in last


WAYS_TO_APPROVE: Final[dict[str, str]] = {
    "form,panel,page,preview": (
        "Going live, ending a show and deleting always ask you first, in the app or in the"
        " conversation."
    ),
    "preview": (
        "Going live, ending a show and deleting always ask you first, in the conversation."
    ),
    "form,panel,page": (
        "Going live, ending a show and deleting always ask you first, in the app. An app that can't"
        " ask you can only end a show, after showing a preview."
    ),
    "confirm_alone": (
        "It can go live, end a show and delete without asking you: the operator of this server has"
        " turned approval off."
    ),
    "passkey": (
        "Going live and deleting need a passkey at the server itself, so they're refused here."
        " Ending a show works, and asks you first."
    ),
}
"""How a server asks, by its TRAX_ASK or with a passkey, and what its page says of that."""


@pytest.mark.parametrize("way", WAYS_TO_APPROVE)
async def test_a_person_reads_how_this_server_asks_for_approval(way: str, tmp_path: Path) -> None:
    passkey = SoftwarePasskey() if way == "passkey" else None
    settings = {} if passkey else {"TRAX_ASK": way}
    async with registered(tmp_path, passkey=passkey, **settings) as (_, steps):
        said = text_of((await steps.page()).text)
    assert WAYS_TO_APPROVE[way] in said


@pytest.mark.parametrize("settings", [{}, {"TRAX_SANDBOX": "1"}], ids=["real", "sandbox"])
async def test_a_server_on_the_sandbox_tells_its_key(
    settings: dict[str, str], tmp_path: Path
) -> None:
    async with registered(tmp_path, **settings) as (_, steps):
        said = text_of((await steps.page()).text)
    assert (f"To practise, use this key: {MINE}" in said) is bool(settings)
    assert (MINE in said) is ("Practice studios: nothing is real." in said) is bool(settings)
