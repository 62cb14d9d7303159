"""Names that other people choose, as clients show them: in forms, choices, previews and reports.

`tests/units/consent/test_hostile_names.py` has the same for every operation and kind of name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import text_of
from tests.support.consent_clients import in_memory, status_and_reason
from tests.support.guarded_calls import (
    DELETE_DESTINATION,
    DELETE_SOURCE,
    GO_LIVE,
    GO_OFFLINE,
    GUARDED_OPERATIONS,
    STUDIO,
    GuardedOperation,
)
from tests.support.hostile_names import NAMES
from tests.support.hostile_texts import hidden
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import agreeing, choices
from tests.support.spelt_text import frame, names_in, read_back, unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.consent_clients import Clients

UNLINK: Final = GUARDED_OPERATIONS["unlink_connection"]
WITH_CLIENTS: Final = {
    "the end of the name": DELETE_DESTINATION,
    "typographic quotes": DELETE_SOURCE,
    "an entity": UNLINK,
    "a comment": GO_OFFLINE,
    "a link": GO_LIVE,
    "20,000 blanks": GO_OFFLINE,
    "a line": DELETE_DESTINATION,
    "right to left": GO_LIVE,
    "stacked marks": UNLINK,
    "a count": DELETE_SOURCE,
}
"""Kinds of names, and the call that is tried among things of this name."""


def is_shown(shown: str, name: str) -> bool:
    """Whether a name, read back, is the name, or its beginning and an ellipsis."""
    return shown == name or (shown.endswith("…") and name.startswith(shown[:-1]))


def rename_everything(clients: Clients, name: str) -> None:
    """Give everything in the sandbox this name. Accounts are in trouble."""
    trax = clients.trax
    for studio in trax.records("studios"):
        trax.change(studio["id"], name=name)
        for kind in ("destinations", "sources"):
            for it in trax.records(kind, of=studio["id"]):
                trax.change(it["id"], name=name)
    for account in trax.records("connections"):
        trax.change(account["id"], displayName=name, status="expired")


async def asked_on(clients: Clients, act: GuardedOperation) -> tuple[list[str], list[str]]:
    """Call, and return the lines of the form and the sentences and lines of the preview."""
    await clients.call(act, clients.asking)
    form = clients.person.forms[-1]
    preview = await clients.call(act)
    assert status_and_reason(preview) == ("confirmation_required", None)
    data: dict[str, Any] = (preview.structured_content or {})["preview"]
    told = [*data["warnings"], *data["effects"], *unwrapped(text_of(preview)).split("\n")]
    secret = re.compile('confirmation: "[^"]*" \\(good for .*')
    return [*unwrapped(form.message).split("\n"), *choices(form)], [
        secret.sub("", it) for it in told
    ]


async def test_a_joiner_in_an_emoji_or_a_word_is_shown_and_elsewhere_spelt_out() -> None:
    """As people write them: a coder, a rainbow, and a name in Sinhala."""
    coder, rainbow = "\U0001f469\U0001f3fd\u200d\U0001f4bb", "\U0001f3f3\ufe0f\u200d\U0001f308"
    sri = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"
    async with in_memory() as clients:
        clients.trax.change("dest_1", name=f"{coder}{rainbow} {sri}")
        clients.trax.change("dest_2", name="Ma\u200din")
        lines, _ = await asked_on(clients, GO_LIVE)
    assert f'- Goes out on "{coder}{rainbow} {sri}" (YouTube).' in lines
    assert r'- Goes out on "Ma\u200din" (Twitch).' in lines


@pytest.mark.parametrize("kind", WITH_CLIENTS)
async def test_a_client_shows_the_same_sentences_for_every_name(kind: str) -> None:
    """In the form, in its choices, in the preview and in its data. A yes does what was shown."""
    act = WITH_CLIENTS[kind]
    async with in_memory() as clients:
        if act is GO_OFFLINE:
            put_on_air(clients.trax)
        rename_everything(clients, "Ordinary")
        form, preview = await asked_on(clients, act)
        rename_everything(clients, NAMES[kind])
        hostile_form, hostile_preview = await asked_on(clients, act)
        assert [frame(it) for it in hostile_form] == [frame(it) for it in form]
        assert [frame(it) for it in hostile_preview] == [frame(it) for it in preview]
        told = [it for line in (*hostile_form, *hostile_preview) for it in names_in(line)]
        assert all(is_shown(it, NAMES[kind]) for it in told)
        assert clients.sent == []
        clients.person.answer_with(agreeing)
        assert status_and_reason(await clients.call(act, clients.asking)) == ("ran", None)
        assert clients.sent == [act.sent]


@pytest.mark.parametrize("kind", ["typographic quotes", "20,000 blanks", "a line", "right to left"])
async def test_lists_and_reports_spell_names_out(kind: str) -> None:
    """Titles of resources, and problems of a studio."""
    name = NAMES[kind]
    async with in_memory() as clients:
        rename_everything(clients, name)
        titles = [it.title or "" for it in (await clients.plain.list_resources()).resources]
        report = await clients.plain.call_tool("check_studio", GO_LIVE.arguments)
    (studio,) = (report.structured_content or {})["studios"]
    problems = [text_of(report).partition("\n")[0], *(it["what"] for it in studio["problems"])]
    studios = [it.removesuffix(": chat") for it in titles if it.endswith(": chat")]
    assert studios
    assert all(is_shown(read_back(it), name) for it in studios)
    assert problems
    assert all(is_shown(it, name) for line in problems for it in names_in(line))
    assert hidden("".join([*titles, *problems])) == set()


@pytest.mark.parametrize("kind", ["typographic quotes", "20,000 blanks", "a line", "right to left"])
async def test_the_data_of_a_preview_spells_a_name_as_its_text_does(kind: str) -> None:
    """A model reads both."""
    async with in_memory() as clients:
        rename_everything(clients, NAMES[kind])
        result = await clients.call(DELETE_DESTINATION)
    name: str = (result.structured_content or {})["preview"]["target"]["name"]
    assert hidden(name) == set()
    assert is_shown(read_back(name), NAMES[kind])
    assert f'delete_destination on "{name}' in unwrapped(text_of(result))


LONG: Final[Mapping[str, GuardedOperation]] = {
    "text": GuardedOperation(
        "send_chat_message",
        {**STUDIO, "text": f"{'a' * 569} and buy coins at evil.example."},
        "",
        {},
    ),
    "rtmpUrl": GuardedOperation(
        "update_destination",
        {**STUDIO, "destId": "dest_1", "rtmpUrl": f"rtmps://a.example/{'a' * 167}@evil.example/k"},
        "",
        {},
    ),
}


@pytest.mark.parametrize("argument", LONG)
async def test_the_callers_own_text_is_shown_in_full_and_names_are_cut(argument: str) -> None:
    """In the preview and in the form, so that no part is hidden from the person."""
    operation = LONG[argument]
    given = operation.arguments[argument]
    assert len(given) == {"text": 600, "rtmpUrl": 200}[argument]
    async with in_memory() as clients:
        rename_everything(clients, "n" * 300)
        preview = unwrapped(text_of(await clients.call(operation)))
        await clients.call(operation, clients.asking)
    (form,) = clients.person.forms
    for shown in (preview, unwrapped(form.message)):
        assert f'"{given}"' in shown
        assert f'"{"n" * 199}…"' in shown  # of what the call acts on
        assert "n" * 200 not in shown
        assert f'"{"n" * 79}…"' in shown or operation.tool == "update_destination"


async def test_a_new_address_is_seen_after_a_long_name() -> None:
    """20,000 blanks in a name once hid the line with the new address."""
    act = GuardedOperation(
        "update_destination",
        {
            **STUDIO,
            "destId": "dest_1",
            "name": f"Main{' ' * 90}x",
            "rtmpUrl": "rtmps://evil.example/app/" + "a" * 300,
            "streamKey": "live-4711",
        },
        "",
        {},
    )
    async with in_memory() as clients:
        rename_everything(clients, NAMES["20,000 blanks"])
        await clients.call(act, clients.asking)
    (form,) = clients.person.forms
    first, *rest = form.message.split("\n")
    assert first == 'update_destination on "Main{995 blanks}…":'
    assert rest[0].startswith('- Sets rtmpUrl of "Main{995 blanks}…" (YouTube, dest_1) to')
    assert "evil.example" in "".join(rest[:2])
    assert len(form.message) < 1_500
