"""Every row of proof/README.md quotes a promise of a page and names an existing test or target."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proof.breaks.changes import Edit
from proof.breaks.table import BREAKS
from tests import ROOT
from tests.support.markdown_pages import README, Page, docs

MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGE: Final = Page("proof/README.md")


class Row(NamedTuple):
    """The pages of a promise, the promise, and what proves it."""

    pages: tuple[Page, ...]
    promise: str
    proof: str


def rows() -> list[Row]:
    """Each row of the tables."""
    found = re.findall(r"^\| (\[.+?) \| (.+) \| (.+) \|$", PAGE.text, re.MULTILINE)
    return [Row(pages_in(pages), promise, proof) for pages, promise, proof in found]


def pages_in(links: str) -> tuple[Page, ...]:
    """The pages that the first cell links."""
    names = re.findall(r"\[(\w+)\]", links)
    return tuple(README if it == "README" else docs(it) for it in names)


def bold_promises(page: Page, heading: str) -> set[str]:
    """The promises in bold at the start of each line of a list."""
    return set(re.findall(r"^- (\*\*[^*]+\*\*)", page.section(heading), re.MULTILINE))


def test_every_row_quotes_its_pages() -> None:
    """Word for word, so that a promise does not change without its proof."""
    assert rows()
    assert [
        (page.name, row.promise)
        for row in rows()
        for page in row.pages
        if row.promise not in page.flowing_text
    ] == []


def test_every_bold_promise_has_a_row() -> None:
    """In README, and in the list of what can be relied on."""
    lists = {README: "Safe on air", docs("tools"): "What you can rely on"}
    for page, heading in lists.items():
        proven = [row.promise for row in rows() if page in row.pages]
        promises = bold_promises(page, heading)
        assert promises
        assert [it for it in promises if not any(row.startswith(it) for row in proven)] == []


def test_every_row_names_existing_tests_or_make_targets() -> None:
    """At least one of them."""
    for row in rows():
        tests = re.findall(r"(?:tests|proof)/[\w/]+/test_\w+\.py", row.proof)
        found = re.findall(r"`make (\w+)(?: PART=(\w+))?`", row.proof)
        targets = [f"proof-{part}" if part and name == "proof" else name for name, part in found]
        assert tests or targets, row.proof
        assert [it for it in tests if not (ROOT / it).is_file()] == []
        assert [it for it in targets if f"\n{it}:" not in MAKEFILE] == []


def test_every_promise_has_a_break_that_can_be_tried() -> None:
    """`proof/breaks` takes each promise away. mypy checks the names that it patches."""
    promises = {it.promise for it in rows()}
    taken = [{row for row in promises if row.startswith(it.promise)} for it in BREAKS]
    assert [it.promise for it, found in zip(BREAKS, taken, strict=True) if len(found) != 1] == []
    assert promises == set().union(*taken)
    assert [it.test for it in BREAKS if not (ROOT / it.test.partition("::")[0]).is_file()] == []
    edits = [it.change for it in BREAKS if isinstance(it.change, Edit)]
    assert all(it.broken(ROOT) for it in edits)
    assert [it.file for it in edits if it.file.endswith(".py")] == []  # an old .pyc might be loaded
