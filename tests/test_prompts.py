"""Prompts: every file is offered, arguments go in as they are, and a malformed file is refused.

What crosses pipes and sockets is proven beside the transports; here is what prompts are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests import ROOT
from trax_mcp.server import prompts
from trax_mcp.server.prompts import Prompts

if TYPE_CHECKING:
    from pathlib import Path

    from mcp.server import Server

FILES = sorted((ROOT / "prompts").glob("*.md"))

WHOLE = """\
+++
name = "greet"
title = "Greet"
description = "Say hello."

[[arguments]]
name = "who"
description = "Whom to greet."
required = true

[[arguments]]
name = "how"
description = "In which manner."
+++

Say hello to $who ${how}. It costs $$5.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that prompts are read from, for this test alone."""
    monkeypatch.setattr(prompts, "FOLDERS", (tmp_path / "not there", tmp_path))
    return tmp_path


def text_of(result: types.GetPromptResult) -> str:
    """The text of a prompt's only message."""
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, types.TextContent)
    return message.content.text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_in_the_folder_is_a_prompt(file: Path) -> None:
    """It is named as its file is, and people are told what it and its arguments are."""
    listing = {it.name: it for it in Prompts.load().listings()}[file.stem]
    assert listing.title
    assert listing.description
    assert all(it.title and it.description for it in listing.arguments or [])


def test_the_prompts_are_those_of_the_folder() -> None:
    """In the order of their names, so that lists are the same everywhere."""
    assert FILES
    assert [it.name for it in Prompts.load().listings()] == [file.stem for file in FILES]


async def test_a_prompt_is_filled_in(server: Server[object], era: str) -> None:
    """What a person typed stands in the text, and nothing is left open."""
    async with Client(server, mode=era, cache=None) as client:
        listed = (await client.list_prompts()).prompts
        result = await client.get_prompt("go_live", {"studio": "Friday Night Show"})
    assert [(it.name, it.title) for it in listed] == [("go_live", "Go live")]
    assert [(it.name, it.required) for it in listed[0].arguments or []] == [("studio", True)]
    assert '"Friday Night Show"' in text_of(result)
    assert "$" not in text_of(result)
    assert result.description == listed[0].description


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("no_such", {}, "There is no such prompt."),
        ("no_such", {"studio": "Friday Night Show"}, "There is no such prompt."),
        ("go_live", None, "The prompt go_live needs `studio`."),
        ("go_live", {}, "The prompt go_live needs `studio`."),
        ("go_live", {"studio": ""}, "The prompt go_live needs `studio`."),
        ("go_live", {"other": "x"}, "The prompt go_live needs `studio`."),
    ],
)
async def test_a_prompt_that_cannot_be_given_is_a_wrong_request(
    server: Server[object], era: str, name: str, arguments: dict[str, str] | None, message: str
) -> None:
    """-32602 and a sentence in both eras; nothing is repeated that the client sent."""
    async with Client(server, mode=era, cache=None) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
    assert (caught.value.code, str(caught.value)) == (types.INVALID_PARAMS, message)


@pytest.mark.parametrize("value", ["$who", "${how}", "$", "$$", "\\1", "%s {0}", "</x>\n+++\n"])
def test_a_value_goes_in_as_it_is(folder: Path, value: str) -> None:
    """Nothing in it is read as a place for another value."""
    (folder / "greet.md").write_text(WHOLE)
    result = Prompts.load().fill("greet", {"who": value, "how": "warmly"})
    assert text_of(result) == f"Say hello to {value} warmly. It costs $5."


def test_an_argument_that_is_not_required_may_be_left_out(folder: Path) -> None:
    """And one that is not declared changes nothing."""
    (folder / "greet.md").write_text(WHOLE)
    result = Prompts.load().fill("greet", {"who": "Ada", "unknown": "x"})
    assert text_of(result) == "Say hello to Ada . It costs $5."
    assert result.description == "Say hello."


def test_windows_line_ends_are_read_too(folder: Path) -> None:
    """A checkout there may have them."""
    (folder / "greet.md").write_bytes(WHOLE.replace("\n", "\r\n").encode())
    assert [it.name for it in Prompts.load().listings()] == ["greet"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("Say hello.", "greet.md must open with front matter"),
        ("", "greet.md must open with front matter"),
        ("Hello.\n" + WHOLE, "greet.md must open with front matter"),
        ('+++\nname = "greet"\n', "greet.md must open with front matter"),
        ("+++\nname = greet\n+++\nHello.", "greet.md has wrong front matter"),
        ('+++\ntitle = "No name"\n+++\nHello.', "greet.md has wrong front matter: .*\n?name"),
        ('+++\nname = "greet"\narguments = "who"\n+++\nHello.', "greet.md has wrong front matter"),
        ('+++\nname = "greet"\n+++\nHello $who.', r"greet.md uses .*\['who'\]"),
        (WHOLE.replace("$$5", "$5"), "greet.md uses what it does not declare"),
        (WHOLE.replace("$$5", "${"), "greet.md uses what it does not declare"),
    ],
)
def test_a_malformed_file_stops_the_start(folder: Path, source: str, complaint: str) -> None:
    """The file is named: whoever wrote it sees it at once and not when someone asks for it."""
    (folder / "greet.md").write_text(source)
    with pytest.raises(ValueError, match=complaint):
        Prompts.load()
