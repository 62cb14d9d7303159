"""`trax-mcp contract`: the baked contract as JSON, and how the one that is served differs from it.

Knows how differences are told to a person; which there are, and which break, `drift` decides.
"""

import io
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Final, TextIO

import anyio
from rich.console import Console
from rich.text import Text

from trax_mcp.api.caller import NOBODY
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.drift import Finding, compare
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetOpenapi
from trax_mcp.cli.story import Story
from trax_mcp.cli.upstream import client_for
from trax_mcp.settings import Settings

_WIDEST: Final = 78
_KINDS: Final = ("added", "removed", "changed")
_PROMISE: Final = "By TRaX's compatibility promise, this trax-mcp still fits."
_ADVICE: Final = "What is marked may fail: update trax-mcp, or check TRAX_BASE_URL."


def show() -> int:
    """Print the baked contract as JSON, for a person or a pipe."""
    _console(sys.stdout).print(json.dumps(CONTRACT.document, indent=2), soft_wrap=True)
    return 0


def check(settings: Settings) -> int:
    """Print how TRaX's own contract differs from the baked one.

    Returns 0 if nothing that it promised is broken. Returns 1 if something is, or if the contract
    could not be read; then stderr says why. No key is sent.
    """
    try:
        with Story(_console(sys.stderr)).waiting() as tell:
            tell("Asking TRaX for its contract")
            live = anyio.run(_fetch, settings)
    except TraxError as error:
        print(f"trax-mcp: {error}", file=sys.stderr)  # noqa: T201  for a person, on stderr
        return 1
    findings = compare(live, CONTRACT.document)
    where = "the embedded sandbox" if settings.sandbox else settings.base_url
    _report(_console(sys.stdout), where, findings)
    return 1 if _breaking(findings) else 0


async def _fetch(settings: Settings) -> JsonObject:
    async with aclosing(client_for(settings)) as client:
        return (await client.send(GetOpenapi(), NOBODY)).data


def _report(console: Console, where: str, findings: Sequence[Finding]) -> None:
    opening = f"The contract of {where}, beside the baked one ({CONTRACT.version})"
    _tell(console, Text(opening, "bold"), indent=2)
    console.print()
    for kind in _KINDS:
        group = [finding for finding in findings if finding.kind == kind]
        if group:
            _tell(console, Text(kind.capitalize(), "bold cyan"), indent=2)
            for finding in sorted(group, key=lambda finding: not finding.breaking):
                _tell(console, _line(finding), indent=4)
            console.print()
    style = "bold red" if _breaking(findings) else "bold green"
    for sentence in _verdict(findings):
        _tell(console, Text(sentence, style), indent=2)


def _line(finding: Finding) -> Text:
    mark = ("BREAKING ", "bold red") if finding.breaking else ""
    return Text.assemble(mark, (finding.where, "bold"), f": {finding.what}")


def _verdict(findings: Sequence[Finding]) -> tuple[str, ...]:
    breaking, found = len(_breaking(findings)), len(findings)
    if not found:
        return ("They are the same.",)
    differences = "1 difference" if found == 1 else f"{found} differences"
    if not breaking:
        return f"{differences}, none breaking.", _PROMISE
    return f"{differences}, {breaking} breaking.", _ADVICE


def _breaking(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.breaking]


def _tell(console: Console, words: Text, *, indent: int) -> None:
    """Print words at an indent, and what does not fit on the line two columns further in."""
    width = min(console.width, _WIDEST) - indent - 2
    for number, line in enumerate(words.wrap(console, width, overflow="fold")):
        line.rstrip()
        margin = " " * (indent if number == 0 else indent + 2)
        console.print(Text.assemble(margin, line), no_wrap=True, overflow="ignore")


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        # A document may hold what this terminal's encoding does not know.
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream, highlight=False, markup=False, emoji=False)
