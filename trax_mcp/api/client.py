"""Sends operations to TRaX for a caller, and returns what it answers.

Callers share the connections, and each has a limited number of requests in flight. Urgent requests,
a stop and its reads, have connections of their own. The key is sent with each request and stored
nowhere.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cached_property, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import anyio

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.compression import PLAIN, Unreadable, decoder_of
from trax_mcp.api.connections import Connections, open_connections
from trax_mcp.api.errors import (
    BadAnswer,
    LostAnswer,
    NoConnection,
    NotSent,
    Refused,
    TooLarge,
    TraxError,
    compressed,
    not_trusted,
    unread,
)
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation, Response_co
from trax_mcp.api.refusals import did_not_work, refused, without_key
from trax_mcp.api.responses import (
    Response,
    is_success,
    read_model,
    read_request_id,
    read_response,
    says_that_it_worked,
)
from trax_mcp.instruments import RequestToTrax

if TYPE_CHECKING:
    import ssl

    import httpx

# httpx is imported on first use: see `connections`.

LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
MAX_TRIES: Final = 3
MAX_RETRY_AFTER_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 0.2
_TRANSIENT: Final = frozenset({502, 504})
_RATE_LIMITED: Final = 429
_WAIT_SHARE: Final = 0.4
"""The part of the time-out in which a request must get a slot. It is shorter than the whole, so
`timeout` always means that the request was sent."""
_ID_PREFIX: Final = "mcp_"
"""Of the request ids of this server."""
Observer = Callable[[Operation[Model], Caller, "Response[Model] | TraxError | None"], None]
"""Is told of each call: None before it is sent, then what TRaX answered or why it failed."""


class Client:
    """TRaX over HTTP.

    `timeout_seconds` limits one request as a whole, from waiting for a slot to the last byte.
    Tests replace `transport` and `sleep`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        transport: "httpx.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.base_url = base_url
        self._host = str(urlsplit(base_url).hostname)
        self.timeout_seconds = timeout_seconds
        self.transport = transport
        self.accepted_keys = AcceptedKeys()
        self.name_of: Callable[[Caller], str] = attrgetter("owner")
        """The name under which a caller counts in limits."""
        self._observers: list[tuple[type[Operation[Any]], Observer]] = []
        self._sleep = sleep

    def observe(self, observer: Observer, kind: type[Operation[Any]] = Operation) -> None:
        """Let somebody be told of each call of this kind of operation."""
        self._observers.append((kind, observer))

    async def call(
        self,
        operation: Operation[Response_co],
        caller: Caller,
        *,
        retry: bool = True,
        urgent: bool = False,
    ) -> Response_co:
        """As `send`, and return the answer as a model.

        Raises:
            TraxError: as `send`; also BadAnswer if the answer lacks a required field.
        """
        return read_model(operation, await self.send(operation, caller, retry=retry, urgent=urgent))

    async def send(
        self,
        operation: Operation[Response_co],
        caller: Caller,
        *,
        retry: bool = True,
        urgent: bool = False,
    ) -> Response[Response_co]:
        """Send an operation and return what TRaX answered.

        With `retry`, reads are sent again after errors that may pass, and changes only if no
        connection was made: a go-live that is sent twice is worse than one that fails. An `urgent`
        call does not wait for ordinary ones; a stop is always urgent.

        Raises:
            NotSent: the caller has no key and the call needs one, or has too many calls in flight.
            NoConnection: TRaX couldn't be reached; nothing was sent.
            LostAnswer: sent, and no answer came back in time, or it answers another request.
            Refused: TRaX answered with an error.
            BadAnswer: the answer is one of success, but cannot be read.
        """
        if caller.key is None and not operation.endpoint.public:
            raise without_key(caller)
        self._tell(operation, caller, None)
        for tries in range(1, MAX_TRIES + 1):
            try:
                response = await self._send_once(
                    operation, caller, urgent=urgent or operation.stops_broadcast
                )
            except TraxError as error:
                self.accepted_keys.record_refusal(
                    error.code, operation, caller, status=error.http_status
                )
                pause = _pause_before_retry(error, tries, mutates=operation.endpoint.mutates)
                if pause is None or not retry or tries == MAX_TRIES:
                    self._tell(operation, caller, error)
                    raise
                await self._sleep(pause)
            else:
                if response.size:  # an empty one can come from anywhere
                    self.accepted_keys.record_answer(operation, caller)
                self._tell(operation, caller, response)
                return response
        raise AssertionError  # the last try has returned or raised

    async def aclose(self) -> None:
        """Close all connections."""
        if "_connections" in vars(self):
            for connections in self._connections:
                await connections.http.aclose()

    def _tell(
        self,
        operation: Operation[Model],
        caller: Caller,
        result: Response[Model] | TraxError | None,
    ) -> None:
        for kind, observer in self._observers:
            if isinstance(operation, kind):
                observer(operation, caller, result)

    async def _send_once(
        self, operation: Operation[Response_co], caller: Caller, *, urgent: bool
    ) -> Response[Response_co]:
        response, request_id, body = await self._exchange(operation, caller, urgent=urgent)
        status = response.status_code
        if is_success(status):
            return _read_success(operation, caller, response, body, request_id)
        raise refused(
            operation,
            caller,
            status=status,
            headers=response.headers,
            body=body,
            request_id=request_id,
        )

    async def _exchange(
        self, operation: Operation[Model], caller: Caller, *, urgent: bool
    ) -> "tuple[httpx.Response, str, bytes]":
        """Wait for a slot, send a request, and return the response, its request id and its body.

        The body of an error is empty if it cannot be read: the status is enough. One scope limits
        both waits: more of them make a call measurably slower.
        """
        connections, sent_id = self._connections[urgent], f"{_ID_PREFIX}{uuid4().hex}"
        deadline = anyio.current_time() + self.timeout_seconds
        request, response = None, None
        async with AsyncExitStack() as held:
            try:
                with anyio.fail_after(self.timeout_seconds * _WAIT_SHARE) as limit:
                    if not operation.stops_broadcast:
                        await self._take_slot(held, connections, caller, limit)
                    limit.deadline = deadline
                    request = _build(connections.http, operation, caller, sent_id)
                    measured = held.enter_context(
                        RequestToTrax(request.method, operation.endpoint.path, self._host)
                    )
                    response = await connections.http.send(request, stream=True)
                    held.push_async_callback(response.aclose)
                    request_id = _read_request_id(operation, response, sent=sent_id)
                    measured.note_answer(response.status_code, request_id)
                    body = await _read_body(operation, response, request_id)
            except TraxError:
                raise
            except Exception as error:
                if request is None and isinstance(error, TimeoutError):
                    raise self._too_many_calls(caller) from None
                if request is None:
                    raise  # it could not be built, so nothing was sent
                if response is None or is_success(response.status_code):
                    raise self._failure_of(error, response, operation, sent_id) from None
                body = b""
        return response, request_id, body

    async def _take_slot(
        self,
        held: AsyncExitStack,
        connections: Connections,
        caller: Caller,
        limit: anyio.CancelScope,
    ) -> None:
        """Wait until the caller may have one more request in flight."""
        slots = connections.slots(self.name_of(caller))
        await held.enter_async_context(slots)
        await held.enter_async_context(connections.in_all)
        if limit.cancel_called:  # in the moment in which the slot came
            raise TimeoutError

    def _too_many_calls(self, caller: Caller) -> NotSent:
        is_shared = self.name_of(caller) == ANONYMOUS.owner
        whose = "keys that TRaX hasn't accepted here yet" if is_shared else "this key"
        return NotSent(
            "unreachable",
            f"Too many other calls with {whose} are waiting for TRaX",
            "Wait for their answers, then call again.",
            retryable=True,
        )

    def _failure_of(
        self,
        error: Exception,
        response: "httpx.Response | None",
        operation: Operation[Model],
        sent_id: str,
    ) -> TraxError:
        """The failure of a request that has no response, or one of success that broke off."""
        import httpx  # noqa: PLC0415  see above

        no_connection = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
        )
        if untrusted := certificate_error(error):
            return not_trusted(untrusted, request_id=sent_id)
        if isinstance(error, no_connection):
            return NoConnection(
                "unreachable",
                "TRaX couldn't be reached",
                "Check the network and TRAX_BASE_URL, then call again.",
                retryable=True,
                request_id=sent_id,
            )
        is_late = isinstance(error, TimeoutError | httpx.TimeoutException)
        late = f"within {self.timeout_seconds:g} s"
        if response is not None:
            return unread(
                operation,
                f"wasn't complete {late}" if is_late else "broke off",
                status=response.status_code,
                request_id=read_request_id(response.headers, sent=sent_id),
                code="timeout" if is_late else "bad_answer",
            )
        code, happened = "unreachable", "The connection to TRaX broke before it answered"
        if is_late:
            code, happened = "timeout", f"TRaX didn't answer {late}"
        return LostAnswer.after_sending(operation, code, happened, request_id=sent_id)

    @cached_property
    def _connections(self) -> tuple[Connections, Connections]:
        """The ordinary ones, and the urgent ones."""
        return open_connections(self.base_url, self.timeout_seconds, self.transport)


