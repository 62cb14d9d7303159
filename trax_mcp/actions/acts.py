"""What a call does in a few words, for its headline and for the choice that agrees. Pure.

A choice holds verbs, numbers and platforms that trax-mcp knows, and never a name: somebody else may
have written it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum, auto
from itertools import groupby, product
from typing import Final, NamedTuple

from pydantic import SecretStr

from trax_mcp.actions.view import Row
from trax_mcp.api.text_safety import columns_of
from trax_mcp.studio import naming
from trax_mcp.studio.naming import Name, Sentence, joined, known_platform, listed, say, sentence

LONGEST_CHOICE: Final = 45
"""Longer ones are cut by clients."""
LONGEST_HEADLINE: Final = 76
"""So many columns it has with the show's name. A form says within 120 what is public or lost."""
MOST_VERBS: Final = 3
LEAVE_IT: Final = "Leave it as it is"
AT_ONCE: Final = ", so viewers may see this at once"
_LONG_KEY: Final = 12
"""From this length on, a stream key is told by its end too."""
_GO_LIVE: Final = "go live"
_NOW_AND_LATER: Final = "go live now and on its own"


class Rank(IntEnum):
    """The order in which acts are named: what cannot be undone or becomes public comes first."""

    DELETE = auto()
    GO_LIVE = auto()
    GO_LIVE_LATER = auto()
    REPLACE = auto()
    TURN_OFF = auto()
    TURN_ON = auto()
    OTHER = auto()


_LIVE: Final = (Rank.GO_LIVE, Rank.GO_LIVE_LATER)


class Act(NamedTuple):
    """One thing that a call does.

    `yes` and `no` are the choices about it alone, and `headline` is the same with `{}` for its
    thing. `further` follows another act of the same thing: "turn it off". Among several changes it
    is `verb` with a number of `thing`s, or with known platforms; without a `thing`, `verb` alone.
    `fact` is what is shown of it among several changes, under a `label`. `lead` says what becomes
    public or is lost; among several changes, and where several lose the same, that is said as in
    `lead_among` and `lead_of_many`, if it is said otherwise. `lasts`: for later shows too, a thing
    stays on, or off.
    """

    rank: Rank
    yes: str
    no: str
    headline: str
    verb: str
    further: str = ""
    label: str = ""
    thing: str = ""
    platforms: tuple[str, ...] = ()
    lead: str = ""
    lead_among: str = ""
    lead_of_many: str = ""
    lasts: bool | None = None
    fact: Sentence | None = None


def only_known(names: Iterable[str | None]) -> tuple[str, ...]:
    """The platforms of these names, each once. Empty if trax-mcp does not know one of them."""
    found = [known_platform(it) for it in names]
    return tuple(dict.fromkeys(found)) if all(found) else ()


def go_live(platforms: Sequence[str | None]) -> str:
    """The act of a go-live: "go live on YouTube and Twitch", as much of it as fits."""
    known = list(dict.fromkeys(it for it in map(known_platform, platforms) if it))
    others = len({(it or "").lower() for it in platforms if not known_platform(it)})
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
    return _phrase(groups, LONGEST_CHOICE, joins=(_listed, ", ".join))


def headline_of_one(acts: Sequence[Act]) -> str:
    """The template of the headline of a call about one thing."""
    first, *others = sorted(acts, key=lambda it: it.rank)
    words = [first.headline, *(it.further for it in others)]
    if len(words) > MOST_VERBS:
        (more,) = _more(len(words) - MOST_VERBS + 1, than=words)
        words = [*words[: MOST_VERBS - 1], more.words[0]]
    return f"{_listed(words)}?"


def choice_of_several(acts: Iterable[Act]) -> str:
    """The choice that agrees to several changes: up to three verbs, deletions first."""
    return _phrase(_groups(acts), LONGEST_CHOICE, joins=(_listed, ", ".join))


