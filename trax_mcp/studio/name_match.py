"""Ranks studios by how well they fit what a person says, and finds the one that stands out. Pure.

People leave words out, add some, swap them and mistype them. Words that fit any studio ("show")
count little. Words such as "live" ask for a studio on air, unless a name holds them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from trax_mcp.studio.name_words import (
    CLOSE,
    LIVE_WORDS,
    SMALL_WORDS,
    Vocabulary,
    fold_name,
    is_part_of,
    telling_words,
    without_small_words,
    words_of,
)

_PUNCTUATION: Final = ".,;:!?\"'`()"
_FILLER_WEIGHT: Final = 0.1
_LEAST_SCORE: Final = 0.45
_LEAST_OF_BEST: Final = 0.65
_CLEAR_LEAD: Final = 0.15


class Closeness(IntEnum):
    """How a studio fits a query as a whole. Lower is closer."""

    ID = 0
    """The query is its id, or holds it."""
    NAME = 1
    """The name is the same but for case and Unicode form."""
    WORDS = 2
    """The words are the same, in any order."""
    WORDS_BUT_FOR_SMALL_ONES = 3
    TELLING_WORDS = 4
    PART = 5
    """Some words are the same or alike."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A studio that fits a query, by its index in the list that was searched.

    `score` is the share of the query that the name holds, from 0 to 1. `is_close`: it holds every
    word that tells studios apart. `extra_letters`: of the name, were not asked for.
    """

    index: int
    closeness: Closeness
    score: float
    is_close: bool
    extra_letters: int
    words: frozenset[str]

    @property
    def order(self) -> tuple[int, float, int, int]:
        """The best match is the least. Equal ones keep their order."""
        return (self.closeness, -round(self.score, 2), self.extra_letters, self.index)

    def is_rival_of(self, best: "NameMatch") -> bool:
        """Whether a person who says the query may mean this one as well as the best one.

        Not a name with the same words and more: who means that one says more.
        """
        if best.closeness < Closeness.TELLING_WORDS:
            return self.closeness <= max(best.closeness, Closeness.NAME)
        if best.closeness is Closeness.TELLING_WORDS:
            return self.closeness is best.closeness or self.score > best.score
        return self.score > best.score - _CLEAR_LEAD and not self.words > best.words


@dataclass(frozen=True, slots=True)
class Ranking:
    """The studios that fit a query, best first.

    `fits_all`: the query has no word that tells studios apart, so that all fit. `asks_for_live`:
    it asks for a studio on air; `live_is_a_name`: it may also mean a name that holds such a word.
    """

    matches: tuple[NameMatch, ...]
    fits_all: bool = False
    asks_for_live: bool = False
    live_is_a_name: bool = False

    def on_air_first(self, live: Mapping[int, bool]) -> "Ranking":
        """The same, with those on air first if the query only asks for that."""
        if not (self.fits_all and self.asks_for_live):
            return self
        matches = sorted(self.matches, key=lambda it: not live.get(it.index))
        return replace(self, matches=tuple(matches))

    def likely(self, live: Mapping[int, bool]) -> NameMatch | None:
        """The match that stands out by its name, or as the only one on air.

        `live` has the status of studios, by index, where it is known.
        """
        by_name = self._outstanding_name()
        on_air = [it for it in self.matches if live.get(it.index)]
        if not self.asks_for_live or not (on_air or self.fits_all):
            return by_name
        is_the_only = len(on_air) == 1 and all(it.index in live for it in self.matches)
        if by_name in on_air:  # "live" may be its name, or any other one on air
            return by_name if is_the_only or not self.fits_all else None
        if by_name or not is_the_only or self.live_is_a_name:
            return None
        return on_air[0] if self.fits_all or on_air[0].is_close else None

    def _outstanding_name(self) -> NameMatch | None:
        if not self.matches:
            return None
        best, *others = sorted(self.matches, key=lambda it: it.order)
        is_meant = best.is_close or (self.fits_all and not self.asks_for_live and not others)
        return best if is_meant and not any(it.is_rival_of(best) for it in others) else None


def rank_studios(studios: Sequence[tuple[str, str]], query: str) -> Ranking:
    """The studios, given as id and name, that fit a query."""
    asked = words_of(query)
    names = [words_of(name) for _, name in studios]
    vocabulary = Vocabulary(word for name in names for word in name)
    live_words = LIVE_WORDS.intersection(asked)
    telling = frozenset(telling_words(asked)) - live_words
    live_is_a_name = bool(live_words & vocabulary.words)
    if telling and live_is_a_name:
        telling, live_words = telling | live_words, frozenset()
    if telling:
        asked = tuple(it for it in asked if it not in live_words)
    search = _Search(query, asked, telling, vocabulary)
    found = [search.match(*it) for it in zip(range(len(names)), studios, names, strict=True)]
    best = max((it.score for it in found), default=0.0)
    fits_all = bool(asked) and not telling
    least = 0.0 if fits_all else max(_LEAST_SCORE, best * _LEAST_OF_BEST)
    matches = sorted((it for it in found if it.score >= least), key=lambda it: it.order)
    return Ranking(
        tuple(matches),
        fits_all=fits_all,
        asks_for_live=bool(live_words),
        live_is_a_name=live_is_a_name,
    )


class _Search:
    """A query, with the words of all names that are like its words."""

    def __init__(
        self,
        query: str,
        asked: tuple[str, ...],
        telling: frozenset[str],
        vocabulary: Vocabulary,
    ) -> None:
        self._name = fold_name(query)
        self._ids = {query.strip(), *(it.strip(_PUNCTUATION) for it in query.split())}
        self._asked = asked
        self._telling = telling
        self._joined = "".join(it for it in asked if it in telling)
        self._alike: dict[str, dict[str, float]] = defaultdict(dict)
        """Word of a name -> the words of the query that may mean it -> how alike they are."""
        for word in asked:
            for other, likeness in vocabulary.alike(word).items():
                self._alike[other][word] = likeness
        self._weights = {word: _weight(word, is_telling=word in telling) for word in asked}

    def match(self, index: int, studio: tuple[str, str], words: tuple[str, ...]) -> NameMatch:
        """Compare with a studio, and with the words of its name."""
        closeness = self._closeness(studio, words)
        score, is_close = self._score(words) if self._asked else self._score_of_signs(studio[1])
        if closeness < Closeness.PART:
            is_close = True
            score = max(score, CLOSE) if closeness is Closeness.TELLING_WORDS else 1.0
        return NameMatch(
            index=index,
            closeness=closeness,
            score=score,
            is_close=is_close,
            extra_letters=sum(len(it) for it in words if it not in self._alike) if score else 0,
            words=frozenset(without_small_words(words)),
        )

    def _closeness(self, studio: tuple[str, str], words: tuple[str, ...]) -> Closeness:
        identifier, name = studio
        asked = without_small_words(self._asked)
        telling = telling_words(words)
        if identifier in self._ids or (asked and asked == words_of(identifier)):
            return Closeness.ID
        if fold_name(name) == self._name:
            return Closeness.NAME
        if words and set(words) == set(self._asked):
            return Closeness.WORDS
        if asked and set(asked) == set(without_small_words(words)):
            return Closeness.WORDS_BUT_FOR_SMALL_ONES
        if telling and (set(telling) == self._telling or "".join(telling) == self._joined):
            return Closeness.TELLING_WORDS
        return Closeness.PART

    def _score_of_signs(self, name: str) -> tuple[float, bool]:
        """The same for a query without a letter or digit, such as an emoji."""
        is_held = bool(self._name) and self._name in fold_name(name)
        return float(is_held), is_held

    def _score(self, words: tuple[str, ...]) -> tuple[float, bool]:
        """The share of the query that a name holds, and whether it holds all telling words."""
        likeness = dict.fromkeys(self._asked, 0.0)
        for alike in (self._alike[it] for it in words if it in self._alike):
            likeness |= {it: max(likeness[it], alike[it]) for it in alike}
        total = sum(self._weights.values())
        score = sum(self._weights[it] * likeness[it] for it in likeness) / total if total else 0.0
        if is_part_of(self._joined, "".join(words)):
            return max(score, CLOSE), True
        is_close = bool(self._telling) and all(likeness[it] >= CLOSE for it in self._telling)
        return score, is_close


def _weight(word: str, *, is_telling: bool) -> float:
    """Longer words tell more."""
    if word in SMALL_WORDS:
        return 0.0
    return len(word) * (1.0 if is_telling else _FILLER_WEIGHT)
