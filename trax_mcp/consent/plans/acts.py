"""What a call does in a few words, for its headline and for the choice that agrees. Pure.

A choice holds verbs, numbers and platforms that trax-mcp knows, and never a name: somebody else may
have written it.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum, auto
from itertools import groupby
from typing import Final, NamedTuple

from trax_mcp.studio.naming import Sentence, known_platform, listed, sentence

LONGEST_CHOICE: Final = 45
"""Longer ones are cut by clients."""
MOST_VERBS: Final = 3


class Rank(IntEnum):
    """The order in which acts are named: what cannot be undone or becomes public comes first."""

    DELETE = auto()
    GO_LIVE = auto()
    GO_LIVE_LATER = auto()
    REPLACE = auto()
    TURN_OFF = auto()
    TURN_ON = auto()
    OTHER = auto()


class Act(NamedTuple):
    """One thing that a call does.

    `yes` and `no` are the choices about it alone, and `headline` is the same with `{}` for its
    thing. `further` follows another act of the same thing: "turn it off". Among several changes it
    is `verb` with a number of `thing`s, or with known platforms; without a `thing`, `verb` alone.
    `fact` is what is shown of it among several changes, under a `label`.
    """

    rank: Rank
    yes: str
    no: str
    headline: str
    further: str
    label: str
    verb: str
    thing: str = ""
    platforms: tuple[str, ...] = ()
    lead: str = ""
    fact: Sentence | None = None


def only_known(names: Iterable[str]) -> tuple[str, ...]:
    """The platforms of these names, each once. Empty if trax-mcp does not know one of them."""
    found = [known_platform(it) for it in names]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def go_live(platforms: Sequence[str]) -> str:
    """The act of a go-live: "go live on YouTube and Twitch", as much of it as fits."""
    known = list(dict.fromkeys(it for it in map(known_platform, platforms) if it))
    others = len({it.lower() for it in platforms if not known_platform(it)})
    if not known:
        return "go live"
    named = f"go live on {listed([*known, *([f'{others} more'] if others else [])])}"
    return named if len(named) <= LONGEST_CHOICE else f"go live on {len(known) + others} platforms"


def capitalized(text: str) -> str:
    """The same with a capital letter first."""
    return text[:1].upper() + text[1:]


class _Group(NamedTuple):
    """Acts that are named together, in words: first as they are best, then shorter."""

    rank: Rank
    words: tuple[str, ...]
    size: int


def choice_of_one(acts: Sequence[Act]) -> str:
    """The choice that agrees to a call about one thing."""
    first, *others = sorted(acts, key=lambda it: it.rank)
    groups = [_Group(first.rank, (first.yes,), 1)]
    groups += [_Group(it.rank, (it.further,), 1) for it in others]
    return _choice(groups)


def headline_of_one(acts: Sequence[Act]) -> str:
    """The template of the headline of a call about one thing."""
    first, *others = sorted(acts, key=lambda it: it.rank)
    words = [first.headline, *(it.further for it in others)]
    return f"{_in_words(words[:MOST_VERBS], more=len(words[MOST_VERBS:]))}?"


def choice_of_several(acts: Iterable[Act]) -> str:
    """The choice that agrees to several changes: up to three verbs, deletions first."""
    return _choice(list(_groups(acts)))


def _choice(groups: Sequence[_Group]) -> str:
    choices = [
        _choice_with(groups, verbs, is_short=is_short)
        for verbs in range(MOST_VERBS, 0, -1)
        for is_short in (False, True)
    ]
    fitting = (it for it in choices if len(it) <= LONGEST_CHOICE)
    return capitalized(next(fitting, choices[-1]))


def _choice_with(groups: Sequence[_Group], verbs: int, *, is_short: bool) -> str:
    """Up to so many verbs, a go-live last."""
    named = sorted(groups[:verbs], key=lambda it: it.rank is Rank.GO_LIVE)
    words = [it.words[-1 if is_short else 0] for it in named]
    is_live = bool(named) and named[-1].rank is Rank.GO_LIVE
    return _in_words(words, more=sum(it.size for it in groups[verbs:]), is_live=is_live)


def _in_words(words: Sequence[str], *, more: int, is_live: bool = False) -> str:
    """A and B. With more changes: A, and 2 more; with a go-live: A, 2 more, and go live."""
    if not more:
        return listed(words)
    others = f"{more} more"
    if is_live and len(words) > 1:
        return f"{', '.join((*words[:-1], others))}, and {words[-1]}"
    return f"{', '.join(words)}, and {others}"


def _groups(acts: Iterable[Act]) -> Iterator[_Group]:
    ranked = sorted(acts, key=lambda it: (it.rank, it.verb, it.thing))
    for rank, of_rank in groupby(ranked, key=lambda it: it.rank):
        by_verb = {
            verb: list(same) for verb, same in groupby(of_rank, key=lambda it: (it.verb, it.thing))
        }
        if rank is Rank.DELETE:
            yield _deletions([*by_verb.values()])
        else:
            yield from (_group(rank, it) for it in by_verb.values())


def _group(rank: Rank, acts: Sequence[Act]) -> _Group:
    first, count = acts[0], len(acts)
    if not first.thing:
        return _Group(rank, (first.verb, first.verb.partition(" on ")[0]), count)
    counted = f"{first.verb} {_count(count, first.thing)}"
    platforms = [platform for it in acts for platform in it.platforms]
    if platforms and len(set(platforms)) == count and all(it.platforms for it in acts):
        return _Group(rank, (f"{first.verb} {listed(platforms)}", counted), count)
    return _Group(rank, (counted,), count)


def _deletions(kinds: Sequence[Sequence[Act]]) -> _Group:
    """All deletions, which come first and are never left out."""
    counted = listed([_count(len(acts), acts[0].thing) for acts in kinds])
    total = sum(map(len, kinds))
    words = [f"delete {counted}", *([f"delete {_count(total, 'thing')}"] if len(kinds) > 1 else [])]
    return _Group(Rank.DELETE, tuple(words), total)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def headline_of_several(choice: str, thing: Sentence, *, is_live: bool) -> Sentence:
    """The headline of several changes: their choice, and the show."""
    return sentence(f"{choice} {'with' if is_live else 'in'} {{}}?", *thing.parts)
