"""`trax-mcp`: parses the command line and runs a command, which is in its own module."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, NoReturn

from trax_mcp import __version__
from trax_mcp.api.caller import redact
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS
from trax_mcp.settings import CannotStart, how_to_add

_ABOUT: Final = """\
Run TRaX live streams by conversation, over the Model Context Protocol.

Without a command it is an MCP server on stdin and stdout, the way MCP clients
start it.
"""
_TRY: Final = """\
try it without a key:
  trax-mcp demo                 watch a show on the embedded sandbox
  trax-mcp install --sandbox    let your own client run one, on made-up studios

with a key:
  trax-mcp install              asks for your key; your MCP client then starts
                                trax-mcp by itself
  trax-mcp install other        shows what to paste into any other MCP client
  trax-mcp doctor               says what is not well, and what to do about it

Keys are made on TRaX's Developer / API Keys screen.
All settings are in docs/settings.md.
"""
_SWITCH: Final[Mapping[str, Any]] = {"action": "store_true"}
_SERVE: Final = "serve_"
_STDIO: Final = "serve_stdio:run"


class Argument(NamedTuple):
    """Names and options of `add_argument`."""

    names: tuple[str, ...]
    options: Mapping[str, Any]


class Command(NamedTuple):
    """A command: the line in `--help`, the paragraph in its own, what it runs, and its arguments.

    `run` names a function of a module in this package, which gets the options and returns the exit
    code. `sandbox`: the command takes --sandbox, on either side of its name.
    """

    name: str
    help: str
    description: str
    run: str
    arguments: tuple[Argument, ...] = ()
    sandbox: bool = False


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = 13  # it forgets that commands are indented


class _Parser(argparse.ArgumentParser):
    """A parser that never prints a key, which somebody may give as an argument."""

    def error(self, message: str) -> NoReturn:
        super().error(redact(message))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0, with 1 if it fails, or with 2 if the arguments are wrong."""
    top = parser()
    options = top.parse_args(arguments)
    if options.sandbox and not options.has_sandbox:
        top.error("this command takes no --sandbox")
    sandbox = {"TRAX_SANDBOX": "1"} if options.sandbox else {}
    options.environment = {**os.environ, **sandbox}
    module, _, function = options.run.partition(":")
    try:
        if options.run.startswith(_SERVE):
            gc.disable()  # until it serves: most objects of the start stay
        # Late, so that --help does not import the SDK.
        run = getattr(import_module(f"trax_mcp.cli.{module}"), function)
        code: int = run(options)
    except CannotStart as error:
        from trax_mcp.cli.terminal import note  # noqa: PLC0415  as above

        note(f"trax-mcp: {error}")
        code = 1
        if options.run == _STDIO:
            from trax_mcp.cli.refused_start import answer_requests  # noqa: PLC0415  as above

            answer_requests(f"trax-mcp: {error}", code=code)
    except KeyboardInterrupt:
        code = 130
    finally:
        gc.enable()  # a failed start leaves it disabled
    sys.exit(code)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    top = _Parser(prog="trax-mcp", description=_ABOUT, epilog=_TRY, formatter_class=_Formatter)
    top.set_defaults(run=_STDIO, has_sandbox=True)
    top.add_argument("--version", action="version", version=f"trax-mcp {__version__}")
    _add_sandbox(top, default=False)
    _add_commands(top.add_subparsers(metavar="COMMAND", title="commands").add_parser)
    return top


def _add_commands(add_parser: Callable[..., _Parser]) -> None:
    for command in COMMANDS:
        added = add_parser(command.name, help=command.help, description=command.description)
        for names, options in command.arguments:
            added.add_argument(*names, **options)
        if command.sandbox:
            _add_sandbox(added, default=argparse.SUPPRESS)
        added.set_defaults(run=command.run, has_sandbox=command.sandbox)


def _add_sandbox(to: argparse.ArgumentParser, *, default: object) -> None:
    text = "use the embedded TRaX sandbox: no key, no network, nothing real"
    to.add_argument("--sandbox", **_SWITCH, default=default, help=text)


def _host(text: str) -> str:
    if not text.strip():  # it would listen on all addresses
        raise argparse.ArgumentTypeError("must be an address such as 127.0.0.1")
    return text


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) in range(65536)):
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _argument(*names: str, **options: object) -> Argument:
    return Argument(names, options)


def _port_option(default: int) -> Argument:
    text = "port, 0 for any (%(default)s)"
    return _argument("--port", default=default, type=_port, help=text)


