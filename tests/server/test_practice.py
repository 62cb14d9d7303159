"""On the sandbox everything says that nothing is real; elsewhere nothing says so."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.support.simulated_person import Person, agreeing
from tests.support.snapshots import Answers
from tests.world.answers import data_of, text_of
from tests.world.panel import open_panel
from tests.world.wire import LEGACY
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

NOTHING_IS_REAL: Final = "Practice studios: nothing is real."
_CONFIRMATION: Final = re.compile(r'(?<=confirmation: ")[^"]+')

practising: Final = partial(open_world, MINE, TRAX_SANDBOX="1")


@pytest.mark.parametrize("name", ["practice"])
async def test_each_question_and_each_result_of_a_change_says_so(
    name: str, snapshot: SnapshotAssertion
) -> None:
    """The snapshot has what a model and a person read."""
    async with practising() as it:
        person = Person(agreeing)
        asked = await it.caller(person=person)
        parts = []
        for what in (GO_LIVE, GO_OFFLINE, DELETE_DESTINATION):
            preview = await it[MINE].call(what)
            done = await asked.call(what)
            parts += [
                (f"{what.tool}: preview", _CONFIRMATION.sub("…", text_of(preview))),
                (f"{what.tool}: form", person.forms[-1].message),
                (f"{what.tool}: done", text_of(done)),
            ]
            assert data_of(preview)["practice"] == data_of(done)["practice"] == NOTHING_IS_REAL
            assert data_of(preview)["summary"].startswith("Practice: ")
            assert data_of(done)["summary"].startswith("Practice: ")
        renamed = await it[MINE].call("update_studio", name="Another name")
        parts.append(("update_studio: done", text_of(renamed)))
        read = text_of(await it[MINE].call("get_studio"))
    assert NOTHING_IS_REAL not in read
    assert "".join(f"=== {title}\n{text}\n\n" for title, text in parts) == snapshot.with_defaults(
        extension_class=Answers
    )


async def test_a_panel_says_so_before_and_after() -> None:
    async with practising(apps=True) as it:
        panel = await open_panel(it[MINE], GO_LIVE)
        shown = await panel.look()
        says_so(shown)
        it.hand_clock.advance(1)
        says_so(await panel.press(panel.yes))


async def test_the_page_says_so() -> None:
    async with practising(page=True) as it:
        it[MINE].start(GO_LIVE)
        await it.open_page.next()
        (shown,) = (await it.open_page.questions()).values()
        says_so(shown)


def says_so(shown: dict[str, Any]) -> None:
    assert shown["practice"] is True
    assert shown["lines"][0] == NOTHING_IS_REAL


@pytest.mark.parametrize("over", [Over.MEMORY, Over.STDIO])
async def test_the_server_says_so_when_a_client_connects(over: Over) -> None:
    """As a process too, by the switch or the setting. A sandbox elsewhere is like any TRaX."""
    async with open_world(over=over, era=LEGACY, TRAX_SANDBOX="1") as it:
        client = (await it.caller()).client
        assert client.server_info is not None
        assert client.server_info.title == "TRaX (practice)"
        assert (client.instructions or "").startswith(f"{NOTHING_IS_REAL}\n")


async def test_elsewhere_nothing_says_so() -> None:
    async with open_world(MINE, era=LEGACY) as it:
        client = it[MINE].client
        assert client.server_info is not None
        texts = [client.instructions or "", client.server_info.title or ""]
        texts += [text_of(await it[MINE].call(GO_LIVE)), str(data_of(await it[MINE].call(GO_LIVE)))]
    assert [text for text in texts if "practice" in text.lower()] == []
