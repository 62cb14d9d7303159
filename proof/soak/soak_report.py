"""The output of the soak test: a table and a verdict."""

from collections.abc import Mapping, Sequence
from typing import Final

from proof.soak.growth import MIN_COUNTS, after_warm_up, second_half, slope
from proof.soak.soak_run import NAMES, PACE, Row

ABOUT: Final = (
    "Shows are played on three servers, with clocks that run fast, for clients that\n"
    "follow them and leave in every way. After each show and a night, when nothing is\n"
    "kept any more, a server must hold as many open files and tasks as before, and no\n"
    "more memory; subscribers are those who were told of news, and have read it.\n"
)
_PROGRESS_COLUMNS: Final = "{:>5}{:>7}{:>13}"
_COUNT_COLUMNS: Final = "{:>6}{:>6}{:>6}"


def head() -> str:
    """The introduction and the names of the columns."""
    servers = "".join(f"{name:>18}" for name in NAMES)
    columns = _PROGRESS_COLUMNS.format("shows", "calls", "subscribers")
    columns += _COUNT_COLUMNS.format("files", "tasks", "MiB") * len(NAMES)
    return f"{ABOUT}\n{'':25}{servers}\n{columns}"


def line(row: Row) -> str:
    """One line of the table."""
    progress = _PROGRESS_COLUMNS.format(row.shows, row.calls, row.subscribers)
    columns = [
        _COUNT_COLUMNS.format(it.open_files, it.task_count, f"{it.resident_kib / 1024:.1f}")
        for it in row.counts
    ]
    return progress + "".join(columns)


def verdict(
    rows: Sequence[Row], grown: Mapping[str, Sequence[str]], *, kept: int, seconds: float
) -> str:
    """The verdict; `kept` is the highest number of tasks right after a show."""
    last = rows[-1]
    summary = (
        f"{round(last.minutes, 1):g} minutes of shows in {seconds / 60:.1f} real minutes (clocks"
        f" {PACE:g} times as fast).\nMost tasks over HTTP right after a show: {kept} (sessions that"
        " nobody ended);\nafter the night: as above."
    )
    if grown:
        lines = [f"  {name}: {it}" for name, problems in grown.items() for it in problems]
        return "\n".join([summary, "NOT FLAT. What grew:", *lines])
    return "\n".join([summary, *_memory(rows), "FLAT."])


def _memory(rows: Sequence[Row]) -> list[str]:
    """The change of memory in the second half, by process."""
    if len(after_warm_up(rows)) < MIN_COUNTS:
        return ["These were too few shows to tell growth of memory from chance."]
    lines = []
    for name, counts in zip(NAMES, zip(*(it.counts for it in rows), strict=True), strict=True):
        later = second_half(after_warm_up(counts))
        blocks = slope([it.blocks for it in later])
        stdio_client = slope([it.resident_kib for it in later])
        lines.append(f"{name}: {blocks:+.1f} blocks and {stdio_client:+.1f} KiB a show")
    return ["Memory in the second half:", *(f"  {it}" for it in lines)]
