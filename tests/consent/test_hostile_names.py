"""Names that other people choose, as clients show them: in forms, choices, previews and reports.

`tests/units/consent/test_hostile_names.py` has the same for every operation and kind of name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest

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
from tests.support.simulated_person import Person, agreeing, choices, declining
from tests.support.spelt_text import frame, is_shown, names_in, read_back, unwrapped
from tests.world.answers import RAN, data_of, outcome, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

UNLINK: Final = GUARDED_OPERATIONS["unlink_connection"]
WITH_CLIENTS: Final = {
    "the end of the name": DELETE_DESTINATION,
    "an entity": UNLINK,
    "20,000 blanks": GO_OFFLINE,
    "a line": DELETE_SOURCE,
    "right to left": GO_LIVE,
}
"""Kinds of names, and the call that is tried among things of this name."""


def rename_everything(trax: Sandbox, name: str) -> None:
    """Give everything in the sandbox this name. Accounts are in trouble."""
    for studio in trax.records("studios"):
        trax.change(studio["id"], name=name)
        for kind in ("destinations", "sources"):
            for it in trax.records(kind, of=studio["id"]):
                trax.change(it["id"], name=name)
    for account in trax.records("connections"):
        trax.change(account["id"], displayName=name, status="expired")


DRAWS_ALL: Final = types.Implementation(name="codex-mcp-client", version="0.171.0")
"""A client that draws a form whole: others get further forms where names are long."""


async def asked_on(world: World, act: GuardedOperation) -> tuple[list[str], list[str]]:
    """Call, and return the lines of the form and the sentences and lines of the preview."""
    person = Person(declining)
    await (await world.caller(person=person, named=DRAWS_ALL)).call(act)
    (form,) = person.forms
    preview = await world[MINE].call(act)
    assert outcome(preview) == ("confirmation_required", None)
    data = data_of(preview)["preview"]
    if name := data["target"]["name"]:
        assert f'"{name}' in text_of(preview)
        assert hidden(name) == set()
    told = [*data["warnings"], *data["effects"], *unwrapped(text_of(preview)).split("\n")]
    secret = re.compile('confirmation: "[^"]*" \\(good for .*')
    return [*unwrapped(form.message).split("\n"), *choices(form)], [
        secret.sub("", it) for it in told
    ]


def _form_frame(line: str) -> str:
    """The frame of a line of a form, with a shorter label and the studio's id for long names."""
    return re.sub(r"<> \(studio_\d+\)", "<>", frame(line)).replace("Streams to:", "To:")


@pytest.mark.parametrize("kind", WITH_CLIENTS)
async def test_a_client_shows_the_same_sentences_for_every_name(kind: str) -> None:
    """In the form, in its choices, in the preview and in its data. A yes does what was shown."""
    act = WITH_CLIENTS[kind]
    async with open_world(MINE) as world:
        if act is GO_OFFLINE:
            put_on_air(world.trax)
        rename_everything(world.trax, "Ordinary")
        form, preview = await asked_on(world, act)
        rename_everything(world.trax, NAMES[kind])
        hostile_form, hostile_preview = await asked_on(world, act)
        assert [_form_frame(it) for it in hostile_form] == [_form_frame(it) for it in form]
        assert [frame(it) for it in hostile_preview] == [frame(it) for it in preview]
        told = [it for line in (*hostile_form, *hostile_preview) for it in names_in(line)]
        assert all(is_shown(it, NAMES[kind]) for it in told)
        assert world.sent == []
        assert (
            outcome(await (await world.caller(person=Person(agreeing), named=DRAWS_ALL)).call(act))
            == RAN
        )
        assert world.sent == [act.sent]


@pytest.mark.parametrize("kind", ["20,000 blanks", "a line"])
async def test_lists_and_reports_spell_names_out(kind: str) -> None:
    """Titles of resources, and problems of a studio."""
    name = NAMES[kind]
    async with open_world(MINE) as world:
        rename_everything(world.trax, name)
        listed = await world[MINE].client.list_resources()
        report = await world[MINE].call("check_studio", studioId="studio_42")
    titles = [it.title or "" for it in listed.resources]
    (studio,) = data_of(report)["studios"]
    problems = [text_of(report).partition("\n")[0], *(it["what"] for it in studio["problems"])]
    studios = [it.removesuffix(": chat") for it in titles if it.endswith(": chat")]
    assert studios
    assert all(is_shown(read_back(it), name) for it in studios)
    assert problems
    assert all(is_shown(it, name) for line in problems for it in names_in(line))
    assert hidden("".join([*titles, *problems])) == set()
