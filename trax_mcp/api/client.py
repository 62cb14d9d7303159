"""Sends operations for a caller and returns their answers.

`http_exchange` does one HTTP exchange, `responses` interprets it and `retries` decides whether to
send again.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import anyio

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import client_setup_failed, no_key
from trax_mcp.api.errors import BadAnswer, TraxError
from trax_mcp.api.operation import Answer_co, Operation
from trax_mcp.api.responses import Answer, read_model, read_response
from trax_mcp.api.retries import pause_before_retry

if TYPE_CHECKING:
    import httpx

    from trax_mcp.api.http_exchange import HttpExchange


class Client:
    """TRaX over HTTP.

    `timeout_seconds` limits one request as a whole, from connecting to the last byte.
    Tests replace `transport`, `sleep` and `now`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        transport: "httpx.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.base_url = base_url
        self.timeout_seconds = timeout_seconds
        self.transport = transport
        self.accepted_keys = AcceptedKeys()
        self._sleep = sleep
        self._now = now

    async def call(
        self,
        operation: Operation[Answer_co],
        caller: Caller,
        *,
        retry: bool = True,
        urgent: bool = False,
    ) -> Answer_co:
        """As `send`, and return the answer as a model.

        Raises:
            TraxError: as `send`; also BadAnswer if the answer lacks a required field.
        """
        return read_model(operation, await self.send(operation, caller, retry=retry, urgent=urgent))

    async def send(
        self,
        operation: Operation[Answer_co],
        caller: Caller,
        *,
        retry: bool = True,
        urgent: bool = False,
    ) -> Answer[Answer_co]:
        """Send an operation and return what TRaX answered.

        With `retry`, calls that can safely be repeated are sent again after some failures. An
        `urgent` call does not wait for ordinary ones; a stop is always urgent.

        Raises:
            NotSent: the caller has no key and the call needs one, or has too many calls in flight.
            NoConnection: TRaX could not be reached; nothing was sent.
            LostAnswer: sent, and no answer came back in time.
            Refused: TRaX answered with an error.
            BadAnswer: TRaX accepted the call, but its answer cannot be read.
        """
        if caller.key is None and not operation.call.public:
            raise no_key()
        tries = 0
        while True:
            tries += 1
            try:
                response = await self._exchange.run(
                    operation, caller, urgent=urgent or operation.stops_broadcast
                )
                answer = read_response(operation, response, caller)
            except TraxError as error:
                self.accepted_keys.record_failure(error.failure, operation, caller)
                if isinstance(error, BadAnswer):  # TRaX accepted the call
                    self.accepted_keys.record_answer(operation, caller)
                pause = pause_before_retry(
                    error,
                    tries=tries,
                    mutates=operation.call.mutates,
                    jitter=random.random(),  # noqa: S311  spreads load, protects nothing
                )
                if pause is None or not retry:
                    raise
            else:
                self.accepted_keys.record_answer(operation, caller)
                return answer
            await self._sleep(pause)

    async def aclose(self) -> None:
        """Close all connections."""
        if "_exchange" in vars(self):
            await self._exchange.aclose()

    @cached_property
    def _exchange(self) -> "HttpExchange":
        # Made on first use: httpx and its TLS context take a tenth of the time to the first
        # tools/list, which needs neither.
        from trax_mcp.api.http_exchange import HttpExchange  # noqa: PLC0415

        try:
            return HttpExchange(
                base_url=self.base_url,
                timeout_seconds=self.timeout_seconds,
                transport=self.transport,
                now=self._now,
                accepted_keys=self.accepted_keys,
            )
        except Exception:  # noqa: BLE001  httpx raises many types for a wrong environment
            raise client_setup_failed() from None
