"""The race for readers: the table in 100 columns, and the page `docs/race.md`. Pure.

It knows how things are shown, and judges nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proof.race.cells import shown, worth
from proof.race.rows import ROWS, Better
from proof.race.sentences import Sentence
from proof.race.verdicts import Table, Verdict, ahead

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
    """All that there is to tell."""

    date: str
    machine: str
    versions: Mapping[str, str]
    """Entrant -> its package, version and SDK."""
    table: Table
    absent: Mapping[str, str]
    """Entrant -> the first line of why it did not run."""
    notes: Sequence[str]
    """What could not be measured of those that ran."""
    verdicts: Sequence[Verdict]
    sentences: Sequence[Sentence]


def in_columns(race: Race) -> str:
    """The table for a terminal."""
    names = list(race.table)
    head = f"{'':{_LABEL_WIDTH}}" + "".join(f"{it:>{_WIDTH}}" for it in names)
    lines = (
        f"{row.label:{_LABEL_WIDTH}}"
        + "".join(f"{shown(race.table[it].get(row.key)):>{_WIDTH}}" for it in names)
        for row in ROWS
    )
    return "\n".join([head, *lines, *_asides(race)])


def as_page(race: Race) -> str:
    """The page."""
    return "\n".join(
        [
            _PAGE_HEAD,
            f"Run on {race.date}: {race.machine}.\n",
            *_rows(["", *race.table], _table_lines(race)),
            "",
            *(f"- {it}" for it in _asides(race)),
            "",
            "## Who took part\n",
            *_rows(["column", "package"], ([name, it] for name, it in race.versions.items())),
            "\n## What each row means\n",
            *(f"- **{it.label}** ({it.better.value}): {it.meaning}" for it in ROWS),
            "\n## Where a peer is ahead, and why\n",
            *_reasons(race),
            "\n## What it has to show\n",
            *_rows(["", "target", "seen"], map(_verdict_line, race.verdicts)),
            "",
            *dict.fromkeys(f"{it.why}\n" for it in race.verdicts if it.why),
        ]
    )


def _asides(race: Race) -> list[str]:
    absent = [f"{name} did not run: {why}" for name, why in race.absent.items()]
    return absent + list(race.notes)


def _table_lines(race: Race) -> Iterable[list[str]]:
    best = {row.key: _best(race.table, row.key, row.better) for row in ROWS}
    for row in ROWS:
        cells = {it: shown(race.table[it].get(row.key)) for it in race.table}
        yield [row.label, *(f"**{c}**" if it in best[row.key] else c for it, c in cells.items())]


def _best(table: Table, key: str, better: Better) -> set[str]:
    """Who has the best cell of a row, unless all have it."""
    figures = {it: figure for it in table if (figure := worth(table[it].get(key))) is not None}
    if better is Better.NEITHER or len(set(figures.values())) < 2:  # noqa: PLR2004  some differ
        return set()
    wanted = (min if better is Better.LESS else max)(figures.values())
    return {it for it, figure in figures.items() if figure == wanted}


def _reasons(race: Race) -> list[str]:
    spoken = {(it.row, peer): it.text for it in race.sentences for peer in it.peers}
    lines = [
        f"- **{row.label}**, {peer}: {spoken.get((row.key, peer), 'there is no sentence yet.')}"
        for row, peers in ahead(race.table)
        for peer in peers
    ]
    return lines or ["Nowhere."]


def _verdict_line(verdict: Verdict) -> list[str]:
    return ["met" if verdict.met else "**missed**", verdict.target, verdict.seen]


def _rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    table = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(line)} |" for line in table]
