"""`trax-mcp`: the commands and their options.

Each imports what it runs only when it runs, so that --help is fast.
"""

import difflib
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import click

from trax_mcp import __version__
from trax_mcp.api.caller import redact
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS, McpClient
from trax_mcp.settings import CannotStart, how_to_add

_GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "Try it": ("demo", "sandbox"),
    "Set it up": ("install", "doctor", "passkey", "uninstall"),
    "Run a show": ("room",),
    "Serve others": ("http", "sign-in"),
}
_TRY: Final = """\
\b
Without a key:
  trax-mcp demo                 see a show on practice studios
  trax-mcp install --sandbox    run one with your own assistant

\b
With a key, from TRaX's Developer / API Keys screen:
  trax-mcp install              set up the apps on this computer
  trax-mcp install other        see what to paste into any other app
  trax-mcp doctor               find problems, and what to do

All settings are in docs/settings.md.
"""
_PORT: Final = click.IntRange(0, 65535)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0, with 1 if it fails, or with 2 if the arguments are wrong."""
    code: int
    try:
        code = command_line.main(arguments, "trax-mcp", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        from trax_mcp.cli.terminal import INTERRUPTED

        code = INTERRUPTED
    except click.UsageError as error:
        # Redacted, because what was given may be a key.
        problem = redact(error.format_message().removesuffix("."))
        stop = "" if problem.endswith("?") else "."
        is_ours = type(error) is click.UsageError
        command = "" if is_ours or error.ctx is None else error.ctx.command_path
        more = f" See {command} --help." if command else ""
        code = _refuse(f"{problem}{stop}{more}", error.exit_code)
    except CannotStart as error:
        code = _refuse(str(error), 1)
    sys.exit(code)


def _refuse(sentence: str, code: int) -> int:
    from trax_mcp.cli.terminal import print_note

    print_note(f"trax-mcp: {sentence}")
    return code


def _is_sandbox(context: click.Context, _: click.Parameter, given: bool) -> bool:  # noqa: FBT001  click's order
    """Whether --sandbox stands on either side of a command."""
    return given or context.find_root().params.get("sandbox", False)


def _check_host(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    if not text.strip():  # it would listen on all addresses
        raise click.BadParameter("must be an address such as 127.0.0.1.")
    return text


_sandbox: Final = click.option(
    "--sandbox",
    is_flag=True,
    callback=_is_sandbox,
    help="Practice studios: no key, no network, nothing real.",
)


def _environment(*, sandbox: bool = False, **settings: str | None) -> Mapping[str, str]:
    """The environment variables, with what options say."""
    given = {**settings, "TRAX_SANDBOX": "1" if sandbox else None}
    return {**os.environ, **{name: value for name, value in given.items() if value is not None}}


def _client_of(known: Mapping[str, McpClient]) -> Callable[[str], McpClient]:
    """Find a client by its name. What is given is not repeated, because it may be a key."""

    def find(name: str) -> McpClient:
        if name in known:
            return known[name]
        if name == "chatgpt":
            raise click.UsageError("ChatGPT can't start local servers: see docs/hosted.md.")
        close = difflib.get_close_matches(name, known, n=2)
        guess = f"Did you mean {' or '.join(close)}? " if close else ""
        raise click.UsageError(f"{guess}CLIENT is one of {', '.join(known)}.")

    return find


_clients: Final = click.argument(
    "clients",
    metavar="[CLIENT]...",
    nargs=-1,
    type=_client_of(CLIENTS),
    help=f"{', '.join(CLIENTS)}.",
)


class _Commands(click.Group):
    """Lists its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's name
        for heading, names in _GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(80)) for name in names]
                )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Until it serves, which switches it on again: most objects of the start stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()  # a failed start leaves it disabled


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    epilog=_TRY,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(__version__, message="trax-mcp %(version)s")
@_sandbox
@click.pass_context
def command_line(context: click.Context, *, sandbox: bool) -> int | None:
    """Run TRaX live streams by conversation, over the Model Context Protocol.

    Without a command it's an MCP server on stdin and stdout, as MCP clients start it. At a terminal
    it prints this.
    """
    if context.invoked_subcommand is None:
        if sys.stdin.isatty() and sys.stdout.isatty():
            click.echo(context.get_help())
            return None
        return _serve_stdio(_environment(sandbox=sandbox))
    command = command_line.commands[context.invoked_subcommand]
    if sandbox and "sandbox" not in {it.name for it in command.params}:
        raise click.UsageError("this command takes no --sandbox.")
    return None


