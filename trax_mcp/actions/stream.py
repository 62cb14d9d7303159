"""Going live and going offline."""

from collections.abc import Iterable, Iterator
from typing import Final

from trax_mcp.actions.acts import Act, Rank, capitalized, go_live
from trax_mcp.actions.change import Change
from trax_mcp.actions.view import Row, Sentences, View
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination, Model
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import GetStreamStatus, GetStudio, ListDestinations
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import count
from trax_mcp.studio.naming import Sentence, joined, note, say, sentence
from trax_mcp.studio.readiness import READINESS_READS, go_live_warnings

STAY_ON_AIR: Final = "Stay on air"
"""The choice that refuses a stop. The same for every stop, so judging one needs no question."""

_UNSEEN: Final = "TRaX can't confirm that a picture arrives."
_NOT_STARTED: Final = "is on, but TRaX didn't list it as started"
END_IT: Final = "end it on TRaX's own site or on the platforms"
_MAX_NAMED: Final = 20
"""The most destinations that a sentence names."""


class GoLive(
    Change[Model],
    endpoint="POST /v1/studios/{id}/go-live",
    effect=Effect.GUARDED,
    several=True,
    shown_by=GetStreamStatus,
    broadcast="start",
    look="Check with check_studio in a minute. If it's off air then, ask the user again.",
    hint=(
        "Streams to every enabled destination, for anyone to watch. For only some, use"
        " apply_changes to turn the others off first; they stay off. Only `observed` proves that"
        " it's on air."
    ),
):
    studio_id: arguments.Id

    reads = READINESS_READS

    @property
    def puts_on_air(self) -> bool:
        return True

    def acts(self, view: View) -> Iterator[Act]:
        is_known = view.facts.all_reach_is_known
        words = go_live([it.platform for it in view.facts.enabled] if is_known else [])
        yield Act(
            rank=Rank.GO_LIVE,
            yes=capitalized(words),
            no="Don't go live",
            headline="Go live with {}",
            verb=words,
            lead="Anyone can watch.",
        )

    def lead(self, view: View) -> Sentences:
        yield from may_reach(view)
        yield from super().lead(view)

    def rows(self, view: View) -> Iterator[Row]:
        off = [it for it in view.facts[ListDestinations].value or () if it.enabled is False]
        yield places(view, "Streams to", view.facts.enabled, short="To")
        yield stays_off(view, off)
        yield on_screen(view)

    def warnings(self, view: View) -> Sentences:
        yield from (it.what for it in go_live_warnings(view.facts))

    def done(self, view: View, response: JsonObject) -> Sentences:
        where = _destinations(view, response)
        match view.state:
            case "on_air":
                yield note(f"{view.studio_or('The show')} {_went_live(view)}{where}. {_UNSEEN}")
            case "stopping":
                undone = ", so it was taken off air again" if view.undone else ""
                began = f"The start of {view.studio} was accepted"
                yield note(f"{began}, but then a request to go offline came{undone}.")
            case "starting":
                unseen = f"{view.studio} hasn't been seen on air yet"
                yield note(f"TRaX accepted the start{where}, but {unseen}.")
            case _:
                unseen = f"trax-mcp couldn't tell whether {view.studio} is on air"
                yield note(f"TRaX accepted the start{where}, but {unseen}.")
        if view.undone is False:
            yield say("Then a request to go offline came, but the show couldn't be taken off air.")

    def warnings_after(self, view: View, response: JsonObject) -> Sentences:
        ids = _ids(response)
        missing = [
            it for it in view.facts.enabled if it.id and ids is not None and it.id not in ids
        ]
        for it in missing[:_MAX_NAMED]:
            yield sentence(f"{{}} {_NOT_STARTED}: check there.", view.destination(it))
        if (more := len(missing) - _MAX_NAMED) > 0:
            yield say(f"{more} more: each {_NOT_STARTED}.")

    def next_step(self, view: View) -> str:
        if view.undone is False:
            return "If the user still wants it off air, call go_offline."
        match view.state:
            case "on_air":
                return ""
            case "stopping":
                return "Check with check_studio."
        return self.look


