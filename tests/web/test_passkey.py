"""With a passkey enrolled, only its signature on the page is a yes; a stop needs none."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE
from tests.support.product.commands import run_command
from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import approved_in, state_in
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.caller import BackgroundCall
    from tests.world.page import PageQuestion
    from tests.world.world import World


@dataclass
class Signing:
    """A go-live on the page, and the passkey that is enrolled."""

    world: World
    key: SoftwarePasskey
    call: BackgroundCall
    question: PageQuestion

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return self.world.open_page.tab.origin

    @property
    def challenge(self) -> str:
        """What the page asks the passkey to sign."""
        return str(self.question.data["passkey"]["challenge"])

    @property
    def sent(self) -> list[str]:
        """The changes that reached TRaX."""
        return self.world.sent

    async def press(self, signature: str) -> None:
        """Approve the question with a signature."""
        ticket = self.question.data["ticket"]
        body = {"ticket": ticket, "choice": self.question.yes, "signature": signature}
        await self.world.open_page.tab.post("/answer", body)


@asynccontextmanager
async def signing(*, forms: bool = True) -> AsyncIterator[Signing]:
    """Such a go-live, of a client that has forms too unless it says otherwise."""
    key, person = SoftwarePasskey(), Person(agreeing) if forms else None
    asked = "form,panel,page"
    async with open_world(MINE, page=True, passkey=key, person=person, TRAX_ASK=asked) as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)  # no yes counts in the first second
        yield Signing(it, key, call, question)


async def test_a_signed_press_goes_live() -> None:
    async with signing() as it:
        await it.press(it.key.sign(it.challenge, it.origin))
        assert it.sent == [GO_LIVE.sent]
        result = await it.call.result()
        assert (state_in(result), approved_in(result)) == ("on_air", "passkey")


async def test_a_press_without_its_signature_changes_nothing() -> None:
    """None, something else, or a signature of something else. The right one still counts."""
    async with signing() as it:
        wrong = {
            **{it: it for it in ("", "{}", "null", "yes", '{"id": 1}')},
            "another key": SoftwarePasskey().sign(it.challenge, it.origin),
            "another challenge": it.key.sign("AAAA", it.origin),
            "another origin": it.key.sign(it.challenge, "https://evil.example"),
            "an unverified user": it.key.sign(it.challenge, it.origin, verified=False),
        }
        for name, signature in wrong.items():
            await it.press(signature)
            assert it.sent == [], name
        await it.press(it.key.sign(it.challenge, it.origin))
        assert it.sent == [GO_LIVE.sent]


async def test_a_signature_is_for_one_question_only() -> None:
    async with signing() as it:
        signature = it.key.sign(it.challenge, it.origin)
        it.world[MINE].start(DELETE_SOURCE)
        it.question = await it.world.open_page.next(2)
        it.world.hand_clock.advance(1)
        await it.press(signature)
        assert it.sent == []
        await it.press(it.key.sign(it.challenge, it.origin))
        assert it.sent == [DELETE_SOURCE.sent]


@pytest.mark.parametrize("forms", [True, False], ids=["in a form", "on the page"])
async def test_a_stop_needs_no_passkey(*, forms: bool) -> None:
    async with signing(forms=forms) as it:
        result = await it.world[MINE].call(GO_OFFLINE)
        if forms:
            assert approved_in(result) == "form"
        else:
            stop = await it.world.open_page.next(2)
            assert "passkey" not in stop.data
            await stop.press(stop.yes)
        assert it.sent == [GO_OFFLINE.sent]


async def test_where_nothing_can_ask_neither_form_nor_confirmation_replaces_the_passkey() -> None:
    """Previews are then left out, whatever TRAX_ASK says."""
    key, person = SoftwarePasskey(), Person(agreeing)
    world = open_world(MINE, page=True, has_browser=False, passkey=key, person=person)
    async with world as it:
        for confirmation in ({}, {"confirmation": "made up"}):
            answer = await it[MINE].preview(GO_LIVE, confirm=True, **confirmation)
            assert answer["status"] == "cannot_ask"
            assert "only a page on their own computer can ask for it" in answer["message"]
            assert "confirmation" not in answer
        assert (person.forms, it.sent) == ([], [])


# Settings


def refusal(**settings: str) -> str:
    """What a server prints that does not start, or nothing."""
    return run_command(settings={"TRAX_SANDBOX": "1", **settings}).err


def test_a_named_file_that_is_missing_or_unreadable_stops_the_start(tmp_path: Path) -> None:
    """Else somebody would think that a passkey is needed."""
    assert "TRAX_PASSKEY_FILE" in refusal(TRAX_PASSKEY_FILE=str(tmp_path / "missing.json"))
    broken = tmp_path / "broken.json"
    broken.write_text("{}", encoding="utf-8")
    assert "TRAX_PASSKEY_FILE" in refusal(TRAX_PASSKEY_FILE=str(broken))
    home = tmp_path / ".config/trax-mcp/passkey.json"
    home.parent.mkdir(parents=True)
    broken.rename(home)
    assert refusal(HOME=str(tmp_path)) == (
        "trax-mcp: Your passkey file, ~/.config/trax-mcp/passkey.json, is a file that holds no"
        " passkey.\n"
    )


def test_a_passkey_file_that_others_can_change_stops_the_start(tmp_path: Path) -> None:
    """They could put their own passkey there. It may be read: it is the public half."""
    file = tmp_path / "passkey.json"
    file.write_text(json.dumps(SoftwarePasskey().file_content), encoding="utf-8")
    file.chmod(0o664)
    assert refusal(TRAX_PASSKEY_FILE=str(file)) == (
        "trax-mcp: TRAX_PASSKEY_FILE names a file that others can change. Run chmod 600 on it.\n"
    )
    file.chmod(0o644)
    assert refusal(TRAX_PASSKEY_FILE=str(file)) == ""


def test_a_folder_that_cannot_be_looked_into_stops_the_start(tmp_path: Path) -> None:
    """Such as one that a unit of systemd hides: a passkey may be enrolled there."""
    no_folder = tmp_path / ("x" * 300)
    assert refusal(XDG_CONFIG_HOME=str(no_folder)).startswith(
        "trax-mcp: trax-mcp can't see whether a passkey is enrolled in "
    )


@pytest.mark.parametrize("ways", ["preview", "confirm_alone"])
def test_ways_that_ask_nobody_do_not_start_beside_a_passkey(tmp_path: Path, ways: str) -> None:
    file = tmp_path / "passkey.json"
    file.write_text(json.dumps(SoftwarePasskey().file_content), encoding="utf-8")
    said = refusal(TRAX_PASSKEY_FILE=str(file), TRAX_ASK=ways)
    assert said.startswith("trax-mcp: TRAX_ASK is set so that no person is asked")
    assert refusal(TRAX_PASSKEY_FILE=str(file)) == ""
