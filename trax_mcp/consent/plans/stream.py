"""Going live and going offline."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.consent.calls import STAY_ON_AIR
from trax_mcp.consent.plans.acts import Act, Rank, capitalized, go_live
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.preview import Row
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Fact, Observed, count
from trax_mcp.studio.naming import Name, Sentence, joined, note, say, sentence
from trax_mcp.studio.readiness import READINESS_FACTS, go_live_warnings

_UNSEEN: Final = "TRaX can't confirm that a picture arrives."
_NOT_STARTED: Final = "is on, but TRaX didn't list it as started"
END_IT: Final = "end it on TRaX's own site, or on the platforms"
_MAX_NAMED: Final = 20
"""The most destinations that a sentence names."""


class GoLivePlan(Plan[GoLive]):
    """Starts a broadcast."""

    reads = READINESS_FACTS

    @classmethod
    def puts_on_air(cls, _operation: GoLive) -> bool:
        return True

    def acts(self) -> Iterator[Act]:
        is_known = self.facts.all_reach_is_known
        words = go_live([it.platform for it in self.facts.enabled] if is_known else [])
        yield Act(
            rank=Rank.GO_LIVE,
            yes=capitalized(words),
            no="Don't go live",
            headline="Go live with {}",
            verb=words,
            lead="Anyone can watch.",
        )

    def lead(self) -> Sentences:
        yield from may_reach(self)
        yield from super().lead()

    def rows(self) -> Iterator[Row]:
        off = [it for it in self.facts.destinations.value or () if it.enabled is False]
        yield places(self, "Streams to", self.facts.enabled, short="To")
        yield stays_off(self, off)
        yield on_screen(self)

    def warnings(self) -> Sentences:
        yield from self.changed_earlier()
        yield from (it.what for it in go_live_warnings(self.facts))

    def done(self, answer: JsonObject, observed: Observed | None) -> Sentences:
        where = self._destinations(answer)
        match observed.state if observed else "unknown":
            case "on_air":
                yield note(f"{self._subject} {self._went_live(observed)}{where}. {_UNSEEN}")
            case "stopping":
                undone = ", so it was taken off the air again" if self.undone else ""
                began = f"The start of {self.studio} was accepted"
                yield note(f"{began}, but a stop came after it{undone}.")
            case "starting":
                unseen = f"{self.studio} hasn't been seen on air yet"
                yield note(f"TRaX accepted the start{where}, but {unseen}.")
            case _:
                unseen = f"it couldn't be seen whether {self.studio} is on air"
                yield note(f"TRaX accepted the start{where}, but {unseen}.")
        if self.undone is False:
            yield say("A stop came after it, but the show couldn't be taken off the air.")

    def warnings_after(self, answer: JsonObject) -> Sentences:
        ids = _ids(answer)
        missing = [
            it for it in self.facts.enabled if it.id and ids is not None and it.id not in ids
        ]
        for it in missing[:_MAX_NAMED]:
            yield sentence(f"{{}} {_NOT_STARTED}: check there.", self.destination(it))
        if (more := len(missing) - _MAX_NAMED) > 0:
            yield say(f"{more} more: each {_NOT_STARTED}.")

    def next_step(self, observed: Observed | None) -> str:
        if self.undone is False:
            return "If the user still wants it off air, call go_offline."
        match observed.state if observed else "unknown":
            case "on_air":
                return ""
            case "stopping":
                return "Look with check_studio."
        return self.operation.look

    def _went_live(self, observed: Observed | None) -> str:
        """The verb of a sentence: "went live at 18:00:03 UTC", or "is on air"."""
        time = observed.since if observed else None
        moment = times.parse(time)
        if moment is None:
            return f"is on air{times.since(time, self.now)}"
        return f"went live at {times.at(moment, self.now)}"

    @property
    def _subject(self) -> Name | str:
        return _subject(self)

    def _destinations(self, answer: JsonObject) -> str:
        """The end of a sentence: the destinations that TRaX names in its answer.

        Only that they are switched on is known, and not whether a picture arrives there.
        """
        ids = _ids(answer)
        if ids is None:
            return ""
        names = list(self._names(ids))
        return f", on {_first(names) or 'no destination'}"

    def _names(self, ids: list[str]) -> Iterator[str]:
        known = {it.id: it for it in self.facts.destinations.value or ()}
        for it in dict.fromkeys(ids):
            if it in known:
                yield f"{naming.platform(known[it].platform)} ({naming.quoted(known[it].name)})"
            else:
                yield f"the destination {naming.quoted(it)}"


class GoOfflinePlan(Plan[GoOffline]):
    """Ends a broadcast."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS)

    def acts(self) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Go offline",
            no=STAY_ON_AIR,
            headline="Take {} off air",
            verb="go offline",
            lead="The show ends for all viewers.",
        )

    def lead(self) -> Sentences:
        yield from super().lead()
        if self.facts.live:
            yield note(f"It {times.on_air(self.facts.since, self.now)}.")
        if self.facts.live is False:
            yield say(
                "It doesn't seem to be on air. If a start is under way, it's told to stop too."
            )

    def rows(self) -> Iterator[Row]:
        if self.facts.live:
            yield places(self, "Streams to", self.facts.enabled, short="To")

    def warnings(self) -> Sentences:
        if self.facts.auto_go_live:
            yield sentence(
                "{} can go live again on its own: that was turned on here.", self._subject
            )

    def done(self, _answer: JsonObject, observed: Observed | None) -> Sentences:
        match observed.state if observed else "unknown":
            case "off_air" if self.was_off:
                yield sentence("{} is off air already.", self._subject)
            case "off_air":
                yield sentence("{} is off air.", self._subject)
            case "stopping":
                comes = f"a start may still come. If it goes on air after all, {END_IT}."
                yield sentence(f"{{}} is off air now, but {comes}", self._subject)
            case _:
                unread = "TRaX accepted the stop, but the status couldn't be read."
                yield sentence(f"{{}} may still be on air: {unread}", self._subject)
                yield say(f"If it's on air, {END_IT}.")

    def warnings_after(self, _answer: JsonObject) -> Sentences:
        if self.facts.auto_go_live:
            yield sentence("{} can go live again on its own.", self._subject)

    def next_step(self, observed: Observed | None) -> str:
        state = observed.state if observed else "unknown"
        if state == "stopping":
            return "Look with check_studio in a minute; if it is on air, call go_offline again."
        if state != "off_air":
            return self.operation.look
        if self.facts.auto_go_live:
            off = "turn its `autoGoLive` off with update_studio"
            return f"If the user wants it to stay off air, {off}."
        return ""

    @property
    def _subject(self) -> Name | str:
        return _subject(self)


