"""What the sign-in page says, of whom, and how it shows other people's texts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.html_forms import elements_of, text_of
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import MODERATOR_KEY
from tests.support.sign_in_browser import DOCUMENT, REGISTERED, ServedSignIn
from trax_mcp.consent.rules import Mode
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.client_names import clean_name
from trax_mcp.web.sign_in_screens import Site

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.sandbox.records import Studio
    from trax_mcp.sign_in.grants import OAuthClient

MARKUP: Final = {
    "an element": "<script>alert(1)</script>",
    "the end of an attribute": "\"'><img src=x onerror=alert(1)>",
    "the end of the page": "</title></head></main></body></html>",
    "a character reference": "&lt;b&gt; &#60;i&#62; &amp",
    "a template": "{token} {request} {0} {{}} %s ${x}",
    "a refresh": '0; url=https://evil.example/"',
}


async def test_a_client_with_a_document_is_named_with_its_host(served: ServedSignIn) -> None:
    said = text_of((await served.opened()).page.text)
    assert '"Claude" wants to use your TRaX studios' in said
    assert "It comes from claude.example. That was checked." in said
    assert "Your browser then goes to claude.example." in said
    assert "Warning" not in said


@pytest.mark.parametrize(
    ("client", "redirect_uri", "expected"),
    [
        (
            DOCUMENT,
            "https://evil.example/callback",
            "Your browser will be sent to evil.example, which is not claude.example.",
        ),
        (
            DOCUMENT,
            "https://claude.example.evil.example/",
            "Your browser will be sent to claude.example.evil.example, which is not claude.example",
        ),
        (
            DOCUMENT,
            "http://127.0.0.1:4711/callback",
            "goes back to a program on this device. Warning Any program on this device can claim",
        ),
        (
            DOCUMENT,
            "cursor://anysphere.example/callback",
            "opens the app on this device for links that begin with cursor: Warning Any program",
        ),
        (
            REGISTERED,
            "https://claude.example/callback",
            (
                'It calls itself "Claude". Nobody has checked that. Your browser then goes to'
                " claude.example. Warning Anybody can claim this name. Go on only if you know"
                " claude.example."
            ),
        ),
        (
            REGISTERED,
            "http://localhost:4711/callback",
            "goes back to a program on this device. Warning Any program on this device can claim",
        ),
    ],
)
async def test_a_person_is_warned_where_nothing_proves_who_gets_the_answer(
    served: ServedSignIn, client: OAuthClient, redirect_uri: str, expected: str
) -> None:
    browser = await served.opened(client, redirect_uri=redirect_uri)
    assert expected in text_of(browser.page.text)
    assert "Warning" in text_of((await browser.type_key()).text), "also before the last yes"


@pytest.mark.parametrize("name", [*MARKUP.values(), *HOSTILE.values()], ids=[*MARKUP, *HOSTILE])
async def test_a_hostile_client_name_stays_text_on_every_page(
    served: ServedSignIn, name: str
) -> None:
    pages = await _pages(served, DOCUMENT)
    hostile = await _pages(served, replace(DOCUMENT, name=name))
    for plain, shown in zip(pages, hostile, strict=True):
        assert elements_of(shown) == elements_of(plain)
        assert not hidden(text_of(shown))
        assert len(shown) < len(plain) + 10_000


async def test_a_name_with_quotes_is_spelt_out_once(served: ServedSignIn) -> None:
    client = replace(DOCUMENT, name=clean_name('Bob "the" bot'))
    said = text_of((await served.opened(client)).page.text)
    assert r'"Bob \u0022the\u0022 bot" wants to use your TRaX studios' in said


async def test_a_client_without_a_name_is_called_so(served: ServedSignIn) -> None:
    browser = await served.opened(replace(REGISTERED, name=""))
    said = text_of(browser.page.text)
    assert "A client without a name wants to use your TRaX studios" in said
    assert "Nobody has checked what it is." in said
    assert "Connect a client without a name?" in text_of((await browser.type_key()).text)


async def _pages(served: ServedSignIn, client: OAuthClient) -> list[str]:
    browser = await served.opened(client)
    pages = [browser.page, await browser.type_key(access="neither"), await browser.type_key()]
    return [it.text for it in (*pages, await browser.press("/sign-in/connect"))]


@pytest.mark.parametrize("name", [*MARKUP.values(), *HOSTILE.values()], ids=[*MARKUP, *HOSTILE])
async def test_a_hostile_studio_name_stays_text(served: ServedSignIn, name: str) -> None:
    plain = (await (await served.opened()).type_key(MODERATOR_KEY)).text
    studios = served.sandbox.world.studios
    for it in list(studios.values()):
        studios[it.id] = replace(it, name=name)
    shown = (await (await served.opened()).type_key(MODERATOR_KEY)).text
    assert elements_of(shown) == elements_of(plain)
    assert not hidden(text_of(shown))
    assert "This key reaches 4 studios: " in text_of(shown)
    assert len(shown) < len(plain) + 5_000


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
    served: ServedSignIn, count: int, expected: str
) -> None:
    _replace_studios(served, count)
    browser = await served.opened()
    assert expected in text_of((await browser.type_key()).text)
    assert len(served.sandbox.requests) == 1, "it takes one read"


def _replace_studios(served: ServedSignIn, count: int) -> None:
    studios = served.sandbox.world.studios
    (one, *_) = studios.values()
    studios.clear()
    for number in range(count):
        it: Studio = replace(one, id=f"studio_{number}", name=f"Show {number}")
        studios.add(it)


async def test_a_list_that_cannot_be_read_is_no_accepted_key(served: ServedSignIn) -> None:
    browser = await served.opened()
    served.sandbox.faults.add(Fault.status(200, {"data": [{"id": 7}]}))
    assert (await browser.type_key()).status_code == 502
    assert served.only().accepted is None


async def test_the_choices_are_in_plain_words(served: ServedSignIn) -> None:
    said = text_of((await served.opened()).page.text)
    assert "Look only. It sees your studios" in said
    assert "It changes nothing." in said
    assert "Whatever goes on air, ends a show or deletes something still needs your yes" in said


WAYS_TO_SAY_YES = {
    "auto": (
        {},
        "still needs your yes each time: you are asked in the client, or answer a preview.",
    ),
    "preview": (
        {"mode": Mode.PREVIEW},
        "still needs your yes each time: you answer a preview in the conversation.",
    ),
    "human": (
        {"mode": Mode.HUMAN},
        "still needs your yes each time, in a form or a panel of the client. A client without",
    ),
    "flag": ({"mode": Mode.FLAG}, "needs no yes of yours on this server: its operator has"),
    "passkey": (
        {"mode": Mode.HUMAN, "needs_passkey": True},
        "needs a passkey at the server itself, and is refused here. Only ending a show works,",
    ),
}
"""How a server asks, and what its page says of that."""


@pytest.mark.parametrize("way", WAYS_TO_SAY_YES)
async def test_a_person_hears_how_this_server_asks_for_a_yes(way: str, tmp_path: Path) -> None:
    facts, expected = WAYS_TO_SAY_YES[way]
    site = Site(public_url="https://trax.example.com", **facts)  # type: ignore[arg-type]
    served = ServedSignIn(tmp_path, site=site)
    said = text_of((await served.opened()).page.text)
    served.store.close()
    assert f"Whatever goes on air, ends a show or deletes something {expected}" in said


async def test_a_server_on_the_sandbox_tells_its_key(served: ServedSignIn, tmp_path: Path) -> None:
    assert SANDBOX_KEY not in (await served.opened()).page.text
    site = Site(public_url="https://trax.example.com", sandbox_key=SANDBOX_KEY)
    (tmp_path / "sandbox").mkdir()
    on_sandbox = ServedSignIn(tmp_path / "sandbox", site=site)
    said = text_of((await on_sandbox.opened()).page.text)
    on_sandbox.store.close()
    assert f"This server is on the sandbox. Its key is {SANDBOX_KEY}" in said
    assert "made-up studios" in said


async def test_the_end_says_where_to_end_it(served: ServedSignIn) -> None:
    browser = await served.opened()
    await browser.type_key()
    said = text_of((await browser.press("/sign-in/connect")).text)
    assert 'Connected: "Claude"' in said
    assert 'Go back to "Claude"' in said
    assert "https://trax.example.com/sign-in/sessions" in said
