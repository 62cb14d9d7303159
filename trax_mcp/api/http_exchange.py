"""Sends an operation to TRaX over HTTP and reads the complete response.

All callers share one connection pool. The key is sent with each request and stored nowhere.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from uuid import uuid4

import anyio
import httpx

from trax_mcp import __version__
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import (
    connection_broken,
    no_connection,
    response_mismatch,
    timed_out,
    unreadable,
)
from trax_mcp.api.errors import BadAnswer, TooLarge
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response, is_success, read_request_id

LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_CONNECT_SHARE: Final = 0.5
"""Share of the time-out for connecting, so that a failed connection differs from a late answer."""
_MAX_CONNECTIONS: Final = 100
_MAX_READS: Final = 80
"""Reads at the same time. The other connections are kept for changes, above all for a stop."""
_OWN_REQUEST_ID: Final = re.compile(r"mcp_[0-9a-f]{32}")
_UNCOMPRESSED: Final = "identity"
"""A small compressed answer could decompress to any size, so none is accepted."""


class _UnreadableError(Exception):
    """The answer cannot be read. The message follows "its answer"."""


class _TooLargeError(_UnreadableError):
    """The answer exceeds the size limit."""


class HttpExchange:
    """The connections to one TRaX. `timeout_seconds` limits one exchange as a whole."""

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None,
        now: Callable[[], datetime],
    ) -> None:
        connect_seconds = timeout_seconds * _CONNECT_SHARE
        self._timeout = timeout_seconds
        self._now = now
        self._read_limiter = anyio.CapacityLimiter(_MAX_READS)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            follow_redirects=False,
            # No cookie is kept: it would come from one caller and be sent for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(timeout_seconds, connect=connect_seconds, pool=connect_seconds),
            # Over plain HTTP, a proxy could read the key.
            trust_env=base_url.startswith("https"),
            headers={
                "User-Agent": f"trax-mcp/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": _UNCOMPRESSED,
            },
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=20),
        )

    async def run(self, operation: Operation[Model], caller: Caller) -> Response:
        """Send an operation once and read the complete response.

        Raises:
            NoConnection: TRaX could not be reached; nothing was sent.
            LostAnswer: sent, but no answer began in time, or it answers another request.
            BadAnswer: TRaX accepted the call, but its answer cannot be read completely.
        """
        request_id = f"mcp_{uuid4().hex}"
        deadline = anyio.current_time() + self._timeout
        async with self._limit_reads(operation, request_id=request_id, deadline=deadline):
            response = await self._open(operation, caller, request_id=request_id, deadline=deadline)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                trax_id = read_request_id(headers, sent=request_id)
                if _answers_another(operation, trax_id, sent=request_id):
                    raise response_mismatch(operation, request_id=request_id)
                body = await self._read(operation, response, request_id=trax_id, deadline=deadline)
            finally:
                await response.aclose()
        return Response(response.status_code, headers, body, trax_id, self._now())

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _limit_reads(
        self, operation: Operation[Model], *, request_id: str, deadline: float
    ) -> AsyncIterator[None]:
        """Wait until a read may take a connection. Changes never wait."""
        if operation.call.mutates:
            yield
            return
        try:
            with _fail_at(deadline):
                await self._read_limiter.acquire()
        except TimeoutError:
            raise no_connection(request_id=request_id) from None
        try:
            yield
        finally:
            self._read_limiter.release()

    async def _open(
        self, operation: Operation[Model], caller: Caller, *, request_id: str, deadline: float
    ) -> httpx.Response:
        """Send the request and return when the status and headers have arrived."""
        request = operation.request()
        outgoing = self._http.build_request(
            request.method,
            request.path,
            params=request.query,
            json=request.body,
            headers=_headers(caller, request_id),
        )
        try:
            with _fail_at(deadline):
                return await self._http.send(outgoing, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            raise no_connection(request_id=request_id) from None
        except (TimeoutError, httpx.TimeoutException):
            raise timed_out(operation, request_id=request_id, seconds=self._timeout) from None
        except Exception:  # noqa: BLE001  also raw TLS errors, and redirects without a target
            raise connection_broken(operation, request_id=request_id) from None

    async def _read(
        self,
        operation: Operation[Model],
        response: httpx.Response,
        *,
        request_id: str,
        deadline: float,
    ) -> bytes:
        """Read the body. An unreadable body of an error counts as empty: the status is enough."""
        code, error_type = "bad_answer", BadAnswer
        try:
            with _fail_at(deadline):
                return await _read_body(response)
        except (TimeoutError, httpx.TimeoutException):
            why, code = f"was not complete within {self._timeout:g} s", "timeout"
        except _TooLargeError as error:
            why, error_type = str(error), TooLarge
        except _UnreadableError as error:
            why = str(error)
        except Exception:  # noqa: BLE001  as in _open
            why = "broke off"
        if not is_success(response.status_code):
            return b""
        status = response.status_code
        cause = unreadable(operation, request_id=request_id, status=status, why=why, code=code)
        raise error_type(cause.failure)


async def _read_body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise _UnreadableError("is compressed")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise _TooLargeError("is larger than 4 MiB")
    return bytes(body)


def _answers_another(operation: Operation[Model], request_id: str, *, sent: str) -> bool:
    """Whether a response carries the id of another request of this server.

    A reused connection can deliver an extra response. Public calls are exempt: a cache may answer
    them with the id of the first request.
    """
    if operation.call.public or request_id == sent:
        return False
    return _OWN_REQUEST_ID.fullmatch(request_id) is not None


def _fail_at(deadline: float) -> AbstractContextManager[anyio.CancelScope]:
    return anyio.fail_after(max(0, deadline - anyio.current_time()))


def _headers(caller: Caller, request_id: str) -> Mapping[str, str]:
    headers = {"X-Request-Id": request_id}
    if caller.key is not None:
        headers["Authorization"] = f"Bearer {caller.key}"
    return headers
