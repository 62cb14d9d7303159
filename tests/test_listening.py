"""A port: how it is opened, and by which address it is told."""

from __future__ import annotations

import socket

import pytest

from trax_mcp.server.http_server import listen, url_of
from trax_mcp.settings import CannotStart


def test_an_answer_is_not_held_back_until_there_is_more_to_send() -> None:
    """Every connection that is accepted has TCP_NODELAY, without anybody setting it again."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname(), timeout=5),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_an_open_port_is_told_as_a_url() -> None:
    """The port that was free, not the 0 that was asked for."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port != 0
        assert url_of(listener) == f"http://127.0.0.1:{port}"


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    """In the sentence that refuses it too (2001:db8::/32 is nobody's: RFC 3849)."""
    with pytest.raises(CannotStart, match=r"^Cannot listen on \[2001:db8::1\]:0: "):
        listen("2001:db8::1", 0)
