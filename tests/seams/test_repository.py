"""Which files are the repository's: git says so, or `.gitignore` in an archive without git."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.support.repository import listed_by_git, not_ignored, repository_files

if TYPE_CHECKING:
    from pathlib import Path

KEPT: Final = (".gitignore", "README.md", "docs/page.md", "trax_mcp/build.py")
LEFT: Final = (
    *("trax_mcp/__pycache__/build.cpython-311.pyc", "build/trax_mcp/a.py", ".venv/lib/b.py"),
    *("docs/page.md~", "docs/.page.md.swp", ".idea/notes.md", ".vscode/c.json", "venv/d.py"),
    *(".pytest_cache/README.md", "proof/node_modules/e/README.md", "deploy/secrets/key"),
)


def test_git_and_the_rules_list_the_same_files_of_this_repository() -> None:
    """`__pycache__`, which this run has left, is in neither."""
    files = {*not_ignored(ROOT)}
    assert files == {*repository_files()}
    assert ROOT / "tests/seams/test_repository.py" in files


@pytest.mark.parametrize("has_git", [False, True], ids=["an archive", "a clone"])
def test_what_a_run_or_an_editor_leaves_is_no_file_of_it(tmp_path: Path, *, has_git: bool) -> None:
    for name in (*KEPT, *LEFT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    if has_git:
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)  # noqa: S607  git
    listed = listed_by_git if has_git else not_ignored
    assert {it.relative_to(tmp_path).as_posix() for it in listed(tmp_path)} == {*KEPT}
