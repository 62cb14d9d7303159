"""Listening sockets and their URLs."""

from __future__ import annotations

import socket

import pytest

from trax_mcp.server.http.http_server import listen, url_of
from trax_mcp.settings import CannotStart


def test_an_accepted_connection_has_tcp_nodelay() -> None:
    """It is inherited from the listening socket."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname(), timeout=5),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_the_url_has_the_port_that_was_opened() -> None:
    """Not the requested port 0."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port != 0
        assert url_of(listener) == f"http://127.0.0.1:{port}"


def test_an_ipv6_address_is_in_brackets() -> None:
    """Also in the error (2001:db8::/32 belongs to no machine: RFC 3849)."""
    with pytest.raises(CannotStart, match=r"^Cannot listen on \[2001:db8::1\]:0: "):
        listen("2001:db8::1", 0)