def _build(
    http: "httpx.AsyncClient", operation: Operation[Model], caller: Caller, request_id: str
) -> "httpx.Request":
    request = operation.request()
    key = {} if caller.key is None else {"Authorization": f"Bearer {caller.key}"}
    return http.build_request(
        request.method,
        request.path,
        params=request.query or None,
        json=request.body,
        headers={"X-Request-Id": request_id, **key},
    )


def certificate_error(error: BaseException | None) -> "ssl.SSLCertVerificationError | None":
    """Why the certificate of the server is not trusted, if that is the cause."""
    import ssl  # noqa: PLC0415  see above

    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _read_request_id(operation: Operation[Model], response: "httpx.Response", *, sent: str) -> str:
    """The id under which TRaX's logs list the request.

    A reused connection can deliver an extra response, which has the id of another request of this
    server. Public calls are exempt: a cache may answer them with the id of the first request.
    """
    request_id = read_request_id(response.headers, sent=sent)
    is_of_another = request_id.startswith(_ID_PREFIX) and request_id != sent
    if is_of_another and not operation.endpoint.public:
        happened = "TRaX answered another request instead of this one"
        raise LostAnswer.after_sending(operation, "bad_answer", happened, request_id=sent)
    return request_id


def _read_success(
    operation: Operation[Response_co],
    caller: Caller,
    response: "httpx.Response",
    body: bytes,
    request_id: str,
) -> Response[Response_co]:
    """What TRaX answered, if that is that the call worked."""
    answer = read_response(
        operation,
        body,
        status=response.status_code,
        request_id=request_id,
        content_type=response.headers.get("content-type", ""),
    )
    if operation.endpoint.mutates and not says_that_it_worked(answer.data):
        raise did_not_work(operation, caller, answer)
    return answer


