"""Files of prompts: one that says what it does not mean stops the start, and is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.server import prompts
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from pathlib import Path

WHOLE: Final = """\
+++
name = "greet"
title = "Greet"
description = "Say hello."
tools = ["get_health", "find_studio"]

[[arguments]]
name = "who"
title = "Who"
description = "Whom to greet."
required = true
completes = "studios"

[[arguments]]
name = "how"
title = "How"
description = "In which manner."
+++

Say hello to "$who", "${how}". It costs $$5, says `get_health`; `find_studio` and `confirm` agree.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that prompts are read from, for this test alone."""
    monkeypatch.setattr(prompts, "FOLDERS", (tmp_path / "not there", tmp_path))
    return tmp_path


def test_windows_line_ends_are_read_too(folder: Path) -> None:
    """A checkout there may have them."""
    (folder / "greet.md").write_bytes(WHOLE.replace("\n", "\r\n").encode())
    assert [it.name for it in Prompts.load(ToolFilter()).listings()] == ["greet"]


def edited(*edits: tuple[str, str]) -> str:
    """The whole file, with mistakes."""
    text = WHOLE
    for right, wrong in edits:
        assert right in text
        text = text.replace(right, wrong)
    return text


ARGUMENT: Final = '[[arguments]]\nname = "how"\ntitle = "How"\ndescription = "In which manner."\n'

MALFORMED: Final[dict[str, tuple[str, str]]] = {
    "no front matter": ("Say hello.", "greet.md must open with front matter"),
    "nothing": ("", "greet.md must open with front matter"),
    "text before it": ("Hello.\n" + WHOLE, "greet.md must open with front matter"),
    "no end of it": ('+++\nname = "greet"\n', "greet.md must open with front matter"),
    "no TOML": ("+++\nname = greet\n+++\nHello.", "greet.md has wrong front matter"),
    "no name": (edited(('name = "greet"\n', "")), "wrong front matter: (?s:.)*name"),
    "no title": (edited(('title = "Greet"\n', "")), "wrong front matter: (?s:.)*title"),
    "an empty title": (edited(('"Greet"', '" "')), "wrong front matter: (?s:.)*title"),
    "no description": (
        edited(('description = "Say hello."\n', "")),
        "wrong front matter: (?s:.)*description",
    ),
    "no tools": (
        edited(('tools = ["get_health", "find_studio"]\n', "")),
        "wrong front matter: (?s:.)*tools",
    ),
    "an empty list of tools": (
        edited(('["get_health", "find_studio"]', "[]")),
        "wrong front matter: (?s:.)*tools",
    ),
    "an unknown key": (edited(("tools =", "meta = 1\ntools =")), "wrong front matter: (?s:.)*meta"),
    "an argument's unknown key": (
        edited(("completes =", "complete =")),
        "wrong front matter: (?s:.)*complete",
    ),
    "an argument without title": (
        edited(('title = "Who"\n', "")),
        "wrong front matter: (?s:.)*title",
    ),
    "required, sort of": (
        edited(("required = true", 'required = "yes"')),
        "wrong front matter: (?s:.)*required",
    ),
    "an unknown completion": (
        edited(('"studios"', '"viewers"')),
        "wrong front matter: (?s:.)*completes",
    ),
    "no list of arguments": (
        edited((ARGUMENT, ""), ("[[arguments]]", "[arguments]")),
        "wrong front matter: (?s:.)*arguments",
    ),
    "another name than the file": (
        edited(('name = "greet"', 'name = "welcome"')),
        "greet.md must have the name of its file, not welcome",
    ),
    "an unknown tool": (
        edited(('"find_studio"]', '"find_studio", "find_studios"]')),
        r"greet.md lists tools that do not exist: \['find_studios'\]",
    ),
    "a tool that the text does not name": (
        edited(('"find_studio"]', '"find_studio", "go_live"]')),
        r"greet.md must list just the tools .*\['go_live'\]",
    ),
    "a tool that is named and not listed": (
        edited(("`confirm`", "`go_live`")),
        r"greet.md must list just the tools .*\['go_live'\]",
    ),
    "an undeclared placeholder": (
        edited(("$$5", '"$price"')),
        r"greet.md must declare just the arguments that it uses: \['price'\]",
    ),
    "an argument without a place": (
        edited((', "${how}"', "")),
        r"greet.md must declare just the arguments that it uses: \['how'\]",
    ),
    "an argument twice": (edited((ARGUMENT, ARGUMENT * 2)), "greet.md has .* an argument twice"),
    "a lone dollar": (edited(("$$5", "$5")), "greet.md has a lone"),
    "an open brace": (edited(("$$5", "${")), "greet.md has a lone"),
    "a placeholder without quotes": (edited(('"$who"', "$who")), "greet.md must use .* quotes"),
    "one of two without quotes": (
        edited(("It costs", "Yes, ${who}. It costs")),
        "greet.md must use .* quotes",
    ),
}


@pytest.mark.parametrize(("source", "complaint"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_stops_the_start(folder: Path, source: str, complaint: str) -> None:
    """The file is named: whoever wrote it sees it at once and not when someone asks for it."""
    (folder / "greet.md").write_text(source)
    with pytest.raises(ValueError, match=complaint):
        Prompts.load(ToolFilter())
    with pytest.raises(ValueError, match=complaint):
        Prompts.load(ToolFilter(only=frozenset({"get_openapi"})))


def test_the_file_without_the_mistakes_is_right(folder: Path) -> None:
    """So each of them is the mistake."""
    (folder / "greet.md").write_text(WHOLE)
    assert [it.front.tools for it in Prompts.load(ToolFilter()).all()] == [
        ("get_health", "find_studio")
    ]
