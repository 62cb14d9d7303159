"""The setup of the tests of approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import approval_setups

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.approval_setup import OpenSetup
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock


@pytest.fixture
def open_setup(sandbox: Sandbox, clock: HandClock, tmp_path: Path) -> OpenSetup:
    """Opens a server with a page, and a client of it."""
    return approval_setups(sandbox, clock, tmp_path / "audit.jsonl")
