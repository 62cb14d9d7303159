"""What is done to the connection in each line of the table, and in which words that is told.

Each is a few bytes, or none, where an answer was due. It knows the proxy, and nothing of TRaX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.faults.mishaps import ACCEPTED, Mishap, lost

if TYPE_CHECKING:
    from tests.proxy import Exchange, Mischief

PATIENCE_SECONDS: Final = 3
"""How long one request may take here; no time of the test's is needed for that."""

OFFERED: Final = 64 << 20
"""Bytes that an answer without end would have, if anybody read them."""

_END: Final = b"\r\n\r\n"
_DRIP_SECONDS = 0.2
_LUMP: Final = b"x" * (1 << 18)


def head(status: str = "200 OK", *, length: int | None = 99, kind: str = "HTTP/1.1") -> bytes:
    """The head of an answer."""
    lines = [f"{kind} {status}", "Content-Type: application/json"]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join(lines).encode() + _END


async def reset_before(exchange: Exchange) -> None:
    """Nothing reaches TRaX."""
    exchange.reset()


async def reset_after(exchange: Exchange) -> None:
    """It has reached TRaX, and the answer is thrown away."""
    await exchange.answer()
    exchange.reset()


async def close_after(exchange: Exchange) -> None:
    """The same in good order."""
    await exchange.answer()
    exchange.close()


async def close_in_head(exchange: Exchange) -> None:
    """The head breaks off."""
    await exchange.say((await exchange.answer())[:30])
    exchange.close()


async def close_in_body(exchange: Exchange) -> None:
    """The body breaks off."""
    await exchange.say((await exchange.answer())[:-3])
    exchange.close()


async def reset_in_body(exchange: Exchange) -> None:
    """The same, with a reset."""
    await exchange.say((await exchange.answer())[:-3])
    exchange.reset()


async def close_in_chunk(exchange: Exchange) -> None:
    """A body in pieces, the second of which breaks off."""
    await exchange.answer()
    whole = head(length=None).removesuffix(b"\r\n") + b"Transfer-Encoding: chunked" + _END
    await exchange.say(whole + b'2\r\n{"\r\n9\r\nok')
    exchange.close()


async def close_in_error(exchange: Exchange) -> None:
    """An error of which only the status can be known."""
    await exchange.say(head("500 Oh") + b'{"error": {"code": "rate_limi')
    exchange.close()


async def silence(exchange: Exchange) -> None:
    """It has reached TRaX, and no answer comes."""
    await exchange.answer()
    await exchange.fall_silent()


async def silence_in_head(exchange: Exchange) -> None:
    """The head does not end."""
    await exchange.say((await exchange.answer())[:30])
    await exchange.fall_silent()


async def silence_in_body(exchange: Exchange) -> None:
    """The body does not end."""
    await exchange.say((await exchange.answer())[:-3])
    await exchange.fall_silent()


async def drip_head(exchange: Exchange) -> None:
    """Each piece comes in time, and all of it never."""
    await exchange.answer()
    await exchange.say(head(length=None).removesuffix(b"\r\n"))
    await _drip(exchange, b"X-More: x\r\n")


async def drip_body(exchange: Exchange) -> None:
    """The same."""
    await exchange.answer()
    await exchange.say(head(length=9_999))
    await _drip(exchange, b" ")


async def endless_head(exchange: Exchange) -> None:
    """Headers, as long as anybody reads them."""
    await exchange.answer()
    await exchange.say(head(length=None).removesuffix(b"\r\n") + b"X-More: ")
    await _pour(exchange)


async def endless_body(exchange: Exchange) -> None:
    """A body of no announced length, as long as anybody reads it."""
    await exchange.answer()
    await exchange.say(head(length=None) + b'{"a": "')
    await _pour(exchange)


async def huge_body(exchange: Exchange) -> None:
    """The same, announced."""
    await exchange.answer()
    await exchange.say(head(length=OFFERED) + b'{"a": "')
    await _pour(exchange)


async def overfull_body(exchange: Exchange) -> None:
    """It goes on behind its end."""
    await exchange.answer()
    await exchange.say(head(length=7) + b'{"ok": true}')


def and_then(surplus: bytes) -> Mischief:
    """It is answered, and in the same breath comes a whole answer that nobody has asked for."""

    async def mischief(exchange: Exchange) -> None:
        await exchange.say(await exchange.answer() + surplus)

    return mischief