def headline_of_several(acts: Iterable[Act], show: Name, *, is_live: bool) -> Sentence:
    """The headline of several changes: the same with more room, and the show."""
    room = max(LONGEST_HEADLINE - columns_of(show.in_short), LONGEST_CHOICE)
    words = _phrase(_groups(acts), room, joins=(_listed,))
    return sentence(f"{words} {'with' if is_live else 'in'} {{}}?", show)


def _phrase(
    groups: Sequence[_Group], longest: int, *, joins: Sequence[Callable[[Sequence[str]], str]]
) -> str:
    """The acts in words, by as many verbs as fit."""
    phrases = [
        join(words)
        for verbs in range(MOST_VERBS, 0, -1)
        for join in joins
        for words in _words(groups, verbs)
    ]
    phrases += [", ".join(words) for words in _shortest(groups)]
    fitting = (it for it in phrases if len(it) <= longest)
    return capitalized(next(fitting, phrases[-1]))


def _words(groups: Sequence[_Group], verbs: int) -> Iterator[Sequence[str]]:
    """Up to so many verbs, from the best words to the shortest. A go-live comes last.

    That it goes live, now or on its own, is always named.
    """
    named = [it for it in groups if it in groups[:verbs] or it.rank in _LIVE]
    live = [it for it in named if it.rank is Rank.GO_LIVE]
    others = [it for it in named if it not in live]
    left = sum(it.size for it in groups) - sum(it.size for it in named)
    return product(*(it.words for it in (*others, *_more(left, than=others), *live)))


def _shortest(groups: Sequence[_Group]) -> Iterator[Sequence[str]]:
    """What goes live, and the other acts by number: deletions first, or all of them."""
    live = [it.words[-1] for it in groups if it.rank in _LIVE]
    deleted = sum(it.size for it in groups if it.rank is Rank.DELETE)
    changed = sum(it.size for it in groups if it.rank not in {Rank.DELETE, *_LIVE})
    if deleted:
        yield f"delete {_count(deleted, 'thing')}", *([f"{changed} more"] if changed else []), *live
        yield f"delete {deleted}", f"{changed} more", *live
    yield f"make {_count(deleted + changed, 'change')}", *live


def _more(number: int, *, than: Sequence[object]) -> list[_Group]:
    """Acts that are counted alone, if there are any."""
    counted = f"make {_count(number, 'change')}"
    words = (f"make {_count(number, 'more change')}", counted) if than else (counted,)
    return [_Group(Rank.OTHER, words, number)] if number else []


def _listed(words: Sequence[str]) -> str:
    """A, B and C. After an act that has an "and" itself: A and B, and C."""
    *others, last = words
    if any(" and " in it for it in others):
        return f"{', '.join(others)}, and {last}"
    return listed(words)


def _groups(acts: Iterable[Act]) -> list[_Group]:
    """Acts of one verb together. Those without a thing come last in their rank."""
    groups = [_group(list(same)) for _, same in groupby(sorted(acts, key=_order), key=_order)]
    live = [it for it in groups if it.rank in _LIVE]
    if len(live) < len(_LIVE):
        return groups
    both = _Group(Rank.GO_LIVE, (_NOW_AND_LATER,), sum(it.size for it in live))
    return [both if it is live[0] else it for it in groups if it not in live[1:]]


def _group(acts: Sequence[Act]) -> _Group:
    first = acts[0]
    words = [first.verb]
    if first.thing:
        words = [*_counted(first.verb, acts)]
    elif first.rank is Rank.GO_LIVE:
        words.append(_GO_LIVE)
    return _Group(first.rank, tuple(words), len(acts))


def _order(act: Act) -> tuple[Rank, bool, str]:
    return act.rank, not act.thing, act.verb


def _counted(verb: str, acts: Sequence[Act]) -> Iterator[str]:
    """The same acts by platform if all of a kind are known and differ, then by number."""
    kinds = dict[str, list[Act]]()
    for it in sorted(acts, key=lambda it: it.thing):
        kinds.setdefault(it.thing, []).append(it)
    numbers = [_count(len(same), thing) for thing, same in kinds.items()]
    named = [
        _platforms(same) or number for same, number in zip(kinds.values(), numbers, strict=True)
    ]
    together = [_count(len(acts), "thing")] if len(kinds) > 1 else numbers
    yield from dict.fromkeys(f"{verb} {listed(it)}" for it in (named, numbers, together))


