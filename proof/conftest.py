"""The tests of this folder start processes, and do not depend on this machine."""

from typing import Final

import pytest

from tests.support.hermetic import isolate_from_machine

isolate_from_machine()

_TIMEOUT_SECONDS: Final = 600
"""Whole tables of real processes take longer than a test of the gate may."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound each test."""
    for item in items:
        item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))
