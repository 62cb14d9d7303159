"""Sends an operation to TRaX over HTTP and reads the complete response.

Callers share the connections, and each has a limited number of requests in flight. Urgent requests,
a stop and its reads, have connections of their own. The key is sent with each request and stored
nowhere.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Final
from uuid import uuid4
from weakref import WeakValueDictionary

import anyio
import httpcore
import httpx

from trax_mcp import __version__
from trax_mcp.api.accepted_keys import NOT_ACCEPTED, AcceptedKeys
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
from trax_mcp.open_files import max_open_files

LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
_WAIT_SHARE: Final = 0.4
_CONNECT_SHARE: Final = 0.5
"""The parts of the time-out in which a request must get a slot, and a connection. They end before
the whole time-out, so that a request that was not sent is never mistaken for a late answer."""
_IDLE_SECONDS: Final = 3.0
"""How long an unused connection is kept. Many servers close theirs after 5 s, and a request that
meets that moment is lost."""
_MAX_IN_FLIGHT: Final = 16
"""The most requests of one caller at the same time; the others wait in order."""
_MAX_OF_OTHERS: Final = 64
"""The same of all together whose key TRaX has not accepted: after a restart, many are tried."""
_MAX_URGENT: Final = 64
"""The same for urgent requests, which are the reads of a stop. The stop itself needs no slot."""
_LAST_ADDRESS_SECONDS: Final = 0.5
"""How long an urgent request tries the address that was good last, before it looks the name up."""
_OWN_REQUEST_ID: Final = re.compile(r"mcp_[0-9a-f]{32}")
_UNCOMPRESSED: Final = "identity"
"""A small compressed answer could decompress to any size, so none is accepted."""


class _Connections:
    """Connections, and slots for the requests that each caller may have in flight on them."""

    def __init__(self, http: httpx.AsyncClient, *, max_per_caller: int, max_in_all: int) -> None:
        self.http = http
        self._max_per_caller = max_per_caller
        self.in_all = anyio.Semaphore(max_in_all)
        self._slots: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    def slots(self, owner: str) -> anyio.Semaphore:
        """The slots of an owner. Requests that wait for one get it in order."""
        if (slots := self._slots.get(owner)) is None:
            most = _MAX_OF_OTHERS if owner == NOT_ACCEPTED else self._max_per_caller
            slots = self._slots[owner] = anyio.Semaphore(most)
        return slots


class _RememberedAddresses(httpcore.AsyncNetworkBackend):
    """Connects as httpcore does, and remembers the addresses of the last good connections.

    With `is_urgent`, it goes to such an address first: other look-ups of names can occupy all
    threads for longer than a stop may take. TLS checks the name of the server either way.
    """

    def __init__(self, addresses: dict[str, str], *, is_urgent: bool) -> None:
        self._addresses = addresses
        self._is_urgent = is_urgent
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  as in httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        connect = partial(
            self._backend.connect_tcp,
            port=port,
            local_address=local_address,
            socket_options=socket_options,
        )
        if self._is_urgent and (address := self._addresses.get(host)) is not None:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await connect(address, timeout=_LAST_ADDRESS_SECONDS)
        stream = await connect(host, timeout=timeout)
        self._addresses[host] = stream.get_extra_info("server_addr")[0]
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


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
        new_http = partial(
            _new_http,
            base_url=base_url,
            timeout_seconds=timeout_seconds,
            transport=transport,
            # To read the certificates takes long. A given transport needs none.
            tls=httpx.create_ssl_context(trust_env=trust_env) if transport is None else True,
            trust_env=trust_env,
            addresses={},
        )
        self._ordinary = _Connections(
            new_http(), max_per_caller=_MAX_IN_FLIGHT, max_in_all=max_open_files() // 3
        )
        # A stop reuses no connection, which an earlier answer could have spoilt.
        self._urgent = _Connections(
            new_http(max_idle=0, is_urgent=True),
            max_per_caller=_MAX_URGENT,
            max_in_all=max_open_files(),
        )

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
        connections = self._urgent if urgent else self._ordinary
        deadline = anyio.current_time() + self._timeout
        exchange = _Exchange(operation, f"mcp_{uuid4().hex}", self._timeout, deadline)
        slot = nullcontext() if operation.stops_broadcast else self._slot(connections, caller)
        async with slot:
            response = await exchange.open(connections.http, caller)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                request_id = read_request_id(headers, sent=exchange.request_id)
                if _answers_another(operation, request_id, sent=exchange.request_id):
                    raise response_mismatch(operation, request_id=exchange.request_id)
                body = await exchange.read(response, request_id)
            finally:
                await response.aclose()
        return Response(response.status_code, headers, body, request_id, self._now())

    async def aclose(self) -> None:
        """Close all connections."""
        await self._ordinary.http.aclose()
        await self._urgent.http.aclose()

    @asynccontextmanager
    async def _slot(self, connections: _Connections, caller: Caller) -> AsyncIterator[None]:
        """Wait until the caller may have one more request in flight."""
        owner = self._accepted_keys.owner(caller)
        slots = connections.slots(owner)
        async with AsyncExitStack() as held:
            try:
                with anyio.fail_after(self._timeout * _WAIT_SHARE):
                    await held.enter_async_context(slots)
                    await held.enter_async_context(connections.in_all)
            except TimeoutError:
                raise too_busy(is_shared=owner == NOT_ACCEPTED) from None
            yield


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Why a body cannot be read, as it follows "its answer", and the error that this means."""

    why: str
    code: str = "bad_answer"
    error_type: type[BadAnswer] = BadAnswer


