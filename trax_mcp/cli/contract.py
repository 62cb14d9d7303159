"""`trax-mcp contract`: prints the built-in contract, or how TRaX's own differs from it."""

import json
import sys
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

import anyio
from rich.text import Text

from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.contract_check import compare, fold
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import GetOpenapi
from trax_mcp.cli.access import client_for
from trax_mcp.cli.terminal import console_on, note, print_hanging, waiting
from trax_mcp.settings import Settings, read_settings

_PROMISE: Final = "By TRaX's compatibility promise, this trax-mcp still fits."
_ADVICE: Final = "What is marked may fail: update trax-mcp, or check TRAX_BASE_URL."


def run(check: str | None, environment: Mapping[str, str]) -> int:
    """Print the built-in contract as JSON, or how TRaX's own differs from it. No key is sent.

    Returns 1 if a difference is breaking, or if the contract cannot be read; else 0.
    """
    if not check:
        console_on(sys.stdout).print(json.dumps(CONTRACT.document, indent=2), soft_wrap=True)
        return 0
    settings = read_settings(environment)
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX for its contract"):
            live = anyio.run(_fetch, settings)
    except TraxError as error:
        note(f"trax-mcp: {error}")
        return 1
    differences = sorted(fold(compare(live, CONTRACT.document)), key=lambda it: not it.breaking)
    breaking = sum(it.breaking for it in differences)
    where = "the embedded sandbox" if settings.sandbox else settings.base_url
    heading = f"The contract of {where}, beside the built-in one ({CONTRACT.version})"
    console = console_on(sys.stdout)
    print_hanging(console, Text("  "), Text(f"{heading}\n", "bold"))
    for it in differences:
        mark = ("BREAKING ", "bold red") if it.breaking else ""
        line = Text.assemble(mark, (it.where, "bold"), f": {it.what}")
        print_hanging(console, Text("    "), line, under=Text(" " * 6))
    verdict = "They are the same."
    if differences:
        count = "1 difference" if len(differences) == 1 else f"{len(differences)} differences"
        advice = _ADVICE if breaking else _PROMISE
        verdict = f"\n{count}, {breaking or 'none'} breaking.\n{advice}"
    style = "bold red" if breaking else "bold green"
    print_hanging(console, Text("  "), Text(verdict, style))
    return 1 if breaking else 0


async def _fetch(settings: Settings) -> JsonObject:
    async with aclosing(client_for(settings)) as client:
        return (await client.send(GetOpenapi(), ANONYMOUS)).data