async def no_http(exchange: Exchange) -> None:
    """Somebody else lives there."""
    await exchange.say(b"SSH-2.0-OpenSSH_9.6\r\n")
    exchange.close()


async def early_hints(exchange: Exchange) -> None:
    """Answers that are none, before the one."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </obey>; rel=preload" + _END
    await exchange.say(3 * (b"HTTP/1.1 100 Continue" + _END) + hints)
    await exchange.say(await exchange.answer())


async def only_hints(exchange: Exchange) -> None:
    """Answers that are none, and never the one."""
    await _drip(exchange, b"HTTP/1.1 100 Continue" + _END)


async def switching(exchange: Exchange) -> None:
    """Another protocol, unasked."""
    await exchange.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: obey\r\n" + _END[:2])
    exchange.close()


async def until_closed(exchange: Exchange) -> None:
    """As servers spoke once: no length, and the end is the end."""
    body = (await exchange.answer()).partition(_END)[2]
    await exchange.say(head(length=None, kind="HTTP/1.0") + body)
    exchange.close()


async def interrupted(exchange: Exchange) -> None:
    """The same, where the end came too soon: no wire can tell."""
    body = (await exchange.answer()).partition(_END)[2]
    await exchange.say(head(length=None, kind="HTTP/1.0") + body[:-3])
    exchange.close()


async def _drip(exchange: Exchange, drop: bytes) -> None:
    """A drop at a time; between two of them time leaps, but less than anybody waits for a byte."""
    for _ in range(1_000):
        await exchange.say(drop)
        exchange.proxy.leap(_DRIP_SECONDS)
        await exchange.breathe()


async def _pour(exchange: Exchange) -> None:
    """Much, until nobody is there any more."""
    while exchange.said < OFFERED:
        await exchange.say(_LUMP)
    exchange.close()


def late(fault: Mischief, *, acts: bool = True) -> Mishap:
    """No answer has begun in time."""
    happened = f"TRaX did not answer within {PATIENCE_SECONDS} s"
    return Mishap(fault=fault, happened=happened, code="timeout", acts=acts)


def broken(fault: Mischief, why: str = "broke off", **rest: Any) -> Mishap:  # noqa: ANN401  as `Mishap`
    """An answer has begun, and is not whole."""
    return Mishap(fault=fault, happened=ACCEPTED + why, acts=True, **rest)


def troubled(fault: Mischief, status: int) -> Mishap:
    """An answer that is no success has begun."""
    return Mishap(fault=fault, happened=f"TRaX has trouble (HTTP {status})", status=status)


_INCOMPLETE: Final = f"was not complete within {PATIENCE_SECONDS} s"

MISTREATED: Final = {
    "reset before TRaX had it": lost(reset_before, acts=False),
    "reset after TRaX had it": lost(reset_after),
    "closed after TRaX had it": lost(close_after),
    "closed inside the head": lost(close_in_head),
    "closed inside the body": broken(close_in_body),
    "reset inside the body": broken(reset_in_body),
    "closed inside a chunk": broken(close_in_chunk, status=200),
    "closed inside an error": troubled(close_in_error, 500),
    "silence for an answer": late(silence),
    "silence inside the head": late(silence_in_head),
    "a head that drips": late(drip_head),
    "silence inside the body": broken(silence_in_body, _INCOMPLETE, code="timeout"),
    "a body that drips": broken(drip_body, _INCOMPLETE, code="timeout", status=200),
    "a head without end": lost(endless_head),
    "a body without end": broken(endless_body, "is larger than 4 MiB", status=200),
    "a body longer than allowed": broken(huge_body, "is larger than 4 MiB", status=200),
    "a body longer than with_notice": broken(
        overfull_body, "is not a JSON object", status=200, spoils=1
    ),
    "no HTTP at all": lost(no_http, acts=False),
    "100 and 103 before it": Mishap(fault=early_hints, acts=True),
    "100 for ever": late(only_hints, acts=False),
    "101 in its place": lost(switching, acts=False),
    "HTTP/1.0 until it closes": Mishap(fault=until_closed, acts=True),
    "HTTP/1.0 cut short": broken(interrupted, "is not a JSON object", status=200),
}
"""How each fault of `WIRES` is made, and told."""
