"""Sends any operation for a caller and returns its answer. The one seam at the network.

One pooled client for all callers; the key travels with each request and is stored nowhere. What an
answer means is decided in `replies`, whether to try again in `retries`.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
from pydantic import ValidationError

from trax_mcp import __version__
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.failures import cut_off, no_connection, no_key, timed_out, unreadable
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Answer_co, Operation
from trax_mcp.api.replies import Answer, Reply, is_success, read_reply, read_request_id
from trax_mcp.api.retries import pause_before_retry

if TYPE_CHECKING:
    import httpx

LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
_CONNECT_SHARE = 0.5
"""Of the time for a request, so that failing to connect is told apart from a late answer."""


class Client:
    """TRaX over HTTP.

    `timeout_seconds` bounds one request as a whole, from connecting to the last byte.
    `transport`, `sleep` and `now` are the world outside, replaceable.
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
        self._base_url = base_url
        self.timeout_seconds = timeout_seconds
        self._transport = transport
        self._sleep = sleep
        self._now = now

    async def read(
        self, operation: Operation[Answer_co], caller: Caller, *, persist: bool = True
    ) -> Answer_co:
        """Send an operation and return the answer as its model, for rooms that read it.

        Raises:
            TraxError: as `send`; BadAnswer also where the answer lacks what the contract promises.
        """
        answer = await self.send(operation, caller, persist=persist)
        try:
            return operation.answer_model().model_validate(answer.data)
        except ValidationError:
            raise unreadable(
                operation, request_id=answer.request_id, status=200, why="lacks what it should hold"
            ) from None

    async def send(
        self, operation: Operation[Answer_co], caller: Caller, *, persist: bool = True
    ) -> Answer[Answer_co]:
        """Send an operation and return what TRaX answered.

        `persist`: try again where no harm can come of it.

        Raises:
            NotSent: the caller has no key and the call needs one.
            NoConnection: TRaX could not be reached; nothing was sent.
            LostAnswer: sent, and no whole answer came back in time.
            Refused: TRaX answered with an error.
            BadAnswer: TRaX accepted the call and its answer cannot be read.
        """
        if caller.key is None and not operation.call.public:
            raise no_key()
        tries = 0
        while True:
            tries += 1
            try:
                return read_reply(operation, await self._exchange(operation, caller))
            except TraxError as error:
                pause = pause_before_retry(
                    error,
                    tries=tries,
                    mutates=operation.call.mutates,
                    jitter=random.random(),  # noqa: S311  spreads load, guards nothing
                )
                if pause is None or not persist:
                    raise
            await self._sleep(pause)

    async def aclose(self) -> None:
        """Close all connections."""
        if "_http" in vars(self):
            await self._http.aclose()

    @cached_property
    def _http(self) -> "httpx.AsyncClient":
        # Not at import or start: httpx and its TLS context take a tenth of the time to the first
        # tools/list, which needs neither.
        from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415  httpx's own

        import httpx  # noqa: PLC0415

        return httpx.AsyncClient(
            base_url=self._base_url,
            transport=self._transport,
            follow_redirects=False,
            # None is kept: it would come from one caller and be sent for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(
                self.timeout_seconds, connect=self.timeout_seconds * _CONNECT_SHARE
            ),
            headers={"User-Agent": f"trax-mcp/{__version__}", "Accept": "application/json"},
        )

    async def _exchange(self, operation: Operation[Model], caller: Caller) -> Reply:
        request_id = f"mcp_{uuid4().hex}"
        deadline = anyio.current_time() + self.timeout_seconds
        response = await self._open(operation, caller, request_id=request_id, deadline=deadline)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            known_as = read_request_id(headers, sent=request_id)
            body = await self._read(operation, response, request_id=known_as, deadline=deadline)
        finally:
            await response.aclose()
        return Reply(response.status_code, headers, body, known_as, self._now())

    async def _open(
        self, operation: Operation[Model], caller: Caller, *, request_id: str, deadline: float
    ) -> "httpx.Response":
        """Send the request; return once the answer's head is here."""
        import httpx  # noqa: PLC0415  see _http

        request = operation.request()
        try:
            with _until(deadline):
                return await self._http.send(
                    self._http.build_request(
                        request.method,
                        request.path,
                        params=request.query,
                        json=request.body,
                        headers=_headers(caller, request_id),
                    ),
                    stream=True,
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            raise no_connection(request_id=request_id) from None
        except (TimeoutError, httpx.TimeoutException):
            raise timed_out(
                operation, request_id=request_id, seconds=self.timeout_seconds
            ) from None
        except httpx.HTTPError:
            raise cut_off(operation, request_id=request_id) from None

    async def _read(
        self,
        operation: Operation[Model],
        response: "httpx.Response",
        *,
        request_id: str,
        deadline: float,
    ) -> bytes:
        """Read the body. Of an error, what cannot be read is left out: its status says enough."""
        import httpx  # noqa: PLC0415  see _http

        why, code = "is larger than 4 MiB", "bad_answer"
        try:
            with _until(deadline):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER_BYTES:
                        break
                else:
                    return bytes(body)
        except (TimeoutError, httpx.TimeoutException):
            why, code = f"was not complete within {self.timeout_seconds:g} s", "timeout"
        except httpx.HTTPError:
            why = "broke off"
        if not is_success(response.status_code):
            return b""
        status = response.status_code
        raise unreadable(operation, request_id=request_id, status=status, why=why, code=code)


def _until(deadline: float) -> AbstractContextManager[anyio.CancelScope]:
    return anyio.fail_after(max(0, deadline - anyio.current_time()))


def _headers(caller: Caller, request_id: str) -> Mapping[str, str]:
    named = {"X-Request-Id": request_id}
    return named if caller.key is None else {**named, "Authorization": f"Bearer {caller.key}"}
