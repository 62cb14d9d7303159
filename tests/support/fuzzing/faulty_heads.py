"""Heads of HTTP requests, some of which make a request invalid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.support.fuzzing.raw_http import Headers

    Change = Callable[[Headers], Headers]
    """Takes the headers of a valid request and returns others."""


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
