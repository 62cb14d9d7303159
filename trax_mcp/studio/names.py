"""Finds the studio that a person means: words in any order, with typos, an id, or "live". Pure.

Words that fit any studio ("show") count little. Words such as "live" ask for a studio on air,
unless a name holds them.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

_SMALL_WORDS = """
and are at currently for in is its my now of on our please that the these this those to what
which who with your
"""
_FILLERS = """
broadcast channel check end find go livestream off offair offline one program programme put room
show shows start stop stream streams studio studios take
"""
_SMALL: Final = frozenset(_SMALL_WORDS.split())
"""Words that say nothing about a studio. Not "a", which can be a name: "Team A"."""
_FILLER: Final = frozenset(_FILLERS.split())
"""Words that fit any studio. They only decide between names that are equal otherwise."""
_LIVE: Final = frozenset({"airing", "broadcasting", "live", "onair", "running", "streaming"})
"""Words that ask for a studio on air. "on air" is read as one of them."""

_BEGINNING, _SOUND, _SURE, _TYPO = 0.9, 0.85, 0.8, 0.7
"""How alike two words are: one begins or sounds like the other, or was at least surely meant."""
_FIRST_LETTER_TYPO: Final = 0.83
_SHORTEST_BEGINNING, _SHORTEST_PART, _SHORTEST_TYPO = 3, 4, 4
_LEAD: Final = 0.15
"""A name is a rival of the best one if its score is within this."""
_LEAST, _LEAST_OF_BEST = 0.45, 0.65
_FILLER_BONUS: Final = 0.05

_ID, _WHOLE_NAME, _ALL_BUT_FILLER, _PART = 3, 2, 1, 0

_MARKS: Final = re.compile("['`\u2018\u2019\u02bc\u0300-\u036f]")
_PLAIN: Final = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u0131": "i", "\u00e6": "ae", "\u0153": "oe"}
)
_SOUNDS: Final = (("ght", "t"), ("ph", "f"), ("ck", "k"), ("c", "k"), ("z", "s"))


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A studio that fits a query, by its index in the list.

    `kind`: 3 for its id, 2 for its whole name, 1 for its name but for words that fit any studio,
    else 0. `score` is the share of the query that the name holds. `is_whole`: it holds every word
    that tells studios apart. `extra` letters of the name were not asked for.
    """

    index: int
    kind: int
    score: float
    is_whole: bool
    extra: int
    words: frozenset[str]

    @property
    def order(self) -> tuple[int, float, int, int]:
        """The best match is the least. Equal ones keep their order."""
        return (-self.kind, -round(self.score, 2), self.extra, self.index)

    @property
    def is_by_id(self) -> bool:
        """Whether the query is its id, or holds it."""
        return self.kind == _ID

    def is_rival_of(self, best: "NameMatch") -> bool:
        """Whether the query may mean this one as well as the best one.

        A longer name with the same words is no rival: people who mean it say more.
        """
        if best.kind >= _WHOLE_NAME:
            return self.kind >= _WHOLE_NAME
        if best.kind == _ALL_BUT_FILLER:
            return self.kind == best.kind or self.score > best.score
        return self.score > best.score - _LEAD and not self.words > best.words


@dataclass(frozen=True, slots=True)
class Ranking:
    """The studios that fit a query, best first.

    `is_generic`: the query has no word that tells studios apart, so that all fit. `wants_live`: it
    asks for a studio on air; `live_is_a_name`: it may also mean a name that holds such a word.
    """

    matches: tuple[NameMatch, ...]
    is_generic: bool
    wants_live: bool
    live_is_a_name: bool

    def likely(self, live: Mapping[int, bool]) -> NameMatch | None:
        """The match that stands out by its name, or as the only one on air.

        `live` has the status of studios, by index, where it is known.
        """
        by_name = self._likely_by_name()
        on_air = [it for it in self.matches if live.get(it.index)]
        if not self.wants_live or not (on_air or self.is_generic):
            return by_name
        is_the_only = len(on_air) == 1 and all(it.index in live for it in self.matches)
        if by_name in on_air:  # "live" may be its name, or any other one on air
            return by_name if is_the_only or not self.is_generic else None
        if by_name or not is_the_only or self.live_is_a_name:
            return None
        return on_air[0] if self.is_generic or on_air[0].is_whole else None

    def _likely_by_name(self) -> NameMatch | None:
        if not self.matches:
            return None
        best, *others = self.matches
        is_meant = best.is_whole or (self.is_generic and not self.wants_live and not others)
        return best if is_meant and not any(it.is_rival_of(best) for it in others) else None

    @property
    def is_by_air(self) -> bool:
        """Whether the query only asks for a studio on air."""
        return self.is_generic and self.wants_live

    def on_air_first(self, live: Mapping[int, bool]) -> tuple[NameMatch, ...]:
        """The matches, with those on air first if the query only asks for that."""
        if not self.is_by_air:
            return self.matches
        return tuple(sorted(self.matches, key=lambda it: not live.get(it.index)))


def rank_studios(studios: Sequence[tuple[str, str]], query: str) -> Ranking:
    """The studios, given as id and name, that fit a query."""
    names = [words_of(name) for _, name in studios]
    search = _Search(query, set(chain.from_iterable(names)))
    found = [search.match(*it) for it in zip(range(len(names)), studios, names, strict=True)]
    best = max((it.score for it in found), default=0.0)
    least = 0.0 if search.is_generic else max(_LEAST, min(best, 1.0) * _LEAST_OF_BEST)
    return Ranking(
        tuple(sorted((it for it in found if it.score >= least), key=lambda it: it.order)),
        is_generic=search.is_generic,
        wants_live=search.wants_live,
        live_is_a_name=search.live_is_a_name,
    )


