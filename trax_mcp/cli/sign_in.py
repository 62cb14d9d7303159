"""`trax-mcp sign-in`: who is signed in at a server, and revoking that, also while it serves."""

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Final

from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.text import Text

from trax_mcp.api.text_safety import quote, spell_out
from trax_mcp.cli.terminal import console_on, print_hanging
from trax_mcp.clock import Clock, iso
from trax_mcp.private_files import sign_in_path
from trax_mcp.settings import CannotStart, Settings, read_settings
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.sign_in.sign_ins import SignIn, SignInFile

_SHOWN_CLIENT_NAME: Final = 40
_LONGEST_HOST: Final = 60
_PERSON_LENGTH: Final = 8
_FAILED: Final = (
    "The file of sign-ins can't be read or written now, so nothing was changed. Try again, with"
    " the settings and as the user of the server."
)


def show(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print who is signed in, the last used first.

    As JSON it is one list: `[{"id", "person", "clientId", "clientName", "redirectHost", "access",
    "created", "lastUsed"}]`. Sign-ins with the same TRaX key have the same `person`.

    Raises:
        CannotStart: the file of the server cannot be read.
    """
    settings, console = read_settings(environment), console_on(sys.stdout)
    path = sign_in_path(settings)
    sign_ins = _read(settings)
    if as_json:
        console.print(json.dumps([_as_json(it) for it in sign_ins], indent=2), soft_wrap=True)
    elif sign_ins:
        _print_list(console, sign_ins)
    elif path.exists():
        console.print(f"Nobody is signed in. This was read from {path}.")
    else:
        console.print(
            f"There is no file {path}, so nobody has signed in with these settings. If the server"
            " has others, set TRAX_SIGN_IN_FILE as it does."
        )
    return 0


def revoke(environment: Mapping[str, str], ids: Collection[str] | None) -> int:
    """Revoke sign-ins by their ids, or all. Returns 1 if an id is unknown, else 0.

    Raises:
        CannotStart: the file of the server cannot be read or written.
    """
    settings = read_settings(environment)
    chosen = [it for it in _read(settings) if ids is None or it.id in ids]
    console = console_on(sys.stdout)
    if chosen:
        with _opened(settings) as file:
            for it in chosen:
                file.revoke(it.id)
    for it in chosen:
        console.print(f"Revoked: {_title(it)}.")
    unknown = len({*(ids or ())} - {it.id for it in chosen})
    if unknown:
        # What was given is not repeated, because it may be a token.
        subject = "One id is" if unknown == 1 else f"{unknown} ids are"
        console.print(f"{subject} not of a sign-in: trax-mcp sign-in list shows them.")
    elif not chosen:
        console.print("Nobody is signed in.")
    return 1 if unknown else 0


def _read(settings: Settings) -> Sequence[SignIn]:
    if not sign_in_path(settings).exists():
        return []
    with _opened(settings) as file:
        return file.all()


@contextmanager
def _opened(settings: Settings) -> Iterator[SignInFile]:
    try:
        with closing(SignInFile(sign_in_path(settings), Clock())) as file:
            yield file
    except SignInUnavailable:
        raise CannotStart(_FAILED) from None


def _print_list(console: Console, sign_ins: Sequence[SignIn]) -> None:
    for it in sign_ins:
        start = Text(f"{it.id}  ", "bold")
        print_hanging(console, start, Text(f"{_title(it)}: {it.access.label}"))
        used = f"{it.last_used:%Y-%m-%d %H:%M} UTC"
        text = f"person {it.person[:_PERSON_LENGTH]}, since {it.created:%Y-%m-%d}, used {used}"
        print_hanging(console, Text(" " * start.cell_len), Text(text, "dim"))
    count = len(sign_ins)
    console.print(f"\n{count} {'sign-in' if count == 1 else 'sign-ins'}. To end one:")
    console.print("trax-mcp sign-in revoke ID")


def _title(it: SignIn) -> str:
    """The client's name, which is its own claim, and where it is."""
    name = quote(it.client_name, longest=_SHOWN_CLIENT_NAME)
    return f"{name} ({spell_out(it.redirect_host, longest=_LONGEST_HOST, ascii_only=True)})"


def _as_json(it: SignIn) -> dict[str, str]:
    row = asdict(it) | {"created": iso(it.created), "last_used": iso(it.last_used)}
    return {to_camel(name): str(value) for name, value in row.items()}
