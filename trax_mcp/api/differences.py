"""What a comparison of two contract documents finds, and the words for it.

The newer document is a stranger's, so its words are quoted, bounded and on one line. The room
judges nothing: what breaks a caller is told to it.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.text_safety import quote

Kind = Literal["added", "removed", "changed"]

DOCUMENT: Final = "document"
"""Where a difference is that concerns no single call or schema."""
_LONGEST_WHERE = 160
_LONGEST_NAME = 60
_LONGEST_WORDS = 200
_SHORT = 30
_LARGEST_NUMBER_BITS = 64


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `where` names a call, parameter, schema or field, `what` says it in words.

    Both are one line, bounded, and safe to print. `breaking`: callers that kept to the older
    document may fail.
    """

    kind: Kind
    where: str
    what: str
    breaking: bool


class Differences:
    """What was found so far, each difference once, however many calls share it."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, str, str], bool] = {}

    def add(self, kind: Kind, where: str, what: str, *, breaking: bool) -> None:
        """Note a difference; `what` must be safe to print, `where` need not be."""
        key = (kind, _printable(where, longest=_LONGEST_WHERE), what)
        self._found[key] = self._found.get(key, False) or breaking

    def unreadable(self, where: str) -> None:
        """Note that something is not what OpenAPI says it is, or refers to nothing."""
        self.add("changed", where, "cannot be read", breaking=True)

    def shared(self, live: JsonObject, baked: JsonObject, *, under: str, thing: str) -> list[str]:
        """Note what only one side has: removals break. Returns the names that both have."""
        for name in (name for name in baked if name not in live):
            self.add("removed", f"{under}{name}", f"the {thing} is gone", breaking=True)
        for name in (name for name in live if name not in baked):
            self.add("added", f"{under}{name}", f"a new {thing}", breaking=False)
        return [name for name in baked if name in live]

    def parts(
        self,
        live: JsonObject,
        baked: JsonObject,
        where: str,
        *,
        judged: AbstractSet[str] = frozenset(),
        breaking: AbstractSet[str] = frozenset(),
    ) -> None:
        """Note every other part that differs: wording, unless it is one of `breaking`.

        `judged` are the parts that somebody else compares.
        """
        for name in (*baked, *(name for name in live if name not in baked)):
            same = name in live and name in baked and live[name] == baked[name]
            if name not in judged and not same:
                what = _change(name, live, baked)
                self.add("changed", where, what, breaking=name in breaking)

    def all(self) -> tuple[Difference, ...]:
        """Everything, in the order in which it was found."""
        return tuple(Difference(*key, breaking) for key, breaking in self._found.items())


def told(value: object) -> str:
    """A value in a few words, safe to print."""
    match value:
        case str():
            return quote(value, longest=_LONGEST_WORDS)
        case bool():
            return str(value).lower()
        case int() if value.bit_length() <= _LARGEST_NUMBER_BITS:
            return str(value)
        case float():
            return f"{value:g}"
        case _:
            return "something else"


def _change(name: str, live: JsonObject, baked: JsonObject) -> str:
    part = _printable(name, longest=_LONGEST_NAME)
    if name not in live:
        return f"{part} is gone"
    if name not in baked:
        return f"{part} is new: {told(live[name])}" if _is_plain(live[name]) else f"{part} is new"
    was, now = told(baked[name]), told(live[name])
    if len(was) <= _SHORT and was != now:
        return f"{part} was {was}, is {now}"
    return f"{part} is now {now}"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _printable(words: str, *, longest: int) -> str:
    return quote(words, longest=longest)[1:-1]