class _Search:
    """A query, read with the words of all names."""

    def __init__(self, query: str, vocabulary: set[str]) -> None:
        words = words_of(query)
        live = _LIVE.intersection(words)
        self.live_is_a_name = not live.isdisjoint(vocabulary)
        said = [it for it in words if it not in _SMALL]
        self._telling = [it for it in said if it not in _FILLER and it not in live]
        if self._telling and self.live_is_a_name:
            self._telling, live = [it for it in said if it not in _FILLER], frozenset()
        self.is_generic = bool(words) and not self._telling
        self.wants_live = bool(live)
        self._said = [it for it in said if it not in live or not self._telling]
        self._name = fold_name(query)
        self._sign = "" if words else self._name  # an emoji, for example
        self._ids = {query.strip(), *(it.strip(".,;:!?\"'`()") for it in query.split())}
        self._alike = {it: {of: likeness(of, it) for of in self._said} for it in vocabulary}
        """Word of a name -> word that is said -> how alike they are."""

    def match(self, index: int, studio: tuple[str, str], words: tuple[str, ...]) -> NameMatch:
        """Compare with a studio, and with the words of its name."""
        kind = self._kind(studio, words)
        score, is_whole = self._score(studio[1], words)
        if kind > _PART:
            score, is_whole = max(score, _SURE if kind == _ALL_BUT_FILLER else 1.0), True
        extra = sum(len(it) for it in words if score and not any(self._alike[it].values()))
        return NameMatch(index, kind, score, is_whole, extra, frozenset(words) - _SMALL)

    def _kind(self, studio: tuple[str, str], words: tuple[str, ...]) -> int:
        if studio[0] in self._ids or (self._said and self._said == list(words_of(studio[0]))):
            return _ID
        name = {it: it not in _FILLER for it in words if it not in _SMALL}
        if fold_name(studio[1]) == self._name or (name and name.keys() == set(self._said)):
            return _WHOLE_NAME
        telling = [it for it, tells in name.items() if tells]
        is_all = set(telling) == set(self._telling) or "".join(telling) == "".join(self._telling)
        return _ALL_BUT_FILLER if telling and is_all else _PART

    def _score(self, name: str, words: tuple[str, ...]) -> tuple[float, bool]:
        """The share of the query that a name holds, and whether it holds all telling words."""
        if not self._said:
            is_held = bool(self._sign) and self._sign in fold_name(name)
            return float(is_held), is_held
        like = {it: max((self._alike[of][it] for of in words), default=0.0) for it in self._said}
        terms = self._telling or self._said
        score = sum(len(it) * like[it] for it in terms) / sum(map(len, terms))
        if self._telling and score:
            score += _FILLER_BONUS * sum(like[it] == 1 for it in self._said if it in _FILLER)
        if _is_part("".join(self._telling), "".join(words)):
            return max(score, _SURE), True
        return score, bool(self._telling) and min(like[it] for it in terms) >= _SURE


def fold_name(name: str) -> str:
    """Normalise a name. Names with the same result are the same name."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The first 16 words of a text, each once, without case, accents and leading zeros.

    A text of a script that uses no spaces is one word.
    """
    decomposed = unicodedata.normalize("NFKD", fold_name(text[:400]))
    plain = unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).translate(_PLAIN)
    separated = "".join(it if _is_in_word(it) else " " for it in plain)
    words = re.sub(r"\b(on|off) ?air\b", r"\1air", " ".join(separated.split())).split()
    return tuple(dict.fromkeys(it.lstrip("0") or "0" for it in words))[:16]


def likeness(asked: str, word: str) -> float:
    """How surely a word of a name is meant by one of the query, up to 1. No numbers are alike."""
    if asked == word:
        return 1.0
    if word in _SMALL or _has_digit(word) or _has_digit(asked):
        return 0.0
    if word.startswith(asked) and (len(asked) >= _SHORTEST_BEGINNING or not asked.isascii()):
        return _BEGINNING
    if _is_part(asked, word):
        return _SURE
    return _spelt_alike(asked, word) if len(asked) >= _SHORTEST_TYPO else 0.0


def _spelt_alike(asked: str, word: str) -> float:
    if _sound(asked) == _sound(word):
        return _SOUND
    # It takes 11 ms to import: the start does not wait for that.
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    typo = OSA.normalized_similarity(asked, word)
    least = _TYPO if asked[0] == word[0] else _FIRST_LETTER_TYPO
    return typo if typo >= least else 0.0


def _is_part(part: str, text: str) -> bool:
    """Whether a text holds a part that is long enough to mean something. Numbers are not cut."""
    long_enough = len(part) >= (_SHORTEST_PART if part.isascii() else 2)
    return long_enough and part in text and not _has_digit(part)


@lru_cache(maxsize=64)
def _sound(word: str) -> str:
    """Roughly how an English word sounds: "nite" as "night"."""
    for letters, sound in _SOUNDS:
        word = word.replace(letters, sound)
    return re.sub(r"(.)\1", r"\1", word).removesuffix("e")


@lru_cache(maxsize=64)
def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _is_in_word(character: str) -> bool:
    """Letters, digits, and the marks that some scripts write vowels with."""
    return character.isalnum() or unicodedata.category(character).startswith("M")
