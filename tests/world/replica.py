"""One server of a world: in this process, or a process of its own that a test ends or suspends."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.product.memory import SharedRecords

if TYPE_CHECKING:
    from tests.support.product.server import Product
    from tests.support.server_process import Running


@dataclass
class Replica:
    """One server. `address` is its URL without the path, if it has one."""

    product: Product | None = None
    address: str = ""
    process: Running | None = None

    @property
    def engine(self) -> SharedRecords:
        """The connection of a replica in this process to what all replicas share."""
        assert self.product is not None
        assert self.product.memory is not None
        assert isinstance(self.product.memory.records, SharedRecords)
        return self.product.memory.records

    def kill(self) -> None:
        """End its process at once, as when its machine fails."""
        self._signal(signal.SIGKILL)

    def suspend(self) -> None:
        """Stop its process, as when its machine sleeps."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let its process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.process.send_signal(number)
