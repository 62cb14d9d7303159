"""Is it flat? Counts of one process, one after each show -> what grew, in words.

Pure: it starts nothing and waits for nobody. What is kept for a while by design is none of its
business: a count is taken when that is over.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final, TypeVar

from proof.soak.census import Census

AnyT = TypeVar("AnyT")

WARM_UP: Final = 0.25
"""The share of shows in which caches fill and code is imported: it is not judged."""

FEWEST: Final = 8
"""Counts after the warm-up that it takes to tell growth of memory from chance."""

BLOCKS_PER_SHOW: Final = 40.0
"""Pieces of memory that Python may hold more after each show: a session that stays has hundreds.

Half of it is by design: the guard remembers up to a thousand studios that were changed, and each
show has two new ones.
"""

KIB_PER_SHOW: Final = 32.0
"""Resident memory that may be more after each show, in the second half: allocators take leaps."""

RESIDENT_SHARE: Final = 0.10
"""How far above the median the last count of resident memory may lie."""

_NAMED: Final = 4


def growth(counts: Sequence[Census]) -> list[str]:
    """What grew, a sentence each; nothing if it is flat. `counts` are in order, a show apart."""
    judged = settled(counts)
    return [*_of_handles(judged), *(_of_memory(judged) if len(judged) >= FEWEST else ())]


def slope(values: Sequence[float]) -> float:
    """How much they rise from one to the next: the median of what every two of them say.

    It is blind to a single leap (Theil and Sen).
    """
    pairs = combinations(enumerate(values), 2)
    return median((later - sooner) / (b - a) for (a, sooner), (b, later) in pairs)


def settled(all_of_them: Sequence[AnyT]) -> Sequence[AnyT]:
    """Those after the warm-up."""
    return all_of_them[int(len(all_of_them) * WARM_UP) :]


def second_half(counts: Sequence[Census]) -> Sequence[Census]:
    """The later of them, where what fills up is full."""
    return counts[len(counts) // 2 :]


def _of_handles(judged: Sequence[Census]) -> Iterator[str]:
    """Files and tasks: after each show exactly as many as after the others."""
    first = judged[0]
    for number, it in enumerate(judged[1:], 1):
        if it.open_files != first.open_files:
            yield _told("open files", first.files, it.files, number)
            break
    for number, it in enumerate(judged[1:], 1):
        if it.running != first.running:
            yield _told("tasks", first.tasks, it.tasks, number)
            break


def _of_memory(judged: Sequence[Census]) -> Iterator[str]:
    late = second_half(judged)
    blocks = slope([it.blocks for it in late])
    if blocks > BLOCKS_PER_SHOW:
        more = _named(late[0].objects, late[-1].objects)
        yield f"memory: {blocks:.0f} blocks more with each show: {more}"
    resident = slope([it.resident_kib for it in late])
    if resident > KIB_PER_SHOW:
        yield f"resident memory: {resident:.0f} KiB more with each show"
    usual, last = median(it.resident_kib for it in judged), judged[-1].resident_kib
    if last > usual * (1 + RESIDENT_SHARE):
        yield f"resident memory: {last} KiB in the end, and {usual:.0f} on the whole"


def _told(what: str, before: Mapping[str, int], after: Mapping[str, int], shows: int) -> str:
    totals = f"from {sum(before.values())} to {sum(after.values())}"
    within = "1 show" if shows == 1 else f"{shows} shows"
    return f"{what}: {totals} within {within}: {_named(before, after)}"


def _named(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """What there is more of, and then what there is less of."""
    change = Counter(after)
    change.subtract(before)
    by_change = [(name, number) for name, number in change.most_common() if number]
    most = [f"{number:+d} {name}" for name, number in by_change[:_NAMED]]
    return ", ".join(most) or "nothing that has a name"
