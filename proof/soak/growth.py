"""Finds growth in the resource counts of one process, of which one is taken after each show. Pure.

Each count is taken when everything that expires by design has expired.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final

from proof.soak.fast_process import ResourceCount

BLOCKS_PER_SHOW: Final = 400.0
"""Allowed growth of Python's memory blocks per show, in which each leaked session has hundreds.

Half of it is by design: the guard keeps the state of up to 1,024 studios, of which each show has
two new ones, and the client remembers up to 4,096 accepted keys, of which each show has eighteen.
"""

KIB_PER_SHOW: Final = 96.0
"""Allowed growth of resident memory per show, for the same reason."""

_WARM_UP: Final = 0.25
"""The share of shows in which caches fill and code is imported; their counts are ignored."""

_MAX_NAMES: Final = 6

_MIN_COUNTS: Final = 8
"""Counts after the warm-up that are needed to tell growth of memory from chance."""


def find_growth(counts: Sequence[ResourceCount]) -> Iterator[str]:
    """Describe what grew, one sentence each. `counts` are in order, one per show."""
    settled = counts[int(len(counts) * _WARM_UP) :]
    yield from _changes("open files", [it.files for it in settled])
    yield from _changes("tasks", [it.tasks for it in settled])
    blocks, kib = memory_slopes(counts)
    if blocks > BLOCKS_PER_SHOW:
        which = _describe(settled[0].objects, settled[-1].objects)
        yield f"memory: {blocks:.0f} blocks more with each show: {which}"
    if kib > KIB_PER_SHOW:
        yield f"resident memory: {kib:.0f} KiB more with each show"


def memory_slopes(counts: Sequence[ResourceCount]) -> tuple[float, float]:
    """Blocks and KiB per show, in the second half of the shows; 0 if they are too few."""
    settled = counts[int(len(counts) * _WARM_UP) :]
    later = settled[len(settled) // 2 :] if len(settled) >= _MIN_COUNTS else ()
    return _slope([it.blocks for it in later]), _slope([it.resident_kib for it in later])


def _changes(name: str, counts: Sequence[Mapping[str, int]]) -> Iterator[str]:
    """The first change of a number that must not change from show to show."""
    first = counts[0]
    for shows, it in enumerate(counts[1:], 1):
        if sum(it.values()) != sum(first.values()):
            yield f"{name}: {_describe(first, it)} within {shows} shows"
            return


def _describe(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """The largest changes by name, increases first."""
    more = Counter(after)
    more.subtract(before)
    most = [(kind, number) for kind, number in more.most_common() if number][:_MAX_NAMES]
    return ", ".join(f"{number:+d} {kind}" for kind, number in most)


def _slope(values: Sequence[float]) -> float:
    """The median of the slopes of all pairs of values, which ignores a single step (Theil-Sen)."""
    pairs = combinations(enumerate(values), 2)
    return median([(later - earlier) / (b - a) for (a, earlier), (b, later) in pairs] or [0.0])
