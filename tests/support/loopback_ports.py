"""Ports of loopback that nobody else gets, for programs that start later or never."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held_port() -> Iterator[int]:
    """Keep a port for a program that will listen on it, until the block ends.

    A port that is bound is given to no other process that takes any free port, and connecting to
    it is refused. As SO_REUSEADDR is set, a server that sets it too, as all do, may listen.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def closed_port() -> int:
    """A port on which no server listens as long as this process runs."""
    port: int = _bound().getsockname()[1]
    return port


@cache
def _bound() -> socket.socket:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder
