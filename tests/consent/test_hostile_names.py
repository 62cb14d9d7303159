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
    GuardedOperation,
)
from tests.support.hostile_names import NAMES
from tests.support.hostile_texts import hidden
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import agreeing, choices
from tests.support.spelt_text import frame, is_shown, names_in, read_back, unwrapped

if TYPE_CHECKING:
    from tests.support.consent_clients import Clients

UNLINK: Final = GUARDED_OPERATIONS["unlink_connection"]
WITH_CLIENTS: Final = {
    "the end of the name": DELETE_DESTINATION,
    "an entity": UNLINK,
    "20,000 blanks": GO_OFFLINE,
    "a line": DELETE_SOURCE,
    "right to left": GO_LIVE,
}
"""Kinds of names, and the call that is tried among things of this name."""


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
    if name := data["target"]["name"]:
        assert f'{act.tool} on "{name}' in unwrapped(text_of(preview))
        assert hidden(name) == set()
    told = [*data["warnings"], *data["effects"], *unwrapped(text_of(preview)).split("\n")]
    secret = re.compile('confirmation: "[^"]*" \\(good for .*')
    return [*unwrapped(form.message).split("\n"), *choices(form)], [
        secret.sub("", it) for it in told
    ]


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


@pytest.mark.parametrize("kind", ["20,000 blanks", "a line"])
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
