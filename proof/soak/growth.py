"""Finds growth in the resource counts of one process, of which one is taken after each show.

Pure. Each count is taken when everything that expires by design has expired.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Final, TypeVar

from proof.soak.resource_count import ResourceCount

AnyT = TypeVar("AnyT")

WARM_UP: Final = 0.25
"""The share of shows in which caches fill and code is imported; their counts are ignored."""

MIN_COUNTS: Final = 8
"""Counts after the warm-up that are needed to tell growth of memory from chance."""

BLOCKS_PER_SHOW: Final = 40.0
"""Allowed growth of Python's memory blocks per show; a leaked session has hundreds.

Half of it is by design: the guard keeps the state of up to a thousand studios, and each show has
two new ones.
"""

KIB_PER_SHOW: Final = 32.0
"""Allowed growth of resident memory per show, in the second half: allocators grow in steps."""

RESIDENT_SHARE: Final = 0.10
"""How far the last count of resident memory may be above the median."""

_MAX_NAMES: Final = 4


def find_growth(counts: Sequence[ResourceCount]) -> list[str]:
    """Describe what grew, one sentence each. `counts` are in order, one per show."""
    settled = after_warm_up(counts)
    return [
        *_handle_growth(settled),
        *(_memory_growth(settled) if len(settled) >= MIN_COUNTS else ()),
    ]


def slope(values: Sequence[float]) -> float:
    """The median of the slopes of all pairs of values, which ignores a single step (Theil-Sen)."""
    pairs = combinations(enumerate(values), 2)
    return median((later - earlier) / (b - a) for (a, earlier), (b, later) in pairs)


def after_warm_up(items: Sequence[AnyT]) -> Sequence[AnyT]:
    """The items after the warm-up."""
    return items[int(len(items) * WARM_UP) :]


def second_half(counts: Sequence[ResourceCount]) -> Sequence[ResourceCount]:
    """The second half of the counts, where caches are full."""
    return counts[len(counts) // 2 :]


def _handle_growth(counts: Sequence[ResourceCount]) -> Iterator[str]:
    """Files and tasks, which must not change from show to show."""
    first = counts[0]
    for number, it in enumerate(counts[1:], 1):
        if it.open_files != first.open_files:
            yield _describe_change("open files", first.files, it.files, number)
            break
    for number, it in enumerate(counts[1:], 1):
        if it.task_count != first.task_count:
            yield _describe_change("tasks", first.tasks, it.tasks, number)
            break


def _memory_growth(counts: Sequence[ResourceCount]) -> Iterator[str]:
    later = second_half(counts)
    blocks = slope([it.blocks for it in later])
    if blocks > BLOCKS_PER_SHOW:
        more = _list_changes(later[0].objects, later[-1].objects)
        yield f"memory: {blocks:.0f} blocks more with each show: {more}"
    stdio_client = slope([it.resident_kib for it in later])
    if stdio_client > KIB_PER_SHOW:
        yield f"resident memory: {stdio_client:.0f} KiB more with each show"
    typical, last = median(it.resident_kib for it in counts), counts[-1].resident_kib
    if last > typical * (1 + RESIDENT_SHARE):
        yield f"resident memory: {last} KiB in the end, and {typical:.0f} on the whole"


def _describe_change(
    name: str, before: Mapping[str, int], after: Mapping[str, int], shows: int
) -> str:
    totals = f"from {sum(before.values())} to {sum(after.values())}"
    within = "1 show" if shows == 1 else f"{shows} shows"
    return f"{name}: {totals} within {within}: {_list_changes(before, after)}"


def _list_changes(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """The largest changes by name, increases first."""
    change = Counter(after)
    change.subtract(before)
    by_change = [(name, number) for name, number in change.most_common() if number]
    most = [f"{number:+d} {name}" for name, number in by_change[:_MAX_NAMES]]
    return ", ".join(most) or "nothing that has a name"
