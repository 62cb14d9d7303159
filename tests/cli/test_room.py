"""`trax-mcp room`: which studio it shows, and that no assistant is needed to run a show."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.support.guarded_calls import YES
from tests.support.opened_addresses import OpenedAddresses
from tests.support.product.commands import Outcome, run_command
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.page import PageClient, address_behind

if TYPE_CHECKING:
    from pathlib import Path

SCREEN: Final = {"DISPLAY": ":99"}
FRIDAYS: Final = """\
   1  Friday Night Show  (studio_42)
   2  Friday Night Show (rehearsal)  (studio_43)
"""
ALL: Final = f"""{FRIDAYS}\
   3  Morning Coffee  (studio_51)
   4  Product Launch Rehearsal  (studio_60)
"""
ASKED: Final = "Which one? A number; Enter cancels: "
NAME_ONE: Final = "trax-mcp: Name one: trax-mcp room STUDIO, by its name or id.\n"
NOT_CHOSEN: Final = "trax-mcp: No studio was chosen.\n"


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("studio_43", "studio_43"),
        ("Friday Night Show", "studio_42"),
        ("friday night show", "studio_42"),
        ("rehearsal friday", "studio_43"),
        ("coffee", "studio_51"),
        ("offee", "studio_51"),
    ],
)
def test_a_studio_is_named_by_its_id_its_name_or_a_part_of_it(wanted: str, shown: str) -> None:
    done = run_command("room", wanted, "--sandbox", settings=SCREEN)
    assert done == Outcome(0, f"shows {shown}\n", "")


@pytest.mark.parametrize(
    ("arguments", "chosen", "said"),
    [
        ([], "2", f"{ALL}{ASKED}2\nshows studio_43\n"),
        (["fri"], "2", f"{FRIDAYS}{ASKED}2\nshows studio_43\n"),
        (
            ["x"],
            "0\n5\nfour\n4",
            f'None of your studios matches "x". You have:\n{ALL}'
            + "".join(f"{ASKED}{it}\nPlease give a number from 1 to 4.\n" for it in (0, 5, "four"))
            + f"{ASKED}4\nshows studio_60\n",
        ),
    ],
)
def test_a_person_chooses_among_several_by_number(
    arguments: list[str], chosen: str, said: str
) -> None:
    done = run_command(
        "room", *arguments, "--sandbox", settings=SCREEN, terminal=True, chosen=chosen
    )
    assert done == Outcome(0, said, "")


def test_nothing_is_shown_if_nobody_chooses() -> None:
    """On a terminal, and where there is none."""
    on_terminal = run_command("room", "--sandbox", settings=SCREEN, terminal=True)
    assert on_terminal == Outcome(1, f"{ALL}{ASKED}\n{NOT_CHOSEN}", "")
    assert run_command("room", "--sandbox", settings=SCREEN) == Outcome(1, ALL, NAME_ONE)


def test_it_needs_a_browser_and_a_key() -> None:
    no_browser = "trax-mcp: The control room opens in a browser, and there is none here.\n"
    assert run_command("room", "--sandbox") == Outcome(1, "", no_browser)
    no_key = "trax-mcp: There is no key. Run trax-mcp install, or try trax-mcp room --sandbox.\n"
    assert run_command("room", settings=SCREEN) == Outcome(1, "", no_key)


def test_a_trax_that_does_not_answer_is_told_of() -> None:
    settings = {
        **SCREEN,
        "TRAX_API_KEY": "sk_live_canary",
        "TRAX_BASE_URL": "http://127.0.0.1:9",
        "TRAX_TIMEOUT_SECONDS": "0.1",
    }
    done = run_command("room", settings=settings)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("trax-mcp: Your studios couldn't be listed. ")
    assert "canary" not in done.err


async def test_a_show_is_run_without_an_assistant_until_ctrl_c(tmp_path: Path) -> None:
    opened = OpenedAddresses(tmp_path)
    async with running("room", "studio_42", "--sandbox", settings=opened.environment) as command:
        tab = PageClient(address_behind(await opened.next()))
        assert (await tab.redeem()).status_code == httpx.codes.OK
        state = (await tab.call("watch")).json()["structuredContent"]["state"]
        assert (state["name"], state["live"], state["practice"]) == (
            "Friday Night Show",
            False,
            True,
        )
        pressed = (await tab.call("press", press="go_live", arguments={})).json()
        ticket = pressed["_meta"]["live.traxstreaming/ticket"]
        await tab.call("answer", ticket=ticket)
        with anyio.fail_after(PATIENCE_SECONDS):
            phase = "open"
            while phase == "open":  # no approval counts in the first second
                answered = await tab.call("answer", ticket=ticket, choice=YES)
                phase = answered.json()["structuredContent"]["phase"]
        state = (await tab.call("watch")).json()["structuredContent"]["state"]
        assert state["live"] or state["starting"]
        assert await command.stop(signal.SIGINT) == 0
    assert "".join(command.stdout.all) == (
        'The control room of "Friday Night Show" opens in your browser.\n'
        "It works while this command runs. Press Ctrl-C to stop.\n"
    )
    assert tab.secret not in command.stderr.text
    with pytest.raises(httpx.ConnectError):
        await tab.get()