def _ids(answer: JsonObject) -> list[str] | None:
    """The destinations that TRaX names in its answer to a go-live. None if it names none so."""
    ids = answer.get("destinationIds")
    if not isinstance(ids, list):
        return None
    are_ids = all(isinstance(it, str | int) and not isinstance(it, bool) for it in ids)
    return [str(it) for it in ids] if are_ids else None


def _subject(plan: Plan[Any]) -> Name | str:
    """The show by name, to begin a sentence."""
    return plan.studio if plan.facts.studio.value else "The show"


def may_reach(plan: Plan[Any]) -> Sentences:
    """What a show may reach although nobody can see it. It stands first in a question."""
    read, unclear = plan.facts.destinations, plan.facts.perhaps_enabled
    if read.is_null and not read.value:
        yield say("TRaX sent no list of destinations: the show may go out anyway.")
    elif read.is_null or (read.missing and read.value is not None):
        yield say("Not all destinations could be read: the show may go out to others too.")
    if read.unreadable:
        number = count(read.unreadable, "destinations")
        yield say(f"{number} can't be read: the show may go out there too.")
    if unclear:
        names = joined(places(plan, "", unclear).items)
        are = "is" if len(unclear) == 1 else "are"
        end = say(f" {are} on can't be read: the show may go out there too.")
        yield joined([say("Whether "), names, end], between="")


def places(plan: Plan[Any], label: str, found: Iterable[Destination], *, short: str = "") -> Row:
    """A row of destinations, in the same order each time: TRaX promises none."""
    ordered = sorted(found, key=lambda it: (it.name, it.id))
    return Row(label, tuple(Sentence((plan.destination(it),)) for it in ordered), short)


def stays_off(plan: Plan[Any], off: Iterable[Destination]) -> Row:
    """A row of the destinations that are off already."""
    return places(plan, "Stays off", off, short="Off")._replace(is_muted=True)


def on_screen(plan: Plan[Any]) -> Row:
    """A row of the sources that are on, in the same order each time."""
    ordered = sorted(plan.facts.active, key=lambda it: (it.name, it.id))
    names = tuple(Sentence((plan.source_name(it),)) for it in ordered)
    return Row("May be on screen", names, "On screen")


def _first(names: list[str]) -> str:
    """The first of these names, and how many more there are."""
    more = len(names) - _MAX_NAMED
    return naming.listed([*names[:_MAX_NAMED], *([f"{more} more"] if more > 0 else [])])