def _serve_stdio(environment: Mapping[str, str]) -> int:
    """Serve, or tell the client why not: few show stderr."""
    try:
        with _without_garbage_collection():
            from trax_mcp.cli.serve import run_stdio

            return run_stdio(environment)
    except CannotStart as error:
        from trax_mcp.cli.refused_start import answer_requests

        code = _refuse(str(error), 1)
        answer_requests(f"trax-mcp: {error}", code=code)
        return code


@command_line.command("demo", short_help="see a show on practice studios")
@click.option("--auto", is_flag=True, help="Answer by itself, as it does in a pipe.")
def _demo(*, auto: bool) -> int:
    """Play a show on practice studios. You answer its questions."""
    from trax_mcp.cli.demo.play import play

    return play(auto=auto)


@command_line.command("install", short_help="set up your apps, and keep your key in a file")
@_clients
@click.option("--print", "only_print", is_flag=True, help="Write nothing, print what goes where.")
@click.option(
    "--set",
    "assignments",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting for the client, for example TRAX_READ_ONLY=1; no secret.",
)
@_sandbox
def _install(
    clients: Sequence[McpClient],
    *,
    only_print: bool,
    assignments: Sequence[str],
    sandbox: bool,
) -> int:
    """Add trax-mcp to the configuration of MCP clients.

    Without CLIENT you choose among those that are on this computer. Everything else in its
    configuration stays, and a backup is kept. Your TRaX key is asked for without echo, or read as a
    line from stdin; TRaX is asked whether it is good, and it goes into a file that only you can
    read. For codex, jetbrains and other, and where a configuration isn't plain JSON, you are shown
    what to paste.
    """
    from trax_mcp.cli.install.install import run

    return run(clients, assignments, only_print=only_print, sandbox=sandbox)


@command_line.command("uninstall", short_help="take trax-mcp out of your apps")
@_clients
def _uninstall(clients: Sequence[McpClient]) -> int:
    """Remove what install wrote into the configurations of MCP clients, or of all.

    A backup is kept. Nothing else is deleted: you are told what else may be.
    """
    from trax_mcp.cli.install.uninstall import run

    return run(clients, _environment())