@dataclass(frozen=True, slots=True)
class _Exchange:
    """An operation that is sent once and answered, until `deadline` on anyio's clock."""

    operation: Operation[Model]
    request_id: str
    timeout_seconds: float
    deadline: float

    async def open(self, http: httpx.AsyncClient, caller: Caller) -> httpx.Response:
        """Send the request and return when the status and headers have arrived."""
        operation, request_id = self.operation, self.request_id
        request = _build(http, operation, caller, request_id)
        try:
            with self._in_time():
                return await http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError):
            raise no_connection(request_id=request_id) from None
        except (TimeoutError, httpx.TimeoutException):
            seconds = self.timeout_seconds
            raise timed_out(operation, request_id=request_id, seconds=seconds) from None
        except Exception:  # noqa: BLE001  also raw TLS errors, and redirects without a target
            raise connection_broken(operation, request_id=request_id) from None

    async def read(self, response: httpx.Response, request_id: str) -> bytes:
        """Read the body. An unreadable body of an error counts as empty: the status is enough.

        `request_id` is the one that TRaX uses.
        """
        try:
            with self._in_time():
                body = await _read_body(response)
        except (TimeoutError, httpx.TimeoutException):
            why = f"was not complete within {self.timeout_seconds:g} s"
            body = _Unreadable(why, code="timeout")
        except Exception:  # noqa: BLE001  as in `open`
            body = _Unreadable("broke off")
        if isinstance(body, bytes):
            return body
        status = response.status_code
        if not is_success(status):
            return b""
        error = unreadable(
            self.operation, request_id=request_id, status=status, why=body.why, code=body.code
        )
        raise body.error_type(error.failure)

    def _in_time(self) -> AbstractContextManager[anyio.CancelScope]:
        return anyio.fail_after(max(0, self.deadline - anyio.current_time()))


def _new_http(
    *,
    base_url: str,
    timeout_seconds: float,
    transport: httpx.AsyncBaseTransport | None,
    tls: SSLContext | bool,
    trust_env: bool,
    addresses: dict[str, str],
    max_idle: int = 20,
    is_urgent: bool = False,
) -> httpx.AsyncClient:
    connect_seconds = timeout_seconds * _CONNECT_SHARE
    http = httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        verify=tls,
        follow_redirects=False,
        # No cookie is kept: it would come from one caller and be sent for another.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(timeout_seconds, connect=connect_seconds, pool=connect_seconds),
        trust_env=trust_env,
        headers={
            "User-Agent": f"trax-mcp/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": _UNCOMPRESSED,
        },
        # The slots limit the requests. A limited pool can lose connections for ever: httpcore 1.0.9
        # keeps the place of a request that is cancelled after a connection was assigned to it.
        limits=httpx.Limits(
            max_connections=None, max_keepalive_connections=max_idle, keepalive_expiry=_IDLE_SECONDS
        ),
    )
    if isinstance(http._transport, httpx.AsyncHTTPTransport):  # noqa: SLF001  httpx has no option
        backend = _RememberedAddresses(addresses, is_urgent=is_urgent)
        http._transport._pool._network_backend = backend  # noqa: SLF001  as above
    return http


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


async def _read_body(response: httpx.Response) -> bytes | _Unreadable:
    if response.headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        return _Unreadable("is compressed")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            return _Unreadable("is larger than 4 MiB", error_type=TooLarge)
    return bytes(body)


def _answers_another(operation: Operation[Model], request_id: str, *, sent: str) -> bool:
    """Whether a response carries the id of another request of this server.

    A reused connection can deliver an extra response. Public calls are exempt: a cache may answer
    them with the id of the first request.
    """
    if operation.call.public or request_id == sent:
        return False
    return _OWN_REQUEST_ID.fullmatch(request_id) is not None


def _headers(caller: Caller, request_id: str) -> Mapping[str, str]:
    headers = {"X-Request-Id": request_id}
    if caller.key is not None:
        headers["Authorization"] = f"Bearer {caller.key}"
    return headers
