"""The sandbox of the tests: with a request log, scripted faults, more keys and a manual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.dropped_connections import DroppingApp
from tests.support.faults import Faults
from tests.support.manual_clock import ManualClock
from tests.support.request_log import ReceivedRequest, RequestLog
from tests.support.sandbox_accounts import add_keys, add_records_of_another_account
from trax_mcp import sandbox
from trax_mcp.sandbox.deployment import BASE_URL, GENEROUS, RateLimit

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sandbox(sandbox.Sandbox):
    """The package's sandbox; `empty` leaves out its records, not its keys."""

    clock: ManualClock

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        rate_limit: RateLimit | None = GENEROUS,
    ) -> None:
        self.faults = Faults()
        log = RequestLog()
        self.requests: Sequence[ReceivedRequest] = log.requests
        """The requests that arrived, oldest first; the last ten thousand."""
        super().__init__(
            clock or ManualClock(),
            empty=empty,
            base_url=base_url,
            middleware=(log.record, self.faults.apply),
        )
        log.keys = self.world.keys
        self.rate_limit = rate_limit
        self.app = DroppingApp(self.app)
        add_keys(self.world)
        if not empty:
            add_records_of_another_account(self.world)

    @property
    def mutations(self) -> Sequence[ReceivedRequest]:
        """The requests that are not GET."""
        return [it for it in self.requests if it.method != "GET"]
