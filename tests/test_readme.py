"""README tells what is so: it quotes what the server says, and its settings are those there are."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from tests.exchanges import README, play, quoting
from trax_mcp.settings import PREFIX, Settings

TEXT: Final = README.read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind."""
    return re.findall(rf"```{kind}\n(.*?)\n```", TEXT, re.DOTALL)


def section(title: str) -> str:
    """What stands under a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def settings_in(text: str) -> set[str]:
    """The settings that a text names."""
    return set(re.findall(rf"\b{PREFIX}[A-Z_]+", text))


async def test_the_exchanges_are_what_the_server_says() -> None:
    """Word for word. `python -m tests.exchanges` writes them anew, for you to read."""
    assert quoting(TEXT, await play()) == TEXT


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    """Both ways: what can be set is told, and what is told can be set."""
    rows = re.findall(r"^\| (`TRAX_.*?) \|", section("Settings"), re.MULTILINE)
    assert settings_in("\n".join(rows)) == {PREFIX + it.upper() for it in Settings.model_fields}
    assert settings_in(TEXT) <= settings_in("\n".join(rows))


def test_every_default_is_the_one_that_holds() -> None:
    """As far as the table gives one as a value."""
    rows = re.findall(r"^\| `(TRAX_\w+)` \| `?([\w:/.-]+)`? \|", section("Settings"), re.MULTILINE)
    assert rows
    defaults = {PREFIX + name.upper(): it.default for name, it in Settings.model_fields.items()}
    told = {"none": (None, ()), "off": (False,), "all": ((),)}
    for name, default in rows:
        allowed = told.get(default, (default,))
        assert defaults[name] in allowed or str(defaults[name]) in allowed, name


@pytest.mark.parametrize("block", blocks("json"))
def test_every_piece_of_json_is_json(block: str) -> None:
    """It can be copied into a configuration as it is."""
    assert isinstance(json.loads(block), dict)


def test_every_link_leads_somewhere() -> None:
    """Files of the repository, and headings of this page."""
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {"#" + re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target in anchors or (README.parent / target).is_file(), target
