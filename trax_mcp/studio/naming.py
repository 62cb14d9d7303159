"""Builds sentences for people, and keeps the ids of the things that they name.

Names come from upstream and are untrusted: they are quoted, on one line, at most 80 characters
long, and spell out what could hide in them or change the sentence. A text of the caller is shown
whole, and an address with its host first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trax_mcp.api.models import Connection, Destination, Source, Studio
from trax_mcp.api.stream_address import host_of
from trax_mcp.api.text_safety import quote

LONGEST_NAME: Final = 80
_PLATFORMS: Final[Mapping[str, str]] = {
    "youtube": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "facebook": "Facebook",
}
_ONE_WORD: Final = re.compile(r"[\w.+/-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Name:
    """How a thing is called in a sentence, and its id."""

    text: str
    id: str

    def __str__(self) -> str:
        """The text, for f-strings and `str.format`."""
        return self.text


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for a person, and the ids of the things that it names.

    A note shows what changes on its own, such as a time. Consent does not depend on notes.
    """

    text: str
    ids: tuple[str, ...] = ()
    is_note: bool = False


def sentence(template: str, *parts: Name | str) -> Sentence:
    """Fill in a template (`{}` for each part). Braces in a name are not read as fields."""
    ids = tuple(part.id for part in parts if isinstance(part, Name))
    return Sentence(template.format(*parts), ids)


def note(text: str) -> Sentence:
    """A sentence that consent does not depend on."""
    return Sentence(text, is_note=True)


def quoted(text: str) -> str:
    """Untrusted text in quotes, at most 80 characters of it."""
    return quote(text, longest=LONGEST_NAME)


def quoted_whole(text: str) -> str:
    """The caller's own text in quotes, never shortened: consent covers all of it."""
    return quote(text, longest=len(text))


def address(text: str) -> str:
    """The caller's own address, whole, after the host that clients would connect to.

    Everything but ASCII is spelt out, since letters of other scripts look like Latin ones.
    """
    host = host_of(text) or "an unclear host"
    return f"{host} ({quote(text, longest=len(text), ascii_only=True)})"


def word(text: str, *, whole: bool = False) -> str:
    """A platform, type or state: one plain word as it is, anything else in quotes.

    `whole` is for the caller's own text, which is never shortened.
    """
    if _ONE_WORD.fullmatch(text):
        return text
    return quoted_whole(text) if whole else quoted(text)


def platform(name: str, *, whole: bool = False) -> str:
    """A platform in its own spelling, where that is known. `whole` as for `word`."""
    return _PLATFORMS.get(name.lower(), word(name, whole=whole))


def platforms(names: Iterable[str], *, whole: bool = False) -> str:
    """Several platforms in a sentence, each once. Unknown ones are quoted: they may be any word."""
    quoting = quoted_whole if whole else quoted
    known = (_PLATFORMS.get(name.lower(), quoting(name)) for name in names)
    return listed(list(dict.fromkeys(known)))


def destination(it: Destination) -> Name:
    """A destination by name, platform and picture format."""
    portrait = ", portrait" if it.vertical else ""
    return Name(f"{quoted(it.name)} ({platform(it.platform)}{portrait})", it.id)


def source(it: Source) -> Name:
    """A source by name and type."""
    return Name(f"{quoted(it.name)} ({word(it.type)})", it.id)


def studio(it: Studio | None) -> Name | str:
    """A studio by name, or "the studio" where the name is unknown."""
    return "the studio" if it is None else Name(quoted(it.name), it.id)


def connection(it: Connection) -> Name:
    """A linked account by its display name."""
    return Name(quoted(it.display_name), it.id)


def listed(items: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
