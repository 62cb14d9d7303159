"""Writes generated files, names the changed ones, and tells which are out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def out_of_date(files: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or hold another text, by their paths in the repository."""
    return [it for it, text in files.items() if _read(ROOT / it) != text]


def write(path: Path, text: str) -> None:
    """Write a file of the repository, and print its name, if it is out of date."""
    if out_of_date({path: text}):
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print((ROOT / path).relative_to(ROOT))  # noqa: T201  `make docs` says what it has changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
