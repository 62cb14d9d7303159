"""The first bot as a program on practice studios, and the programs as `docs/bots.md` shows them."""

from __future__ import annotations

import re
from textwrap import indent
from typing import Final

import pytest

from tests import ROOT
from tests.support.markdown_pages import docs
from tests.support.server_process import running
from tests.world.world import Over, open_world

BOT: Final = ("-W", "error", "-u", str(ROOT / "examples/first_bot.py"))
QUESTION: Final = 'Practice: Go live with "Friday Night Show"? Anyone can watch.'


@pytest.mark.parametrize(
    ("typed", "outcome", "sent"),
    [
        ("1", "Practice: .*nothing was sent", []),
        (
            "2",
            'Practice: "Friday Night Show" went live',
            ["POST /v1/studios/studio_42/go-live"],
        ),
    ],
)
async def test_a_person_decides_at_the_terminal(typed: str, outcome: str, sent: list[str]) -> None:
    async with (
        open_world(over=Over.HTTP, TRAX_SANDBOX="1") as world,
        running(f"{world.address}/mcp", program=BOT) as bot,
    ):
        await bot.stdout.match(re.escape(QUESTION))
        assert world.trax.sent == []
        await bot.write(f"{typed}\n")
        await bot.stdout.match(outcome)
        assert await bot.end() == 0
    assert (world.trax.sent, bot.stderr.text) == (sent, "")


def test_the_page_shows_the_programs_as_they_are() -> None:
    """One whole, and of the other the part that has to do with trax-mcp."""
    first, of_slack = docs("bots").blocks("python")
    assert f"{first}\n" == program("first_bot")
    assert without_blank_lines(indent(of_slack, "    ")) in without_blank_lines(
        program("slack_bot")
    )


def program(name: str) -> str:
    """The text of an example."""
    return (ROOT / f"examples/{name}.py").read_text(encoding="utf-8")


def without_blank_lines(text: str) -> str:
    """The formatter wants two between functions on a page, and one in a class."""
    return "\n".join(it for it in text.splitlines() if it)
