"""The fault cases of table `WIRES`: what the proxy does to the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.support.fault_table.answer_cases import ACCEPTED, FaultCase, connection_lost

if TYPE_CHECKING:
    from tests.support.tcp_proxy import Exchange, ProxyFault

TIMEOUT_SECONDS: Final = 3
"""The client's timeout for one request; the loop's clock is advanced, so no test waits for it."""

ENDLESS_BYTES: Final = 64 << 20
"""The size of an endless response, unless the client closes before."""

_HEAD_END: Final = b"\r\n\r\n"
_TRICKLE_SECONDS = 0.2
_CHUNK: Final = b"x" * (1 << 18)


def head(status: str = "200 OK", *, length: int | None = 99, kind: str = "HTTP/1.1") -> bytes:
    """The head of a response."""
    lines = [f"{kind} {status}", "Content-Type: application/json"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join(lines).encode() + _HEAD_END


async def reset_before(exchange: Exchange) -> None:
    """Reset before TRaX receives the request."""
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    """Reset after TRaX has responded."""
    await exchange.forward()
    exchange.reset()


async def close_in_head(exchange: Exchange) -> None:
    """Close inside the head."""
    await exchange.send((await exchange.forward())[:30])
    exchange.close()


async def reset_in_body(exchange: Exchange) -> None:
    """Reset inside the body."""
    await exchange.send((await exchange.forward())[:-3])
    exchange.reset()


async def close_in_error(exchange: Exchange) -> None:
    """Close inside the body of an error, so that only the status is known."""
    await exchange.send(head("500 Oh") + b'{"error": {"code": "rate_limi')
    exchange.close()


async def stall(exchange: Exchange) -> None:
    """Send nothing after TRaX has responded."""
    await exchange.forward()
    await exchange.stall()


async def trickle_body(exchange: Exchange) -> None:
    """Send the body in the same way."""
    await exchange.forward()
    await exchange.send(head(length=9_999))
    await _trickle(exchange, b" ")


async def endless_body(exchange: Exchange) -> None:
    """Send a body without announced length until the client closes."""
    await exchange.forward()
    await exchange.send(head(length=None) + b'{"a": "')
    await _send_endlessly(exchange)


def followed_by(extra_response: bytes) -> ProxyFault:
    """Respond, and at once send a second response that belongs to no request."""

    async def respond(exchange: Exchange) -> None:
        await exchange.send(await exchange.forward() + extra_response)

    return respond


async def not_http(exchange: Exchange) -> None:
    """Another protocol is spoken on this port."""
    await exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    exchange.close()


async def early_hints(exchange: Exchange) -> None:
    """Send informational responses before the real one."""
    early_hints_head = b"HTTP/1.1 103 Early Hints\r\nLink: </obey>; rel=preload" + _HEAD_END
    await exchange.send(3 * (b"HTTP/1.1 100 Continue" + _HEAD_END) + early_hints_head)
    await exchange.send(await exchange.forward())


async def without_length(exchange: Exchange) -> None:
    """Respond as HTTP/1.0: the body has no length and ends with the connection."""
    body = (await exchange.forward()).partition(_HEAD_END)[2]
    await exchange.send(head(length=None, kind="HTTP/1.0") + body)
    exchange.close()


async def _trickle(exchange: Exchange, piece: bytes) -> None:
    """Send pieces; between two of them the clock advances by less than the read timeout."""
    for _ in range(1_000):
        await exchange.send(piece)
        exchange.proxy.advance_loop_clock(_TRICKLE_SECONDS)
        await exchange.let_caller_read()


async def _send_endlessly(exchange: Exchange) -> None:
    """Send until the client closes."""
    while exchange.bytes_sent < ENDLESS_BYTES:
        await exchange.send(_CHUNK)
    exchange.close()


def timed_out(fault: ProxyFault, *, takes_effect: bool = True) -> FaultCase:
    """No response has begun in time."""
    happened = f"TRaX did not answer within {TIMEOUT_SECONDS} s"
    return FaultCase(fault=fault, happened=happened, code="timeout", takes_effect=takes_effect)


def incomplete(fault: ProxyFault, problem: str = "broke off", **rest: Any) -> FaultCase:  # noqa: ANN401  as `FaultCase`
    """A response has begun, but is incomplete."""
    return FaultCase(fault=fault, happened=ACCEPTED + problem, takes_effect=True, **rest)


def server_error(fault: ProxyFault, status: int) -> FaultCase:
    """An error response has begun."""
    return FaultCase(fault=fault, happened=f"TRaX has trouble (HTTP {status})", status=status)


_NOT_COMPLETE: Final = f"was not complete within {TIMEOUT_SECONDS} s"

WIRE_CASES: Final = {
    "reset before delivery": connection_lost(reset_before, takes_effect=False),
    "reset after delivery": connection_lost(reset_after),
    "closed inside the head": connection_lost(close_in_head),
    "reset inside the body": incomplete(reset_in_body),
    "closed inside an error": server_error(close_in_error, 500),
    "no response": timed_out(stall),
    "trickling body": incomplete(trickle_body, _NOT_COMPLETE, code="timeout", status=200),
    "endless body": incomplete(endless_body, "is larger than 4 MiB", status=200),
    "not HTTP": connection_lost(not_http, takes_effect=False),
    "100 and 103 first": FaultCase(fault=early_hints, takes_effect=True),
    "HTTP/1.0 without length": FaultCase(fault=without_length, takes_effect=True),
}
"""How to cause each fault of `WIRES`, and the texts that describe it."""
