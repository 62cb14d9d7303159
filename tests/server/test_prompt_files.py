"""Prompt files: an invalid file stops the start with an error that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.server import prompts
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from pathlib import Path

VALID: Final = """\
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
    """The folder that prompts are read from in this test."""
    monkeypatch.setattr(prompts, "FOLDERS", (tmp_path / "not there", tmp_path))
    return tmp_path


def test_windows_line_ends_are_accepted(folder: Path) -> None:
    """A checkout on Windows may have them."""
    (folder / "greet.md").write_bytes(VALID.replace("\n", "\r\n").encode())
    assert [it.name for it in Prompts.load(ToolFilter()).listings()] == ["greet"]


def edited(*edits: tuple[str, str]) -> str:
    """The valid file with these mistakes."""
    text = VALID
    for correct, mistake in edits:
        assert correct in text
        text = text.replace(correct, mistake)
    return text


ARGUMENT: Final = '[[arguments]]\nname = "how"\ntitle = "How"\ndescription = "In which manner."\n'

MALFORMED: Final[dict[str, tuple[str, str]]] = {
    "no front matter": ("Say hello.", "greet.md must open with front matter"),
    "empty file": ("", "greet.md must open with front matter"),
    "text before the front matter": ("Hello.\n" + VALID, "greet.md must open with front matter"),
    "unclosed front matter": ('+++\nname = "greet"\n', "greet.md must open with front matter"),
    "invalid TOML": ("+++\nname = greet\n+++\nHello.", "greet.md has wrong front matter"),
    "no name": (edited(('name = "greet"\n', "")), "wrong front matter: (?s:.)*name"),
    "no title": (edited(('title = "Greet"\n', "")), "wrong front matter: (?s:.)*title"),
    "empty title": (edited(('"Greet"', '" "')), "wrong front matter: (?s:.)*title"),
    "no description": (
        edited(('description = "Say hello."\n', "")),
        "wrong front matter: (?s:.)*description",
    ),
    "no tools": (
        edited(('tools = ["get_health", "find_studio"]\n', "")),
        "wrong front matter: (?s:.)*tools",
    ),
    "empty list of tools": (
        edited(('["get_health", "find_studio"]', "[]")),
        "wrong front matter: (?s:.)*tools",
    ),
    "unknown key": (edited(("tools =", "meta = 1\ntools =")), "wrong front matter: (?s:.)*meta"),
    "unknown key of an argument": (
        edited(("completes =", "complete =")),
        "wrong front matter: (?s:.)*complete",
    ),
    "argument without title": (
        edited(('title = "Who"\n', "")),
        "wrong front matter: (?s:.)*title",
    ),
    "required is not a boolean": (
        edited(("required = true", 'required = "yes"')),
        "wrong front matter: (?s:.)*required",
    ),
    "unknown completion": (
        edited(('"studios"', '"viewers"')),
        "wrong front matter: (?s:.)*completes",
    ),
    "arguments is not a list": (
        edited((ARGUMENT, ""), ("[[arguments]]", "[arguments]")),
        "wrong front matter: (?s:.)*arguments",
    ),
    "name differs from the file name": (
        edited(('name = "greet"', 'name = "welcome"')),
        "greet.md must have the name of its file, not welcome",
    ),
    "unknown tool": (
        edited(('"find_studio"]', '"find_studio", "find_studios"]')),
        r"greet.md lists tools that do not exist: \['find_studios'\]",
    ),
    "listed tool that the text does not name": (
        edited(('"find_studio"]', '"find_studio", "go_live"]')),
        r"greet.md must list just the tools .*\['go_live'\]",
    ),
    "named tool that is not listed": (
        edited(("`confirm`", "`go_live`")),
        r"greet.md must list just the tools .*\['go_live'\]",
    ),
    "undeclared placeholder": (
        edited(("$$5", '"$price"')),
        r"greet.md must declare just the arguments that it uses: \['price'\]",
    ),
    "argument without placeholder": (
        edited((', "${how}"', "")),
        r"greet.md must declare just the arguments that it uses: \['how'\]",
    ),
    "duplicate argument": (edited((ARGUMENT, ARGUMENT * 2)), "greet.md has .* an argument twice"),
    "lone dollar sign": (edited(("$$5", "$5")), "greet.md has a lone"),
    "open brace": (edited(("$$5", "${")), "greet.md has a lone"),
    "placeholder without quotes": (edited(('"$who"', "$who")), "greet.md must use .* quotes"),
    "one of two placeholders without quotes": (
        edited(("It costs", "Yes, ${who}. It costs")),
        "greet.md must use .* quotes",
    ),
}


@pytest.mark.parametrize(("source", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_stops_the_start(folder: Path, source: str, message: str) -> None:
    """Even if the prompt would be hidden."""
    (folder / "greet.md").write_text(source)
    with pytest.raises(ValueError, match=message):
        Prompts.load(ToolFilter())
    with pytest.raises(ValueError, match=message):
        Prompts.load(ToolFilter(only=frozenset({"get_openapi"})))


def test_the_file_without_mistakes_is_valid(folder: Path) -> None:
    """So each edit above is the mistake."""
    (folder / "greet.md").write_text(VALID)
    assert [it.front.tools for it in Prompts.load(ToolFilter()).all()] == [
        ("get_health", "find_studio")
    ]
