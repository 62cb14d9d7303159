"""The pages of signing in, on a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.sign_in_browser import ServedSignIn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedSignIn]:
    """The pages of a server."""
    served = ServedSignIn(tmp_path)
    yield served
    served.store.close()
