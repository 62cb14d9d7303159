"""What is written from the code is as `make docs` would write it, and nothing is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import ROOT
from tests.generated import TOOLSNAPS, generated

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", generated(), ids=str)
def test_a_generated_file_is_as_it_would_be_written(path: Path) -> None:
    """Every word of every listing is among them, so no change goes unseen."""
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path]


def test_every_snapshot_is_of_a_tool_that_is_there() -> None:
    """One that is gone takes its file along."""
    kept = {path.relative_to(ROOT) for path in (ROOT / TOOLSNAPS).iterdir()}
    assert kept == {path for path in generated() if path.parent == TOOLSNAPS}
