"""A clock that a test sets. It stands still meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.units.studio_facts import NOW
from trax_mcp.clock import Clock

if TYPE_CHECKING:
    from datetime import datetime


class SetClock(Clock):
    """A clock that is advanced by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()
