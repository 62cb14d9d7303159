"""Generated files are up to date, and no others exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import ROOT
from tests.support.generated_files import TOOLSNAPS, generated_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", generated_files(), ids=str)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    """`make docs` writes it."""
    assert (ROOT / path).read_text(encoding="utf-8") == generated_files()[path]


def test_every_snapshot_belongs_to_an_existing_tool() -> None:
    """The snapshot of a removed tool is removed too."""
    present = {path.relative_to(ROOT) for path in (ROOT / TOOLSNAPS).iterdir()}
    assert present == {path for path in generated_files() if path.parent == TOOLSNAPS}
