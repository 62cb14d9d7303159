"""Every row of docs/proof.md quotes a promise of README and names an existing test or target."""

from __future__ import annotations

import re
from typing import Final

from tests import ROOT

PROOF: Final = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
README: Final = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")


def rows() -> list[tuple[str, str]]:
    """Each promise, and what proves it."""
    found = re.findall(r"^\| (.+) \| (.+) \|$", PROOF, re.MULTILINE)
    return [(promise, proof) for promise, proof in found if promise != "README says"]


def test_every_row_quotes_readme() -> None:
    """Word for word, so that a promise does not change without its proof."""
    assert rows()
    assert [promise for promise, _ in rows() if promise not in README] == []


def test_every_bold_promise_of_readme_has_a_row() -> None:
    """In its section of things to rely on."""
    _, _, promises = README.partition("## Other things you can rely on")
    bold = re.findall(r"- (\*\*[^*]+\*\*)", promises.partition(" ## ")[0])
    assert bold
    assert [it for it in bold if it not in dict(rows())] == []


def test_every_row_names_existing_tests_or_make_targets() -> None:
    """At least one of them."""
    for _, proof in rows():
        tests = re.findall(r"tests/\w+/test_\w+\.py", proof)
        targets = re.findall(r"`make (\w+)`", proof)
        assert tests or targets, proof
        assert [it for it in tests if not (ROOT / it).is_file()] == []
        assert [it for it in targets if f"\n{it}:" not in MAKEFILE] == []
