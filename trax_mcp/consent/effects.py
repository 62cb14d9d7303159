"""What each guarded operation would do, in words, given the facts.

Pure. A table by operation: what happens, what to beware of, and the act in a few words for a person
to choose. What is said is known; what could not be looked up is not claimed.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.readiness import beware_of
from trax_mcp.studio.target import Target

_IDS = frozenset({"studioId", "destId", "sourceId"})

Lines = Iterator[str]
InWords = Callable[[Any, Facts, Target], Lines]


def _go_live(_it: GoLive, facts: Facts, target: Target) -> Lines:
    yield f"Starts a broadcast of {naming.target(target)} that anyone can watch."
    yield from (f"Goes out on {naming.destination(it)}." for it in facts.enabled)
    yield from (f"Can be on screen: {naming.source(it)}." for it in facts.active)


def _go_offline(_it: GoOffline, facts: Facts, target: Target) -> Lines:
    yield f"Ends the broadcast of {naming.target(target)} for all viewers."
    if facts.live:
        yield f"It is on air{f' since {facts.since}' if facts.since else ''}."
        yield from (f"Leaves {naming.destination(it)}." for it in facts.enabled)
    if facts.live is False:
        yield "It does not seem to be on air: a start that is under way is stopped too."


def _delete_destination(_it: DeleteDestination, facts: Facts, target: Target) -> Lines:
    yield f"Removes the destination {naming.target(target)} from {naming.studio(facts)}."
    yield "Its stream key is lost: it can only be entered anew."
    yield from _on_air(facts, "Viewers there may lose the stream at once.")


def _delete_source(_it: DeleteSource, facts: Facts, target: Target) -> Lines:
    yield f"Removes the source {naming.target(target)} from {naming.studio(facts)}."
    yield from _on_air(facts, "It may vanish from the picture at once.")


def _unlink(_it: UnlinkConnection, _facts: Facts, target: Target) -> Lines:
    yield f"Unlinks the account {naming.target(target)} from TRaX."
    yield "Only a person can link it again, on TRaX."


def _update_studio(it: UpdateStudio, facts: Facts, target: Target) -> Lines:
    yield from _change(it, facts, target)
    if it.auto_go_live:
        yield "From then on the studio can go on air by itself, without another yes."
        yield from (f"It would go out on {naming.destination(place)}." for place in facts.enabled)


def _update_destination(it: UpdateDestination, facts: Facts, target: Target) -> Lines:
    yield from _change(it, facts, target)
    given = {"rtmpUrl": it.rtmp_url, "streamKey": it.stream_key, "platform": it.platform}
    if lost := [name for name, value in given.items() if value is not None]:
        yield f"What was there as {naming.listed(lost)} is overwritten."
    yield from _on_air(facts, "Viewers may see the change at once.")


def _update_source(it: UpdateSource, facts: Facts, target: Target) -> Lines:
    yield from _change(it, facts, target)
    yield from _on_air(facts, "Viewers may see the change at once.")


def _create_destination(it: CreateDestination, facts: Facts, _target: Target) -> Lines:
    where = naming.platform(it.platform)
    yield f"Adds the destination {naming.own(it.name)} ({where}) to {naming.studio(facts)}."
    yield from _rest(it, "name", "platform")
    yield from _on_air(facts, "The stream may go out there at once.")


def _create_source(it: CreateSource, facts: Facts, _target: Target) -> Lines:
    what = naming.plain(it.type)
    yield f"Adds the source {naming.own(it.name)} ({what}) to {naming.studio(facts)}."
    yield from _rest(it, "name", "type")
    yield from _on_air(facts, "Viewers may see it at once.")


def _send_chat(it: SendChatMessage, facts: Facts, _target: Target) -> Lines:
    said = naming.own(it.text)
    where = f" on {naming.platforms(it.platforms)}" if it.platforms else ""
    yield f"Says in the public chat of {naming.studio(facts)}{where}: {said}."


def _create_studio(it: CreateStudio, _facts: Facts, _target: Target) -> Lines:
    yield f"Creates the studio {naming.own(it.name)}."
    yield "No tool deletes it again."


def _create_upload(it: CreateMediaUpload, _facts: Facts, _target: Target) -> Lines:
    what = f"{naming.plain(it.content_type)}, {it.byte_size} bytes"
    yield f"Reserves room in the media library for the file {naming.own(it.filename)} ({what})."
    yield from _rest(it, "filename", "contentType", "byteSize")


def _change(it: Operation[Model], _facts: Facts, target: Target) -> Lines:
    for name, value in it.given().items():
        if name not in _IDS:
            yield f"Sets {name} of {naming.target(target)} to {_value(value)}."


def _rest(it: Operation[Model], *told: str) -> Lines:
    """The other arguments: nobody agrees to what they were not shown."""
    for name, value in it.given().items():
        if name not in _IDS and name not in told:
            yield f"Sets its {name} to {_value(value)}."


def _value(value: object) -> str:
    match value:
        case bool() | int():
            return str(value).lower()
        case SecretStr():
            return "what you gave"
        case _:
            return naming.own(str(value))


def _on_air(facts: Facts, consequence: str) -> Lines:
    if facts.live is not False:
        yield f"The studio {'is' if facts.live else 'may be'} on air. {consequence}"


def _beware_live(_it: GoLive, facts: Facts, _target: Target) -> Lines:
    yield from (it.what for it in beware_of(facts))


def _beware_unlink(_it: UnlinkConnection, facts: Facts, target: Target) -> Lines:
    for place in facts.around:
        for it in place.enabled:
            if it.platform == target.platform:
                on_air = ", which is on air" if place.live else ""
                what = f"{naming.destination(it)} in {naming.studio(place)}{on_air}"
                yield f"{what} may stop working."


EFFECTS: Mapping[type[Operation[Model]], InWords] = {
    GoLive: _go_live,
    GoOffline: _go_offline,
    DeleteDestination: _delete_destination,
    DeleteSource: _delete_source,
    UnlinkConnection: _unlink,
    UpdateStudio: _update_studio,
    UpdateDestination: _update_destination,
    UpdateSource: _update_source,
    CreateDestination: _create_destination,
    CreateSource: _create_source,
    SendChatMessage: _send_chat,
    CreateStudio: _create_studio,
    CreateMediaUpload: _create_upload,
}
"""What would happen; what stands in no row is told by its arguments."""

WARNINGS: Mapping[type[Operation[Model]], InWords] = {
    GoLive: _beware_live,
    UnlinkConnection: _beware_unlink,
}

CHOICES: Mapping[type[Operation[Model]], str] = {
    GoLive: "Take {name} live{where}",
    GoOffline: "Take {name} offline",
    DeleteDestination: "Delete {name}",
    DeleteSource: "Delete {name}",
    UnlinkConnection: "Unlink {name}",
    CreateDestination: "Add it to {name}",
    CreateSource: "Add it to {name}",
    SendChatMessage: "Send it to the chat of {name}",
    CreateStudio: "Create it",
    CreateMediaUpload: "Reserve it",
}
"""The act in a few words; "Change ..." for what stands in no row."""


def effects(operation: Operation[Model], facts: Facts, target: Target) -> tuple[str, ...]:
    """What would happen, a sentence each."""
    return tuple(EFFECTS.get(type(operation), _change)(operation, facts, target))


def warnings(operation: Operation[Model], facts: Facts, target: Target) -> tuple[str, ...]:
    """What to beware of, a sentence each."""
    beware = WARNINGS.get(type(operation))
    return tuple(beware(operation, facts, target)) if beware else ()


def choice(operation: Operation[Model], facts: Facts, target: Target) -> str:
    """The act in a few words."""
    where = naming.platforms(it.platform for it in facts.enabled)
    name = naming.plain(target.name or target.id)
    # Formatted once: what names hold in braces is only a name.
    return CHOICES.get(type(operation), "Change {name}").format(
        name=name, where=f" on {where}" if where else ""
    )
