"""`trax-mcp`: which command, with which settings. What a command does is in its own module."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from trax_mcp import __version__
from trax_mcp.settings import SettingsError, read_settings

_ABOUT = """\
Run TRaX live streams by conversation, over the Model Context Protocol.

Without a command it is an MCP server on stdin and stdout, the way MCP clients
start it.
"""
_TRY = """\
try it without a key:
  trax-mcp demo              watch a whole show on the embedded sandbox
  trax-mcp --sandbox         an MCP server on the sandbox, for your own client

with a key:
  TRAX_API_KEY=sk_live_... trax-mcp

Keys are made on TRaX's Developer / API Keys screen. All settings: see README.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0, with 1 if it failed, or with 2 if it was asked wrongly."""
    asked = _parser().parse_args(arguments)
    try:
        code = _COMMANDS[asked.command](asked)
    except SettingsError as error:
        sys.exit(f"trax-mcp: {error}")
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _environment(asked: argparse.Namespace) -> Mapping[str, str]:
    return {**os.environ, "TRAX_SANDBOX": "1"} if asked.sandbox else os.environ


def _stdio(asked: argparse.Namespace) -> int:
    from trax_mcp.cli import serve  # noqa: PLC0415  --help must not wait for the SDK

    return serve.stdio(read_settings(_environment(asked)))


def _http(asked: argparse.Namespace) -> int:
    from trax_mcp.cli import serve  # noqa: PLC0415  as above

    return serve.http(read_settings(_environment(asked)), host=asked.host, port=asked.port)


def _sandbox(asked: argparse.Namespace) -> int:
    from trax_mcp.cli import sandbox  # noqa: PLC0415  as above

    return sandbox.serve(port=asked.port, empty=asked.empty)


def _demo(_asked: argparse.Namespace) -> int:
    from trax_mcp.cli import demo  # noqa: PLC0415  as above

    return demo.play()


_COMMANDS: Mapping[str | None, Callable[[argparse.Namespace], int]] = {
    None: _stdio,
    "http": _http,
    "sandbox": _sandbox,
    "demo": _demo,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trax-mcp",
        description=_ABOUT,
        epilog=_TRY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"trax-mcp {__version__}")
    _add_sandbox_switch(parser, default=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    http = commands.add_parser(
        "http",
        help="MCP over Streamable HTTP at /mcp, for bots and teams",
        description="Serve MCP over Streamable HTTP at /mcp, with GET /healthz beside it. "
        "Each caller sends their own TRaX key as X-API-Key.",
    )
    http.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    http.add_argument("--port", default=8765, type=_port, help="port, 0 for any (%(default)s)")
    _add_sandbox_switch(http, default=argparse.SUPPRESS)

    sandbox = commands.add_parser(
        "sandbox",
        help="the sandbox's own /v1 API over HTTP, for any HTTP client",
        description="Serve a small TRaX of its own over HTTP: made-up studios, nothing real.",
    )
    sandbox.add_argument("--port", default=8766, type=_port, help="port, 0 for any (%(default)s)")
    sandbox.add_argument("--empty", action="store_true", help="without the made-up studios")

    commands.add_parser(
        "demo",
        help="play a whole show on the sandbox and print it",
        description="Play a whole show on the sandbox, through a real MCP client over stdio.",
    )
    return parser


def _add_sandbox_switch(parser: argparse.ArgumentParser, *, default: object) -> None:
    parser.add_argument(
        "--sandbox",
        action="store_true",
        default=default,
        help="use the embedded TRaX sandbox: no key, no network, nothing real",
    )


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) in range(65536)):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)
