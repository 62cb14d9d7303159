"""The fault cases of table `WIRES`: what the proxy does to the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.fault_table.answer_cases import FaultCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.tcp_proxy import Exchange, ProxyFault

TIMEOUT_SECONDS: Final = 3
"""The client's timeout for one request; the loop's clock is advanced, so no test waits for it."""

ENDLESS_BYTES: Final = 64 << 20
"""The size of an endless response, unless the client closes before."""

_HEAD_END: Final = b"\r\n\r\n"
_TRICKLE_SECONDS: Final = 0.2
"""Less than the read timeout."""
_CHUNK: Final = b"x" * (1 << 18)


def head(status: str = "200 OK", *, length: int | None = 99, kind: str = "HTTP/1.1") -> bytes:
    """The head of a response."""
    lines = [f"{kind} {status}", "Content-Type: application/json"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join(lines).encode() + _HEAD_END


async def reset_before(exchange: Exchange) -> None:
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    await exchange.forward()
    exchange.reset()


async def close_in_head(exchange: Exchange) -> None:
    await exchange.send((await exchange.forward())[:30])
    exchange.close()


async def reset_in_body(exchange: Exchange) -> None:
    await exchange.send((await exchange.forward())[:-3])
    exchange.reset()


async def close_in_error(exchange: Exchange) -> None:
    """Close inside the body of an error, so that only the status is known."""
    await exchange.send(head("500 Oh") + b'{"error": {"code": "rate_limi')
    exchange.close()


async def stall(exchange: Exchange) -> None:
    await exchange.forward()
    await exchange.stall()


async def trickle_body(exchange: Exchange) -> None:
    await exchange.forward()
    await exchange.send(head(length=9_999))
    for _ in range(1_000):
        await exchange.send(b" ")
        exchange.proxy.advance_loop_clock(_TRICKLE_SECONDS)
        await exchange.let_caller_read()


async def endless_body(exchange: Exchange) -> None:
    """Send a body without announced length until the client closes."""
    await exchange.forward()
    await exchange.send(head(length=None) + b'{"a": "')
    while exchange.bytes_sent < ENDLESS_BYTES:
        await exchange.send(_CHUNK)
    exchange.close()


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


WIRE_CASES: Final[Mapping[str, FaultCase]] = {
    "reset before delivery": FaultCase(reset_before),
    "reset after delivery": FaultCase(reset_after, takes_effect=True),
    "closed inside the head": FaultCase(close_in_head, takes_effect=True),
    "reset inside the body": FaultCase(reset_in_body, takes_effect=True),
    "closed inside an error": FaultCase(close_in_error),
    "no response": FaultCase(stall, takes_effect=True),
    "trickling body": FaultCase(trickle_body, takes_effect=True),
    "endless body": FaultCase(endless_body, takes_effect=True),
    "not HTTP": FaultCase(not_http),
    "100 and 103 first": FaultCase(early_hints, takes_effect=True),
    "HTTP/1.0 without length": FaultCase(without_length, takes_effect=True),
}
"""How to cause each fault of `WIRES`."""
