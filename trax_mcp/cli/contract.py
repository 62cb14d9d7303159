"""`trax-mcp contract`: prints the built-in contract, or how TRaX's own differs from it."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Final

import anyio
from rich.text import Text

from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.contract_diff import Difference, compare
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetOpenapi
from trax_mcp.cli.startup import client_for
from trax_mcp.cli.terminal import console_on, note, print_hanging, waiting
from trax_mcp.settings import Settings

_KINDS: Final = ("added", "removed", "changed")
_PROMISE: Final = "By TRaX's compatibility promise, this trax-mcp still fits."
_ADVICE: Final = "What is marked may fail: update trax-mcp, or check TRAX_BASE_URL."


def show() -> int:
    """Print the built-in contract as JSON."""
    console_on(sys.stdout).print(json.dumps(CONTRACT.document, indent=2), soft_wrap=True)
    return 0


def check(settings: Settings) -> int:
    """Print how TRaX's own contract differs from the built-in one. No key is sent.

    Returns 1 if a difference is breaking, or if the contract cannot be read; else 0.
    """
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX for its contract"):
            live = anyio.run(_fetch, settings)
    except TraxError as error:
        note(f"trax-mcp: {error}")
        return 1
    differences = compare(live, CONTRACT.document)
    where = "the embedded sandbox" if settings.sandbox else settings.base_url
    console = console_on(sys.stdout)
    for indent, line in _report(where, differences):
        print_hanging(console, Text(" " * indent), line, under=Text(" " * (indent + 2)))
    return 1 if _breaking(differences) else 0


async def _fetch(settings: Settings) -> JsonObject:
    async with aclosing(client_for(settings)) as client:
        return (await client.send(GetOpenapi(), ANONYMOUS)).data


def _report(where: str, differences: Sequence[Difference]) -> Iterator[tuple[int, Text]]:
    """The lines with their indents. Further lines of each are indented by two more columns."""
    opening = f"The contract of {where}, beside the built-in one ({CONTRACT.version})"
    yield 2, Text(opening, "bold")
    yield 0, Text()
    for kind in _KINDS:
        group = [difference for difference in differences if difference.kind == kind]
        if group:
            yield 2, Text(kind.capitalize(), "bold cyan")
            for it in sorted(group, key=lambda it: not it.breaking):
                mark = ("BREAKING ", "bold red") if it.breaking else ""
                yield 4, Text.assemble(mark, (it.where, "bold"), f": {it.what}")
            yield 0, Text()
    style = "bold red" if _breaking(differences) else "bold green"
    yield from ((2, Text(sentence, style)) for sentence in _verdict(differences))


def _verdict(differences: Sequence[Difference]) -> tuple[str, ...]:
    breaking, total = _breaking(differences), len(differences)
    if not total:
        return ("They are the same.",)
    count = "1 difference" if total == 1 else f"{total} differences"
    if not breaking:
        return f"{count}, none breaking.", _PROMISE
    return f"{count}, {breaking} breaking.", _ADVICE


def _breaking(differences: Sequence[Difference]) -> int:
    return sum(difference.breaking for difference in differences)
