"""Reads names and queries as words, and tells how alike two words are. Pure."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

_SMALL = """
and are at currently for in is its my now of on our please that the these this those to what
which who with your
"""
_FILLERS = """
broadcast channel check end find go livestream off offair offline one program programme put room
show shows start stop stream streams studio studios take
"""

SMALL_WORDS: Final = frozenset(_SMALL.split())
"""They say nothing about a studio. Not "a", which can be a name: "Team A"."""

FILLER_WORDS: Final = frozenset(_FILLERS.split())
"""They fit any studio, and only decide between names that are equal otherwise."""

LIVE_WORDS: Final = frozenset({"airing", "broadcasting", "live", "onair", "running", "streaming"})
"""They ask for a studio on air. "on air" is read as one of them."""

CLOSE: Final = 0.8
"""How alike two words must be, so that one was surely meant as the other."""

MAX_WORDS: Final = 16
_MAX_CHARACTERS: Final = 400
_ALIKE: Final = 0.7
_ALIKE_AFTER_THE_FIRST_LETTER: Final = 0.83
_SHORTEST_TYPO: Final = 4
_SHORTEST_BEGINNING: Final = 3
_SHORTEST_PART: Final = 4
_BEGINNING, _SOUND, _INSIDE = 0.9, 0.85, 0.8

_AIR: Final = re.compile(r"\b(on|off) ?air\b")
_APOSTROPHES: Final = re.compile("['`\u00b4\u2018\u2019\u02bc]")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_PLAIN_LETTERS: Final = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u0131": "i"}
)
_SOUNDS: Final = (("ght", "t"), ("ph", "f"), ("ck", "k"), ("c", "k"), ("z", "s"))
_SAME_SOUND: Final = {"c": "ck", "f": "fp", "k": "ck", "p": "fp", "s": "sz", "z": "sz"}
_MOST_SILENT_LETTERS: Final = 2
_DOUBLE: Final = re.compile(r"(.)\1")


def fold_name(name: str) -> str:
    """Normalise a name. Names with the same result are the same name."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The first words of a text, each once, without case, accents, apostrophes and leading zeros.

    Texts of scripts that use no spaces are one word.
    """
    folded = _without_accents(fold_name(text[:_MAX_CHARACTERS]))
    separated = "".join(it if _is_in_word(it) else " " for it in _APOSTROPHES.sub("", folded))
    words = _AIR.sub(r"\1air", " ".join(separated.split())).split()
    return tuple(dict.fromkeys(it.lstrip("0") or "0" for it in words))[:MAX_WORDS]


def without_small_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words that say something."""
    return tuple(it for it in words if it not in SMALL_WORDS)


def telling_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words that tell studios apart."""
    return tuple(it for it in words if it not in SMALL_WORDS and it not in FILLER_WORDS)


class Vocabulary:
    """The words of all names that are searched."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self._texts = [it for it in self.words if not _has_digit(it)]

    def alike(self, word: str) -> dict[str, float]:
        """The words that may be meant by a word -> how alike they are, up to 1.

        A word that is here is not mistyped. A number is the same or another one.
        """
        if _has_digit(word) or word in SMALL_WORDS:
            return {word: 1.0}
        return {
            **({} if word in self.words else self._mistyped(word)),
            **{it: _INSIDE for it in self._texts if word in it and is_part_of(word, it)},
            **dict.fromkeys(self._with_sound_of(word), _SOUND),
            **{it: _BEGINNING for it in self._texts if word in it and _is_beginning(word, it)},
            word: 1.0,
        }

    def _mistyped(self, word: str) -> dict[str, float]:
        if len(word) < _SHORTEST_TYPO:
            return {}
        # It takes 11 ms to import: the start does not wait for that.
        from rapidfuzz import process  # noqa: PLC0415
        from rapidfuzz.distance import OSA  # noqa: PLC0415

        scorer = OSA.normalized_similarity
        found = process.extract(word, self._texts, scorer=scorer, score_cutoff=_ALIKE, limit=None)
        return {
            other: likeness
            for other, likeness, _ in found
            if other[0] == word[0] or likeness > _ALIKE_AFTER_THE_FIRST_LETTER
        }

    def _with_sound_of(self, word: str) -> Iterator[str]:
        begins, length = _SAME_SOUND.get(word[0], word[0]), len(word)
        for other in self._by_sound.get(_sound(word), ()):
            if abs(len(other) - length) <= _MOST_SILENT_LETTERS and other[0] in begins:
                yield other

    @cached_property
    def _by_sound(self) -> Mapping[str, Sequence[str]]:
        words: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._texts:
            words[_sound(word)].append(word)
        return words


def is_part_of(part: str, text: str) -> bool:
    """Whether a text holds a part that is long enough to mean something. Numbers are not cut."""
    if len(part) < (_SHORTEST_PART if part.isascii() else 2) or _has_digit(part):
        return False
    return part in text


def _is_beginning(word: str, other: str) -> bool:
    long_enough = len(word) >= _SHORTEST_BEGINNING or not word.isascii()
    return long_enough and other.startswith(word)


def _sound(word: str) -> str:
    """Roughly how an English word sounds: "nite" as "night"."""
    for letters, sound in _SOUNDS:
        word = word.replace(letters, sound)
    return _DOUBLE.sub(r"\1", word).removesuffix("e")


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).translate(_PLAIN_LETTERS)


def _is_in_word(character: str) -> bool:
    """Letters, digits, and the marks that some scripts write vowels with."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))
