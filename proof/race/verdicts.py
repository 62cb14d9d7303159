"""What the race has to show, judged. Pure: a table and the sentences in, verdicts out.

A target that cannot be judged, because whom it speaks of did not run, is not met. One that is
missed is told as missed, whatever the reason; only without a reason is the race lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proof.race.cells import Cell, shown, worth
from proof.race.entrants import ENTRANTS, FASTMCP, OURS, Kind
from proof.race.rows import ROWS, Better, Row
from proof.race.sentences import LEVEL, Sentence

Table = Mapping[str, Mapping[str, Cell]]
"""Entrant -> row -> cell. Who did not run is not in it."""

_TIMES_FASTMCP: Final = 1.5
_ABOUT_LEVEL: Final = 0.8
_RATES: Final = ("stdio_1", "stdio_16", "http_1", "http_16")
_PYTHON: Final = tuple(it.name for it in ENTRANTS if it.kind is Kind.PYTHON)
_LABELS: Final = {row.key: row.label for row in ROWS}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: whether it is met, and what was seen."""

    target: str
    met: bool
    seen: str
    why: str = ""
    """Why it is missed, where that is known."""

    @property
    def stands(self) -> bool:
        """Whether nothing is left to be explained."""
        return self.met or bool(self.why)

    def __str__(self) -> str:
        told = f"{'met   ' if self.met else 'MISSED'}  {self.target}: {self.seen}"
        return f"{told}. {self.why}" if self.why else told


def judge(table: Table, sentences: Sequence[Sentence]) -> list[Verdict]:
    """Hold a table against the targets and the sentences."""
    return [
        _below_every_python_peer(
            table, sentences, row="start_ms", target="starts sooner than every Python peer"
        ),
        _below_every_python_peer(
            table, sentences, row="memory_mib", target="weighs less than every Python peer"
        ),
        *(_times_fastmcp(table, row) for row in _RATES),
        _zero(table, "go_live", "no go-live that nobody confirmed"),
        _zero(table, "grave", "no grave call that nobody confirmed"),
        _zero(table, "undescribed", "no argument without a description"),
        _explained(table, sentences),
    ]


def ahead(table: Table) -> list[tuple[Row, list[str]]]:
    """The rows in which peers are ahead of us, and which peers."""
    pairs = ((row, [it for it in table if _is_ahead(table, it, row)]) for row in ROWS)
    return [(row, peers) for row, peers in pairs if peers]


def needless(table: Table, sentences: Iterable[Sentence]) -> list[str]:
    """Sentences that speak of who is not ahead, as `row: peer`."""
    leading = {(row.key, peer) for row, peers in ahead(table) for peer in peers}
    spoken = ((it.row, peer) for it in sentences for peer in it.peers if peer in table)
    return [f"{_LABELS[row]}: {peer}" for row, peer in spoken if (row, peer) not in leading]


def _is_ahead(table: Table, peer: str, row: Row) -> bool:
    ours, theirs = (worth(table.get(it, {}).get(row.key)) for it in (OURS, peer))
    if theirs is None or row.better is Better.NEITHER or peer == OURS:
        return False
    if ours is None:
        return True
    return theirs < ours if row.better is Better.LESS else theirs > ours


def _below_every_python_peer(
    table: Table, sentences: Sequence[Sentence], *, row: str, target: str
) -> Verdict:
    ours = worth(table.get(OURS, {}).get(row))
    peers = {it: figure for it in _PYTHON if (figure := worth(table.get(it, {}).get(row)))}
    absent = [it for it in _PYTHON if it not in peers]
    if ours is None or absent:
        return Verdict(
            target, met=False, seen=f"it could not be judged without {', '.join(absent)}"
        )
    below = {it: figure for it, figure in peers.items() if figure <= ours}
    others = ", ".join(f"{it} {shown(figure)}" for it, figure in (below or peers).items())
    reasons = {peer: it.text for it in sentences if it.row == row for peer in it.peers}
    known = all(it in reasons for it in below)
    why = " ".join(dict.fromkeys(reasons[it] for it in below)) if known else ""
    return Verdict(target, met=not below, seen=f"{shown(ours)}, {others}", why=why)


def _times_fastmcp(table: Table, row: str) -> Verdict:
    target = f"{_TIMES_FASTMCP} times fastmcp's {_LABELS[row]}"
    ours, theirs = (worth(table.get(it, {}).get(row)) for it in (OURS, FASTMCP))
    if ours is None or not theirs:
        return Verdict(target, met=False, seen="it could not be judged")
    seen = f"{ours / theirs:.2f} times ({shown(ours)}, {shown(theirs)})"
    met = ours >= _TIMES_FASTMCP * theirs
    level = ours >= _ABOUT_LEVEL * theirs
    return Verdict(target, met=met, seen=seen, why=LEVEL if level and not met else "")


def _zero(table: Table, row: str, target: str) -> Verdict:
    cell = table.get(OURS, {}).get(row)
    return Verdict(target, met=worth(cell) == 0, seen=shown(cell))


def _explained(table: Table, sentences: Sequence[Sentence]) -> Verdict:
    spoken = {(it.row, peer) for it in sentences for peer in it.peers}
    leading = ((row, peer) for row, peers in ahead(table) for peer in peers)
    silent = [f"{row.label}: {peer}" for row, peer in leading if (row.key, peer) not in spoken]
    seen = "; ".join(silent) or "each has its sentence"
    return Verdict("no peer ahead without a sentence that says why", met=not silent, seen=seen)
