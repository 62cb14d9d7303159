"""Finds studios by what a person says: an id, a name, or words of one. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

ALL_LISTED: Final = 20
"""Up to this many studios all are listed, whatever is said."""

_WORDS_FOR_ANY_STUDIO = """
air at broadcast channel for in is live my of off on one our program programme show shows stream
streams studio studios that the this your
"""
_SAY_NOTHING: Final = frozenset(_WORDS_FOR_ANY_STUDIO.split())
"""Words that do not tell which studio is meant."""
_ALIKE: Final = 60
"""The least `token_set_ratio`, of 100, of a name that is like what is said."""
_LONGEST: Final = 100
"""The characters of a text that are compared."""
_MARKS: Final = re.compile("['`\u2018\u2019\u02bc\u0300-\u036f]")


class Fit(IntEnum):
    """How a studio fits what is said. `PART` and better ones are matches."""

    ALIKE = 0
    PART = 1
    """Its name holds what is said, as letters."""
    WORDS = 2
    """Its name holds all words that tell which one is meant."""
    NAME = 3
    ID = 4


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A studio, by its index in the list, and the words of its name."""

    index: int
    fit: Fit
    likeness: float
    words: frozenset[str]


def match_names(studios: Sequence[tuple[str, str]], said: str) -> list[NameMatch]:
    """The studios, given as id and name, best first. Of more than 20, only those that are alike."""
    # It takes 11 ms to import: the start does not wait for that.
    from rapidfuzz.fuzz import token_set_ratio  # noqa: PLC0415

    ids = {said.strip(), *(it.strip(".,;:!?\"'`()") for it in said.split())}
    all_words = words_of(said)
    telling = [it for it in all_words if it not in _SAY_NOTHING]
    # Without words it may be an emoji.
    text = " ".join(telling) if all_words else fold_name(said[:_LONGEST])

    def match(index: int, studio: str, name: str) -> NameMatch:
        words = words_of(name)
        spaced = " ".join(words) if all_words else fold_name(name[:_LONGEST])
        if studio in ids:
            fit = Fit.ID
        elif words == all_words if all_words else spaced == text:
            fit = Fit.NAME
        elif telling and set(telling) <= set(words):
            fit = Fit.WORDS
        else:
            fit = Fit.PART if text and text in spaced else Fit.ALIKE
        return NameMatch(index, fit, token_set_ratio(text, spaced), frozenset(words))

    found = [match(index, *studio) for index, studio in enumerate(studios)]
    found.sort(key=lambda it: (-it.fit, -it.likeness, len(it.words) if it.fit else 0))
    return [it for it in found if len(found) <= ALL_LISTED or it.fit or it.likeness >= _ALIKE]


def likely_match(matches: Sequence[NameMatch]) -> NameMatch | None:
    """The one with this id or whole name, or else with all words, if no other one has them too.

    A longer name with the same words is no rival: people who mean it say more.
    """
    best = matches[0] if matches else None
    if best is None or best.fit < Fit.WORDS:
        return None
    if best.fit > Fit.WORDS:
        rivals = any(it.fit > Fit.WORDS for it in matches[1:])
    else:
        rivals = any(it.fit is Fit.WORDS and not best.words < it.words for it in matches[1:])
    return None if rivals else best


def fold_name(name: str) -> str:
    """Normalise a name. Names with the same result are the same name."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def words_of(text: str) -> list[str]:
    """The words of a text, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", fold_name(text[:_LONGEST]))
    return re.findall(r"\w+", _MARKS.sub("", decomposed))
