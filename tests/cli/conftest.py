"""Shared fixtures: a home folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)
