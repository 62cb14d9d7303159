"""Says that this replica is alive, and tells which others are gone."""

import logging
import math
import secrets
from collections.abc import Collection
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.replicas.failures import EngineAway

_LOG: Final = logging.getLogger(__name__)

ALIVE_SECONDS: Final = 2.0
"""A replica that was silent for so long is gone, and its calls are ended."""
BEAT_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 0.1
_LATE_SECONDS: Final = ALIVE_SECONDS - BEAT_SECONDS
"""If a beat is so late, others may have been held up as well, as when a machine stands still."""
_AWAY: Final = "The engine at TRAX_STORE_URL does not answer: guarded calls but stops are refused."
_BACK: Final = "The engine at TRAX_STORE_URL answers again."


class Heartbeat:
    """The heartbeat of one replica. `replica` is its name, which is new at every start."""

    def __init__(self, engine: Engine) -> None:
        self.replica = secrets.token_hex(8)
        self._engine = engine
        self._heard_at = -math.inf
        self._steady_since = math.inf

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Beat without an end. It has started after the first attempt."""
        was_heard = True
        while True:
            is_heard = await self._beat()
            if was_heard and not is_heard:
                _LOG.warning(_AWAY)
            elif is_heard and not was_heard:
                _LOG.warning(_BACK)
            was_heard = is_heard
            task_status.started()
            task_status = TASK_STATUS_IGNORED
            await anyio.sleep(BEAT_SECONDS if is_heard else _AGAIN_SECONDS)

    async def gone(self, replicas: Collection[str]) -> frozenset[str]:
        """Those of some replicas that are gone.

        Empty while this one was not heard in time either: then the others could not be heard.
        """
        others = sorted({*replicas} - {self.replica, ""})
        if not others or not self._is_steady:
            return frozenset()
        alive = await self._engine.are_alive([_name(it) for it in others])
        if not self._is_steady:  # all may have stood still before the engine was asked
            return frozenset()
        return frozenset(it for it, is_alive in zip(others, alive, strict=True) if not is_alive)

    async def _beat(self) -> bool:
        try:
            await self._engine.announce(_name(self.replica), seconds=ALIVE_SECONDS)
        except EngineAway:
            self._steady_since = math.inf
            return False
        now = anyio.current_time()
        self._steady_since = now if self._is_late else min(self._steady_since, now)
        self._heard_at = now
        return True

    @property
    def _is_steady(self) -> bool:
        steady_seconds = anyio.current_time() - self._steady_since
        return not self._is_late and steady_seconds >= ALIVE_SECONDS

    @property
    def _is_late(self) -> bool:
        return anyio.current_time() - self._heard_at > _LATE_SECONDS


def _name(replica: str) -> str:
    return f"{TAG}:alive:{replica}"
