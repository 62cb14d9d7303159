"""HTTP to TRaX: an operation out, a whole reply in. The one seam at the network.

One pool for all callers; the key travels with each request and is stored nowhere. The room knows
when an answer was lost or cut, and nothing of what one means.
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
    cut_off,
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
"""Of the time for a request, so that failing to connect is told apart from a late answer."""
_MOST_CONNECTIONS: Final = 100
_MOST_READS: Final = 80
_OURS: Final = re.compile(r"mcp_[0-9a-f]{32}")
"""A request id as we make them."""
_PLAIN: Final = "identity"
"""Answers are asked for uncompressed: a small one could unpack to any size."""


class _UnfitError(Exception):
    """The answer is not one that is read; the text says why, after "its answer"."""


class _TooLargeError(_UnfitError):
    """It is too long to be read."""


class HttpExchange:
    """The connections to one TRaX. `timeout_seconds` bounds one exchange as a whole."""

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None,
        now: Callable[[], datetime],
    ) -> None:
        connecting = timeout_seconds * _CONNECT_SHARE
        self._timeout = timeout_seconds
        self._now = now
        self._room_for_reads = anyio.CapacityLimiter(_MOST_READS)
        self._http = httpx.AsyncClient(
            base_url=base_url,
            transport=transport,
            follow_redirects=False,
            # None is kept: it would come from one caller and be sent for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(timeout_seconds, connect=connecting, pool=connecting),
            # A proxy would read what is not encrypted, the key too.
            trust_env=base_url.startswith("https"),
            headers={
                "User-Agent": f"trax-mcp/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": _PLAIN,
            },
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=20),
        )

    async def run(self, operation: Operation[Model], caller: Caller) -> Response:
        """Send an operation once and read the reply to its end.

        Raises:
            NoConnection: TRaX could not be reached; nothing was sent.
            LostAnswer: sent, and no answer began in time, or another request's did.
            BadAnswer: TRaX accepted the call and its answer cannot be read to its end.
        """
        request_id = f"mcp_{uuid4().hex}"
        deadline = anyio.current_time() + self._timeout
        async with self._room(operation, request_id=request_id, deadline=deadline):
            response = await self._open(operation, caller, request_id=request_id, deadline=deadline)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                tool_name = read_request_id(headers, sent=request_id)
                if _answers_another(operation, tool_name, sent=request_id):
                    raise response_mismatch(operation, request_id=request_id)
                body = await self._read(
                    operation, response, request_id=tool_name, deadline=deadline
                )
            finally:
                await response.aclose()
        return Response(response.status_code, headers, body, tool_name, self._now())

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def _room(
        self, operation: Operation[Model], *, request_id: str, deadline: float
    ) -> AsyncIterator[None]:
        """Have room in the pool. No flood of reads may hold up a change, a stop least of all."""
        if operation.call.mutates:
            yield
            return
        try:
            with _until(deadline):
                await self._room_for_reads.acquire()
        except TimeoutError:
            raise no_connection(request_id=request_id) from None
        try:
            yield
        finally:
            self._room_for_reads.release()

    async def _open(
        self, operation: Operation[Model], caller: Caller, *, request_id: str, deadline: float
    ) -> httpx.Response:
        """Send the request; return once the answer's head is here."""
        request = operation.request()
        outgoing = self._http.build_request(
            request.method,
            request.path,
            params=request.query,
            json=request.body,
            headers=_headers(caller, request_id),
        )
        try:
            with _until(deadline):
                return await self._http.send(outgoing, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            raise no_connection(request_id=request_id) from None
        except (TimeoutError, httpx.TimeoutException):
            raise timed_out(operation, request_id=request_id, seconds=self._timeout) from None
        except Exception:  # noqa: BLE001  also raw TLS errors, and redirects to nowhere
            raise cut_off(operation, request_id=request_id) from None

    async def _read(
        self,
        operation: Operation[Model],
        response: httpx.Response,
        *,
        request_id: str,
        deadline: float,
    ) -> bytes:
        """Read the body. Of an error, what cannot be read is left out: its status says enough."""
        code, kind = "bad_answer", BadAnswer
        try:
            with _until(deadline):
                return await _body(response)
        except (TimeoutError, httpx.TimeoutException):
            why, code = f"was not complete within {self._timeout:g} s", "timeout"
        except _TooLargeError as error:
            why, kind = str(error), TooLarge
        except _UnfitError as error:
            why = str(error)
        except Exception:  # noqa: BLE001  as in _open
            why = "broke off"
        if not is_success(response.status_code):
            return b""
        status = response.status_code
        account = unreadable(operation, request_id=request_id, status=status, why=why, code=code)
        raise kind(account.failure)


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", _PLAIN) != _PLAIN:
        raise _UnfitError("is compressed")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise _TooLargeError("is larger than 4 MiB")
    return bytes(body)


def _answers_another(operation: Operation[Model], tool_name: str, *, sent: str) -> bool:
    """Whether an answer is to another request of ours: one too many on a connection that is kept.

    What is public may come from a cache, with the id of whoever asked first.
    """
    if operation.call.public or tool_name == sent:
        return False
    return _OURS.fullmatch(tool_name) is not None


def _until(deadline: float) -> AbstractContextManager[anyio.CancelScope]:
    return anyio.fail_after(max(0, deadline - anyio.current_time()))


def _headers(caller: Caller, request_id: str) -> Mapping[str, str]:
    named = {"X-Request-Id": request_id}
    return named if caller.key is None else {**named, "Authorization": f"Bearer {caller.key}"}
