"""How a soak looks: a table with a line now and then, and what came of it in the end. Text only."""

from collections.abc import Mapping, Sequence
from typing import Final

from proof.soak.judge import FEWEST, second_half, settled, slope
from proof.soak.run import NAMES, PACE, Row

_GROUP: Final = "{:>5}{:>6}{:>7}"
_WIDTH: Final = 18


def head() -> str:
    """The head of the table."""
    names = "".join(f"{name:>{_WIDTH}}" for name in NAMES)
    columns = _GROUP.format("fds", "tasks", "MiB") * len(NAMES)
    return f"{'':25}{names}\n{'minute':>6}{'shows':>6}{'calls':>7}{'subs':>6}{columns}"


def line(row: Row) -> str:
    """A line of it."""
    done = f"{row.minutes:6.1f}{row.shows:6}{row.calls:7}{row.subscribers:6}"
    held = [
        _GROUP.format(it.open_files, it.running, f"{it.resident_kib / 1024:.1f}")
        for it in row.counts
    ]
    return done + "".join(held)


def verdict(
    rows: Sequence[Row], grown: Mapping[str, Sequence[str]], *, kept: int, seconds: float
) -> str:
    """What came of it; `kept` is the most tasks that were left behind for a while."""
    last = rows[-1]
    done = (
        f"{round(last.minutes, 1):g} minutes of shows, with a night after each, in"
        f" {seconds / 60:.1f} real ones:\nclocks went {PACE:g} times as fast. Right after a show"
        f" there were up to {kept} tasks over\nHTTP, of sessions without anybody; half an hour"
        " later only those above."
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
