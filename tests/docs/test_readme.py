"""README is short, its requests name tools that exist, and its install commands work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import Home
from tests.support.markdown_pages import DOCS, README, docs
from tests.support.product.reference import CLIENTS, WRITTEN_CLIENTS, tool_names

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINES: Final = 170
PROMISES: Final = 6
IN_THE_RACE: Final = {
    "calls that start or end a show or lose something for good, sent without asking": (
        "unasked grave calls upstream"
    ),
    "failures told as success": "failures told as success",
    "calls with wrong arguments, sent all the same": "invalid calls upstream",
    "viewers' chat marked as strangers' words": "chat marked as strangers' words",
}
"""Rows of README, and the rows of `docs/race.md` that they quote."""


def test_readme_is_short() -> None:
    """All else is in `docs/`."""
    assert len(README.text.splitlines()) <= MAX_LINES


def test_readme_says_in_six_lines_why_it_can_be_trusted() -> None:
    lines = README.section("Why you can trust it on air").splitlines()
    assert len([it for it in lines if it.startswith("- **")]) == PROMISES


def test_readme_names_the_clients_that_were_tried() -> None:
    """And no other, where it says what is unproven."""
    unproven = README.section("What is unproven")
    assert [it.name for it in CLIENTS.values() if it.title in unproven] == [
        it.name for it in CLIENTS.values() if it.tried
    ]


def test_readme_links_every_page() -> None:
    """No page of `docs/` is hard to find."""
    assert {it.name for it in DOCS} <= set(README.links())


def test_the_example_requests_name_existing_tools() -> None:
    """In the second column of the table."""
    named = re.findall(r"`(\w+)`", " ".join(README.column("What you can say", 1)))
    assert set(named) - {"TRAX_MEDIA_DIRS"} <= set(tool_names(local=True))
    assert set(named) >= {"go_live", "go_offline", "send_chat_message", "upload_media"}


def test_windows_gets_the_same_commands_as_other_systems() -> None:
    """Those of `docs/install.md` without `make`, and the paths of Windows."""
    install = docs("install")
    here = install.blocks("sh")[0]
    there = here.replace("python3 -m venv", "py -m venv").replace(".venv/bin/", ".venv\\Scripts\\")
    assert README.blocks("powershell") == install.blocks("powershell") == [there]


def test_every_client_is_named() -> None:
    """In README, and in the table of `docs/install.md` in the order of `--help`."""
    here = README.section("Add it to your assistant")
    assert [
        it.title for it in CLIENTS.values() if it.name != "other" and it.title not in here
    ] == []
    assert docs("install").column("Each client", 1) == [f"`{it}`" for it in CLIENTS]


def test_the_race_is_quoted_as_it_was_run() -> None:
    """The others from the best to the worst of them."""
    told = table_rows(README.text.partition("\n## ")[0])
    run = table_rows(docs("race").text)
    assert told.keys() == {"", "---", *IN_THE_RACE}
    assert {IN_THE_RACE[it]: told[it] for it in IN_THE_RACE} == {
        it: [run[it][0], span(run[it][1:])] for it in IN_THE_RACE.values()
    }


def table_rows(text: str) -> dict[str, list[str]]:
    """The cells of each row of a table, by the first one."""
    rows = re.findall(r"^\| ?(.*) \|$", text, re.MULTILINE)
    return {first.strip(): rest for first, *rest in (row.split(" | ") for row in rows)}


def span(cells: list[str]) -> str:
    """What all of them say, or from the least to the most, as in "0 to 2 of 7"."""
    least, *_, most = sorted({it.strip("*") for it in cells}) * 2
    return least if least == most else f"{least.partition(' of ')[0]} to {most}"


@pytest.mark.parametrize("client", WRITTEN_CLIENTS)
def test_the_doctor_knows_a_client_that_was_set_up(client: str, tmp_path: Path) -> None:
    """By the command in the table."""
    home = Home(tmp_path)
    assert home.install(client, "--sandbox").code == 0
    detail = home.doctor()[client]["detail"]
    assert "starts this installation, on the sandbox" in detail
