"""The words that a model reads, as committed texts: each answer in words, preview and failure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.conftest import text_of
from tests.support.answer_snapshots import FATES, FOLDER, READING, answer_texts
from tests.support.approval_setup import approval_setups
from tests.support.product.virtual_time import in_virtual_time
from tests.support.written_files import out_of_date

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

SPEAKS_OF_CHANGES: Final = re.compile(r"\b(changed?|changes|effect|applied)\b")
BROKEN: Final = [*FATES, "unreachable"]


@in_virtual_time
async def test_every_text_is_as_it_was_committed() -> None:
    """`python -m tests.support.answer_snapshots` writes them."""
    expected = await answer_texts()
    assert out_of_date(expected) == [], "run `make docs`"
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


async def test_a_call_says_that_it_was_approved_on_a_page(
    sandbox: Sandbox, clock: HandClock, tmp_path: Path
) -> None:
    """The page is on a real port, which virtual time cannot have."""
    async with approval_setups(sandbox, clock, tmp_path / "audit.jsonl")() as it:
        call = it.start("go_live")
        question = await it.page.next()
        clock.advance(1)
        await question.press(question.yes)
        text = text_of(await call.result())
    assert " Approved on the page in the browser." in text
