"""`trax-mcp`: parses the command line and runs a command, which is in its own module."""

import argparse
import difflib
import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

from trax_mcp import __version__
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS
from trax_mcp.cli.parser import AddParser, Parser, add_host, add_port, add_sandbox_switch
from trax_mcp.settings import CannotStart, read_settings

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
  trax-mcp install CLIENT    asks for your key; your MCP client then starts
                             trax-mcp by itself
  trax-mcp install other     shows what to paste into any other MCP client
  trax-mcp doctor            says what is not well, and what to do about it

Keys are made on TRaX's Developer / API Keys screen.
All settings are in docs/settings.md.
"""
_WAITING = "This MCP server waits for a client on stdin. Ctrl-C ends it, --help says more."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0, with 1 if it fails, or with 2 if the arguments are wrong."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except CannotStart as error:
        sys.exit(f"trax-mcp: {error}")
    except KeyboardInterrupt:
        code = 130
    finally:
        gc.enable()  # a failed start leaves it disabled
    sys.exit(code)


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    return {**os.environ, "TRAX_SANDBOX": "1"} if options.sandbox else os.environ


def _stdio(options: argparse.Namespace) -> int:
    settings = read_settings(_environment(options))
    if sys.stdin.isatty():
        print(_WAITING, file=sys.stderr, flush=True)  # noqa: T201  for a person, on stderr
    gc.disable()  # until it serves: most objects of the start stay
    from trax_mcp.cli import serve  # noqa: PLC0415  --help must not import the SDK

    return serve.stdio(settings)


def _http(options: argparse.Namespace) -> int:
    environment = dict(_environment(options))
    if options.sign_in:
        environment["TRAX_SIGN_IN"] = "1"
    if options.public_url is not None:
        environment["TRAX_PUBLIC_URL"] = options.public_url
    settings = read_settings(environment)
    gc.disable()  # as above
    from trax_mcp.cli import serve  # noqa: PLC0415  as above

    return serve.http(settings, host=options.host, port=options.port)


def _sandbox(options: argparse.Namespace) -> int:
    from trax_mcp.cli import sandbox  # noqa: PLC0415  as above

    return sandbox.serve(port=options.port, empty=options.empty)


def _demo(_options: argparse.Namespace) -> int:
    from trax_mcp.cli.demo.play import play  # noqa: PLC0415  as above

    return play()


def _contract(options: argparse.Namespace) -> int:
    from trax_mcp.cli import contract  # noqa: PLC0415  as above

    return (
        contract.check(read_settings(_environment(options))) if options.check else contract.show()
    )


def _install(options: argparse.Namespace) -> int:
    from trax_mcp.cli.install import install  # noqa: PLC0415  as above

    if options.client not in CLIENTS:
        return _list_clients(options.client, CLIENTS, "for any other client: install other --print")
    run = install.show if options.print else install.install
    return run(options.client, sandbox=options.sandbox, assignments=options.set)


def _passkey(_options: argparse.Namespace) -> int:
    from trax_mcp.cli import passkey  # noqa: PLC0415  as above

    return passkey.enrol(read_settings(os.environ))


def _sign_in_list(options: argparse.Namespace) -> int:
    from trax_mcp.cli import sign_in  # noqa: PLC0415  as above

    return sign_in.show(read_settings(os.environ), as_json=options.json)


def _sign_in_revoke(options: argparse.Namespace) -> int:
    from trax_mcp.cli import sign_in  # noqa: PLC0415  as above

    if bool(options.ids) == options.all:
        print("trax-mcp: give ids, or --all.", file=sys.stderr)  # noqa: T201  for a person, on stderr
        return 2
    return sign_in.revoke(read_settings(os.environ), options.ids, everybody=options.all)


def _doctor(options: argparse.Namespace) -> int:
    from trax_mcp.cli.doctor.examine import examine  # noqa: PLC0415  as above

    if options.client is not None and options.client not in FILE_CLIENTS:
        return _list_clients(options.client, FILE_CLIENTS, "without CLIENT it checks them all")
    if options.client is not None and options.sandbox:
        print("trax-mcp: CLIENT or --sandbox, not both.", file=sys.stderr)  # noqa: T201  as below
        return 2
    return examine(_environment(options), as_json=options.json, client=options.client)


def _list_clients(given: str | None, known: Iterable[str], otherwise: str) -> int:
    """Name the known clients. What was given is not repeated, because it may be a key."""
    close = difflib.get_close_matches(given or "", known, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    text = f"CLIENT is one of {', '.join(known)}; {otherwise}.{guess}"
    print(f"trax-mcp: {text}", file=sys.stderr)  # noqa: T201  for a person, on stderr
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="trax-mcp",
        description=_ABOUT,
        epilog=_TRY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_stdio)
    parser.add_argument("--version", action="version", version=f"trax-mcp {__version__}")
    add_sandbox_switch(parser, default=False)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for add in (
        _add_http,
        _add_sandbox,
        _add_demo,
        _add_install,
        _add_passkey,
        _add_sign_in,
        _add_doctor,
        _add_contract,
    ):
        add(commands.add_parser)
    return parser


def _add_http(add_parser: AddParser) -> None:
    http = add_parser(
        "http",
        help="MCP over Streamable HTTP at /mcp, for bots and teams",
        description="Serve MCP over Streamable HTTP at /mcp, with GET /healthz and /readyz beside "
        "it. Each caller sends their own TRaX key as X-API-Key; with --sign-in people may also "
        "give it on a page, for clients that can only sign in.",
    )
    http.set_defaults(run=_http)
    add_host(http)
    add_port(http, default=8765)
    http.add_argument(
        "--sign-in", action="store_true", help="people sign in with their TRaX key, on a page"
    )
    http.add_argument(
        "--public-url", metavar="URL", help="where they reach it, such as https://trax.example.com"
    )
    add_sandbox_switch(http, default=argparse.SUPPRESS)


def _add_sandbox(add_parser: AddParser) -> None:
    sandbox = add_parser(
        "sandbox",
        help="the sandbox's own /v1 API over HTTP, for any HTTP client",
        description="Serve the embedded TRaX sandbox by itself: TRaX's /v1 API over HTTP on this "
        "machine, with made-up studios and a key that opens nothing else.",
    )
    sandbox.set_defaults(run=_sandbox)
    add_port(sandbox, default=8766)
    sandbox.add_argument("--empty", action="store_true", help="without the made-up studios")


def _add_demo(add_parser: AddParser) -> None:
    demo = add_parser(
        "demo",
        help="play a whole show on the sandbox and print it",
        description="Play a whole show on the sandbox, through a real MCP client over stdio.",
    )
    demo.set_defaults(run=_demo)


def _add_install(add_parser: AddParser) -> None:
    install = add_parser(
        "install",
        help="let an MCP client start trax-mcp, and put your key into a file",
        description="Add trax-mcp to the configuration of an MCP client. Everything else in it "
        "stays as it is, and a backup is kept. Your TRaX key is asked for without echo, or read "
        "as a line from stdin; TRaX is asked whether it is good, and it goes into a file that only "
        "you can read. For codex, jetbrains and other you are shown what to paste.",
    )
    install.set_defaults(run=_install)
    install.add_argument("client", metavar="CLIENT", nargs="?", help=", ".join(CLIENTS))
    install.add_argument(
        "--print", action="store_true", help="write nothing, print what goes where"
    )
    install.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a setting for the client, for example TRAX_READ_ONLY=1; no secret",
    )
    add_sandbox_switch(install, default=argparse.SUPPRESS)


def _add_passkey(add_parser: AddParser) -> None:
    passkey = add_parser(
        "passkey",
        help="make a passkey, so that only your finger, face or PIN gives a yes",
        description="Make a passkey in your browser. From then on a yes needs it, on the page that "
        "trax-mcp opens; going offline needs none. It needs the extra passkey: in the folder of "
        "trax-mcp, run .venv/bin/python -m pip install '.[passkey]'.",
    )
    passkey.set_defaults(run=_passkey)


def _add_sign_in(add_parser: AddParser) -> None:
    sign_in = add_parser(
        "sign-in",
        help="list who is signed in at a server, and revoke it",
        description="List who is signed in at a server with --sign-in, or revoke it: that counts "
        "at once, also while it serves. Run it as the server's user, with its TRAX_SIGN_IN_FILE.",
    )
    steps = sign_in.add_subparsers(metavar="list|revoke", required=True)
    listing = steps.add_parser(
        "list", help="list them", description="List who is signed in, the last used first."
    )
    listing.set_defaults(run=_sign_in_list)
    listing.add_argument("--json", action="store_true", help="print one JSON list")
    revoking = steps.add_parser(
        "revoke",
        help="revoke some, or all",
        description="Revoke sign-ins, which ends their tokens.",
    )
    revoking.set_defaults(run=_sign_in_revoke)
    revoking.add_argument("ids", metavar="ID", nargs="*", help="an id that list shows")
    revoking.add_argument("--all", action="store_true", help="all of them, as after a theft")


def _add_doctor(add_parser: AddParser) -> None:
    doctor = add_parser(
        "doctor",
        help="check settings, key, TRaX and MCP clients, and say what to do",
        description="Check the settings, the key and what it may read, whether TRaX is reached and "
        "takes changes, its contract, and which MCP clients start this installation. Nothing is "
        "changed. Exits with 0 if nothing has failed; warnings do not count. If the environment "
        "names no key, what an MCP client gives its server is checked.",
    )
    doctor.set_defaults(run=_doctor)
    doctor.add_argument(
        "client",
        metavar="CLIENT",
        nargs="?",
        help=f"check what this one would start: {', '.join(FILE_CLIENTS)}",
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    add_sandbox_switch(doctor, default=argparse.SUPPRESS)


def _add_contract(add_parser: AddParser) -> None:
    contract = add_parser(
        "contract",
        help="show the built-in contract; with check, compare it with TRaX's",
        description="Print the TRaX contract that is built in, as JSON. With check: print how "
        "the one that TRaX serves differs from it, and exit with 1 if that breaks something. "
        "No key is needed; TRAX_BASE_URL says where.",
    )
    contract.set_defaults(run=_contract)
    contract.add_argument(
        "check", nargs="?", choices=["check"], metavar="check", help="compare it with TRaX's own"
    )