@command_line.command("doctor", short_help="find problems, and what to do about each")
@click.argument(
    "client",
    required=False,
    type=_client_of(FILE_CLIENTS),
    help=f"Check what this one would start: {', '.join(FILE_CLIENTS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_sandbox
def _doctor(client: McpClient | None, *, as_json: bool, sandbox: bool) -> int:
    """Check the settings, the key, TRaX and MCP clients, and say what to do.

    Whether TRaX is reached and takes changes, what the key may read, TRaX's contract, and which MCP
    clients start this installation. Nothing is changed. Exits with 0 if nothing has failed;
    warnings do not count.
    """
    from trax_mcp.cli.doctor import run

    if client and sandbox:
        raise click.UsageError("CLIENT or --sandbox, not both.")
    return run(client, _environment(sandbox=sandbox), as_json=as_json)


@command_line.command(
    "room", short_help="watch and run a show in your browser, without an assistant"
)
@click.argument(
    "studio", metavar="[STUDIO]", required=False, help="Its id, its name, or words of it."
)
@_sandbox
def _room(studio: str | None, *, sandbox: bool) -> int:
    """Open the control room of a studio in your browser, and serve it until Ctrl-C.

    It shows whether the show is on air, its chat, and what's wrong. You can go live, go offline,
    and turn destinations and sources on or off there. You're asked before anything that viewers
    would notice.
    """
    from trax_mcp.cli.room import run

    return run(_environment(sandbox=sandbox), studio)


@command_line.command(
    "passkey",
    short_help="approve with your fingerprint, face or PIN",
    help="Make a passkey in your browser. From then on you approve with it, on the page that"
    " trax-mcp opens; going offline doesn't need it. It needs an extra. " + how_to_add("passkey"),
)
def _passkey() -> int:
    from trax_mcp.cli.passkey import run

    return run(_environment())


@command_line.command("http", short_help="serve bots and teams, over Streamable HTTP")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST",
    callback=_check_host,
    help="Address to listen on.",
)
@click.option(
    "--port", default=8765, show_default=True, metavar="PORT", type=_PORT, help="Port, 0 for any."
)
@click.option("--sign-in", is_flag=True, help="People sign in with their TRaX key, on a page.")
@click.option(
    "--public-url", metavar="URL", help="Where they reach it, such as https://trax.example.com."
)
@_sandbox
def _http(*, host: str, port: int, sign_in: bool, public_url: str | None, sandbox: bool) -> int:
    """Serve MCP over Streamable HTTP at /mcp, with GET /healthz and /readyz beside it.

    Each caller sends their own TRaX key as X-API-Key; with --sign-in people may also give it on a
    page, for clients that can only sign in.
    """
    options = {"TRAX_SIGN_IN": "1" if sign_in else None, "TRAX_PUBLIC_URL": public_url or None}
    with _without_garbage_collection():
        from trax_mcp.cli.serve import run_http

        return run_http(_environment(sandbox=sandbox, **options), host=host, port=port)


@command_line.group("sign-in", short_help="list who is signed in, and revoke it")
def _sign_in() -> None:
    """List who is signed in at a server with --sign-in, or revoke it.

    That counts at once, also while it serves. Run it as the server's user, with its
    TRAX_SIGN_IN_FILE.
    """


@_sign_in.command("list", short_help="who is signed in, the last used first")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def _sign_in_list(*, as_json: bool) -> int:
    """Print who is signed in, the last used first."""
    from trax_mcp.cli.sign_in import show

    return show(_environment(), as_json=as_json)


@_sign_in.command("revoke", short_help="end sign-ins, by their ids or all")
@click.argument("ids", metavar="[ID]...", nargs=-1, help="An id that list shows.")
@click.option("--all", "all_of_them", is_flag=True, help="All of them, as after a theft.")
def _sign_in_revoke(ids: Sequence[str], *, all_of_them: bool) -> int:
    """Revoke sign-ins by their ids, or all. Exits with 1 if an id is unknown."""
    from trax_mcp.cli.sign_in import revoke

    if bool(ids) == all_of_them:
        raise click.UsageError("give ids, or --all.")
    return revoke(_environment(), None if all_of_them else ids)


@command_line.command("sandbox", short_help="serve practice studios to any HTTP client")
@click.option(
    "--port", default=8766, show_default=True, metavar="PORT", type=_PORT, help="Port, 0 for any."
)
@click.option("--empty", is_flag=True, help="Without the practice studios.")
@click.option(
    "--deviate",
    "deviations",
    metavar="NAME",
    multiple=True,
    help="Do one thing otherwise, as a real TRaX may; `list` prints the names.",
)
def _sandbox_api(*, port: int, empty: bool, deviations: Sequence[str]) -> int:
    """Serve the practice studios by themselves.

    It is TRaX's /v1 API over HTTP on this machine, with practice studios and a key that opens
    nothing else.
    """
    from trax_mcp.cli.sandbox import run

    return run(port=port, empty=empty, deviations=deviations)
