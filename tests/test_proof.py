"""What the proof claims to show is promised, and what it names is there to be run."""

from __future__ import annotations

import re
from typing import Final

from tests import ROOT

PROOF: Final = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
README: Final = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")


def rows() -> list[tuple[str, str]]:
    """What README says, and what shows it."""
    found = re.findall(r"^\| (.+) \| (.+) \|$", PROOF, re.MULTILINE)
    return [(said, shown) for said, shown in found if said != "README says"]


def test_what_is_shown_is_what_readme_says() -> None:
    """Word for word, so that a promise cannot change without its proof."""
    assert rows()
    assert [said for said, _ in rows() if said not in README] == []


def test_what_can_be_relied_on_is_shown() -> None:
    """Every promise that README sets in bold has a row."""
    _, _, promises = README.partition("## Other things you can rely on")
    bold = re.findall(r"- (\*\*[^*]+\*\*)", promises.partition(" ## ")[0])
    assert bold
    assert [it for it in bold if it not in dict(rows())] == []


def test_every_command_is_one_that_there_is() -> None:
    """Each row names tests that there are, or a target of the Makefile."""
    for _, shown in rows():
        tests = re.findall(r"tests/test_\w+\.py", shown)
        targets = re.findall(r"`make (\w+)`", shown)
        assert tests or targets, shown
        assert [it for it in tests if not (ROOT / it).is_file()] == []
        assert [it for it in targets if f"\n{it}:" not in MAKEFILE] == []
