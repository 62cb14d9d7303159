"""The output of the race: the table, our own targets, and the page `docs/race.md`. Pure.

A target is missed if a server that it needs did not run. The race fails only if a missed target has
no explanation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.race.compared_servers import COMPARED_SERVERS, FASTMCP, OURS, Kind
from bench.race.table_rows import LEVEL, ROWS, Better, Cell, Row, cell_number, format_cell

Table = Mapping[str, Mapping[str, Cell]]
"""Server -> row -> cell, without the servers that did not run."""

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
_LABEL_WIDTH: Final = 34
_WIDTH: Final = 11
_TIMES_FASTMCP: Final = 1.5
_ABOUT_LEVEL: Final = 0.8
_PYTHON: Final = tuple(it.name for it in COMPARED_SERVERS if it.kind is Kind.PYTHON)
_ROWS: Final = {row.key: row for row in ROWS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one target; `why` explains a missed one."""

    target: str
    met: bool
    seen: str
    why: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the target is met or explained."""
        return self.met or bool(self.why)

    def __str__(self) -> str:
        text = f"{'met   ' if self.met else 'MISSED'}  {self.target}: {self.seen}"
        return f"{text}. {self.why}" if self.why else text


@dataclass(frozen=True, slots=True)
class Race:
    """The content of the report."""

    date: str
    machine: str
    versions: Mapping[str, str]
    """Server -> its package, version and SDK."""
    table: Table
    notes: Sequence[str]
    """The servers that did not run, and the measurements that failed."""

    @property
    def verdicts(self) -> list[Verdict]:
        """The result for each target."""
        return [
            _below_every_python_peer(self.table, "start_ms", "starts sooner than"),
            _below_every_python_peer(self.table, "memory_mib", "weighs less than"),
            *(_times_fastmcp(self.table, f"{it}_{n}") for it in ("stdio", "http") for n in (1, 16)),
            _zero(self.table, "go_live", "no go-live that nobody confirmed"),
            _zero(self.table, "grave", "no grave call that nobody confirmed"),
            _zero(self.table, "undescribed", "no argument without a description"),
            _explained(self.table),
        ]


def find_stale(table: Table) -> list[str]:
    """The rows with explanations of peers that are not ahead, as `row: peer`."""
    leading = {(row.key, peer) for row, peer in _ahead(table)}
    explained = ((row, peer) for row in ROWS for peer in row.ahead if peer in table)
    return [f"{row.label}: {peer}" for row, peer in explained if (row.key, peer) not in leading]


def format_columns(race: Race) -> str:
    """The table for a terminal, in 100 columns."""
    head = f"{'':{_LABEL_WIDTH}}" + "".join(f"{it:>{_WIDTH}}" for it in race.table)
    lines = (
        f"{row.label:{_LABEL_WIDTH}}"
        + "".join(f"{format_cell(it.get(row.key)):>{_WIDTH}}" for it in race.table.values())
        for row in ROWS
    )
    return "\n".join([head, *lines, *race.notes])


def format_page(race: Race) -> str:
    """The page as Markdown."""
    reasons = [
        f"- **{row.label}**, {peer}: {row.ahead.get(peer, 'there is no sentence yet.')}"
        for row, peer in _ahead(race.table)
    ]
    return "\n".join(
        [
            _PAGE_HEAD,
            f"Run on {race.date}: {race.machine}.\n",
            *_markdown(["", *race.table], _table_lines(race.table)),
            "",
            *(f"- {it}" for it in race.notes),
            "",
            "## Who took part\n",
            *_markdown(["column", "package"], race.versions.items()),
            "\n## What each row means\n",
            *(f"- **{it.label}** ({it.better.value}): {it.meaning}" for it in ROWS),
            "\n## Where a peer is ahead, and why\n",
            *(reasons or ["Nowhere."]),
            "",
        ]
    )


def _number(table: Table, server: str, row: str) -> float | None:
    return cell_number(table.get(server, {}).get(row))


def _ahead(table: Table) -> Iterator[tuple[Row, str]]:
    """The rows in which a peer is ahead of us, with the peer."""
    for row in ROWS:
        ours = _number(table, OURS, row.key)
        for peer in table:
            theirs = _number(table, peer, row.key)
            if theirs is None or row.better is Better.NEITHER or peer == OURS:
                continue
            if ours is None or (theirs < ours if row.better is Better.LESS else theirs > ours):
                yield row, peer


def _below_every_python_peer(table: Table, row: str, label: str) -> Verdict:
    target = f"{label} every Python peer"
    ours = _number(table, OURS, row)
    peers = {it: figure for it in _PYTHON if (figure := _number(table, it, row))}
    missing = [it for it in _PYTHON if it not in peers]
    if ours is None or missing:
        seen = f"it could not be judged without {', '.join(missing or [OURS])}"
        return Verdict(target, met=False, seen=seen)
    below = {it: figure for it, figure in peers.items() if figure <= ours}
    others = ", ".join(f"{it} {format_cell(figure)}" for it, figure in (below or peers).items())
    reasons = [_ROWS[row].ahead.get(it, "") for it in below]
    why = " ".join(dict.fromkeys(reasons)) if all(reasons) else ""
    return Verdict(target, met=not below, seen=f"{format_cell(ours)}, {others}", why=why)


def _times_fastmcp(table: Table, row: str) -> Verdict:
    target = f"{_TIMES_FASTMCP} times fastmcp's {_ROWS[row].label}"
    ours, theirs = (_number(table, it, row) for it in (OURS, FASTMCP))
    if ours is None or not theirs:
        return Verdict(target, met=False, seen="it could not be judged")
    seen = f"{ours / theirs:.2f} times ({format_cell(ours)}, {format_cell(theirs)})"
    met, level = ours >= _TIMES_FASTMCP * theirs, ours >= _ABOUT_LEVEL * theirs
    return Verdict(target, met=met, seen=seen, why=LEVEL if level and not met else "")


def _zero(table: Table, row: str, target: str) -> Verdict:
    cell = table.get(OURS, {}).get(row)
    return Verdict(target, met=cell_number(cell) == 0, seen=format_cell(cell))


def _explained(table: Table) -> Verdict:
    missing = [f"{row.label}: {peer}" for row, peer in _ahead(table) if peer not in row.ahead]
    seen = "; ".join(missing) or "each has its sentence"
    return Verdict("no peer ahead without a sentence that says why", met=not missing, seen=seen)


def _table_lines(table: Table) -> Iterator[list[str]]:
    for row in ROWS:
        best = _best(table, row)
        cells = {it: format_cell(table[it].get(row.key)) for it in table}
        yield [row.label, *(f"**{cell}**" if it in best else cell for it, cell in cells.items())]


def _best(table: Table, row: Row) -> set[str]:
    """The servers with the best cell of a row, unless all are equal."""
    figures = {it: figure for it in table if (figure := _number(table, it, row.key)) is not None}
    if row.better is Better.NEITHER or len(set(figures.values())) < 2:  # noqa: PLR2004  some differ
        return set()
    best = (min if row.better is Better.LESS else max)(figures.values())
    return {it for it, figure in figures.items() if figure == best}


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    table = [head, ["---"] * len(head), *lines]
    return [f"| {' | '.join(line)} |" for line in table]
