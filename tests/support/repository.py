"""The files of the repository, for tests that read them: nothing that a run or an editor leaves."""

from __future__ import annotations

import subprocess
from fnmatch import fnmatch
from functools import cache
from shutil import which
from typing import TYPE_CHECKING

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def repository_files(*patterns: str) -> list[Path]:
    """Those that match one of these patterns, or all, in order."""
    files = _files(ROOT)
    if not patterns:
        return sorted(files)
    return sorted(files.intersection(it for pattern in patterns for it in ROOT.glob(pattern)))


def listed_by_git(root: Path) -> Iterator[Path]:
    """What is committed or may be. Nothing where there is no git, or it refuses (another owner)."""
    if (root / ".git").exists() and (git := which("git")):
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)  # noqa: S603  git
        files = [root / name for name in listed.stdout.split("\0") if name]
        yield from (it for it in files if it.is_file())  # it may be deleted, but not yet in git


def not_ignored(root: Path) -> Iterator[Path]:
    """The same by `.gitignore`, whose rules are names with `*` and paths from here."""
    rules = [it.strip("/") for it in (root / ".gitignore").read_text(encoding="utf-8").split()]
    folders = [root]
    while folders:
        for it in folders.pop().iterdir():
            names = (it.name, it.relative_to(root).as_posix())
            if it.name == ".git" or any(fnmatch(name, rule) for name in names for rule in rules):
                continue
            if it.is_dir():
                folders.append(it)
            else:
                yield it


@cache
def _files(root: Path) -> frozenset[Path]:
    return frozenset(listed_by_git(root)) or frozenset(not_ignored(root))
