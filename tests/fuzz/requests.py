"""HTTP requests with something wrong: in their heads, in their frames, in what is sent at all.

Each knows what may come of it. Nothing here knows MCP but its headers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.fuzz.http import chunked, head, length
from tests.jsonrpc import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.fuzz.http import Headers

    Change = Callable[[Headers], Headers]
    """Takes the headers of a good request, and returns others."""

    Writer = Callable[[Headers, bytes, int], list[bytes]]


# Heads

_ODD: Final = (b"", b"x", b"\xe9\xff", b"\x1b[31mred\x9b", b"=?base64?!!?=", b"a" * 9_000, b"a, b")


def _set(name: bytes, *values: bytes) -> Change:
    """The same headers, with so many of this name."""

    def change(headers: Headers) -> Headers:
        return [it for it in headers if it[0].lower() != name] + [(name, value) for value in values]

    return change


def _spoils(name: bytes, values: Sequence[bytes], *, needed: bool) -> list[Change]:
    changes = [_set(name, value) for value in values]
    return [*changes, _set(name)] if needed else changes


_HERE: Final = (b"127.0.0.1", b"evil.example.com")
_ALWAYS: Final = [
    *_spoils(b"accept", (b"", b"text/html", b"application/json", b"\xff"), needed=True),
    *_spoils(b"content-type", (b"", b"text/plain", b"\xffapplication/json"), needed=True),
    *_spoils(b"host", (b"", b"evil.example.com", b"\x1b[31m.example.com"), needed=True),
    _set(b"host", *_HERE),
    *_spoils(b"origin", (b"null", b"https://evil.example.com", b"\x9b31m"), needed=False),
    *_spoils(b"x-api-key", (b"two words", b"sk_\xc3\xa9", b"x" * 513, b"a\tb"), needed=False),
    *_spoils(b"authorization", (b"Bearer sk_live_x", b"sk_live_\xff"), needed=False),
    *_spoils(b"bad name", (b"x",), needed=False),
]
_IN_ERA: Final = {
    LEGACY: [
        *_spoils(b"mcp-session-id", _ODD, needed=True),
        *_spoils(b"mcp-protocol-version", (b"2099-01-01", *_ODD), needed=False),
    ],
    MODERN: [
        *_spoils(b"mcp-protocol-version", (b"2099-01-01", b"2025-11-25", *_ODD), needed=True),
        *_spoils(b"mcp-method", (b"tools/list", *_ODD), needed=True),
        *_spoils(b"mcp-name", (b"list_studios", *_ODD), needed=True),
        _set(b"mcp-protocol-version", MODERN.encode(), b"2025-11-25"),
        _set(b"mcp-method", b"tools/call", b"tools/call"),
        _set(b"mcp-name", b"create_studio", b"list_studios"),
    ],
}
_HARMLESS: Final = [
    _set(b"x-odd", *_ODD),
    _set(b"x-many", *[b"x"] * 200),
    _set(b"last-event-id", b"7"),
    _set(b"accept", b"text/event-stream;q=0.1 , application/json;q=1"),
    _set(b"content-type", b"application/json; charset=utf-8"),
    _set(b"expect", b"100-continue"),
    _set(b"cookie", b"\xff"),
    lambda headers: [(name.upper(), value) for name, value in headers],
]


def spoilt(era: str) -> SearchStrategy[list[Change]]:
    """Changes of which at least one must not be let in."""
    wrong = st.sampled_from([*_ALWAYS, *_IN_ERA[era]])
    return st.tuples(harmless(), st.lists(wrong, min_size=1, max_size=2)).map(
        lambda drawn: [*drawn[0], *drawn[1]]
    )


def harmless() -> SearchStrategy[list[Change]]:
    """Changes that take nothing from a good request."""
    return st.lists(st.sampled_from(_HARMLESS), max_size=2)


# Frames


@dataclass(frozen=True)
class Frame:
    """A way to send a body. `size` means something else in each."""

    way: str
    size: int

    @property
    def calls(self) -> int:
        """How often the call in the body is made."""
        return int(self.way in _WHOLE)

    @property
    def is_cut(self) -> bool:
        """The client hangs up before it has sent everything."""
        return self.way in _CUT

    def written(self, headers: Headers, body: bytes) -> list[bytes]:
        """A POST of this body, in the pieces in which it is sent."""
        return {**_WHOLE, **_WRONG, **_CUT}[self.way](headers, body, self.size)


def frames() -> SearchStrategy[Frame]:
    """Any of them."""
    ways = [*_WHOLE, *_WRONG, *_CUT]
    return st.builds(Frame, st.sampled_from(ways), st.integers(0, 250))


def _post(headers: Headers, body: list[bytes], *more: tuple[bytes, bytes]) -> list[bytes]:
    return [head("POST", "/mcp", [*headers, *more]), *body]


def _told(size: int | bytes) -> tuple[bytes, bytes]:
    return b"content-length", size if isinstance(size, bytes) else str(size).encode()


_IN_CHUNKS: Final = (b"transfer-encoding", b"chunked")
_LENGTHS: Final = (b"x", b"-1", b"1e3", b"", b"+300", b"0x99", b"9" * 12, b"9" * 40, b"1, 2")
_NO_HTTP: Final = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    b"POST /mcp\r\n\r\n",
    b"POST /mcp HTTP/9\r\n\r\n",
    b"POST  /mcp HTTP/1.1\r\n\r\n",
    b'{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n\r\n',
    b"\x00" * 90 + b"\r\n\r\n",
    b"A" * 70_000,
    b"POST /mcp HTTP/1.1\r\n folded: x\r\n\r\n",
)

_WHOLE: Final[dict[str, Writer]] = {
    "in chunks": lambda headers, body, size: _post(headers, chunked(body, size + 1), _IN_CHUNKS),
    "in drops": lambda headers, body, size: _post(
        headers,
        [body[at : at + 1 + size // 9] for at in range(0, len(body), 1 + size // 9)],
        length(body),
    ),
    "as HTTP/1.0": lambda headers, body, _: [
        it.replace(b"HTTP/1.1", b"HTTP/1.0") for it in _post(headers, [body], length(body))
    ],
    "expected": lambda headers, body, _: _post(
        headers, [body], length(body), (b"expect", b"100-continue")
    ),
}
"""Odd, and whole."""

_WRONG: Final[dict[str, Writer]] = {
    "longer than told": lambda headers, body, size: _post(headers, [body], _told(size % len(body))),
    "told in no number": lambda headers, body, size: _post(
        headers, [body], _told(_LENGTHS[size % len(_LENGTHS)])
    ),
    "told twice": lambda headers, body, size: _post(
        headers, [body], length(body), _told(size % len(body))
    ),
    "in no chunks": lambda headers, body, _: _post(headers, [body, b"\r\n"], _IN_CHUNKS),
    "in broken chunks": lambda headers, body, size: _post(
        headers, [*chunked(body, size + 1)[:-1], b"-5\r\n"], _IN_CHUNKS
    ),
    "in what is no chunk": lambda headers, body, _: _post(
        headers, [body], (b"transfer-encoding", b"gzip, chunked, x")
    ),
    "no HTTP": lambda _, __, size: [_NO_HTTP[size % len(_NO_HTTP)]],
}
"""Answered with an error."""

_CUT: Final[dict[str, Writer]] = {
    "shorter than told": lambda headers, body, size: _post(
        headers, [body], _told(len(body) + 1 + size)
    ),
    "less than its length": lambda headers, body, size: _post(
        headers, [body[: size % len(body)]], length(body)
    ),
    "fewer chunks": lambda headers, body, size: _post(
        headers, chunked(body, size + 1)[:-1], _IN_CHUNKS
    ),
    "half a chunk": lambda headers, body, size: _post(
        headers, [b"%x\r\n" % len(body), body[: size % len(body)]], _IN_CHUNKS
    ),
    "half a head": lambda headers, _, size: [head("POST", "/mcp", headers)[: 1 + size]],
    "nothing": lambda _, __, ___: [],
}
"""The client hangs up."""
