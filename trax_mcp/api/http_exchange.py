"""Sends an operation to TRaX over HTTP and reads the complete response.

Callers share the connections, and each has a limited number of requests in flight. Urgent requests,
a stop and its reads, have connections of their own. The key is sent with each request and stored
nowhere.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from uuid import uuid4
from weakref import WeakValueDictionary

import anyio
import httpx

from trax_mcp import __version__
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import (
    connection_broken,
    no_connection,
    response_mismatch,
    timed_out,
    too_busy,
    unreadable,
)
from trax_mcp.api.errors import BadAnswer, TooLarge
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response, is_success, read_request_id

LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_WAIT_SHARE: Final = 0.4
_CONNECT_SHARE: Final = 0.5
"""Shares of the time-out for waiting for a place and for connecting, so that a request that was not
sent differs from a late answer."""
_MAX_CONNECTIONS: Final = 200
_MAX_IN_FLIGHT: Final = 16
"""The most requests of one caller at the same time; the others wait in order."""
_MAX_URGENT: Final = 64
"""The same for urgent requests. One stop makes at most four at the same time."""
_OWN_REQUEST_ID: Final = re.compile(r"mcp_[0-9a-f]{32}")
_UNCOMPRESSED: Final = "identity"
"""A small compressed answer could decompress to any size, so none is accepted."""


class _UnreadableError(Exception):
    """The answer cannot be read. The message follows "its answer"."""


class _TooLargeError(_UnreadableError):
    """The answer exceeds the size limit."""


class _Lane:
    """Connections, and the requests of each caller that may use them at the same time."""

    def __init__(self, http: httpx.AsyncClient, *, most_per_caller: int) -> None:
        self.http = http
        self._most_per_caller = most_per_caller
        self._places: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    def places(self, owner: str) -> anyio.Semaphore:
        """The places of a caller. Who waits for one comes in order."""
        if (places := self._places.get(owner)) is None:
            places = self._places[owner] = anyio.Semaphore(self._most_per_caller)
        return places


class HttpExchange:
    """The connections to one TRaX. `timeout_seconds` limits one exchange as a whole."""

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None,
        now: Callable[[], datetime],
        accepted_keys: AcceptedKeys,
    ) -> None:
        self._timeout = timeout_seconds
        self._now = now
        self._accepted_keys = accepted_keys
        # Over plain HTTP, a proxy could read the key.
        trust_env = base_url.startswith("https")
        tls = httpx.create_ssl_context(trust_env=trust_env)

        def lane(*, most_per_caller: int) -> _Lane:
            connect_seconds = timeout_seconds * _CONNECT_SHARE
            http = httpx.AsyncClient(
                base_url=base_url,
                transport=transport,
                verify=tls,
                follow_redirects=False,
                # No cookie is kept: it would come from one caller and be sent for another.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                timeout=httpx.Timeout(
                    timeout_seconds, connect=connect_seconds, pool=connect_seconds
                ),
                trust_env=trust_env,
                headers={
                    "User-Agent": f"trax-mcp/{__version__}",
                    "Accept": "application/json",
                    "Accept-Encoding": _UNCOMPRESSED,
                },
                limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=20),
            )
            return _Lane(http, most_per_caller=most_per_caller)

        self._ordinary = lane(most_per_caller=_MAX_IN_FLIGHT)
        self._urgent = lane(most_per_caller=_MAX_URGENT)

    async def run(
        self, operation: Operation[Model], caller: Caller, *, urgent: bool = False
    ) -> Response:
        """Send an operation once and read the complete response.

        Raises:
            NotSent: too many other requests of the caller are in flight.
            NoConnection: TRaX could not be reached; nothing was sent.
            LostAnswer: sent, but no answer began in time, or it answers another request.
            BadAnswer: TRaX accepted the call, but its answer cannot be read completely.
        """
        request_id = f"mcp_{uuid4().hex}"
        lane = self._urgent if urgent else self._ordinary
        deadline = anyio.current_time() + self._timeout
        async with self._place(lane, caller):
            outgoing = _build(lane.http, operation, caller, request_id)
            response = await self._open(
                lane.http, outgoing, operation, request_id=request_id, deadline=deadline
            )
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
        await self._ordinary.http.aclose()
        await self._urgent.http.aclose()

    @asynccontextmanager
    async def _place(self, lane: _Lane, caller: Caller) -> AsyncIterator[None]:
        """Wait until the caller may have one more request in flight."""
        places = lane.places(self._accepted_keys.owner(caller))
        try:
            with anyio.fail_after(self._timeout * _WAIT_SHARE):
                await places.acquire()
        except TimeoutError:
            raise too_busy() from None
        try:
            yield
        finally:
            places.release()

    async def _open(
        self,
        http: httpx.AsyncClient,
        outgoing: httpx.Request,
        operation: Operation[Model],
        *,
        request_id: str,
        deadline: float,
    ) -> httpx.Response:
        """Send the request and return when the status and headers have arrived."""
        try:
            with _fail_at(deadline):
                return await http.send(outgoing, stream=True)
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


def _build(
    http: httpx.AsyncClient, operation: Operation[Model], caller: Caller, request_id: str
) -> httpx.Request:
    request = operation.request()
    return http.build_request(
        request.method,
        request.path,
        params=request.query,
        json=request.body,
        headers=_headers(caller, request_id),
    )


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
