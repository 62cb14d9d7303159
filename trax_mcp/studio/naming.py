"""How things are named when a person is asked.

Names come from upstream and are other people's words: quoted, on one line, 80 characters at most,
with nothing invisible. The room knows no operation.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trax_mcp.api.models import Destination, Source
from trax_mcp.api.text_safety import quote
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.target import Target

LONGEST_NAME: Final = 80
_PLATFORMS: Mapping[str, str] = {
    "youtube": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "facebook": "Facebook",
}


def quoted(words: str, *, longest: int = LONGEST_NAME) -> str:
    """Other people's words, in quotes."""
    return quote(words, longest=longest)


def own(words: str) -> str:
    """The caller's own words, in quotes and whole: nobody agrees to what they were not shown."""
    return quote(words, longest=len(words))


def plain(words: str) -> str:
    """Other people's words without quotes, for where they stand by themselves."""
    return quoted(words)[1:-1]


def platform(name: str) -> str:
    """A platform as it writes itself, where we know."""
    return _PLATFORMS.get(name.lower(), plain(name))


def platforms(names: Iterable[str]) -> str:
    """Several platforms, each once."""
    return listed(list(dict.fromkeys(map(platform, names))))


def destination(it: Destination) -> str:
    """A destination by name and platform."""
    return f"{quoted(it.name)} ({platform(it.platform)})"


def source(it: Source) -> str:
    """A source by name and type."""
    return f"{quoted(it.name)} ({plain(it.type)})"


def studio(facts: Facts) -> str:
    """The studio by name, as far as it is known."""
    return "the studio" if facts.studio is None else quoted(facts.studio.name)


def target(it: Target) -> str:
    """The thing that would change, by name, or by id where its name is not known."""
    return quoted(it.name or it.id)


def listed(words: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
