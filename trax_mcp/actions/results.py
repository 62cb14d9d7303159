"""The words for what a call has changed, with the values that TRaX answered. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from unicodedata import normalize

from pydantic import SecretStr

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import read_switch
from trax_mcp.studio import naming

ADDRESSES: Final = frozenset({"rtmpUrl", "url"})
"""The arguments that are addresses of streams. Their path may hold a key."""
_SWITCHES: Final = frozenset({"enabled", "active"})
_READABLE: Final = _SWITCHES | {"name", "platform", "vertical"}
_SETTINGS: Final = frozenset({"autoGoLive", "autoGoOfflineOnDrop"})
_STATES: Final = {
    "enabled": {True: "on", False: "off"},
    "active": {True: "on", False: "off"},
    "vertical": {True: "portrait", False: "landscape"},
    "autoGoLive": {True: "set to go live on its own", False: "set to wait for you"},
}
"""Switches, and what a thing is by them."""
_TEXTS: Final = frozenset({"name", "platform"})
_LEAST_CUT: Final = 20
"""A shorter beginning of a text is rather the one from before."""
_IDS: Final = frozenset({"studioId", "destId", "sourceId"})
_WORDS: Final = {
    "name": "its new name",
    "platform": "its platform",
    "rtmpUrl": "the address",
    "url": "the address",
    "streamKey": "the stream key",
    "vertical": "portrait video",
    "enabled": "on",
    "active": "on",
    "autoGoLive": "its setting for going live on its own",
    "autoGoOfflineOnDrop": "its setting for going offline if its input drops",
}
"""What a field of TRaX's is called in results."""


def as_asked(arguments: Mapping[str, object]) -> JsonObject:
    """What a response that leaves these fields out may be read as: reads will show them."""
    return {name: it for name, it in arguments.items() if name in _READABLE}


def changes_in_words(arguments: Mapping[str, object], response: JsonObject) -> str:
    """What these arguments have changed. No secret is repeated."""
    changes, hidden, switched = list[str](), list[str](), list[str]()
    for name, asked in _by_importance(arguments):
        if name in _SWITCHES and read_switch(response.get(name)) is asked:
            on = "on" if asked else "off"
            switched.append(f"it's {on}, and stays {on} for later shows.")
        elif name in response and not isinstance(asked, SecretStr):
            changes.append(_changed_to(name, response[name], asked))
        else:
            hidden.append(name)
            changes.append(_is_set(name, asked))
    again = not_shown_again(hidden, are_all=len(hidden) == len(changes))
    if not changes:
        return "".join(switched)
    later = "".join(f" I{it[1:]}" for it in switched)
    return f"{naming.listed(changes)}.{later}{again}"


def otherwise(arguments: Mapping[str, object], response: JsonObject) -> Sequence[str]:
    """What a response shows otherwise than was asked for, in words: "it is on, not ...".

    A text may be shown in another form, and a switch that cannot be read shows nothing.
    """
    told = list[str]()
    for name, asked in arguments.items():
        match asked, response.get(name):
            case bool(), value if name in _STATES and read_switch(value) is (not asked):
                shown, wanted = _STATES[name][not asked], _STATES[name][asked]
                told.append(f"it's {shown}, not {wanted} as asked")
            case str(), str(value) if name in _TEXTS and not _is_form_of(value, asked):
                told.append(f"its {name} is {_answered(value, asked)}")
    return told


def _is_form_of(shown: str, asked: str) -> bool:
    """Whether a text is what was asked for, perhaps in another case, trimmed or cut."""
    plain, wanted = (
        " ".join(normalize("NFKC", it).casefold().split()).rstrip(".…") for it in (shown, asked)
    )
    return plain == wanted or (len(plain) >= _LEAST_CUT and wanted.startswith(plain))


def switched_alone(arguments: Mapping[str, object], response: JsonObject) -> bool | None:
    """Whether a thing is on now, if nothing else of it was changed. Else None."""
    given = [it for it in arguments.items() if it[0] not in _IDS]
    match given:
        case [(str(name), bool() as asked)] if name in _SWITCHES:
            return asked if read_switch(response.get(name)) is asked else None
    return None


def whether_on(switch: object) -> str:
    """A part of a sentence: whether a thing is on, as far as it can be read."""
    match switch:
        case True:
            return "it's on"
        case False:
            return "it's off"
    return "whether it's on can't be read"


def _by_importance(arguments: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """All arguments but ids. Addresses come first, where no long text can hide them."""
    shown = [it for it in arguments.items() if it[0] not in _IDS]
    return sorted(shown, key=lambda it: it[0] not in ADDRESSES)


def _changed_to(name: str, value: object, asked: object) -> str:
    """The end of a sentence: what an argument has changed, with the value in TRaX's response."""
    if name == "vertical" and value is asked:
        return f"its video is {'portrait' if value else 'landscape'}"
    return f"{_WORDS.get(name, name)} is {_answered(value, asked)}"


def _is_set(name: str, asked: object) -> str:
    """The end of a sentence: an argument that was set, and that no response shows."""
    match name, asked:
        case "autoGoLive", bool():
            return f"it {'can now go' if asked else 'no longer goes'} live on its own"
        case "autoGoOfflineOnDrop", bool():
            return f"it {'goes offline' if asked else 'stays on air'} if its input drops"
        case _, bool():
            return f"{_WORDS.get(name, name)} is set to {str(asked).lower()}"
    return f"{_WORDS.get(name, name)} is set"


def _answered(value: object, asked: object) -> str:
    """A value in TRaX's response, and what was asked for if that is something else."""
    shown = _plain(value)
    return shown if value == asked else f"{shown}, though {_plain(asked)} was asked for"


def _plain(value: object) -> str:
    match value:
        case bool() | int() | float():
            return str(value).lower()
        case str():
            return naming.quoted(value)
    return "something else"


def not_shown_again(names: Sequence[str], *, are_all: bool = False) -> str:
    """The end of a sentence: the arguments of these names that no read will show."""
    if not names:
        return ""
    are_settings = _SETTINGS.issuperset(names)
    if are_settings and len(names) > 1:
        return " TRaX won't show these two settings again, so note them down."
    words = "this setting" if are_all else naming.listed([_WORDS.get(it, it) for it in names])
    return f" TRaX won't show {words} again{', so note it down' if are_settings else ''}."
