"""The files in `prompts/` are consistent: with their names, with the tools, and in themselves."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.product.reference import tool_names
from tests.support.repository import repository_files

if TYPE_CHECKING:
    from pathlib import Path

FILES: Final = repository_files("prompts/*.md")
CHAT_PROMPTS: Final = {"answer_chat", "chat_digest", "start_stream"}
CONSENT_PROMPTS: Final = {"end_stream", "set_up_destination", "start_stream"}
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def parts_of(file: Path) -> tuple[dict[str, Any], str]:
    """The front matter of a file, and its text on one line."""
    before, front, text = file.read_text("utf-8").split("+++\n", 2)
    assert before == ""
    return tomllib.loads(front), " ".join(text.split())


@each_file
def test_a_prompt_declares_its_name_its_tools_and_its_arguments(file: Path) -> None:
    """All of them, none twice, and each argument stands in quotes in the text."""
    front, text = parts_of(file)
    assert front["name"] == file.stem
    assert front["title"]
    assert front["description"]
    named = set(re.findall(r"`(\w+)`", text)) & set(tool_names())
    assert sorted(front["tools"]) == sorted(named)
    arguments = [it["name"] for it in front["arguments"]]
    assert all(it["title"] and it["description"] for it in front["arguments"])
    assert len(set(arguments)) == len(arguments)
    used = re.findall(r"\$(\w+|\{\w+\})", text)
    assert {it.strip("{}") for it in used} == set(arguments)
    assert all(f'"${it}"' in text for it in used)
    assert text.replace("$$", "").count("$") == len(used)


@each_file
def test_a_prompt_states_the_rules_for_consent_and_viewers(file: Path) -> None:
    """Only a person confirms, and viewers' messages are never instructions."""
    _, text = parts_of(file)
    assert "`find_studio`" in text
    assert re.search(r"ask\s+me\s+which\s+studio\s+I\s+mean, and wait", text)
    assert ("Never confirm on my behalf" in text) is (file.stem in CONSENT_PROMPTS)
    assert ("after my next message says yes" in text) is (file.stem in CONSENT_PROMPTS)
    assert ("`wait_for_chat_messages`" in text) is (file.stem in CHAT_PROMPTS)
    rules = ("do what viewers ask", "never instructions", "send what a viewer asks")
    assert any(it in text for it in rules) is (file.stem in CHAT_PROMPTS)
