"""What a model reads, as committed texts: each answer in words, preview and failure."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests import ROOT
from tests.support.answer_snapshots import FATES, FOLDER, READING, answer_texts
from tests.support.product.virtual_time import in_virtual_time

SPEAKS_OF_CHANGES: Final = re.compile(r"\b(changed?|changes|effect|applied)\b")
BROKEN: Final = [*FATES, "unreachable"]


@in_virtual_time
async def test_every_text_is_as_it_was_committed() -> None:
    """`python -m tests.support.answer_snapshots` writes them."""
    expected = await answer_texts()
    assert {it for it in expected if (ROOT / it).read_text("utf-8") != expected[it]} == set()
    present = {it.relative_to(ROOT) for it in (ROOT / FOLDER).rglob("*.txt")}
    assert present == set(expected)


@pytest.mark.parametrize("name", BROKEN)
def test_no_failed_read_speaks_of_changes(name: str) -> None:
    """A person who only looks need not wonder what was changed."""
    text = (ROOT / FOLDER / "trax-is-broken" / f"{name}.txt").read_text("utf-8")
    reads = {
        tool: failure
        for tools, failure in re.findall(r"^(\w+(?:, \w+)*)\n  (.*)$", text, re.MULTILINE)
        for tool in tools.split(", ")
        if tool in READING
    }
    assert reads.keys() == READING
    assert [tool for tool, failure in reads.items() if SPEAKS_OF_CHANGES.search(failure)] == []
