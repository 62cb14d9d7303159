"""The parser of the command line, and the options that several commands have."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from trax_mcp.api.caller import ANONYMOUS, redact_keys

AddParser = Callable[..., argparse.ArgumentParser]
"""`add_parser` of argparse's subparsers."""


class Parser(argparse.ArgumentParser):
    """A parser that never prints a key, which somebody may give as an argument."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and the message."""
        super().error(redact_keys(message, ANONYMOUS))


def add_host(parser: argparse.ArgumentParser) -> None:
    """Add --host."""
    parser.add_argument(
        "--host", default="127.0.0.1", type=_host, help="address to listen on (%(default)s)"
    )


def add_port(parser: argparse.ArgumentParser, *, default: int) -> None:
    """Add --port."""
    parser.add_argument("--port", default=default, type=_port, help="port, 0 for any (%(default)s)")


def add_sandbox_switch(parser: argparse.ArgumentParser, *, default: object) -> None:
    """Add --sandbox."""
    parser.add_argument(
        "--sandbox",
        action="store_true",
        default=default,
        help="use the embedded TRaX sandbox: no key, no network, nothing real",
    )


def _host(text: str) -> str:
    if not text.strip():  # it would listen on all addresses
        raise argparse.ArgumentTypeError("must be an address such as 127.0.0.1")
    return text


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) in range(65536)):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)
