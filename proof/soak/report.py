"""How a soak looks: a table with a line now and then, and what came of it in the end. Text only."""

from collections.abc import Mapping, Sequence
from typing import Final

from proof.soak.judge import FEWEST, second_half, settled, slope
from proof.soak.run import NAMES, PACE, Row

ABOUT: Final = (
    "Shows are played on three servers, with clocks that run fast, for clients that\n"
    "follow them and leave in every way. After each show and a night, when nothing is\n"
    "kept any more, a server must hold as many open files and tasks as before, and no\n"
    "more memory; subscribers are those who were told of news, and have read it.\n"
)
_DONE: Final = "{:>5}{:>7}{:>13}"
_HELD: Final = "{:>6}{:>6}{:>6}"


def head() -> str:
    """What comes before the first line: what this is, and the names of the columns."""
    servers = "".join(f"{name:>18}" for name in NAMES)
    columns = _DONE.format("shows", "calls", "subscribers")
    columns += _HELD.format("files", "tasks", "MiB") * len(NAMES)
    return f"{ABOUT}\n{'':25}{servers}\n{columns}"


def line(row: Row) -> str:
    """A line of it."""
    done = _DONE.format(row.shows, row.calls, row.subscribers)
    held = [
        _HELD.format(it.open_files, it.running, f"{it.resident_kib / 1024:.1f}")
        for it in row.counts
    ]
    return done + "".join(held)


def verdict(
    rows: Sequence[Row], grown: Mapping[str, Sequence[str]], *, kept: int, seconds: float
) -> str:
    """What came of it; `kept` is the most tasks that were left behind for a while."""
    last = rows[-1]
    done = (
        f"{round(last.minutes, 1):g} minutes of shows in {seconds / 60:.1f} real minutes (clocks"
        f" {PACE:g} times as fast).\nMost tasks over HTTP right after a show: {kept} (sessions that"
        " nobody ended);\nafter the night: as above."
    )
    if grown:
        named = [f"  {name}: {it}" for name, found in grown.items() for it in found]
        return "\n".join([done, "NOT FLAT. What grew:", *named])
    return "\n".join([done, *_memory(rows), "FLAT."])


def _memory(rows: Sequence[Row]) -> list[str]:
    """What memory did in the second half, by process."""
    if len(settled(rows)) < FEWEST:
        return ["These were too few shows to tell growth of memory from chance."]
    told = []
    for name, counts in zip(NAMES, zip(*(it.counts for it in rows), strict=True), strict=True):
        late = second_half(settled(counts))
        blocks = slope([it.blocks for it in late])
        resident = slope([it.resident_kib for it in late])
        told.append(f"{name}: {blocks:+.1f} blocks and {resident:+.1f} KiB a show")
    return ["Memory in the second half:", *(f"  {it}" for it in told)]