COMMANDS: Final = (
    Command(
        "demo",
        "play a show on the sandbox and print it",
        "Play a show on the sandbox, through a real MCP client over stdio.",
        "demo.play:run",
    ),
    Command(
        "install",
        "let an MCP client start trax-mcp, and put your key into a file",
        "Add trax-mcp to the configuration of an MCP client; without CLIENT you choose one of "
        "those that are on this computer. Everything else in it stays, and a backup is kept. Your "
        "TRaX key is asked for without echo, or read as a line from stdin; TRaX is asked whether "
        "it is good, and it goes into a file that only you can read. For codex, jetbrains and "
        "other, and where a configuration is not plain JSON, you are shown what to paste.",
        "install.install:run",
        (
            _argument("client", metavar="CLIENT", nargs="?", help=", ".join(CLIENTS)),
            _argument("--print", **_SWITCH, help="write nothing, print what goes where"),
            _argument(
                "--set",
                metavar="NAME=VALUE",
                action="append",
                default=[],
                help="a setting for the client, for example TRAX_READ_ONLY=1; no secret",
            ),
        ),
        sandbox=True,
    ),
    Command(
        "uninstall",
        "take trax-mcp out of an MCP client, or of all",
        "Remove what install wrote into the configuration of an MCP client, or of each on this "
        "computer. A backup is kept. Nothing else is deleted: you are told what else may be.",
        "install.uninstall:run",
        (_argument("client", metavar="CLIENT", nargs="?", help=", ".join(CLIENTS)),),
    ),
    Command(
        "doctor",
        "check settings, key, TRaX and MCP clients, and say what to do",
        "Check the settings, the key and what it may read, whether TRaX is reached and takes "
        "changes, its contract, and which MCP clients start this installation. Nothing is changed. "
        "Exits with 0 if nothing has failed; warnings do not count.",
        "doctor:run",
        (
            _argument(
                "client",
                metavar="CLIENT",
                nargs="?",
                help=f"check what this one would start: {', '.join(FILE_CLIENTS)}",
            ),
            _argument("--json", **_SWITCH, help="print one JSON object"),
        ),
        sandbox=True,
    ),
    Command(
        "passkey",
        "make a passkey, so that only your finger, face or PIN approves",
        "Make a passkey in your browser. From then on you approve with it, on the page that "
        "trax-mcp opens; going offline doesn't need it. It needs an extra. "
        + how_to_add("passkey"),
        "passkey:run",
    ),
    Command(
        "http",
        "MCP over Streamable HTTP at /mcp, for bots and teams",
        "Serve MCP over Streamable HTTP at /mcp, with GET /healthz and /readyz beside it. Each "
        "caller sends their own TRaX key as X-API-Key; with --sign-in people may also give it on a "
        "page, for clients that can only sign in.",
        "serve_http:run",
        (
            _argument(
                "--host", default="127.0.0.1", type=_host, help="address to listen on (%(default)s)"
            ),
            _port_option(8765),
            _argument("--sign-in", **_SWITCH, help="people sign in with their TRaX key, on a page"),
            _argument(
                "--public-url",
                metavar="URL",
                help="where they reach it, such as https://trax.example.com",
            ),
        ),
        sandbox=True,
    ),
    Command(
        "sign-in",
        "list who is signed in at a server, and revoke it",
        "List who is signed in at a server with --sign-in, or revoke it: that counts at once, also "
        "while it serves. Run it as the server's user, with its TRAX_SIGN_IN_FILE.",
        "sign_in:run",
        (
            _argument("step", choices=["list", "revoke"], metavar="list|revoke", help="what to do"),
            _argument(
                "ids", metavar="ID", nargs="*", default=[], help="revoke: an id that list shows"
            ),
            _argument("--all", **_SWITCH, help="revoke: all of them, as after a theft"),
            _argument("--json", **_SWITCH, help="list: print one JSON list"),
        ),
    ),
    Command(
        "contract",
        "show the built-in contract; with check, compare it with TRaX's",
        "Print the TRaX contract that is built in, as JSON. With check: print how the one that "
        "TRaX serves differs from it, and exit with 1 if that breaks something. No key is needed; "
        "TRAX_BASE_URL says where.",
        "contract:run",
        (
            _argument(
                "check",
                nargs="?",
                choices=["check"],
                metavar="check",
                help="compare it with TRaX's own",
            ),
        ),
        sandbox=True,
    ),
    Command(
        "sandbox",
        "the sandbox's own /v1 API over HTTP, for any HTTP client",
        "Serve the embedded TRaX sandbox by itself: TRaX's /v1 API over HTTP on this machine, with "
        "made-up studios and a key that opens nothing else.",
        "sandbox:run",
        (
            _port_option(8766),
            _argument("--empty", **_SWITCH, help="without the made-up studios"),
            _argument(
                "--deviate",
                action="append",
                default=[],
                metavar="NAME",
                help="do one thing otherwise, as a real TRaX may; `list` prints the names",
            ),
        ),
    ),
)
"""All commands, in the order of --help."""
