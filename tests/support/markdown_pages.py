"""The pages of the repository, with their blocks, tables, commands, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests import ROOT
from tests.support.repository import repository_files

_FENCED: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """A Markdown page, by its path in the repository."""

    name: str

    @property
    def text(self) -> str:
        """The whole page."""
        return (ROOT / self.name).read_text(encoding="utf-8")

    @property
    def flowing_text(self) -> str:
        """The page with single blanks in place of line ends."""
        return " ".join(self.text.split())

    @property
    def prose(self) -> str:
        """The page without fenced blocks."""
        return _FENCED.sub("", self.text)

    def blocks(self, kind: str) -> list[str]:
        """The fenced blocks of one kind."""
        return re.findall(rf"^```{kind}\n(.*?)\n```$", self.text, re.DOTALL | re.MULTILINE)

    def section(self, title: str) -> str:
        """The text under a heading of the second level."""
        _, found, rest = self.text.partition(f"\n## {title}\n")
        assert found, title
        return rest.partition("\n## ")[0]

    def column(self, title: str, number: int) -> list[str]:
        """A column of the table under a heading."""
        rows = [it for it in self.section(title).splitlines() if it.startswith("| ")]
        return [row.split(" | ")[number].removeprefix("| ") for row in rows[1:]]

    def row(self, name: str) -> list[str]:
        """The cells after the first one of a row, without bold."""
        (line,) = (it for it in self.text.splitlines() if it.startswith(f"| {name} |"))
        return [it.strip("* ") for it in line.split("|")[2:-1]]

    def commands(self, kind: str = "sh") -> list[str]:
        """The commands in blocks of one kind, each as one line without its comment."""
        lines = "\n".join(self.blocks(kind)).replace("\\\n", " ").splitlines()
        return [line.partition("  #")[0].rstrip() for line in lines if not line.startswith(" ")]

    def inline_commands(self) -> list[str]:
        """Our commands and the Makefile's targets within sentences and tables."""
        found = re.findall(r"`((?:make|(?:\.venv/bin/)?trax-mcp)(?: [^`]+)?)`", self.prose)
        return [" ".join(it.split()) for it in found if it != "make"]

    def anchors(self) -> set[str]:
        """The fragments that a link can have, one per heading."""
        headings = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", it).lower().replace(" ", "-") for it in headings}

    def links(self) -> list[str]:
        """The targets of all links and pictures."""
        written_in_place = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return written_in_place + re.findall(r"^\[\w+\]: (\S+)$", self.prose, re.MULTILINE)


README: Final = Page("README.md")
CONTRIBUTING: Final = Page("CONTRIBUTING.md")
DOCS: Final = tuple(Page(it.relative_to(ROOT).as_posix()) for it in repository_files("docs/*.md"))
USER_PAGES: Final = (README, *DOCS)
"""All that a user reads."""


def docs(name: str) -> Page:
    """A page of `docs/` by its name without the ending."""
    return Page(f"docs/{name}.md")
