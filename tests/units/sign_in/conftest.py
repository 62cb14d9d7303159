"""A server on a new file of sign-ins."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.units.sign_in.sign_in_files import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trax_mcp.sign_in.sign_ins import SignIns


@pytest.fixture
def files(tmp_path: Path) -> Files:
    folder = tmp_path / "files"
    folder.mkdir()
    return Files(folder)


@pytest.fixture
def server(files: Files) -> Iterator[SignIns]:
    with closing(files.opened()) as opened:
        yield opened