def _platforms(acts: Sequence[Act]) -> str:
    platforms = [platform for it in acts for platform in it.platforms]
    are_told = len(set(platforms)) == len(acts) and all(it.platforms for it in acts)
    return listed(platforms) if are_told else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


# What several kinds of things share


def new_name(name: str) -> Name:
    """A name that the caller gives. It is not a thing of TRaX's yet."""
    return naming.named(name, longest=max(len(name), 1))


def add(thing: str, of: Name, rows: Iterable[Row], *, yes: str, is_on: bool) -> Act:
    """Add a thing."""
    facts = [it.sentence for it in rows]
    return Act(
        rank=Rank.TURN_ON if is_on else Rank.OTHER,
        yes=yes,
        no="Don't add it",
        headline="Add {} to {}",
        label="Adds",
        verb="add",
        thing=thing,
        lasts=is_on,
        fact=joined([Sentence((of,)), *facts, say("on" if is_on else "off")]),
    )


def delete(thing: str, of: Name, *, yes: str, lead: str) -> Act:
    """Delete a thing."""
    return Act(
        rank=Rank.DELETE,
        yes=yes,
        no="Keep it",
        headline="Delete {} from {}",
        label="Deletes",
        verb="delete",
        thing=thing,
        lead=lead,
        lead_among="Deletions are final.",
        lead_of_many="Deletions are final.",
        fact=Sentence((of,)),
    )


def turn(thing: str, of: Name, known_platform: str, *, is_on: bool) -> Act:
    """Turn a thing on or off."""
    on, kept = ("on", "off") if is_on else ("off", "on")
    return Act(
        rank=Rank.TURN_ON if is_on else Rank.TURN_OFF,
        yes=f"Turn {on} {known_platform or f'the {thing}'}",
        no=f"Keep it {kept}",
        headline=f"Turn {on} {{}}",
        further=f"turn it {on}",
        label=f"Turns {on}",
        verb=f"turn {on}",
        thing=thing,
        platforms=(known_platform,) if known_platform else (),
        lasts=is_on,
        fact=Sentence((of,)),
    )


def rename(thing: str, of: Name, name: str) -> Act:
    """Give a thing another name."""
    return Act(
        rank=Rank.OTHER,
        yes=f"Rename the {thing}",
        no="Keep the name",
        headline="Rename {}",
        further="rename it",
        label="Renames",
        verb="rename",
        thing=thing,
        fact=sentence("{} to {}", of, new_name(name)),
    )


def change(what: str, of: Name, to: str) -> Act:
    """Change a property of a destination."""
    return Act(
        rank=Rank.OTHER,
        yes=f"Change the {what}",
        no=LEAVE_IT,
        headline=f"Change the {what} of {{}}",
        further=f"change its {what}",
        label=f"New {what}",
        verb="change",
        thing=what,
        fact=sentence("{}: {}", of, to),
    )


def key_in_words(secret: SecretStr) -> str:
    """A stream key, so that a person can tell theirs from another one, and nobody can use it."""
    key = secret.get_secret_value()
    end = f", ending in {naming.quoted(key[-4:])}" if len(key) >= _LONG_KEY else ""
    return f"{len(key)} character{'' if len(key) == 1 else 's'}{end}"


def new_stays(*, is_on: bool) -> Sentence:
    """What outlives the show of a thing that is new."""
    return say(stays(1, is_on=True) if is_on else "It stays off until you turn it on.")


def stays(number: int, *, is_on: bool) -> str:
    """What outlives the show: one or more things that are turned on or off."""
    it, stay, them = ("It", "stays", "it") if number == 1 else ("They", "stay", "them")
    return f"{it} {stay} {'on' if is_on else 'off'} for later shows until you turn {them} " + (
        "off." if is_on else "back on."
    )