class GoOffline(
    Change[Model],
    endpoint="POST /v1/studios/{id}/go-offline",
    effect=Effect.GUARDED,
    shown_by=GetStreamStatus,
    broadcast="stop",
    look="Check get_stream_status and the platforms. Sending go_offline again is safe.",
    hint="Ends the show for all viewers. Only `observed.state: off_air` proves it.",
):
    studio_id: arguments.Id

    reads = (GetStudio, GetStreamStatus, ListDestinations)

    def acts(self, view: View) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Go offline",
            no=STAY_ON_AIR,
            headline="Take {} off air",
            verb="go offline",
            lead="The show ends for all viewers.",
        )

    def lead(self, view: View) -> Sentences:
        yield from super().lead(view)
        if view.facts.live:
            yield note(f"It {times.on_air(view.facts.since, view.now)}.")
        if view.facts.live is False:
            yield say("It doesn't seem to be on air. If it's just starting, that's stopped too.")

    def rows(self, view: View) -> Iterator[Row]:
        if view.facts.live:
            yield places(view, "Streams to", view.facts.enabled, short="To")

    def warnings(self, view: View) -> Sentences:
        if view.facts.auto_go_live:
            again = "{} can go live again on its own: that was turned on here."
            yield sentence(again, view.studio_or("The show"))

    def done(self, view: View, _response: JsonObject) -> Sentences:
        subject = view.studio_or("The show")
        match view.state:
            case "off_air" if view.was_off:
                yield sentence("{} is off air already.", subject)
            case "off_air":
                yield sentence("{} is off air.", subject)
            case "stopping":
                comes = f"a start may still come. If it goes on air after all, {END_IT}."
                yield sentence(f"{{}} is off air now, but {comes}", subject)
            case _:
                unread = "TRaX accepted the request to go offline, but the status couldn't be read."
                yield sentence(f"{{}} may still be on air: {unread}", subject)
                yield say(f"If it's on air, {END_IT}.")

    def warnings_after(self, view: View, _response: JsonObject) -> Sentences:
        if view.facts.auto_go_live:
            yield sentence("{} can go live again on its own.", view.studio_or("The show"))

    def next_step(self, view: View) -> str:
        state = view.state
        if state == "stopping":
            return "Check with check_studio in a minute. If it's on air, call go_offline again."
        if state != "off_air":
            return self.look
        if view.facts.auto_go_live:
            off = "turn its `autoGoLive` off with update_studio"
            return f"If the user wants it to stay off air, {off}."
        return ""


def _went_live(view: View) -> str:
    """The verb of a sentence: "went live at 18:00:03 UTC", or "is on air"."""
    time = view.observed.since if view.observed else None
    moment = times.parse(time)
    if moment is None:
        return f"is on air{times.since(time, view.now)}"
    return f"went live at {times.at(moment, view.now)}"


def _destinations(view: View, response: JsonObject) -> str:
    """The end of a sentence: the destinations that TRaX names in its response.

    Only that they are switched on is known, and not whether a picture arrives there.
    """
    ids = _ids(response)
    if ids is None:
        return ""
    names = list(_names(view, ids))
    return f", on {_first(names) or 'no destination'}"


def _names(view: View, ids: list[str]) -> Iterator[str]:
    known = {it.id: it for it in view.facts[ListDestinations].value or ()}
    for it in dict.fromkeys(ids):
        if it in known:
            yield f"{naming.platform(known[it].platform)} ({naming.quoted(known[it].name)})"
        else:
            yield f"the destination {naming.quoted(it)}"


def _ids(response: JsonObject) -> list[str] | None:
    """The destinations that TRaX names in its response to a go-live. None if it names none so."""
    ids = response.get("destinationIds")
    if not isinstance(ids, list):
        return None
    are_ids = all(isinstance(it, str | int) and not isinstance(it, bool) for it in ids)
    return [str(it) for it in ids] if are_ids else None


def may_reach(view: View) -> Sentences:
    """What a show may reach although nobody can see it. It stands first in a question."""
    read, unclear = view.facts[ListDestinations], view.facts.perhaps_enabled
    if read.is_null and not read.value:
        yield say("TRaX sent no list of destinations: the show may stream anyway.")
    elif read.is_null or (read.missing and read.value is not None):
        yield say("Not all destinations could be read: the show may stream to others too.")
    if read.unreadable:
        number = count(read.unreadable, "destinations")
        yield say(f"{number} can't be read: the show may stream there too.")
    if unclear:
        names = joined(places(view, "", unclear).items)
        are = "is" if len(unclear) == 1 else "are"
        end = say(f" {are} on can't be read: the show may stream there too.")
        yield joined([say("Whether "), names, end], between="")


def places(view: View, label: str, found: Iterable[Destination], *, short: str = "") -> Row:
    """A row of destinations, in the same order each time: TRaX promises none."""
    ordered = sorted(found, key=lambda it: (it.name, it.id))
    return Row(label, tuple(Sentence((view.destination(it),)) for it in ordered), short)


def stays_off(view: View, off: Iterable[Destination]) -> Row:
    """A row of the destinations that are off already."""
    return places(view, "Stays off", off, short="Off")._replace(is_muted=True)


def on_screen(view: View) -> Row:
    """A row of the sources that are on, in the same order each time."""
    ordered = sorted(view.facts.active, key=lambda it: (it.name, it.id))
    names = tuple(Sentence((view.source_name(it),)) for it in ordered)
    return Row("May be on screen", names, "On screen")


def _first(names: list[str]) -> str:
    """The first of these names, and how many more there are."""
    more = len(names) - _MAX_NAMED
    return naming.listed([*names[:_MAX_NAMED], *([f"{more} more"] if more > 0 else [])])