async def _read_body(
    operation: Operation[Model], response: "httpx.Response", request_id: str
) -> bytes:
    """The body. That of an error counts as empty if it cannot be read: the status is enough."""
    body, status = bytearray(), response.status_code
    error: BadAnswer | None = None
    failed = partial(unread, operation, status=status, request_id=request_id)
    try:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        decoder = None if encoding in PLAIN else decoder_of(encoding)
        async for chunk in response.aiter_raw():
            room = LARGEST_ANSWER_BYTES + 1 - len(body)
            body += decoder.decode(chunk, most=room) if decoder else chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                error = failed("is larger than 4 MiB", kind=TooLarge)
                break
        else:
            if decoder:
                decoder.end()
    except Unreadable as why:
        error = compressed(failed(str(why)))
    if error is not None and is_success(status):
        raise error
    return b"" if error is not None else bytes(body)


def _pause_before_retry(error: TraxError, tries: int, *, mutates: bool) -> float | None:
    """Seconds to wait before the next try, after so many. None to give up."""
    jitter = random.random()  # noqa: S311  spreads load, protects nothing
    backoff = _FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1) * (0.5 + jitter)
    if isinstance(error, NoConnection):
        return backoff
    if mutates or not isinstance(error, Refused):
        return None
    if error.http_status in _TRANSIENT:
        return backoff
    after = error.retry_after_seconds
    if error.http_status != _RATE_LIMITED or after is None or after > MAX_RETRY_AFTER_SECONDS:
        return None
    return after + backoff
