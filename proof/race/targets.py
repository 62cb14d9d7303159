"""The targets of the race, judged from the table and the explanations. Pure.

A target is missed if a server that it needs did not run. The race fails only if a missed target has
no explanation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proof.race.compared_servers import COMPARED_SERVERS, FASTMCP, OURS, Kind
from proof.race.explanations import LEVEL, Explanation
from proof.race.table_cells import Cell, cell_number, format_cell
from proof.race.table_rows import ROWS, Better, Row

Table = Mapping[str, Mapping[str, Cell]]
"""Server -> row -> cell, without the servers that did not run."""

_TIMES_FASTMCP: Final = 1.5
_ABOUT_LEVEL: Final = 0.8
_RATES: Final = ("stdio_1", "stdio_16", "http_1", "http_16")
_PYTHON: Final = tuple(it.name for it in COMPARED_SERVERS if it.kind is Kind.PYTHON)
_LABELS: Final = {row.key: row.label for row in ROWS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one target."""

    target: str
    met: bool
    seen: str
    why: str = ""
    """The explanation of a missed target."""

    @property
    def is_accepted(self) -> bool:
        """Whether the target is met or explained."""
        return self.met or bool(self.why)

    def __str__(self) -> str:
        text = f"{'met   ' if self.met else 'MISSED'}  {self.target}: {self.seen}"
        return f"{text}. {self.why}" if self.why else text


def judge(table: Table, explanations: Sequence[Explanation]) -> list[Verdict]:
    """Judge all targets."""
    return [
        _below_every_python_peer(
            table, explanations, row="start_ms", target="starts sooner than every Python peer"
        ),
        _below_every_python_peer(
            table, explanations, row="memory_mib", target="weighs less than every Python peer"
        ),
        *(_times_fastmcp(table, row) for row in _RATES),
        _zero(table, "go_live", "no go-live that nobody confirmed"),
        _zero(table, "grave", "no grave call that nobody confirmed"),
        _zero(table, "undescribed", "no argument without a description"),
        _explained(table, explanations),
    ]


def ahead(table: Table) -> list[tuple[Row, list[str]]]:
    """The rows in which peers are ahead of us, with these peers."""
    pairs = ((row, [it for it in table if _is_ahead(table, it, row)]) for row in ROWS)
    return [(row, peers) for row, peers in pairs if peers]


def find_stale(table: Table, explanations: Iterable[Explanation]) -> list[str]:
    """Explanations of peers that are not ahead, as `row: peer`."""
    leading = {(row.key, peer) for row, peers in ahead(table) for peer in peers}
    explained = ((it.row, peer) for it in explanations for peer in it.peers if peer in table)
    return [f"{_LABELS[row]}: {peer}" for row, peer in explained if (row, peer) not in leading]


def _is_ahead(table: Table, peer: str, row: Row) -> bool:
    ours, theirs = (cell_number(table.get(it, {}).get(row.key)) for it in (OURS, peer))
    if theirs is None or row.better is Better.NEITHER or peer == OURS:
        return False
    if ours is None:
        return True
    return theirs < ours if row.better is Better.LESS else theirs > ours


def _below_every_python_peer(
    table: Table, explanations: Sequence[Explanation], *, row: str, target: str
) -> Verdict:
    ours = cell_number(table.get(OURS, {}).get(row))
    peers = {it: figure for it in _PYTHON if (figure := cell_number(table.get(it, {}).get(row)))}
    missing = [it for it in _PYTHON if it not in peers]
    if ours is None or missing:
        return Verdict(
            target, met=False, seen=f"it could not be judged without {', '.join(missing)}"
        )
    below = {it: figure for it, figure in peers.items() if figure <= ours}
    others = ", ".join(f"{it} {format_cell(figure)}" for it, figure in (below or peers).items())
    reasons = {peer: it.text for it in explanations if it.row == row for peer in it.peers}
    known = all(it in reasons for it in below)
    why = " ".join(dict.fromkeys(reasons[it] for it in below)) if known else ""
    return Verdict(target, met=not below, seen=f"{format_cell(ours)}, {others}", why=why)


def _times_fastmcp(table: Table, row: str) -> Verdict:
    target = f"{_TIMES_FASTMCP} times fastmcp's {_LABELS[row]}"
    ours, theirs = (cell_number(table.get(it, {}).get(row)) for it in (OURS, FASTMCP))
    if ours is None or not theirs:
        return Verdict(target, met=False, seen="it could not be judged")
    seen = f"{ours / theirs:.2f} times ({format_cell(ours)}, {format_cell(theirs)})"
    met = ours >= _TIMES_FASTMCP * theirs
    level = ours >= _ABOUT_LEVEL * theirs
    return Verdict(target, met=met, seen=seen, why=LEVEL if level and not met else "")


def _zero(table: Table, row: str, target: str) -> Verdict:
    cell = table.get(OURS, {}).get(row)
    return Verdict(target, met=cell_number(cell) == 0, seen=format_cell(cell))


def _explained(table: Table, explanations: Sequence[Explanation]) -> Verdict:
    explained = {(it.row, peer) for it in explanations for peer in it.peers}
    leading = ((row, peer) for row, peers in ahead(table) for peer in peers)
    unexplained = [
        f"{row.label}: {peer}" for row, peer in leading if (row.key, peer) not in explained
    ]
    seen = "; ".join(unexplained) or "each has its sentence"
    return Verdict("no peer ahead without a sentence that says why", met=not unexplained, seen=seen)
