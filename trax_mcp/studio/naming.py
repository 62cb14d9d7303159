"""Builds sentences for people, and keeps the ids of the things that they name.

Names come from upstream and are untrusted: they are quoted, on one line, at most 80 characters
long, or 200 where a call acts on the thing, and spell out what could hide in them or change the
sentence. A text of the caller is shown whole, and an address with its host first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from trax_mcp.api.models import Connection, Destination, Source, Studio
from trax_mcp.api.text_safety import host_of, quote

SHOWN_NAME: Final = 80
TARGET_NAME: Final = 200
"""Of the name of the thing that a call acts on, so much is shown: all that a tool can give it."""
_PLATFORMS: Final[Mapping[str, str]] = {
    "youtube": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "facebook": "Facebook",
}
_SOURCE_TYPES: Final = frozenset({"webcam", "rtmp", "srt", "webrtc-input", "media"})
_ONE_WORD: Final = re.compile(r"[\w.+/-]{1,40}", re.ASCII)


class Name(NamedTuple):
    """How a thing is called in a sentence, and its id."""

    text: str
    id: str

    def __str__(self) -> str:
        """The text, for f-strings and `str.format`."""
        return self.text


class Sentence(NamedTuple):
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


def quoted(text: str, *, longest: int = SHOWN_NAME) -> str:
    """Untrusted text in quotes, at most `longest` characters of it."""
    return quote(text, longest=longest)


def quoted_whole(text: str) -> str:
    """The caller's own text in quotes, never shortened: consent covers all of it."""
    return quote(text, longest=len(text))


def address(text: str) -> str:
    """The caller's own address, whole, after the host that clients would connect to.

    Everything but ASCII is spelt out, since letters of other scripts look like Latin ones.
    """
    return f"{host(text)} ({quote(text, longest=len(text), ascii_only=True)})"


def host(text: str) -> str:
    """The host of an address that clients would connect to."""
    return host_of(text) or "an unclear host"


def beginning(name: str) -> str:
    """The part of a name that sentences certainly show, to find names that look the same."""
    return name[: SHOWN_NAME - 1]


def word(text: str, *, whole: bool = False) -> str:
    """A state, kind of file or id: one plain word as it is, anything else in quotes.

    `whole` is for the caller's own text, which is never shortened.
    """
    if _ONE_WORD.fullmatch(text):
        return text
    return quoted_whole(text) if whole else quoted(text)


def platform(name: str, *, whole: bool = False) -> str:
    """A platform in its own spelling, or in quotes: it may be any word. `whole` as for `word`."""
    return _PLATFORMS.get(name.lower()) or (quoted_whole(name) if whole else quoted(name))


def source_type(name: str, *, whole: bool = False) -> str:
    """A type of sources that the contract names, or any other in quotes. `whole` as for `word`."""
    return name if name in _SOURCE_TYPES else (quoted_whole(name) if whole else quoted(name))


def platforms(names: Iterable[str], *, whole: bool = False) -> str:
    """Several platforms in a sentence, each once."""
    return listed(list(dict.fromkeys(platform(name, whole=whole) for name in names)))


def destination(it: Destination, its_id: str | None = None, *, longest: int = SHOWN_NAME) -> Name:
    """A destination by name, platform and picture format, and by its id if that is given."""
    portrait = "portrait" if it.vertical else None
    kind = ", ".join(filter(None, (platform(it.platform), portrait, its_id)))
    return Name(f"{quoted(it.name, longest=longest)} ({kind})", it.id)


def source(it: Source, its_id: str | None = None) -> Name:
    """A source by name and type, and by its id if that is given."""
    kind = ", ".join(filter(None, (source_type(it.type), its_id)))
    return Name(f"{quoted(it.name)} ({kind})", it.id)


def studio(it: Studio | None) -> Name | str:
    """A studio by name, or "the studio" where the name is unknown."""
    return "the studio" if it is None else Name(quoted(it.name), it.id)


def connection(it: Connection) -> Name:
    """A linked account by its display name."""
    return Name(quoted(it.display_name), it.id)


def listed(items: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
