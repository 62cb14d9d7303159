"""HTTP requests with faulty heads or framing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.support.fuzzing.raw_http import chunked, content_length, request_head
from tests.support.jsonrpc import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.support.fuzzing.raw_http import Headers

    Change = Callable[[Headers], Headers]
    """Takes the headers of a valid request and returns others."""

    Writer = Callable[[Headers, bytes, int], list[bytes]]


# Heads

_ODD_VALUES: Final = (
    b"",
    b"x",
    b"\xe9\xff",
    b"\x1b[31mred\x9b",
    b"=?base64?!!?=",
    b"a" * 9_000,
    b"a, b",
)


def _set(name: bytes, *values: bytes) -> Change:
    """Replace all headers of this name with these values."""

    def change(headers: Headers) -> Headers:
        return [it for it in headers if it[0].lower() != name] + [(name, value) for value in values]

    return change


def _changes(name: bytes, values: Sequence[bytes], *, needed: bool) -> list[Change]:
    changes = [_set(name, value) for value in values]
    return [*changes, _set(name)] if needed else changes


_TWO_HOSTS: Final = (b"127.0.0.1", b"evil.example.com")
_INVALID_IN_BOTH_ERAS: Final = [
    *_changes(b"accept", (b"", b"text/html", b"application/json", b"\xff"), needed=True),
    *_changes(b"content-type", (b"", b"text/plain", b"\xffapplication/json"), needed=True),
    *_changes(b"host", (b"", b"evil.example.com", b"\x1b[31m.example.com"), needed=True),
    _set(b"host", *_TWO_HOSTS),
    *_changes(b"origin", (b"null", b"https://evil.example.com", b"\x9b31m"), needed=False),
    *_changes(b"x-api-key", (b"two words", b"sk_\xc3\xa9", b"x" * 513, b"a\tb"), needed=False),
    *_changes(b"authorization", (b"Bearer sk_live_x", b"sk_live_\xff"), needed=False),
    *_changes(b"bad name", (b"x",), needed=False),
]
_INVALID_IN_ERA: Final = {
    LEGACY: [
        *_changes(b"mcp-session-id", _ODD_VALUES, needed=True),
        *_changes(b"mcp-protocol-version", (b"2099-01-01", *_ODD_VALUES), needed=False),
    ],
    MODERN: [
        *_changes(
            b"mcp-protocol-version", (b"2099-01-01", b"2025-11-25", *_ODD_VALUES), needed=True
        ),
        *_changes(b"mcp-method", (b"tools/list", *_ODD_VALUES), needed=True),
        *_changes(b"mcp-name", (b"list_studios", *_ODD_VALUES), needed=True),
        _set(b"mcp-protocol-version", MODERN.encode(), b"2025-11-25"),
        _set(b"mcp-method", b"tools/call", b"tools/call"),
        _set(b"mcp-name", b"create_studio", b"list_studios"),
    ],
}
_HARMLESS: Final = [
    _set(b"x-odd", *_ODD_VALUES),
    _set(b"x-many", *[b"x"] * 200),
    _set(b"last-event-id", b"7"),
    _set(b"accept", b"text/event-stream;q=0.1 , application/json;q=1"),
    _set(b"content-type", b"application/json; charset=utf-8"),
    _set(b"expect", b"100-continue"),
    _set(b"cookie", b"\xff"),
    lambda headers: [(name.upper(), value) for name, value in headers],
]


def invalid_heads(era: str) -> SearchStrategy[list[Change]]:
    """Header changes, at least one of which makes the request invalid."""
    invalid = st.sampled_from([*_INVALID_IN_BOTH_ERAS, *_INVALID_IN_ERA[era]])
    return st.tuples(harmless_heads(), st.lists(invalid, min_size=1, max_size=2)).map(
        lambda drawn: [*drawn[0], *drawn[1]]
    )


def harmless_heads() -> SearchStrategy[list[Change]]:
    """Header changes that leave the request valid."""
    return st.lists(st.sampled_from(_HARMLESS), max_size=2)


# Framing


@dataclass(frozen=True)
class Frame:
    """A way to send a body. What `size` means depends on `kind`."""

    kind: str
    size: int

    @property
    def calls(self) -> int:
        """How many times the server runs the call in the body."""
        return int(self.kind in _VALID)

    @property
    def is_incomplete(self) -> bool:
        """Whether the client disconnects before it has sent everything."""
        return self.kind in _INCOMPLETE

    def pieces(self, headers: Headers, body: bytes) -> list[bytes]:
        """A POST of this body, in the pieces in which it is sent."""
        return {**_VALID, **_INVALID, **_INCOMPLETE}[self.kind](headers, body, self.size)


def frames() -> SearchStrategy[Frame]:
    """Any frame."""
    kinds = [*_VALID, *_INVALID, *_INCOMPLETE]
    return st.builds(Frame, st.sampled_from(kinds), st.integers(0, 250))


def _post(headers: Headers, body: list[bytes], *more: tuple[bytes, bytes]) -> list[bytes]:
    return [request_head("POST", "/mcp", [*headers, *more]), *body]


def _declared_length(size: int | bytes) -> tuple[bytes, bytes]:
    return b"content-length", size if isinstance(size, bytes) else str(size).encode()


_IN_CHUNKS: Final = (b"transfer-encoding", b"chunked")
_CONTENT_LENGTHS: Final = (
    b"x",
    b"-1",
    b"1e3",
    b"",
    b"+300",
    b"0x99",
    b"9" * 12,
    b"9" * 40,
    b"1, 2",
)
_NOT_HTTP: Final = (
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

_VALID: Final[dict[str, Writer]] = {
    "in chunks": lambda headers, body, size: _post(headers, chunked(body, size + 1), _IN_CHUNKS),
    "in small pieces": lambda headers, body, size: _post(
        headers,
        [body[at : at + 1 + size // 9] for at in range(0, len(body), 1 + size // 9)],
        content_length(body),
    ),
    "as HTTP/1.0": lambda headers, body, _: [
        it.replace(b"HTTP/1.1", b"HTTP/1.0") for it in _post(headers, [body], content_length(body))
    ],
    "with Expect: 100-continue": lambda headers, body, _: _post(
        headers, [body], content_length(body), (b"expect", b"100-continue")
    ),
}
"""Unusual but complete."""

_INVALID: Final[dict[str, Writer]] = {
    "longer than its Content-Length": lambda headers, body, size: _post(
        headers, [body], _declared_length(size % len(body))
    ),
    "Content-Length is not a number": lambda headers, body, size: _post(
        headers, [body], _declared_length(_CONTENT_LENGTHS[size % len(_CONTENT_LENGTHS)])
    ),
    "two Content-Lengths": lambda headers, body, size: _post(
        headers, [body], content_length(body), _declared_length(size % len(body))
    ),
    "chunked encoding without chunks": lambda headers, body, _: _post(
        headers, [body, b"\r\n"], _IN_CHUNKS
    ),
    "invalid chunk size": lambda headers, body, size: _post(
        headers, [*chunked(body, size + 1)[:-1], b"-5\r\n"], _IN_CHUNKS
    ),
    "unknown transfer encoding": lambda headers, body, _: _post(
        headers, [body], (b"transfer-encoding", b"gzip, chunked, x")
    ),
    "not HTTP": lambda _, __, size: [_NOT_HTTP[size % len(_NOT_HTTP)]],
}
"""Answered with an error."""

_INCOMPLETE: Final[dict[str, Writer]] = {
    "shorter than its Content-Length": lambda headers, body, size: _post(
        headers, [body], _declared_length(len(body) + 1 + size)
    ),
    "body cut short": lambda headers, body, size: _post(
        headers, [body[: size % len(body)]], content_length(body)
    ),
    "no last chunk": lambda headers, body, size: _post(
        headers, chunked(body, size + 1)[:-1], _IN_CHUNKS
    ),
    "chunk cut short": lambda headers, body, size: _post(
        headers, [b"%x\r\n" % len(body), body[: size % len(body)]], _IN_CHUNKS
    ),
    "head cut short": lambda headers, _, size: [request_head("POST", "/mcp", headers)[: 1 + size]],
    "nothing": lambda _, __, ___: [],
}
"""The client disconnects."""
