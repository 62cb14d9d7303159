"""How a client will ask, in words: for `doctor`, and for the pages. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from trax_mcp.consent.ways import Way
from trax_mcp.server.ways import TABLE, Drawn, Operator, ways

_WORDS: Final[Mapping[Way, str]] = {
    "form": "a form",
    "panel": "a panel",
    "page": "the page in your browser",
    "preview": "a preview, which the assistant shows you",
}
NOBODY: Final = "nothing: only going offline works"


def newest(command: str) -> Drawn | None:
    """What is known of the newest version of a client that `install` knows."""
    found = [it for it in TABLE if it.command == command]
    return found[-1] if found else None


def asked_in(drawn: Drawn, operator: Operator) -> str:
    """In what a person is asked there."""
    client = drawn.connected()
    tried: tuple[Way, ...] = ("form",) if drawn.declines_forms else ()
    first = ways(client, operator, tried=tried)
    if not first:
        return NOBODY
    if first[0] != "form":
        return _in_turn(first)
    longer = ways(client, operator, forms=2, tried=tried)
    several = _in_turn(longer).replace(_WORDS["form"], "several forms")
    return f"a form; for what is longer than {drawn.rows} rows, {several}"


def known_from(drawn: Drawn) -> str:
    """How that is known."""
    version = drawn.release or drawn.version
    return (
        f"{version}, {drawn.source}, {drawn.date}" if version else f"{drawn.source}, {drawn.date}"
    )


def _in_turn(found: Sequence[Way]) -> str:
    """The ways until one that always shows the question."""
    last = next((at for at, it in enumerate(found) if it in {"form", "page"}), len(found) - 1)
    if "form" in found[: last + 2]:  # a browser may not open
        last = max(last, found.index("form"))
    return ", else ".join(_WORDS[it] for it in found[: last + 1])
