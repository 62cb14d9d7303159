"""The engine that replicas share: Valkey or Redis. Commands are never repeated by themselves.

Each command runs in a task of its own, so that nothing that redis-py does in there, as to close a
connection to an engine that hangs, can hold up or end the task that asked.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Never, TypeVar

import anyio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from trax_mcp.consent.store import StoreUnavailable

ResultT = TypeVar("ResultT")

TAG: Final = "{trax}"
"""All names have this part, so that one node of a cluster holds all of them."""
# asyncio raises the last one if TLS was closed under a command (CPython 3.11, asyncio.sslproto).
_FAILURES: Final = (RedisError, OSError, TimeoutError, AttributeError)
_TIMEOUT_SECONDS: Final = 1.0
_CONNECTIONS: Final = 16
"""The most commands at once. More wait for their turn, which is a matter of milliseconds."""
_RETRY_SECONDS: Final = 0.5
"""How long the engine is taken to be away after it did not answer."""
_CHECK_SECONDS: Final = 0.5
_IS_AWAY: Final = (
    "Valkey at TRAX_STORE_URL doesn't answer: guarded calls are refused, but not go_offline."
)
_IS_BACK: Final = "Valkey at TRAX_STORE_URL answers again."

_LOG: Final = logging.getLogger(__name__)


class Engine:
    """A connection to the engine."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            max_connections=4 * _CONNECTIONS,  # some may hang
        )
        self._turns = anyio.Semaphore(_CONNECTIONS, fast_acquire=True)
        self._scripts: dict[str, Any] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._away_until = 0.0
        self._watch: asyncio.Future[Never] | None = None
        self.answers = True
        """Whether it has taken the last write of `watch`, and has answered since."""

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        """Run a script, and return its answer.

        Raises:
            StoreUnavailable: it does not answer. Whether the script has run is not known.
        """
        registered = self._scripts.setdefault(script, self._redis.register_script(script))
        return await self._call(lambda: registered(keys=keys, args=arguments))

    async def check(self) -> None:
        """Ask whether it is there and takes writes, also if it was just away.

        Raises:
            StoreUnavailable: it does not answer, or takes none.
        """
        await self._attempt(lambda: self._redis.set(f"{TAG}:check", b"", px=1))
        self._away_until = 0.0

    def watch(self) -> None:
        """Check it from now on, until it is closed: it may have no memory left, and answer."""
        if self._watch is None:
            self._watch = self._in_background(self._check_forever())

    async def _check_forever(self) -> Never:
        while True:
            try:
                await self.check()
                self._note(answers=True)
            except StoreUnavailable:
                self._note(answers=False)
            except Exception:  # noqa: BLE001  a bug here must not leave it unchecked
                _LOG.exception("checking the engine failed")
            await anyio.sleep(_CHECK_SECONDS)

    def _note(self, *, answers: bool) -> None:
        if answers is not self.answers and self._watch is not None:
            _LOG.warning(_IS_BACK if answers else _IS_AWAY)
        self.answers = answers

    async def info(self) -> Mapping[str, object]:
        """The engine's description of itself.

        Raises:
            StoreUnavailable: it does not answer, or does not say.
        """
        return await self._call(lambda: self._redis.info("memory"))

    async def aclose(self) -> None:
        """Close all connections. One that hangs is left."""
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.wait({self._in_background(self._redis.aclose())}, timeout=_TIMEOUT_SECONDS)

    async def _call(self, command: Callable[[], Awaitable[ResultT]]) -> ResultT:
        if self._is_away:
            raise StoreUnavailable
        async with self._turns:
            if self._is_away:  # it was noticed meanwhile
                raise StoreUnavailable
            return await self._attempt(command)

    @property
    def _is_away(self) -> bool:
        return anyio.current_time() < self._away_until

    async def _attempt(self, command: Callable[[], Awaitable[ResultT]]) -> ResultT:
        task = self._in_background(command())
        try:
            await asyncio.wait({task}, timeout=_TIMEOUT_SECONDS)
        finally:
            if not task.done():
                task.cancel()
        if not task.done() or task.cancelled():
            self._note_silence()
            raise StoreUnavailable
        match task.exception():
            case None:
                return task.result()
            case ResponseError() as error:  # it answers: this alone is refused, as without memory
                raise StoreUnavailable from error
            case error if isinstance(error, _FAILURES):
                self._note_silence()
                raise StoreUnavailable from error
            case error:
                raise error

    def _in_background(self, work: Awaitable[ResultT]) -> "asyncio.Future[ResultT]":
        """Run work in a task of its own, whose failure nobody has to take."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: "asyncio.Future[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _note_silence(self) -> None:
        self._away_until = anyio.current_time() + _RETRY_SECONDS
        self._note(answers=False)
        # Others that wait in the pool may be gone as well, and each would take its time.
        pool = self._redis.connection_pool
        self._in_background(pool.disconnect(inuse_connections=False))
