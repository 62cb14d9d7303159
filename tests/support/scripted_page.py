"""A page without a browser: the test shows and answers its approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from trax_mcp.consent.approval import Approval


class ScriptedPage:
    """Keeps the approvals that it was given. `reports`: it reports each question at once."""

    def __init__(self, *, available: bool = True, reports: bool = True) -> None:
        self.available = available
        self.reports = reports
        self.approvals: list[Approval] = []
        self.delays: list[float] = []
        self._shown = anyio.Event()

    def can_open(self) -> bool:
        """As the test says."""
        return self.available

    def show(self, approval: Approval, *, after_seconds: float = 0) -> None:
        """Keep an approval."""
        self.approvals.append(approval)
        self.delays.append(after_seconds)
        if self.reports:
            approval.report(approval.question_id)
        self._shown.set()
        self._shown = anyio.Event()

    async def next(self, number: int = 1) -> Approval:
        """Wait for the approval of this number."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.approvals) < number:
                await self._shown.wait()
        return self.approvals[number - 1]

    def close(self) -> None:
        """Nothing to leave behind."""
