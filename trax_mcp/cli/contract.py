"""`trax-mcp contract`: the baked contract as JSON, and how the one that is served differs from it.

Knows how differences are told to a person; which there are, and which break, `drift` decides.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Final

import anyio
from rich.console import Console
from rich.text import Text

from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.drift import Difference, compare
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetOpenapi
from trax_mcp.cli.terminal import console_on, hang, note, waiting
from trax_mcp.cli.upstream import client_for
from trax_mcp.settings import Settings

_KINDS: Final = ("added", "removed", "changed")
_PROMISE: Final = "By TRaX's compatibility promise, this trax-mcp still fits."
_ADVICE: Final = "What is marked may fail: update trax-mcp, or check TRAX_BASE_URL."


def show() -> int:
    """Print the baked contract as JSON, for a person or a pipe."""
    console_on(sys.stdout).print(json.dumps(CONTRACT.document, indent=2), soft_wrap=True)
    return 0


def check(settings: Settings) -> int:
    """Print how TRaX's own contract differs from the baked one.

    Returns 0 if nothing that it promised is broken. Returns 1 if something is, or if the contract
    could not be read; then stderr says why. No key is sent.
    """
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX for its contract"):
            live = anyio.run(_fetch, settings)
    except TraxError as error:
        note(f"trax-mcp: {error}")
        return 1
    differences = compare(live, CONTRACT.document)
    where = "the embedded sandbox" if settings.sandbox else settings.base_url
    _report(console_on(sys.stdout), where, differences)
    return 1 if _breaking(differences) else 0


async def _fetch(settings: Settings) -> JsonObject:
    async with aclosing(client_for(settings)) as client:
        return (await client.send(GetOpenapi(), ANONYMOUS)).data


def _report(console: Console, where: str, differences: Sequence[Difference]) -> None:
    opening = f"The contract of {where}, beside the baked one ({CONTRACT.version})"
    _tell(console, Text(opening, "bold"), indent=2)
    console.print()
    for kind in _KINDS:
        group = [difference for difference in differences if difference.kind == kind]
        if group:
            _tell(console, Text(kind.capitalize(), "bold cyan"), indent=2)
            for difference in sorted(group, key=lambda it: not it.breaking):
                _tell(console, _line(difference), indent=4)
            console.print()
    style = "bold red" if _breaking(differences) else "bold green"
    for sentence in _verdict(differences):
        _tell(console, Text(sentence, style), indent=2)


def _line(difference: Difference) -> Text:
    mark = ("BREAKING ", "bold red") if difference.breaking else ""
    return Text.assemble(mark, (difference.where, "bold"), f": {difference.what}")


def _verdict(differences: Sequence[Difference]) -> tuple[str, ...]:
    breaking, found = len(_breaking(differences)), len(differences)
    if not found:
        return ("They are the same.",)
    told = "1 difference" if found == 1 else f"{found} differences"
    if not breaking:
        return f"{told}, none breaking.", _PROMISE
    return f"{told}, {breaking} breaking.", _ADVICE


def _breaking(differences: Iterable[Difference]) -> list[Difference]:
    return [difference for difference in differences if difference.breaking]


def _tell(console: Console, words: Text, *, indent: int) -> None:
    """Print words at an indent, and what does not fit on the line two columns further in."""
    hang(console, Text(" " * indent), words, under=Text(" " * (indent + 2)))
