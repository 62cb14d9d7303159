"""Builds sentences for people, and keeps the ids of the things that they name.

Names come from upstream and are untrusted: they are quoted, on one line, at most 80 characters
long, or 200 where a call acts on the thing, and spell out what could hide in them or change the
sentence. A text of the caller is shown whole, and an address with its host first.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from trax_mcp.api.models import Connection, Destination, Source, Studio
from trax_mcp.api.text_safety import host_of, quote, quote_within

SHOWN_NAME: Final = 80
TARGET_NAME: Final = 200
"""Of the name of the thing that a call acts on, so much is shown: all that a tool can give it."""
SHORT_NAME: Final = 32
"""The columns of a name on a small screen."""
_LEAST_OF_A_NAME: Final = 11
_PLATFORMS: Final[Mapping[str, str]] = {
    "youtube": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "facebook": "Facebook",
}
_SOURCE_TYPES: Final = frozenset({"webcam", "rtmp", "srt", "webrtc-input", "media"})
_ONE_WORD: Final = re.compile(r"[\w.+/-]{1,40}", re.ASCII)


class Name(NamedTuple):
    """How a thing is called in a sentence, and its id.

    `text` is the name in quotes, `detail` what is said of it in brackets. `short` and
    `short_detail` are the same for small screens. `rest` stands for what `text` leaves out.
    """

    text: str
    id: str = ""
    detail: str = ""
    short: str = ""
    short_detail: str = ""
    rest: str = ""

    def __str__(self) -> str:
        """The name and its detail, for f-strings and `str.format`."""
        return f"{self.text} ({self.detail})" if self.detail else self.text

    @property
    def in_short(self) -> str:
        """The same for small screens."""
        text, detail = self.short or self.text, self.short_detail or self.detail
        return f"{text} ({detail})" if detail else text


class Looks:
    """How the names of a list look, each counted once: many are compared with all others."""

    def __init__(self, names: Mapping[str, str], *, longest: int = TARGET_NAME) -> None:
        """Look at these names, which are by id."""
        self._looks = {its_id: _looks(name, longest) for its_id, name in names.items()}
        self._in_full = Counter(text for text, _ in self._looks.values())
        self._in_short = Counter(short for _, short in self._looks.values())

    def are_shared(self, text: str, short: str, *, its_id: str) -> tuple[bool, bool]:
        """Whether another thing than this one looks the same: in full, and on small screens."""
        own = self._looks.get(its_id, ("", ""))
        is_shared = self._in_full[text] > (own[0] == text)
        return is_shared, is_shared or self._in_short[short] > (own[1] == short)


class Sentence(NamedTuple):
    """A sentence for a person: text, and the things that it names.

    A note shows what changes on its own, such as a time. Consent does not depend on notes.
    """

    parts: tuple[Name | str, ...]
    is_note: bool = False

    @property
    def text(self) -> str:
        """The sentence with whole names."""
        return "".join(map(str, self.parts))

    @property
    def in_short(self) -> str:
        """The sentence with names for small screens."""
        return "".join(it.in_short if isinstance(it, Name) else it for it in self.parts)

    @property
    def names(self) -> tuple[Name, ...]:
        """The things that it names."""
        return tuple(it for it in self.parts if isinstance(it, Name))


def sentence(template: str, *parts: Name | str) -> Sentence:
    """Fill in a template (`{}` for each part). Braces in a name are not read as fields."""
    first, *others = template.split("{}")
    filled: list[Name | str] = [first]
    for part, text in zip(parts, others, strict=True):
        filled += [part, text]
    return Sentence(tuple(it for it in filled if it))


def say(text: str) -> Sentence:
    """A sentence that names nothing whose id matters."""
    return Sentence((text,))


def note(text: str) -> Sentence:
    """A sentence that consent does not depend on."""
    return Sentence((text,), is_note=True)


def joined(items: Sequence[Sentence], *, between: str = ", ") -> Sentence:
    """Several as one: A, B, C."""
    parts = list[Name | str]()
    for index, it in enumerate(items):
        parts += [between, *it.parts] if index else it.parts
    return Sentence(tuple(parts), is_note=bool(items) and all(it.is_note for it in items))


def named(
    name: str,
    its_id: str = "",
    detail: str = "",
    short_detail: str = "",
    *,
    among: Looks | None = None,
    longest: int = TARGET_NAME,
) -> Name:
    """A thing by its name. It takes its id too where another one `among` these looks the same.

    `short_detail` is for small screens, if it is not the same.
    """
    text, short = _looks(name, longest)
    own_id, short_detail = its_id and word(its_id), short_detail or detail
    is_shared = is_shared_in_short = False
    if among is not None:
        is_shared, is_shared_in_short = among.are_shared(text, short, its_id=its_id)
    return Name(
        text,
        its_id,
        ", ".join(filter(None, (detail, own_id if is_shared else ""))),
        short,
        ", ".join(filter(None, (short_detail, own_id if is_shared_in_short else ""))),
        hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16] if "…" in text else "",
    )


def _looks(name: str, longest: int) -> tuple[str, str]:
    """A name in full and for small screens."""
    return quoted(name, longest=longest), in_columns(name)


def in_columns(name: str) -> str:
    """A name in quotes for small screens: cut in the middle to 32 columns."""
    return quote_within(name, columns=SHORT_NAME)


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


def word(text: str, *, whole: bool = False) -> str:
    """A state, kind of file or id: one plain word as it is, anything else in quotes.

    `whole` is for the caller's own text, which is never shortened.
    """
    if _ONE_WORD.fullmatch(text):
        return text
    return quoted_whole(text) if whole else quoted(text)


def platform(name: str | None, *, whole: bool = False) -> str:
    """A platform in its own spelling, or in quotes: it may be any word. `whole` as for `word`."""
    if name is None:
        return "an unknown platform"
    return known_platform(name) or (quoted_whole(name) if whole else quoted(name))


def known_platform(name: str | None) -> str:
    """A platform in its own spelling, if it is one that trax-mcp knows. Else empty."""
    return _PLATFORMS.get(name.lower(), "") if name and name.isascii() else ""


def source_type(name: str, *, whole: bool = False) -> str:
    """A type of sources that the contract names, or any other in quotes. `whole` as for `word`."""
    return name if name in _SOURCE_TYPES else (quoted_whole(name) if whole else quoted(name))


def platforms(names: Iterable[str | None], *, whole: bool = False) -> str:
    """Several platforms in a sentence, each once."""
    return listed(list(dict.fromkeys(platform(name, whole=whole) for name in names)))


def destination(it: Destination, *, among: Looks | None = None, longest: int = SHOWN_NAME) -> Name:
    """A destination by name, platform and picture format, and by its id if it has a namesake."""
    portrait = "portrait" if it.vertical else None
    in_full = platform(it.platform)
    is_short = it.platform is None or known_platform(it.platform)
    words = in_full, in_full if is_short else in_columns(it.platform or "")
    detail, short = (", ".join(filter(None, (word, portrait))) for word in words)
    return named(it.name, it.id, detail, short, among=among, longest=longest)


def source(it: Source, *, among: Looks | None = None, longest: int = SHOWN_NAME) -> Name:
    """A source by name and type, and by its id if it has a namesake."""
    kind = "" if it.type is None else source_type(it.type)
    return named(it.name, it.id, kind, among=among, longest=longest)


def studio(it: Studio | None, *, longest: int = SHOWN_NAME) -> Name | str:
    """A studio by name, or "the studio" where the name is unknown.

    On a small screen a name that would be cut takes its id, and both together its room: another
    studio may look the same there.
    """
    if it is None:
        return "the studio"
    name, its_id = named(it.name, it.id, longest=longest), word(it.id)
    if name.short == quoted(it.name, longest=longest):
        return name
    room = max(_LEAST_OF_A_NAME, SHORT_NAME - len(f" ({its_id})"))
    return name._replace(short=quote_within(it.name, columns=room), short_detail=its_id)


def connection(it: Connection, *, among: Looks | None = None, longest: int = SHOWN_NAME) -> Name:
    """A linked account by its display name, and by its id if it has a namesake."""
    return named(it.display_name, it.id, among=among, longest=longest)


def listed(items: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
