"""The output of the race: the table in 100 columns, and the page `docs/race.md`. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proof.race.explanations import Explanation
from proof.race.table_cells import cell_number, format_cell
from proof.race.table_rows import ROWS, Better
from proof.race.targets import Table, Verdict, ahead

_LABEL_WIDTH: Final = 34
_WIDTH: Final = 11

ABOUT: Final = """\
trax-mcp beside servers that are generated from TRaX's OpenAPI document: the same contract, the same
sandbox and the same client, in turns. Nothing here was measured against the real TRaX."""

_PAGE_HEAD: Final = """\
# The race

trax-mcp beside servers that are generated from TRaX's OpenAPI document. Written by `make race`,
and not by hand: each is installed in an environment of its own, as its README says and with the
defaults that it comes with, and meets the same contract, the same sandbox and the same client, in
turns, on loopback. Nothing here was measured against the real TRaX.

Generators serve any API from its document alone. trax-mcp serves one and was written for it, so
it can know which call is dangerous; that is what most of the lower rows show.
"""


@dataclass(frozen=True, slots=True)
class Race:
    """The content of the report."""

    date: str
    machine: str
    versions: Mapping[str, str]
    """Server -> its package, version and SDK."""
    table: Table
    missing: Mapping[str, str]
    """Server -> the reason that it did not run."""
    notes: Sequence[str]
    """The measurements that failed."""
    verdicts: Sequence[Verdict]
    explanations: Sequence[Explanation]


def format_columns(race: Race) -> str:
    """The table for a terminal."""
    names = list(race.table)
    head = f"{'':{_LABEL_WIDTH}}" + "".join(f"{it:>{_WIDTH}}" for it in names)
    lines = (
        f"{row.label:{_LABEL_WIDTH}}"
        + "".join(f"{format_cell(race.table[it].get(row.key)):>{_WIDTH}}" for it in names)
        for row in ROWS
    )
    return "\n".join([head, *lines, *_notes(race)])


def format_page(race: Race) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            _PAGE_HEAD,
            f"Run on {race.date}: {race.machine}.\n",
            *_table(["", *race.table], _table_lines(race)),
            "",
            *(f"- {it}" for it in _notes(race)),
            "",
            "## Who took part\n",
            *_table(["column", "package"], ([name, it] for name, it in race.versions.items())),
            "\n## What each row means\n",
            *(f"- **{it.label}** ({it.better.value}): {it.meaning}" for it in ROWS),
            "\n## Where a peer is ahead, and why\n",
            *_reasons(race),
            "\n## What it has to show\n",
            *_table(["", "target", "seen"], map(_verdict_line, race.verdicts)),
            "",
            *dict.fromkeys(f"{it.why}\n" for it in race.verdicts if it.why),
        ]
    )


def _notes(race: Race) -> list[str]:
    missing = [f"{name} did not run: {why}" for name, why in race.missing.items()]
    return missing + list(race.notes)


def _table_lines(race: Race) -> Iterable[list[str]]:
    best = {row.key: _best(race.table, row.key, row.better) for row in ROWS}
    for row in ROWS:
        cells = {it: format_cell(race.table[it].get(row.key)) for it in race.table}
        yield [row.label, *(f"**{c}**" if it in best[row.key] else c for it, c in cells.items())]


def _best(table: Table, key: str, better: Better) -> set[str]:
    """The servers with the best cell of a row, unless all are equal."""
    figures = {
        it: figure for it in table if (figure := cell_number(table[it].get(key))) is not None
    }
    if better is Better.NEITHER or len(set(figures.values())) < 2:  # noqa: PLR2004  some differ
        return set()
    best = (min if better is Better.LESS else max)(figures.values())
    return {it for it, figure in figures.items() if figure == best}


def _reasons(race: Race) -> list[str]:
    texts = {(it.row, peer): it.text for it in race.explanations for peer in it.peers}
    lines = [
        f"- **{row.label}**, {peer}: {texts.get((row.key, peer), 'there is no sentence yet.')}"
        for row, peers in ahead(race.table)
        for peer in peers
    ]
    return lines or ["Nowhere."]


def _verdict_line(verdict: Verdict) -> list[str]:
    return ["met" if verdict.met else "**missed**", verdict.target, verdict.seen]


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    table = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(line)} |" for line in table]
